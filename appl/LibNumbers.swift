import Kernel

/// How much of a file: a number of lines or bytes, counted from the usual end or, with a sign, from the other.
struct Amount {
    let count: Int
    let isFromOther: Bool

    /// `sign` is what stands before a number that counts from the other end.
    init(_ text: String, sign: Character = "-") throws(SysError) {
        var digits = text[...]
        isFromOther = digits.first == sign
        if let c = digits.first, "+-".contains(c) { digits.removeFirst() }
        var unit = 1
        if let letter = digits.last, let shift = ["K": 10, "k": 10, "M": 20, "G": 30][letter] {
            unit = 1 << shift
            digits.removeLast()
        } else if digits.last == "b" {
            unit = 512
            digits.removeLast()
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 > 47 && $0 < 58 }) else {
            throw SysError("bad number '\(text)'")
        }
        // More than there can be is all there is.
        let (n, overflow) = (Int(digits) ?? .max).multipliedReportingOverflow(by: unit)
        count = overflow ? .max : n
    }
}

/// A list of places, from 1: sorted ranges that do not touch.
struct Ranges {
    private(set) var ranges: [ClosedRange<Int>] = []

    /// The last place that is listed.
    var last: Int { ranges.last?.upperBound ?? 0 }

    init(_ text: String) throws(SysError) {
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
            if let before = ranges.last, range.lowerBound - 1 <= before.upperBound {
                ranges[ranges.count - 1] = before.lowerBound...max(before.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    func contains(_ place: Int) -> Bool {
        for range in ranges where place <= range.upperBound { return place >= range.lowerBound }
        return false
    }
}
