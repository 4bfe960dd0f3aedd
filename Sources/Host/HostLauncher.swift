import CSandbox
import Glibc

/// The two processes that views are made by: the mounter, which has the name spaces that all of them share and mounts what
/// they need, and the launchers' server. They are there from the first view on, or from the lock-down on, and end with this
/// process.
final class HostLauncher: Sendable {
    /// Held from a question to its answer.
    private let mounter: Lock<HostFd>
    private let server: HostFd
    private let users: HostFd
    private let empty: HostFd

    private init(
        _ mounter: consuming HostFd, _ server: consuming HostFd, _ users: consuming HostFd, _ empty: consuming HostFd
    ) {
        self.mounter = Lock(mounter)
        self.server = server
        self.users = users
        self.empty = empty
    }

    // MARK: which

    private struct Current {
        var launcher: HostLauncher?
        /// Why there is none and will be none: this process is locked down.
        var refusal: SysError?
    }

    private static let current = Lock(Current())
    private static let ended = SysError("the launcher has ended")

    /// The one of this process, spawned where there is none yet. Throws what the host does not let us do.
    private static func get() throws(SysError) -> HostLauncher {
        try current.withLock { (s) throws(SysError) in
            if let known = s.launcher { return known }
            if let refusal = s.refusal { throw refusal }
            var mounter: Int32 = -1
            var server: Int32 = -1
            let failure = csandbox_spawn(&mounter, &server)
            guard failure == 0 else { throw SysError(errno: failure, subject: "launcher") }
            let first = HostFd(owning: mounter)
            let second = HostFd(owning: server)
            let (users, empty, base) = try nameSpaces(first.number)
            close(base)
            let made = HostLauncher(first, second, HostFd(owning: users), HostFd(owning: empty))
            s.launcher = made
            return made
        }
    }

    /// It has died: the next view has another, unless this process is locked down.
    private func forget() {
        Self.current.withLock { s in if s.launcher === self, s.refusal == nil { s.launcher = nil } }
    }

    /// What the mounter has made: descriptors that the caller owns.
    private static func nameSpaces(
        _ mounter: Int32
    ) throws(SysError) -> (users: Int32, empty: Int32, base: Int32) {
        var value: Int32 = 0
        let users = try receive(mounter, &value)
        let empty = try receive(mounter, &value)
        let base = try receive(mounter, &value)
        return (users.release(), empty.release(), base.release())
    }

    /// Of a process that is about to be locked down, and has one thread: the mounter, and the directory below which it mounts.
    final class Prepared {
        let mounter: Int32
        let users: Int32
        let empty: Int32
        let base: HostFd

        /// Throws where the host does not let it be.
        init() throws(SysError) {
            var socket: Int32 = -1
            let failure = csandbox_fork(1, &socket)
            guard failure == 0 else { throw SysError(errno: failure, subject: "launcher") }
            let owned = HostFd(owning: socket)
            let spaces = try HostLauncher.nameSpaces(owned.number)
            mounter = owned.release()
            (users, empty) = (spaces.users, spaces.empty)
            base = HostFd(owning: spaces.base)
        }

        /// In the lock-down: the server, so that we may look into what it makes. There is no other from here on.
        func complete() throws(SysError) {
            var socket: Int32 = -1
            let failure = csandbox_fork(0, &socket)
            guard failure == 0 else { throw SysError(errno: failure, subject: "launcher") }
            let made = HostLauncher(
                HostFd(owning: mounter), HostFd(owning: socket), HostFd(owning: users), HostFd(owning: empty))
            HostLauncher.current.withLock { $0 = Current(launcher: made, refusal: HostLauncher.ended) }
        }
    }

    /// There is none, and will be none.
    static func refuse(_ why: SysError) { current.withLock { $0.refusal = why } }

    // MARK: what they do

    /// Has the server begin a view that talks over `socket`.
    static func begin(_ request: [UInt8], _ socket: Int32, terminal: Int32) throws(SysError) {
        let launcher = try get()
        let fds = [socket, launcher.users.number, launcher.empty.number] + (terminal >= 0 ? [terminal] : [])
        guard csandbox_send(launcher.server.number, request, request.count, fds, fds.count) == 0 else {
            launcher.forget()
            throw ended
        }
    }

    /// An empty tree for directories.
    static func tree() throws(SysError) -> HostMount {
        let launcher = try get()
        do throws(SysError) { return try launcher.ask(CSANDBOX_TREE).1 } catch {
            guard error == ended else { throw error }
            launcher.forget()
            return try get().ask(CSANDBOX_TREE).1
        }
    }

    /// A FUSE connection, which the caller owns, and the root of its file system.
    static func fuse() throws(SysError) -> (device: Int32, root: HostMount) {
        let (device, root) = try get().ask(CSANDBOX_FUSE)
        return (device, root)
    }

    private func ask(_ kind: Int) throws(SysError) -> (Int32, HostMount) {
        try mounter.withLock { (socket) throws(SysError) in
            try Self.wish(kind, 0, socket.number)
            var value: Int32 = 0
            let device = kind == CSANDBOX_FUSE ? try Self.receive(socket.number, &value).release() : -1
            do throws(SysError) {
                return (device, HostMount(try Self.receive(socket.number, &value), UInt32(bitPattern: value), self))
            } catch {
                if device >= 0 { close(device) }
                throw error
            }
        }
    }

    private static func wish(_ kind: Int, _ number: UInt32, _ socket: Int32) throws(SysError) {
        var wish = csandbox_wish()
        wish.kind = UInt32(kind)
        wish.number = number
        guard csandbox_send(socket, &wish, MemoryLayout<csandbox_wish>.size, nil, 0) == 0 else { throw ended }
    }

    /// Takes a tree away; open files of it live on.
    fileprivate func detach(_ number: UInt32) {
        mounter.withLock { socket in
            // Where the mounter has ended it is gone.
            _ = try? Self.wish(Int(CSANDBOX_DETACH), number, socket.number)
        }
    }

    // MARK: what they say

    /// A descriptor that one of them has made for us, and the value that comes with it.
    static func receive(_ socket: Int32, _ value: inout Int32) throws(SysError) -> HostFd {
        let fd = try hear(socket, &value)
        guard fd >= 0 else { throw ended }
        return HostFd(owning: fd)
    }

    /// What one of them has to say: that it is done, with a descriptor or with -1.
    static func hear(_ socket: Int32, _ value: inout Int32) throws(SysError) -> Int32 {
        var limit = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard HostIO.retry({ Int(poll(&limit, 1, 10_000)) }) == 1 else {
            throw SysError("the launcher does not answer")
        }
        guard let (message, fd) = message(socket) else { throw ended }
        guard message.kind == CSANDBOX_READY.rawValue else {
            if fd >= 0 { close(fd) }
            let step = withUnsafeBytes(of: message.where) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw SysError(errno: message.value).with(subject: "view: \(step)")
        }
        value = message.value
        return fd
    }

    /// The next message and the descriptor that came with it, or -1; nil at the end.
    static func message(_ socket: Int32) -> (csandbox_message, Int32)? {
        var message = csandbox_message()
        var fds = [Int32](repeating: -1, count: Int(CSANDBOX_DESCRIPTORS))
        let n = csandbox_receive(socket, &message, MemoryLayout<csandbox_message>.size, &fds)
        guard n == MemoryLayout<csandbox_message>.size else {
            csandbox_drop(&fds)
            return nil
        }
        let fd = fds[0]
        fds[0] = -1
        csandbox_drop(&fds)
        return (message, fd)
    }
}

/// A tree that the mounter has mounted for us where nobody else finds it. It is taken away with this object.
public final class HostMount: Sendable {
    private let root: HostFd
    private let mount: UInt32
    private let launcher: HostLauncher

    fileprivate init(_ root: consuming HostFd, _ mount: UInt32, _ launcher: HostLauncher) {
        self.root = root
        self.mount = mount
        self.launcher = launcher
    }

    deinit { launcher.detach(mount) }

    /// The descriptor of its root.
    public var number: Int32 { root.number }
}
