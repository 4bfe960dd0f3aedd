import CShim
import Glibc

/// A host descriptor with one owner; closed once, when the owner drops it.
public struct HostFd: ~Copyable, Sendable {
    public let number: Int32

    /// Takes over `number`, which must be open and nobody else's.
    public init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives up ownership: the caller closes it.
    public consuming func release() -> Int32 {
        let n = number
        discard self
        return n
    }
}

/// Host calls on a borrowed descriptor number, with EINTR handled and errno turned into a SysError.
public enum HostIO {
    /// The corresponding POSIX call is `read(2)`.
    public static func read(_ fd: Int32, into buffer: inout MutableRawSpan) throws(SysError) -> Int {
        let n = buffer.withUnsafeMutableBytes { b in retry { Glibc.read(fd, b.baseAddress, b.count) } }
        return try check(n)
    }

    /// The corresponding POSIX call is `pread(2)`.
    public static func pread(_ fd: Int32, into buffer: inout MutableRawSpan, at offset: UInt64) throws(SysError) -> Int
    {
        guard let at = off_t(exactly: offset) else { return 0 }
        let n = buffer.withUnsafeMutableBytes { b in retry { Glibc.pread(fd, b.baseAddress, b.count, at) } }
        return try check(n)
    }

    /// The corresponding POSIX call is `write(2)`.
    public static func write(_ fd: Int32, _ bytes: RawSpan) throws(SysError) -> Int {
        let n = bytes.withUnsafeBytes { b in retry { Glibc.write(fd, b.baseAddress, b.count) } }
        return try check(n)
    }

    /// The corresponding POSIX call is `pwrite(2)`.
    public static func pwrite(_ fd: Int32, _ bytes: RawSpan, at offset: UInt64) throws(SysError) -> Int {
        guard let at = off_t(exactly: offset) else { throw .fileTooBig }
        let n = bytes.withUnsafeBytes { b in retry { Glibc.pwrite(fd, b.baseAddress, b.count, at) } }
        return try check(n)
    }

    /// Runs a host call again while it is interrupted; gives its result, negative with errno set on failure.
    @inline(__always)
    public static func retry(_ call: () -> Int) -> Int {
        while true {
            let n = call()
            if n < 0 && errno == EINTR { continue }
            return n
        }
    }

    /// The result of a host call, or its errno as a SysError.
    @inline(__always)
    @discardableResult
    public static func check(_ result: Int, _ subject: @autoclosure () -> String? = nil) throws(SysError) -> Int {
        guard result >= 0 else { throw SysError(errno: errno, subject: subject()) }
        return result
    }

    /// The same for calls that give an Int32.
    @inline(__always)
    @discardableResult
    public static func check(_ result: Int32, _ subject: @autoclosure () -> String? = nil) throws(SysError) -> Int32 {
        guard result >= 0 else { throw SysError(errno: errno, subject: subject()) }
        return result
    }
}
