import CShim
import Glibc

/// Bytes of a host file on their way to a socket that nobody copies: a pipe of the host, which refers to the pages they lie
/// in. Of one thread at a time.
///
/// What is held is known before any of it goes out. Who changes the file meanwhile changes what has not been received yet, as
/// with any read that is under way. The corresponding Linux call is `splice(2)`.
public final class HostConduit {
    public static let page = 4096
    /// What a host lets anybody have of one pipe.
    private static let most = 1 << 20

    private var ends: (reading: Int32, writing: Int32)
    private var size = 0
    /// Bytes that it holds.
    public private(set) var held = 0

    public init() throws(SysError) { ends = try Self.pipe() }

    deinit { close() }

    private static func pipe() throws(SysError) -> (Int32, Int32) {
        var ends: (Int32, Int32) = (0, 0)
        try HostIO.check(cshim_conduit(&ends.0, &ends.1))
        return ends
    }

    private func close() {
        Glibc.close(ends.reading)
        Glibc.close(ends.writing)
    }

    /// Whether it has room for `count` bytes that begin with a page, after it was asked for.
    public func hasRoom(for count: Int) -> Bool {
        guard count > size, size < Self.most else { return count <= size }
        var wanted = 1 << 16
        while wanted < count, wanted < Self.most { wanted *= 2 }
        // Refused, or less than was asked for where this user has many: then it is as it was.
        size = Int(cshim_pipesize(ends.writing, Int32(wanted)))
        return count <= size
    }

    /// Takes up to `count` bytes of the file at `offset`, fewer where it ends.
    public func fill(from file: Int32, at offset: UInt64, _ count: Int) throws(SysError) {
        guard var at = Int64(exactly: offset) else { return }
        var left = count
        while left > 0 {
            let n = HostIO.retry { Int(cshim_splice(file, &at, ends.writing, left)) }
            if n < 0, errno == EAGAIN { return }
            if try HostIO.check(n) == 0 { return }
            held += n
            left -= n
        }
    }

    /// Sends all that it holds; what is left where `wait` throws can be sent later. The socket must be non-blocking.
    public func drain(into socket: Int32, _ wait: HostWait) throws(SysError) {
        while held > 0 {
            let n = HostIO.retry { Int(cshim_splice(ends.reading, nil, socket, held)) }
            if n < 0, errno == EAGAIN {
                try wait(socket, .writable)
                continue
            }
            guard try HostIO.check(n) > 0 else { throw .io }
            held -= n
        }
    }

    /// Forgets what it holds.
    public func clear() throws(SysError) {
        guard held > 0 else { return }
        let new = try Self.pipe()
        close()
        (ends, size, held) = (new, 0, 0)
    }
}
