import Applib
import Kernel

// Orders of sort's keys that are neither that of bytes nor that of plain numbers.

/// A size as people write it: `12`, `1.5K`, `2Gi`. First by sign, then by unit, then by number.
struct SortHuman {
    private let number: Decimal
    private let isNegative: Bool
    /// 0 for none, 1 for K, and so on.
    private let unit: Int

    init(_ s: Span<UInt8>) {
        number = Decimal(s)
        var i = 0
        while i < s.count, SortOrder.isBlank(s[i]) { i += 1 }
        isNegative = i < s.count && s[i] == UInt8(ascii: "-")
        if isNegative { i += 1 }
        var isZero = true
        var hasPoint = false
        while i < s.count, s[i] == UInt8(ascii: ".") && !hasPoint || 0x30...0x39 ~= s[i] {
            if s[i] == UInt8(ascii: ".") { hasPoint = true }
            if 0x31...0x39 ~= s[i] { isZero = false }
            i += 1
        }
        let units = Array("KMGTPEZY".utf8)
        let letter = i < s.count ? (s[i] == UInt8(ascii: "k") ? UInt8(ascii: "K") : s[i]) : 0
        unit = isZero ? 0 : units.firstIndex(of: letter).map { $0 + 1 } ?? 0
    }

    func compare(_ other: SortHuman, _ x: Span<UInt8>, _ y: Span<UInt8>) -> Int {
        let (a, b) = (isNegative ? -unit : unit, other.isNegative ? -other.unit : other.unit)
        return a != b ? a - b : number.compare(other.number, x, y)
    }
}

/// A month by the first three letters of its English name.
enum SortMonth {
    private static let names = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        .map { Array($0.utf8) }

    /// 1 to 12, 0 for what is none.
    static func number(_ s: Span<UInt8>) -> Int {
        var i = 0
        while i < s.count, SortOrder.isBlank(s[i]) { i += 1 }
        guard s.count - i >= 3 else { return 0 }
        let month = (i..<i + 3).map { s[$0] & 0xdf }
        return names.firstIndex(of: month).map { $0 + 1 } ?? 0
    }
}

/// An order that nobody can foresee, the same for equal keys; of emu's whole run, so that parts of one sort agree.
enum SortRandom {
    static func compare(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        let (x, y) = (hash(a), hash(b))
        return x == y ? a.compare(b) : x < y ? -1 : 1
    }

    private static func hash(_ s: Span<UInt8>) -> Int {
        // Its seed is drawn when the process starts.
        var hasher = Hasher()
        for i in s.indices { hasher.combine(s[i]) }
        return hasher.finalize()
    }
}

/// Names of versions: runs of digits count as numbers, `~` comes before everything, even the end, letters before other
/// characters. Endings such as `.tar.gz` count only where all before them is equal.
enum SortVersion {
    static func compare(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        if a.isEmpty || b.isEmpty { return (a.isEmpty ? 0 : 1) - (b.isEmpty ? 0 : 1) }
        // "." and ".." come first, then names that begin with a dot.
        let (x, y) = (rank(a), rank(b))
        if x != y || x < 2 { return x - y }
        let (p, q) = (stem(a), stem(b))
        let c = parts(a.extracting(0..<p), b.extracting(0..<q))
        return c != 0 || p == a.count && q == b.count ? c : parts(a, b)
    }

    private static func rank(_ s: Span<UInt8>) -> Int {
        let dot = UInt8(ascii: ".")
        guard s[0] == dot else { return 3 }
        return s.count == 1 ? 0 : s.count == 2 && s[1] == dot ? 1 : 2
    }

    /// Where the ending begins: any number of dots, each with a letter or `~` behind it, and then letters, digits and `~`.
    private static func stem(_ s: Span<UInt8>) -> Int {
        var end = s.count
        var i = s.count - 1
        while i >= 0 {
            if s[i] == UInt8(ascii: ".") {
                guard i + 1 < s.count, isLetter(s[i + 1]) || s[i + 1] == UInt8(ascii: "~") else { break }
                end = i
            } else if !isLetter(s[i]), !isDigit(s[i]), s[i] != UInt8(ascii: "~") {
                break
            }
            i -= 1
        }
        return end
    }

    private static func parts(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        var i = 0
        var j = 0
        while i < a.count || j < b.count {
            while i < a.count && !isDigit(a[i]) || j < b.count && !isDigit(b[j]) {
                let (x, y) = (weight(a, i), weight(b, j))
                if x != y { return x - y }
                i += 1
                j += 1
            }
            let (x, y) = (digits(a, &i), digits(b, &j))
            let c = x.count == y.count ? a.extracting(x).compare(b.extracting(y)) : x.count - y.count
            if c != 0 { return c }
        }
        return 0
    }

    /// Passes over the digits at `i`; those behind leading zeros.
    private static func digits(_ s: Span<UInt8>, _ i: inout Int) -> Range<Int> {
        while i < s.count, s[i] == 0x30 { i += 1 }
        let start = i
        while i < s.count, isDigit(s[i]) { i += 1 }
        return start..<i
    }

    /// Of one character among others; a digit counts as none.
    private static func weight(_ s: Span<UInt8>, _ i: Int) -> Int {
        guard i < s.count else { return -1 }
        let c = s[i]
        if isDigit(c) { return 0 }
        return isLetter(c) ? Int(c) : c == UInt8(ascii: "~") ? -2 : Int(c) + 256
    }

    private static func isDigit(_ c: UInt8) -> Bool { 0x30...0x39 ~= c }

    private static func isLetter(_ c: UInt8) -> Bool { 0x61...0x7a ~= c | 0x20 }
}
