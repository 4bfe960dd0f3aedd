import Kernel

/// Output in blocks to a descriptor. Nothing is lost in silence: the last part goes out at `flush`, which the program's
/// frame calls, and a write that fails throws.
public final class Writer {
    /// Bytes that are written at once.
    public static let blockSize = 128 * 1024

    private let p: Proc
    /// What is written to.
    public let fd: Int32
    @usableFromInline var buffer: [UInt8] = []
    /// A write has failed: there is no sense in going on.
    private(set) var hasFailed = false

    /// Writes with the rights and the descriptors of `p`.
    public init(_ p: Proc, _ fd: Int32) {
        self.p = p
        self.fd = fd
    }

    /// One byte.
    @inlinable
    public func put(_ byte: UInt8) throws(SysError) {
        buffer.append(byte)
        try pass()
    }

    /// Text as UTF-8.
    @inlinable
    public func write(_ text: String) throws(SysError) {
        buffer.append(contentsOf: text.utf8)
        try pass()
    }

    /// Bytes as they are.
    @inlinable
    public func write(_ bytes: [UInt8]) throws(SysError) {
        buffer.append(contentsOf: bytes)
        try pass()
    }

    /// Bytes as they are.
    @inlinable
    public func write(_ bytes: Span<UInt8>) throws(SysError) {
        buffer.append(copying: bytes.bytes)
        try pass()
    }

    /// Writes `bytes` and a newline.
    @inlinable
    public func line(_ bytes: Span<UInt8>) throws(SysError) {
        buffer.append(copying: bytes.bytes)
        try put(UInt8(ascii: "\n"))
    }

    /// Writes `text` and a newline.
    @inlinable
    public func line(_ text: String) throws(SysError) {
        buffer.append(contentsOf: text.utf8)
        try put(UInt8(ascii: "\n"))
    }

    @inlinable @inline(__always)
    func pass() throws(SysError) {
        if buffer.count >= Self.blockSize { try flush() }
    }

    /// Sends what is held; throws what the write does, about the file that descriptor is.
    public func flush() throws(SysError) {
        guard !buffer.isEmpty else { return }
        let held = buffer
        buffer.removeAll(keepingCapacity: true)
        try send(held.span.bytes)
    }

    /// Sends `bytes` at once. What is held must have been flushed before.
    public func send(_ bytes: RawSpan) throws(SysError) {
        do throws(SysError) { try p.writeAll(fd, bytes) } catch {
            hasFailed = true
            switch error.code {
            // A server's own words stand alone; that nobody reads is nobody's fault.
            case .other, .closedPipe: throw error
            default: throw error.about(Self.name(p, fd))
            }
        }
    }

    private static func name(_ p: Proc, _ fd: Int32) -> String {
        // A descriptor that is not open has no path; its number says which one was meant.
        (try? p.fd2path(fd)) ?? "/fd/\(fd)"
    }
}
