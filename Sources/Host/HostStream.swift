import CShim
import Glibc
import Synchronization

/// Waits until a host descriptor is ready, or throws why not: the caller's way to sleep and to be woken.
public typealias HostWait = (_ descriptor: Int32, _ events: HostEvents) throws(SysError) -> Void

/// What is read, written and polled without ever blocking: a host file, or what is made of one.
public protocol HostFlow: Sendable {
    /// Bytes read, 0 at the end.
    func read(into buffer: inout MutableRawSpan, _ wait: HostWait) throws(SysError) -> Int
    /// Writes all of `bytes`; gives fewer where `wait` throws in between.
    func write(_ bytes: RawSpan, _ wait: HostWait) throws(SysError) -> Int
    /// Which of `events` are there now; has `wake` called once when one comes that is not.
    func poll(_ events: HostEvents, _ wake: (@Sendable () -> Void)?) -> HostEvents
}

/// A host file that may keep its reader or writer waiting: a terminal, a pipe, a socket.
///
/// A call never blocks in the host: what is not there yet is waited for with the caller's `wait`, which a note or a kill
/// ends, and no byte is taken before. A descriptor that was inherited shares its flags with other programs, so it
/// keeps them: a terminal or pipe is opened once more for our own use, a socket is told with each call.
public final class HostStream: HostFlow {
    /// The descriptor itself, to be lent.
    public let number: Int32

    /// What is read and written: `number`, or its file opened again.
    private let descriptor: Int32
    /// The owner of `descriptor`, where it is ours.
    private let own: HostFd?
    private let kind: Kind
    /// A FIFO that nobody has written yet reads as if it were at its end.
    private let awaitsWriter: Atomic<Bool>

    private enum Kind {
        /// Never keeps anybody waiting.
        case steady
        /// Answers EAGAIN.
        case nonBlocking
        case socket
        /// Could not be opened again: asked before each call, and given no more than it has room for.
        case blocking
    }

    /// Borrows a descriptor that somebody else opened.
    public init(inherited number: Int32) {
        self.number = number
        awaitsWriter = Atomic(false)
        let file = HostFile.kind(number)
        if file == .pipe || file == .device && isatty(number) == 1 {
            let access = cshim_fcntl(number, F_GETFL, 0) & O_ACCMODE
            let flags = access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            let fd = cshim_openat(AT_FDCWD, "/proc/self/fd/\(number)", flags, 0)
            kind = fd < 0 ? .blocking : .nonBlocking
            descriptor = fd < 0 ? number : fd
            own = fd < 0 ? nil : HostFd(owning: fd)
        } else {
            kind = file == .socket ? .socket : .steady
            descriptor = number
            own = nil
        }
    }

    /// Takes over a descriptor that was opened with O_NONBLOCK. The first read of a FIFO waits for a writer, as opening it
    /// would have done.
    public init(owning opened: consuming HostFd, isFifo: Bool = false) {
        number = opened.number
        descriptor = opened.number
        own = consume opened
        kind = .nonBlocking
        awaitsWriter = Atomic(isFifo)
    }

    /// Takes over a socket.
    init(socket: consuming HostFd) {
        number = socket.number
        descriptor = socket.number
        own = consume socket
        kind = .socket
        awaitsWriter = Atomic(false)
    }

    deinit { if kind != .steady { HostWatch.shared.forget(descriptor) } }

    /// Bytes that a pipe has room for when it says that it is writable.
    private static let roomOfPipe = 4096

    /// Bytes read, 0 at the end. The corresponding POSIX call is `read(2)`.
    public func read(into buffer: inout MutableRawSpan, _ wait: HostWait) throws(SysError) -> Int {
        if awaitsWriter.load(ordering: .relaxed) {
            try wait(descriptor, .readable)
            awaitsWriter.store(false, ordering: .relaxed)
        }
        while true {
            if kind == .blocking { try wait(number, .readable) }
            do throws(SysError) {
                return kind == .socket ? try receive(into: &buffer) : try HostIO.read(descriptor, into: &buffer)
            } catch {
                guard error.code == .wouldBlock else { throw error }
            }
            if kind != .blocking { try wait(descriptor, .readable) }
        }
    }

    /// Writes all of `bytes`; gives fewer where `wait` throws in between. The corresponding POSIX call is `write(2)`.
    public func write(_ bytes: RawSpan, _ wait: HostWait) throws(SysError) -> Int {
        var done = 0
        repeat {
            do throws(SysError) { done += try writeSome(bytes.extracting(done..<bytes.byteCount), wait) } catch {
                guard done > 0, error.code == .interrupted || error.code == .wouldBlock else { throw error }
                break
            }
        } while done < bytes.byteCount
        return done
    }

    private func writeSome(_ bytes: RawSpan, _ wait: HostWait) throws(SysError) -> Int {
        while true {
            var part = bytes
            if kind == .blocking {
                try wait(number, .writable)
                part = bytes.extracting(0..<min(bytes.byteCount, Self.roomOfPipe))
            }
            do throws(SysError) {
                return kind == .socket ? try send(part) : try HostIO.write(descriptor, part)
            } catch {
                guard error.code == .wouldBlock else { throw error }
            }
            if kind != .blocking { try wait(descriptor, .writable) }
        }
    }

    private func receive(into buffer: inout MutableRawSpan) throws(SysError) -> Int {
        let n = buffer.withUnsafeMutableBytes { b in
            HostIO.retry { recv(number, b.baseAddress, b.count, Int32(MSG_DONTWAIT)) }
        }
        return try HostIO.check(n)
    }

    private func send(_ bytes: RawSpan) throws(SysError) -> Int {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        let n = bytes.withUnsafeBytes { b in HostIO.retry { Glibc.send(number, b.baseAddress, b.count, flags) } }
        return try HostIO.check(n)
    }

    /// Which of `events` are there now; has `wake` called once when one comes that is not.
    public func poll(_ events: HostEvents, _ wake: (@Sendable () -> Void)?) -> HostEvents {
        if kind == .steady { return events }
        // Watched before it is asked, so that what comes in between wakes.
        if let wake { HostWatch.shared.once(descriptor, events, wake) }
        return HostPoll.now(descriptor, events)
    }
}

/// What a descriptor stands for.
public enum HostFile {
    public enum Kind: Sendable { case regular, directory, symlink, pipe, socket, device, block, unknown }

    /// By the type bits of a mode. The corresponding POSIX page is `inode(7)`.
    public static func kind(mode: UInt32) -> Kind {
        switch mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .symlink
        case S_IFIFO: .pipe
        case S_IFSOCK: .socket
        case S_IFCHR: .device
        case S_IFBLK: .block
        default: .unknown
        }
    }

    /// What is open at `number`; `.unknown` where nothing is.
    public static func kind(_ number: Int32) -> Kind {
        var s = stat()
        return fstat(number, &s) == 0 ? kind(mode: s.st_mode) : .unknown
    }
}
