/// A set of Unicode scalars: sorted ranges that neither overlap nor touch, surrogates left out.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    static let lastScalar: UInt32 = 0x10ffff
    private static let surrogates: ClosedRange<UInt32> = 0xd800...0xdfff
    static let newline = ScalarSet(10)
    static let any = ScalarSet().inverted

    init() {}

    init(_ scalar: UInt32) {
        ranges = [scalar...scalar]
    }

    init(_ list: [ClosedRange<UInt32>]) {
        for range in list.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(range) }
    }

    /// Adds a range that begins no earlier than the last one.
    private mutating func append(_ range: ClosedRange<UInt32>) {
        if range.overlaps(Self.surrogates) {
            if range.lowerBound < 0xd800 { append(range.lowerBound...0xd7ff) }
            if range.upperBound > 0xdfff { append(0xe000...range.upperBound) }
        } else if let last = ranges.last, range.lowerBound <= last.upperBound + 1 {
            ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }

    func union(_ other: ScalarSet) -> ScalarSet {
        ScalarSet(ranges + other.ranges)
    }

    func subtracting(_ other: ScalarSet) -> ScalarSet {
        inverted.union(other).inverted
    }

    var inverted: ScalarSet {
        var result = ScalarSet()
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= Self.lastScalar { result.append(next...Self.lastScalar) }
        return result
    }

    func contains(_ scalar: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= scalar
    }

    /// The members, when there are no more than `limit`.
    func members(upTo limit: Int) -> [UInt32]? {
        guard ranges.reduce(0, { $0 + $1.count }) <= limit else { return nil }
        return ranges.flatMap { Array($0) }
    }
}

// MARK: - Upper and lower case

extension ScalarSet {
    /// With the other cases of each member.
    var ignoringCase: ScalarSet {
        var all = ranges
        for range in ranges {
            for value in range {
                // No letter from 0x1e944 on has two cases.
                guard value < 0x1e944 else { break }
                for other in Self.otherCases(of: value) { all.append(other...other) }
            }
        }
        return ScalarSet(all)
    }

    /// Letters that fold to another's lower case and are nobody's upper or lower case.
    private static let lonely: [(UInt32, UInt32)] = [
        (0x6b, 0x212a), (0x73, 0x17f), (0xe5, 0x212b), (0x3c3, 0x3c2), (0x3bc, 0xb5), (0x3c9, 0x2126),
        (0x3b2, 0x3d0), (0x3b8, 0x3d1), (0x3c6, 0x3d5), (0x3c0, 0x3d6), (0x3ba, 0x3f0), (0x3c1, 0x3f1),
        (0x3b5, 0x3f5), (0x1e61, 0x1e9b),
    ]

    private static func otherCases(of value: UInt32) -> [UInt32] {
        if value < 0x80 {
            guard 0x41...0x5a ~= value & ~0x20 else { return [] }
            let extra: [UInt32] = value | 0x20 == 0x6b ? [0x212a] : value | 0x20 == 0x73 ? [0x17f] : []
            return [value ^ 0x20] + extra
        }
        var found: [UInt32] = []
        var next = [value]
        while let scalar = next.popLast().flatMap({ Unicode.Scalar($0) }) {
            let cases = [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
            var near = cases.compactMap { $0.unicodeScalars.count == 1 ? $0.unicodeScalars.first?.value : nil }
            for (letter, alone) in lonely {
                if letter == scalar.value { near.append(alone) }
                if alone == scalar.value { near.append(letter) }
            }
            for other in near where other != value && !found.contains(other) {
                found.append(other)
                next.append(other)
            }
        }
        return found
    }
}

// MARK: - Named classes

extension ScalarSet {
    /// The class `[:name:]`. The corresponding POSIX page is `Locale`, LC_CTYPE.
    static func named(_ name: String) -> ScalarSet? {
        switch name {
        case "alpha": alpha
        case "digit": digit
        case "alnum": alpha.union(digit)
        case "upper": upper
        case "lower": lower
        case "space": space
        case "blank": blank
        case "punct": punct
        case "print": graph.union(ScalarSet([0x20...0x20, 0xa0...0xa0, 0x2007...0x2007, 0x202f...0x202f] + wideSpaces))
        case "graph": graph
        case "cntrl": cntrl
        case "xdigit": xdigit
        default: nil
        }
    }

    /// What `\w` matches, and what the word boundaries look for.
    static let word = alpha.union(digit).union(ScalarSet(0x5f))

    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x80 ? isWordByte(UInt8(scalar.value)) : alpha.contains(scalar.value)
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true
        default: false
        }
    }

    // Each is made at its first use, once. Digits of other scripts count as letters, as `[:digit:]` may hold only ten
    // members.
    private static let alpha = ScalarSet([0x41...0x5a, 0x61...0x7a] + ScalarTables.decode(ScalarTables.alpha))
    private static let upper = ScalarSet([0x41...0x5a] + ScalarTables.decode(ScalarTables.upper))
    private static let lower = ScalarSet([0x61...0x7a] + ScalarTables.decode(ScalarTables.lower))
    private static let graph = ScalarSet([0x21...0x7e] + ScalarTables.decode(ScalarTables.graph))
    private static let punct = graph.subtracting(alpha).subtracting(digit)
    private static let digit = ScalarSet([0x30...0x39])
    private static let xdigit = ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])
    private static let cntrl = ScalarSet([0...0x1f, 0x7f...0x9f, 0x2028...0x2029])
    private static let blank = ScalarSet([9...9, 0x20...0x20] + wideSpaces)
    static let space = ScalarSet([9...13, 0x20...0x20, 0x2028...0x2029] + wideSpaces)
    /// Unicode's spaces but for those that forbid a line break.
    private static let wideSpaces: [ClosedRange<UInt32>] = [
        0x1680...0x1680, 0x2000...0x2006, 0x2008...0x200a, 0x205f...0x205f, 0x3000...0x3000,
    ]
}

// MARK: - UTF-8

/// One to four ranges of bytes, one after the other.
struct ByteRanges: Hashable, Sendable {
    /// The lower bounds and the upper bounds, the first byte highest.
    private(set) var low: UInt32
    private(set) var high: UInt32
    private(set) var count: Int

    init(_ low: [UInt8], _ high: [UInt8]) {
        self.low = low.reduce(0) { $0 << 8 | UInt32($1) }
        self.high = high.reduce(0) { $0 << 8 | UInt32($1) }
        count = low.count
    }

    subscript(_ i: Int) -> ClosedRange<UInt8> {
        let shift = UInt32(8 * (count - 1 - i))
        return UInt8(truncatingIfNeeded: low >> shift)...UInt8(truncatingIfNeeded: high >> shift)
    }

    var reversed: ByteRanges {
        var copy = self
        copy.low = low.byteSwapped >> UInt32(32 - 8 * count)
        copy.high = high.byteSwapped >> UInt32(32 - 8 * count)
        return copy
    }
}

extension ScalarSet {
    /// The set as sequences of byte ranges: a scalar is in the set when the bytes of its UTF-8 form are in the ranges of one
    /// sequence. Sorted, and no two overlap.
    var utf8: [ByteRanges] {
        var result: [ByteRanges] = []
        for range in ranges {
            for plane in Self.lengths where plane.overlaps(range) {
                Self.split(range.clamped(to: plane), into: &result)
            }
        }
        return result
    }

    private static let lengths: [ClosedRange<UInt32>] = [
        0...0x7f, 0x80...0x7ff, 0x800...0xffff, 0x10000...lastScalar,
    ]

    /// Cuts a range, whose members have equally many bytes, where bytes before the last are not free to vary alone.
    private static func split(_ range: ClosedRange<UInt32>, into result: inout [ByteRanges]) {
        let (low, high) = (range.lowerBound, range.upperBound)
        let first = encode(low)
        for i in 1..<max(first.count, 1) {
            let rest: UInt32 = 1 << (6 * UInt32(i)) - 1
            guard low & ~rest != high & ~rest else { continue }
            if low & rest != 0 {
                split(low...(low | rest), into: &result)
                split(((low | rest) + 1)...high, into: &result)
                return
            }
            if high & rest != rest {
                split(low...((high & ~rest) - 1), into: &result)
                split((high & ~rest)...high, into: &result)
                return
            }
        }
        result.append(ByteRanges(first, encode(high)))
    }

    static func encode(_ value: UInt32) -> [UInt8] {
        let tail = { (shift: UInt32) -> UInt8 in UInt8(value >> shift & 0x3f | 0x80) }
        switch value {
        case 0..<0x80: return [UInt8(value)]
        case 0x80..<0x800: return [UInt8(value >> 6 | 0xc0), tail(0)]
        case 0x800..<0x10000: return [UInt8(value >> 12 | 0xe0), tail(6), tail(0)]
        default: return [UInt8(value >> 18 & 7 | 0xf0), tail(12), tail(6), tail(0)]
        }
    }
}
