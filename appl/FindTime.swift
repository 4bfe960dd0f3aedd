import Applib
import Kernel

/// The tests of `find` that ask when: `-mtime` and its kin, `-newer` and its.
struct FindTime {
    private let p: Proc
    private let now: Int64

    init(_ p: Proc) {
        self.p = p
        now = p.caller.clock.now()
    }

    /// The test that `word` is, if it is one of these; `value` gives the word behind it.
    func test(_ word: String, _ value: (String) throws(SysError) -> String) throws(SysError) -> FindTest? {
        switch word {
        case "-mtime", "-atime", "-ctime", "-mmin", "-amin", "-cmin":
            return try age(word, try value(word), unit: word.hasSuffix("min") ? 60 : 86400)
        case "-newer", "-anewer", "-cnewer":
            return try newer(word == "-newer" ? "m" : word.dropFirst().first ?? "m", "m", try value(word))
        default:
            let letters = Array(word.dropFirst("-newer".count))
            guard word.hasPrefix("-newer"), letters.count == 2, "acm".contains(letters[0]), "acmt".contains(letters[1])
            else { return nil }
            return try newer(letters[0], letters[1], try value(word))
        }
    }

    private func age(_ word: String, _ text: String, unit: Int64) throws(SysError) -> FindTest {
        let isRight = try Self.relation(text)
        let which = word.dropFirst().first ?? "m"
        return .test { [now] f in
            // Between two times of 64 bits are up to 65 bits of nanoseconds.
            let gone = (Int128(now) - Int128(Self.time(f.dir, which))) / 1_000_000_000
            return isRight(Int64(gone).dividedDown(by: unit))
        }
    }

    /// Whether the time `a` of a file is after the time `b` of the file `text`, or after the date that `text` is.
    private func newer(_ a: Character, _ b: Character, _ text: String) throws(SysError) -> FindTest {
        let limit =
            b == "t" ? try When.read(text, now: now, in: Zone(of: p)) : Self.time(try p.stat(text), b)
        return .test { Self.time($0.dir, a) > limit }
    }

    private static func time(_ dir: Dir, _ which: Character) -> Int64 {
        which == "m" ? dir.modified : which == "a" ? dir.accessed : dir.changed
    }

    /// `n` exactly, `+n` more, `-n` less.
    static func relation(_ text: String) throws(SysError) -> (Int64) -> Bool {
        let digits = text.drop { $0 == "+" || $0 == "-" }
        guard let n = Int64(digits), text.count - digits.count <= 1 else { throw SysError("bad number '\(text)'") }
        return switch text.first {
        case "+": { $0 > n }
        case "-": { $0 < n }
        default: { $0 == n }
        }
    }
}
