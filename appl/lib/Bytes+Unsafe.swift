import Codec

/// Bytes in bulk: searches and copies.
extension Array where Element == UInt8 {
    /// The first place of `byte` in `range`.
    @inlinable
    public func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? { span.bytes.firstIndex(of: byte, in: range) }

    /// A copy of `bytes`.
    @inlinable
    public init(copying bytes: Span<UInt8>) {
        // SAFETY: the buffer is used within the span's life only.
        self = bytes.bytes.withUnsafeBytes { [UInt8]($0) }
    }

    /// Appends a copy of `bytes`.
    @inlinable
    public mutating func append(copying bytes: RawSpan) {
        // SAFETY: the buffer is used within the span's life only.
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}

extension Span where Element == UInt8 {
    /// The first place of `byte`.
    @inlinable
    public func firstIndex(of byte: UInt8) -> Int? { bytes.firstIndex(of: byte, in: 0..<count) }

    /// The last place of `byte`.
    @inlinable
    public func lastIndex(of byte: UInt8) -> Int? { bytes.lastIndex(of: byte, in: 0..<count) }

    /// How often `byte` stands here.
    @inlinable
    public func count(of byte: UInt8) -> Int { bytes.count(of: byte, in: 0..<count) }
}

extension String {
    /// UTF-8 text; what is none becomes U+FFFD.
    @inlinable
    public init(copying bytes: Span<UInt8>) {
        // SAFETY: the buffer is used within the span's life only.
        self = bytes.bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
