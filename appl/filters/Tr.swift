import Applib
import Kernel

/// Translates, deletes and squeezes characters.
struct Tr: Command {
    static let usage: Usage = """
        tr [-Ccdst] set1 [set2]
        -C                     set1 is all that is not in it
        -c, --complement       the same
        -d, --delete           delete what is in set1
        -s, --squeeze-repeats  one where several of the same, of the last set, stand together
        -t, --truncate-set1    set1 is cut to the length of set2
        In a set: a-z, [:class:], [=c=], [c*n], and \\n \\t \\r \\a \\b \\f \\v \\\\ \\ooo. The last of set2 is repeated.
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...2)
        let isComplement = r.has("c") || r.has("C")
        let squeezes = r.has("s")
        let deletes = r.has("d")
        guard words.count == (deletes == squeezes ? 2 : 1) || !deletes && squeezes else {
            throw r.misuse(words.count == 1 ? "a second set is needed" : "one set is enough")
        }
        var from = try CharacterList(words[0], fill: nil).characters
        var to: [UInt32] = []
        if words.count == 2 {
            to = try CharacterList(words[1], fill: from.count).characters
            guard deletes || !to.isEmpty || from.isEmpty else { throw SysError("set2 is empty") }
            if r.has("t") { from = Array(from.prefix(to.count)) }
        }
        let first = CharacterSet(from, isComplement: isComplement)
        let translates = words.count == 2 && !deletes
        let change = Change(
            map: translates ? Translation(from, to, isComplement: isComplement) : nil,
            deleted: deletes ? first : nil,
            squeezed: squeezes ? (words.count == 2 ? CharacterSet(to, isComplement: false) : first) : nil)
        try apply(change, r)
    }

    private struct Change {
        let map: Translation?
        let deleted: CharacterSet?
        let squeezed: CharacterSet?
    }

    private func apply(_ change: Change, _ r: Run) throws(SysError) {
        var reader = Reader(r, 0)
        var rest: [UInt8] = []
        var last: UInt32?
        var out: [UInt8] = []
        // What each ASCII byte becomes: itself or another, 256 where it needs a closer look.
        let plain = (0..<128).map { byte -> UInt16 in
            let c = UInt32(byte)
            if change.deleted?.contains(c) ?? false || change.squeezed != nil { return 256 }
            let new = change.map?.apply(c) ?? c
            return new < 128 ? UInt16(new) : 256
        }
        try reader.eachBlock { (block) throws(SysError) in
            out.removeAll(keepingCapacity: true)
            out.reserveCapacity(block.count)
            var scalars = Scalars(rest, block)
            while let c = scalars.next() {
                if c < 128, plain[Int(c)] < 256 {
                    out.append(UInt8(truncatingIfNeeded: plain[Int(c)]))
                    continue
                }
                if let deleted = change.deleted, deleted.contains(c) { continue }
                let new = change.map?.apply(c) ?? c
                if let squeezed = change.squeezed, new == last, squeezed.contains(new) { continue }
                last = new
                Scalars.put(new, &out)
            }
            rest = scalars.rest
            try r.out.write(out)
        }
        // Bytes at the end that begin a character which never came.
        for byte in rest {
            let c = Scalars.stray | UInt32(byte)
            if let deleted = change.deleted, deleted.contains(c) { continue }
            out.removeAll()
            Scalars.put(change.map?.apply(c) ?? c, &out)
            try r.out.write(out)
        }
    }
}

/// The characters of some bytes. A byte that is part of none is a number of its own, and comes out as it went in.
private struct Scalars {
    static let stray: UInt32 = 0x8000_0000

    private var bytes: [UInt8]
    private var i = 0
    /// Bytes at the end that may begin a character.
    private(set) var rest: [UInt8] = []

    init(_ before: [UInt8], _ block: Span<UInt8>) {
        bytes = before
        bytes.append(copying: block.bytes)
    }

    @inline(__always)
    mutating func next() -> UInt32? {
        guard i < bytes.count else { return nil }
        let first = bytes[i]
        i += 1
        if first < 0x80 { return UInt32(first) }
        let length = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1
        guard first >= 0xc2, first < 0xf5 else { return Self.stray | UInt32(first) }
        var c = UInt32(first) & (0x3f >> UInt32(length))
        for n in 0..<length {
            guard i + n < bytes.count else {
                rest = Array(bytes[(i - 1)...])
                i = bytes.count
                return nil
            }
            guard bytes[i + n] & 0xc0 == 0x80 else { return Self.stray | UInt32(first) }
            c = c << 6 | UInt32(bytes[i + n] & 0x3f)
        }
        // A character written longer than it need be would come out shorter.
        guard c >= (length == 1 ? 0x80 : length == 2 ? 0x800 : 0x1_0000) else { return Self.stray | UInt32(first) }
        i += length
        return c
    }

    static func put(_ c: UInt32, _ out: inout [UInt8]) {
        if c < 0x80 || c & stray != 0 { return out.append(UInt8(truncatingIfNeeded: c)) }
        var shift: UInt32 = c < 0x800 ? 6 : c < 0x10000 ? 12 : 18
        out.append(UInt8(truncatingIfNeeded: (shift == 6 ? 0xc0 : shift == 12 ? 0xe0 : 0xf0) | c >> shift))
        while shift > 0 {
            shift -= 6
            out.append(UInt8(truncatingIfNeeded: 0x80 | c >> shift & 0x3f))
        }
    }
}

/// Characters in or, as a complement, out of a list.
private struct CharacterSet {
    private let members: Set<UInt32>
    private let isComplement: Bool

    init(_ characters: [UInt32], isComplement: Bool) {
        members = Set(characters)
        self.isComplement = isComplement
    }

    func contains(_ c: UInt32) -> Bool { members.contains(c) != isComplement }
}

/// Which character becomes which.
private struct Translation {
    private var map: [UInt32: UInt32] = [:]
    /// Of a complement: the listed characters in order; all others are numbered past them, and go to `to` by number.
    private var listed: [UInt32]?
    private let to: [UInt32]

    init(_ from: [UInt32], _ to: [UInt32], isComplement: Bool) {
        self.to = to
        if isComplement {
            listed = Set(from).sorted()
        } else if let last = to.last {
            for (i, c) in from.enumerated() { map[c] = i < to.count ? to[i] : last }
        }
    }

    func apply(_ c: UInt32) -> UInt32 {
        guard let listed else { return map[c] ?? c }
        var low = 0
        var high = listed.count
        while low < high {
            let middle = (low + high) / 2
            if listed[middle] < c { low = middle + 1 } else { high = middle }
        }
        if low < listed.count, listed[low] == c { return c }
        let number = Int(c) - low
        return number < to.count ? to[number] : to.last ?? c
    }
}

/// The characters that a set names, in order.
private struct CharacterList {
    private(set) var characters: [UInt32] = []
    private var rest: ArraySlice<UInt32>

    /// Most characters of a set.
    private static let limit = 0x11_0000

    /// `fill`: how long `[c*]` makes the set; nil where there is none such.
    init(_ text: String, fill: Int?) throws(SysError) {
        rest = text.unicodeScalars.map(\.value)[...]
        var filler: (at: Int, UInt32)?
        while let c = rest.first {
            if c == 0x5b, let members = try bracket(fill != nil) {
                switch members {
                case .list(let list): characters += list
                case .fill(let c):
                    guard filler == nil else { throw SysError("more than one [c*] in a set") }
                    filler = (characters.count, c)
                }
            } else {
                let low = try single()
                // A dash between two makes a range; at the end it is itself.
                if rest.first == 0x2d, rest.count > 1 {
                    rest.removeFirst()
                    let high = try single()
                    guard low <= high else { throw SysError("bad range in set '\(text)'") }
                    guard Int(high - low) < Self.limit else { throw SysError("set too large") }
                    characters += low...high
                } else {
                    characters.append(low)
                }
            }
            guard characters.count <= Self.limit else { throw SysError("set too large") }
        }
        if let filler, let fill, fill > characters.count {
            characters.insert(contentsOf: repeatElement(filler.1, count: fill - characters.count), at: filler.at)
        }
    }

    /// A character, or what a backslash makes of the next ones.
    private mutating func single() throws(SysError) -> UInt32 {
        guard let c = rest.popFirst() else { throw SysError("a set ends too soon") }
        guard c == 0x5c, let next = rest.first else { return c }
        let digits = rest.prefix(3).prefix { 0x30...0x37 ~= $0 }
        if !digits.isEmpty {
            let number = digits.reduce(0) { $0 * 8 + $1 - 0x30 }
            rest = rest.dropFirst(digits.count)
            // A number names a byte; beyond ASCII that is no character.
            return number < 0x80 ? number : Scalars.stray | number & 0xff
        }
        rest.removeFirst()
        let names: [UInt32: UInt32] = [0x6e: 10, 0x74: 9, 0x72: 13, 0x61: 7, 0x62: 8, 0x66: 12, 0x76: 11]
        return names[next] ?? next
    }

    private enum Members {
        case list([UInt32])
        case fill(UInt32)
    }

    /// `[:class:]`, `[=c=]`, `[c*n]` at the front; nil where the bracket is itself.
    private mutating func bracket(_ mayRepeat: Bool) throws(SysError) -> Members? {
        let inside = rest.dropFirst()
        if inside.first == 0x3a, let end = Self.end(of: 0x3a, inside.dropFirst()) {
            let name = String(String.UnicodeScalarView(inside.dropFirst()[..<end].compactMap { Unicode.Scalar($0) }))
            rest = rest[(end + 2)...]
            return .list(try Self.members(of: name))
        }
        if inside.first == 0x3d, inside.count > 3, let c = inside.dropFirst().first, inside.dropFirst(2).first == 0x3d,
            inside.dropFirst(3).first == 0x5d
        {
            rest = rest.dropFirst(5)
            return .list([c])
        }
        guard mayRepeat else { return nil }
        let before = rest
        rest = inside
        let c = try single()
        guard rest.first == 0x2a else {
            rest = before
            return nil
        }
        let digits = rest.dropFirst().prefix { 0x30...0x39 ~= $0 }
        guard rest.dropFirst(1 + digits.count).first == 0x5d else {
            rest = before
            return nil
        }
        rest = rest.dropFirst(2 + digits.count)
        let text = String(String.UnicodeScalarView(digits.compactMap { Unicode.Scalar($0) }))
        let count = text.isEmpty ? 0 : Int(text, radix: text.hasPrefix("0") ? 8 : 10)
        guard let count, count <= Self.limit else { throw SysError("bad count in [c*n]") }
        return count == 0 ? .fill(c) : .list(Array(repeating: c, count: count))
    }

    /// Where `mark]` stands.
    private static func end(of mark: UInt32, _ text: ArraySlice<UInt32>) -> Int? {
        text.indices.first { text[$0] == mark && $0 + 1 < text.endIndex && text[$0 + 1] == 0x5d }
    }

    /// The ASCII characters of a class, in order.
    private static func members(of name: String) throws(SysError) -> [UInt32] {
        let upper = Array(UInt32(0x41)...0x5a)
        let lower = Array(UInt32(0x61)...0x7a)
        let digit = Array(UInt32(0x30)...0x39)
        switch name {
        case "upper": return upper
        case "lower": return lower
        case "digit": return digit
        case "alpha": return upper + lower
        case "alnum": return digit + upper + lower
        case "xdigit": return digit + upper.prefix(6) + lower.prefix(6)
        case "blank": return [9, 32]
        case "space": return Array(9...13) + [32]
        case "cntrl": return Array(0...31) + [127]
        case "graph": return Array(33...126)
        case "print": return Array(32...126)
        case "punct": return (33...126).filter { !(upper + lower + digit).contains($0) }
        default: throw SysError("no character class '\(name)'")
        }
    }
}
