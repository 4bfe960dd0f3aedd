/// Names of versions: runs of digits count as numbers, `~` comes before everything, even the end, letters before other
/// characters. Endings such as `.tar.gz` count only where all before them is equal. It is what
/// `sort -V` and `ls -v` go by.
public enum VersionOrder {
    /// Less than 0 where `a` comes before `b`, 0 where neither does.
    public static func compare(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
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
            if x.count != y.count { return x.count - y.count }
            for (p, q) in zip(x, y) where a[p] != b[q] { return Int(a[p]) - Int(b[q]) }
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
