/// Bytes in bulk: searches and copies that look at a word or a vector at a time.
extension Array where Element == UInt8 {
    /// The first place of `byte` in `range`.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        span.extracting(range).firstIndex(of: byte).map { range.lowerBound + $0 }
    }

    /// A copy of `bytes`.
    init(copying bytes: Span<UInt8>) {
        // SAFETY: the buffer is used within the span's life only.
        self = bytes.bytes.withUnsafeBytes { [UInt8]($0) }
    }

    /// Appends a copy of `bytes`.
    mutating func append(copying bytes: RawSpan) {
        // SAFETY: the buffer is used within the span's life only.
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}

extension Span where Element == UInt8 {
    private typealias Vector = SIMD32<UInt8>

    /// The first place of `byte`.
    func firstIndex(of byte: UInt8) -> Int? {
        // SAFETY: each load ends at or before the span's end.
        bytes.withUnsafeBytes { all in
            var i = 0
            let wanted = Vector(repeating: byte)
            while i + 32 <= all.count {
                let equal = all.loadUnaligned(fromByteOffset: i, as: Vector.self) .== wanted
                if any(equal) { break }
                i += 32
            }
            while i < all.count {
                if all[i] == byte { return i }
                i += 1
            }
            return nil
        }
    }

    /// How often `byte` stands here.
    func count(of byte: UInt8) -> Int {
        // SAFETY: each load ends at or before the span's end.
        bytes.withUnsafeBytes { all in
            var i = 0
            var total = 0
            let wanted = Vector(repeating: byte)
            while i + 32 <= all.count {
                // Each lane counts to 255 at most before it is added up.
                var lanes = Vector()
                let end = Swift.min(i + 255 * 32, all.count - 31)
                while i < end {
                    let equal = all.loadUnaligned(fromByteOffset: i, as: Vector.self) .== wanted
                    lanes.replace(with: lanes &+ 1, where: equal)
                    i += 32
                }
                for lane in lanes.indices { total += Int(lanes[lane]) }
            }
            while i < all.count {
                if all[i] == byte { total += 1 }
                i += 1
            }
            return total
        }
    }
}

extension String {
    /// UTF-8 text; what is none becomes U+FFFD.
    init(copying bytes: Span<UInt8>) {
        // SAFETY: the buffer is used within the span's life only.
        self = bytes.bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
