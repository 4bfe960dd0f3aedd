import Kernel
import Shell

/// What `find` asks of a file: tests and actions, joined by and, or, not.
indirect enum FindTest {
    case and(FindTest, FindTest)
    case or(FindTest, FindTest)
    case not(FindTest)
    case test(@Sendable (FindFile) throws(SysError) -> Bool)
    case action(FindAction)
}

/// A file on the way, as the tests see it.
struct FindFile: Sendable {
    let path: String
    let dir: Dir
    let depth: Int
}

/// What is done with a file; where the expression has none, its path is printed.
enum FindAction {
    case print(ending: UInt8)
    case prune, delete, quit
    case list
    case exec([String], batch: Int?)
}

/// Reads the expression behind `find`'s paths. Depth is bounded: nested parentheses recurse.
struct FindParser {
    private let p: Proc
    private var words: ArraySlice<String>
    private var depth = 0
    private(set) var batches: [[String]] = []
    private(set) var hasAction = false
    private(set) var deletes = false
    private(set) var minDepth = 0
    private(set) var maxDepth = Int.max
    private(set) var depthFirst = false

    private static let depthLimit = 100

    init(_ p: Proc, _ words: ArraySlice<String>) {
        self.p = p
        self.words = words
    }

    mutating func parse() throws(SysError) -> FindTest {
        guard !words.isEmpty else { return .test { _ in true } }
        let test = try either()
        if let word = words.first { throw SysError("'\(word)' is not expected here") }
        return test
    }

    private mutating func either() throws(SysError) -> FindTest {
        var left = try both()
        while words.first == "-o" || words.first == "-or" {
            words.removeFirst()
            left = .or(left, try both())
        }
        return left
    }

    private mutating func both() throws(SysError) -> FindTest {
        var left = try one()
        while let word = words.first, word != "-o", word != "-or", word != ")" {
            if word == "-a" || word == "-and" { words.removeFirst() }
            left = .and(left, try one())
        }
        return left
    }

    private mutating func one() throws(SysError) -> FindTest {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw SysError("expression too deep") }
        guard let word = words.popFirst() else { throw SysError("an expression is expected at the end") }
        switch word {
        case "!", "-not": return .not(try one())
        case "(":
            let inner = try either()
            guard words.popFirst() == ")" else { throw SysError("'(' is not closed") }
            return inner
        default: return try primary(word)
        }
    }

    private mutating func value(_ word: String) throws(SysError) -> String {
        guard let value = words.popFirst() else { throw SysError("\(word) takes a value") }
        return value
    }

    private mutating func primary(_ word: String) throws(SysError) -> FindTest {
        switch word {
        case "-name", "-iname", "-path", "-ipath", "-wholename":
            let folds = word.hasPrefix("-i")
            let text = try value(word)
            let pattern = Pattern(folds ? text.lowercased() : text)
            let byPath = word != "-name" && word != "-iname"
            return .test { (f) throws(SysError) in
                let name = byPath ? f.path : lastName(f.path)
                return try pattern.matches(folds ? name.lowercased() : name)
            }
        case "-type":
            let kinds = try value(word).split(separator: ",")
            for k in kinds where !"fdlpsbc".contains(k) || k.count != 1 { throw SysError("-type \(k): no such type") }
            return .test { f in kinds.contains { Self.kind(f.dir) == $0.first } }
        case "-empty":
            return .test { [p] (f) throws(SysError) in
                f.dir.isDirectory ? try p.entries(of: f.path).isEmpty : f.dir.length == 0
            }
        case "-size": return try size(try value(word))
        case "-links": return try amount(word) { Int64($0.dir.links) }
        case "-mtime", "-atime", "-ctime": return try age(word, unit: 86400)
        case "-mmin", "-amin", "-cmin": return try age(word, unit: 60)
        case "-newer":
            let limit = try p.stat(try value(word)).modified
            return .test { $0.dir.modified > limit }
        case "-user":
            let name = try value(word)
            return .test { $0.dir.owner == name || String($0.dir.ownerID) == name }
        case "-group":
            let name = try value(word)
            return .test { $0.dir.group == name || String($0.dir.groupID) == name }
        case "-perm": return try permissions(try value(word))
        case "-true": return .test { _ in true }
        case "-false": return .test { _ in false }
        case "-maxdepth", "-mindepth":
            guard let n = Int(try value(word)), n >= 0 else { throw SysError("\(word): bad number") }
            if word == "-maxdepth" { maxDepth = n } else { minDepth = n }
            return .test { _ in true }
        case "-depth":
            depthFirst = true
            return .test { _ in true }
        case "-prune": return .action(.prune)
        default: return try action(word)
        }
    }

    private mutating func action(_ word: String) throws(SysError) -> FindTest {
        switch word {
        case "-print":
            hasAction = true
            return .action(.print(ending: UInt8(ascii: "\n")))
        case "-print0":
            hasAction = true
            return .action(.print(ending: 0))
        case "-ls":
            hasAction = true
            return .action(.list)
        case "-quit": return .action(.quit)
        case "-delete":
            hasAction = true
            depthFirst = true
            return .action(.delete)
        case "-exec":
            hasAction = true
            var command: [String] = []
            while true {
                guard let next = words.popFirst() else { throw SysError("-exec: ';' or '{} +' is missing") }
                if next == ";" { break }
                if next == "+", command.last == "{}" {
                    batches.append(Array(command.dropLast()))
                    guard command.count > 1 else { throw SysError("-exec takes a command") }
                    return .action(.exec(Array(command.dropLast()), batch: batches.count - 1))
                }
                command.append(next)
            }
            guard !command.isEmpty else { throw SysError("-exec takes a command") }
            return .action(.exec(command, batch: nil))
        default: throw SysError("'\(word)': no such test or action")
        }
    }

    /// `n` exactly, `+n` more, `-n` less.
    private func relation(_ text: String) throws(SysError) -> @Sendable (Int64) -> Bool {
        let digits = text.drop { $0 == "+" || $0 == "-" }
        guard let n = Int64(digits), text.count - digits.count <= 1 else { throw SysError("bad number '\(text)'") }
        return switch text.first {
        case "+": { $0 > n }
        case "-": { $0 < n }
        default: { $0 == n }
        }
    }

    private mutating func amount(
        _ word: String, _ of: @escaping @Sendable (FindFile) -> Int64
    ) throws(SysError) -> FindTest {
        let isRight = try relation(try value(word))
        return .test { isRight(of($0)) }
    }

    private func size(_ text: String) throws(SysError) -> FindTest {
        let units: [Character: UInt64] = ["c": 1, "w": 2, "b": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = text.last.flatMap { units[$0] }
        let isRight = try relation(unit == nil ? text : String(text.dropLast()))
        let size = unit ?? 512
        return .test { isRight(Int64(clamping: $0.dir.length / size + ($0.dir.length % size == 0 ? 0 : 1))) }
    }

    private mutating func age(_ word: String, unit: Int64) throws(SysError) -> FindTest {
        let isRight = try relation(try value(word))
        let now = p.caller.clock.now()
        let which = word.dropFirst().first
        return .test { f in
            let time = which == "m" ? f.dir.modified : which == "a" ? f.dir.accessed : f.dir.changed
            let (gone, overflow) = now.subtractingReportingOverflow(time)
            return !overflow && isRight(gone / 1_000_000_000 / unit)
        }
    }

    private func permissions(_ text: String) throws(SysError) -> FindTest {
        let sign = text.first
        guard let bits = UInt32(text.drop { $0 == "-" || $0 == "/" }, radix: 8), bits <= 0o7777 else {
            throw SysError("-perm \(text): not an octal number")
        }
        return .test { f in
            let has = f.dir.mode.permissions
            switch sign {
            case "-": return has & bits == bits
            case "/": return bits == 0 || has & bits != 0
            default: return has == bits
            }
        }
    }

    private static func kind(_ dir: Dir) -> Character {
        if dir.isDirectory { return "d" }
        if dir.qid.isSymlink { return "l" }
        if dir.mode.contains(.namedPipe) { return "p" }
        if dir.mode.contains(.socket) { return "s" }
        return dir.mode.contains(.device) ? "c" : "f"
    }
}
