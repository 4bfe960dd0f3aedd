import Kernel

/// Output in blocks to a descriptor. Nothing is lost in silence: the last part goes out at `flush`, which the program's
/// frame calls, and a write that fails throws.
final class Writer {
    static let blockSize = 128 * 1024

    private let p: Proc
    let fd: Int32
    private var buffer: [UInt8] = []
    /// A write has failed: there is no sense in going on.
    private(set) var hasFailed = false

    init(_ p: Proc, _ fd: Int32) {
        self.p = p
        self.fd = fd
    }

    func put(_ byte: UInt8) throws(SysError) {
        buffer.append(byte)
        try pass()
    }

    func write(_ text: String) throws(SysError) {
        buffer.append(contentsOf: text.utf8)
        try pass()
    }

    func write(_ bytes: [UInt8]) throws(SysError) {
        buffer.append(contentsOf: bytes)
        try pass()
    }

    func write(_ bytes: Span<UInt8>) throws(SysError) {
        buffer.append(copying: bytes.bytes)
        try pass()
    }

    /// Writes `bytes` and a newline.
    func line(_ bytes: Span<UInt8>) throws(SysError) {
        buffer.append(copying: bytes.bytes)
        try put(UInt8(ascii: "\n"))
    }

    func line(_ text: String) throws(SysError) {
        buffer.append(contentsOf: text.utf8)
        try put(UInt8(ascii: "\n"))
    }

    @inline(__always)
    private func pass() throws(SysError) {
        if buffer.count >= Self.blockSize { try flush() }
    }

    /// Sends what is held; throws what the write does, about the file that descriptor is.
    func flush() throws(SysError) {
        guard !buffer.isEmpty else { return }
        let held = buffer
        buffer.removeAll(keepingCapacity: true)
        try send(held.span.bytes)
    }

    /// Sends `bytes` at once. What is held must have been flushed before.
    func send(_ bytes: RawSpan) throws(SysError) {
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
