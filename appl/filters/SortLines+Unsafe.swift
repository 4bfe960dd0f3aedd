extension Span where Element == UInt8 {
    /// The order of the bytes, the shorter first where it begins the longer: negative, 0 or positive.
    @inline(__always)
    func compare(_ other: Span<UInt8>) -> Int {
        // SAFETY: both buffers are used within the spans' lives only, and loads end inside them.
        bytes.withUnsafeBytes { a in
            other.bytes.withUnsafeBytes { b in
                let n = Swift.min(a.count, b.count)
                var i = 0
                while i + 8 <= n {
                    let x = a.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    let y = b.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    if x != y { return x.bigEndian < y.bigEndian ? -1 : 1 }
                    i += 8
                }
                while i < n {
                    if a[i] != b[i] { return Int(a[i]) - Int(b[i]) }
                    i += 1
                }
                return a.count - b.count
            }
        }
    }

    /// The first eight bytes, zeros behind a shorter one, so that numbers compare as the bytes do.
    var prefix8: UInt64 {
        // SAFETY: loads end inside the span.
        bytes.withUnsafeBytes { a in
            if a.count >= 8 { return a.loadUnaligned(as: UInt64.self).bigEndian }
            var value: UInt64 = 0
            for i in 0..<8 { value = value << 8 | (i < a.count ? UInt64(a[i]) : 0) }
            return value
        }
    }
}

/// Lines that are held in memory: their bytes one after the other, and where each is.
struct SortLines {
    private struct Line {
        /// Orders most pairs by itself.
        var prefix: UInt64
        var start: Int
        var count: Int
    }

    private var bytes: [UInt8] = []
    private var lines: [Line] = []

    /// Bytes that are held, with what each line costs.
    var size: Int { bytes.count + lines.count * MemoryLayout<Line>.stride }
    var isEmpty: Bool { lines.isEmpty }
    var count: Int { lines.count }

    mutating func append(_ line: Span<UInt8>, _ order: SortOrder) {
        let start = bytes.count
        bytes.append(copying: line.bytes)
        lines.append(Line(prefix: Self.prefix(line, order), start: start, count: line.count))
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        lines.removeAll(keepingCapacity: true)
    }

    /// A number that is smaller where the first key is, and may be equal where it is not.
    private static func prefix(_ line: Span<UInt8>, _ order: SortOrder) -> UInt64 {
        guard let key = order.keys.first else { return 0 }
        let part = line.extracting(order.part(key, line))
        let value: UInt64
        if key.order == .numeric {
            let bits = Decimal(part).approximate(part).bitPattern
            value = bits >> 63 == 0 ? bits | 1 << 63 : ~bits
        } else if key.isPlain {
            value = part.prefix8
        } else {
            return 0
        }
        return key.reverse ? ~value : value
    }

    /// Puts the lines in order.
    mutating func sort(_ order: SortOrder) {
        let simple = order.isWhole && !order.keys[0].reverse && !order.reverse
        // SAFETY: the lines' ranges lie in `bytes`, which does not change while they are sorted.
        bytes.withUnsafeBytes { all in
            func part(_ line: Line) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: all[line.start..<line.start + line.count])
            }
            lines.withUnsafeMutableBufferPointer { lines in
                lines.sort { a, b in
                    if a.prefix != b.prefix { return a.prefix < b.prefix }
                    let x = Span<UInt8>(_unsafeBytes: part(a))
                    let y = Span<UInt8>(_unsafeBytes: part(b))
                    let c = simple ? x.compare(y) : order.compare(x, y)
                    return c == 0 ? a.start < b.start : c < 0
                }
            }
        }
    }

    /// Gives each line to `body`, in order.
    func each<E: Error>(_ body: (Span<UInt8>) throws(E) -> Void) throws(E) {
        for line in lines { try body(bytes.span.extracting(line.start..<line.start + line.count)) }
    }
}
