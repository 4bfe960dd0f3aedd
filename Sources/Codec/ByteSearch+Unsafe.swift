/// A byte looked for, or counted, many positions at a time.
extension RawSpan {
    /// The first position of `byte` in `range`, which lies in the span. The corresponding POSIX call is `memchr(3)`.
    public func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        // SAFETY: each load lies in `range`.
        return withUnsafeBytes { bytes in
            let lanes = Lanes(byte)
            var i = range.lowerBound
            while i &+ 8 <= range.upperBound {
                let hits = lanes.hits(bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                if hits != 0 { return i &+ hits.trailingZeroBitCount &>> 3 }
                i &+= 8
            }
            while i < range.upperBound {
                if bytes[i] == byte { return i }
                i &+= 1
            }
            return nil
        }
    }

    /// The last position of `byte` in `range`, which lies in the span. The corresponding Linux call is `memrchr(3)`.
    public func lastIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        // SAFETY: each load lies in `range`.
        return withUnsafeBytes { bytes in
            let lanes = Lanes(byte)
            var i = range.upperBound
            while i &- 8 >= range.lowerBound {
                let hits = lanes.hits(bytes.loadUnaligned(fromByteOffset: i &- 8, as: UInt64.self))
                if hits != 0 { return i &- 1 &- hits.leadingZeroBitCount &>> 3 }
                i &-= 8
            }
            while i > range.lowerBound {
                i &-= 1
                if bytes[i] == byte { return i }
            }
            return nil
        }
    }

    /// How often `byte` stands in `range`, which lies in the span.
    public func count(of byte: UInt8, in range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        // SAFETY: as above.
        return withUnsafeBytes { bytes in
            var total = 0
            var i = range.lowerBound
            // The inner loop counts in a byte, so that it runs in lanes of bytes: it ends before that can overflow.
            while i < range.upperBound {
                let end = Swift.min(i &+ 192, range.upperBound)
                var some: UInt8 = 0
                while i < end {
                    some &+= bytes[i] == byte ? 1 : 0
                    i &+= 1
                }
                total &+= Int(some)
            }
            return total
        }
    }
}

/// A byte in each of the eight lanes of a word.
private struct Lanes {
    private let wanted: UInt64
    private static let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f

    @inline(__always)
    init(_ byte: UInt8) { wanted = 0x0101_0101_0101_0101 &* UInt64(byte) }

    /// The high bit of each lane of `word` that is the byte, and no other: nothing is carried from lane to lane.
    @inline(__always)
    func hits(_ word: UInt64) -> UInt64 {
        let x = word ^ wanted
        return ~((x & Self.low &+ Self.low) | x | Self.low)
    }
}
