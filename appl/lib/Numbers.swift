import Kernel

/// How much of a file: a number of lines or bytes, counted from the usual end or, with a sign, from the other.
public struct Amount {
    /// How many lines or bytes.
    public let count: Int
    /// They are counted from the other end.
    public let isFromOther: Bool

    /// What an old form such as `-5c` or `+20f` says in flags of today; nil where `word` is none. `flags` are the letters
    /// that may stand at its end.
    public static func old(_ word: String, flags: String) -> [String]? {
        let digits = word.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard word.hasPrefix("-") || word.hasPrefix("+"), !digits.isEmpty else { return nil }
        var letters = word.dropFirst(1 + digits.count)
        let unit = letters.first.flatMap { "cbkml".contains($0) ? $0 : nil }
        if unit != nil { letters.removeFirst() }
        guard letters.allSatisfy({ flags.contains($0) }) else { return nil }
        let isBytes = unit != nil && unit != "l"
        let amount =
            (word.hasPrefix("+") ? "+" : "") + digits + (isBytes && unit != "c" ? unit.map { String($0) } ?? "" : "")
        return [isBytes ? "-c" : "-n", amount] + letters.map { "-\($0)" }
    }

    /// `sign` is what stands before a number that counts from the other end.
    public init(_ text: String, sign: Character = "-") throws(SysError) {
        var digits = text[...]
        isFromOther = digits.first == sign
        if let c = digits.first, "+-".contains(c) { digits.removeFirst() }
        guard let count = byteCount(digits) else { throw SysError("bad number '\(text)'") }
        self.count = count
    }
}

/// A number of bytes: `512`, `2b` (of 512), `4K`, `4k` or `4KiB` (of 1024), `4kB` (of 1000), and so on with M, G, T, P and E.
/// nil where it is none; as much as there can be where it is more.
public func byteCount(_ text: Substring) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let name = text.dropFirst(digits.count)
    var unit = name == "b" ? 512 : 1
    if let first = name.first, first != "b" || name.count > 1 {
        guard let power = Array("KMGTPE").firstIndex(of: first == "k" ? "K" : first) else { return nil }
        switch name.dropFirst() {
        case "", "iB": unit = 1 << (10 * (power + 1))
        case "B": for _ in 0...power { unit *= 1000 }
        default: return nil
        }
    }
    guard !digits.isEmpty else { return nil }
    let (n, overflow) = (Int(digits) ?? .max).multipliedReportingOverflow(by: unit)
    return overflow ? .max : n
}

/// A list of places, from 1: sorted ranges that have none in common.
public struct Ranges {
    /// In order.
    public private(set) var ranges: [ClosedRange<Int>] = []

    /// The last place that is listed.
    public var last: Int { ranges.last?.upperBound ?? 0 }

    /// Reads `1,3-5,7-`; throws where `text` is no list.
    public init(_ text: String) throws(SysError) {
        let wrong = SysError("bad list '\(text)'")
        var all: [ClosedRange<Int>] = []
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: { ", \t".contains($0) }) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, part != "-", part.utf8.allSatisfy({ $0 > 47 && $0 < 58 || $0 == 45 }) else {
                throw wrong
            }
            let low = ends[0].isEmpty && ends.count == 2 ? 1 : Int(ends[0])
            let high = ends.count == 1 ? low : ends[1].isEmpty ? .max : Int(ends[1])
            guard let low, let high, low >= 1, low <= high else { throw wrong }
            all.append(low...high)
        }
        all.sort { $0.lowerBound < $1.lowerBound }
        for range in all {
            if let before = ranges.last, range.lowerBound <= before.upperBound {
                ranges[ranges.count - 1] = before.lowerBound...max(before.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    /// The places that are not listed.
    public var complement: Ranges {
        var others: [ClosedRange<Int>] = []
        var next = 1
        for range in ranges {
            if range.lowerBound > next { others.append(next...range.lowerBound - 1) }
            guard range.upperBound < .max else { return Ranges(others) }
            next = range.upperBound + 1
        }
        return Ranges(others + [next...Int.max])
    }

    private init(_ ranges: [ClosedRange<Int>]) { self.ranges = ranges }

    /// Whether it is listed.
    public func contains(_ place: Int) -> Bool { range(of: place) != nil }

    /// The range in which `place` is listed.
    public func range(of place: Int) -> ClosedRange<Int>? {
        for range in ranges where place <= range.upperBound { return place >= range.lowerBound ? range : nil }
        return nil
    }
}
