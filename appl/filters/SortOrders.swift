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
