import CSandbox
import CShim
import Glibc

/// A view of the native sandbox as the host has it: name spaces of its own with an empty root, a filter that every program
/// in it has, and the launcher that made it. It ends with this object, and with this process.
public final class HostView: Sendable {
    /// What each process of the view may use at most; nil for what the host gives.
    public struct Limits: Sendable {
        /// Bytes of memory of its own.
        public var memory: UInt64?
        /// Seconds of CPU time.
        public var seconds: UInt64?
        /// Bytes of a file that it makes longer.
        public var written: UInt64?

        public init() {}
    }

    /// What the launcher tells.
    public enum News: Sendable {
        /// The first program has ended.
        case ended(HostExit)
        /// It stands still, by that signal; told only where the view has a terminal.
        case stopped(Int32)
        /// Nobody is left in the view.
        case gone
    }

    private let socket: HostFd
    private let agent: Lock<HostFd>
    private let listenerFd: HostFd
    /// The root of an empty tree in memory, that ends with the view: for directories.
    public let directories: HostMount

    /// Where trapped calls are taken from.
    var listener: Int32 { listenerFd.number }
    /// Whether the terminal that it was given is that of its session: foreground groups and what is typed to interrupt or
    /// stop them are the host's business then.
    public let hasTerminal: Bool

    private init(
        _ socket: consuming HostFd, _ agent: consuming HostFd, _ listener: consuming HostFd, _ tree: HostMount,
        hasTerminal: Bool
    ) {
        self.hasTerminal = hasTerminal
        self.socket = socket
        self.agent = Lock(agent)
        listenerFd = listener
        directories = tree
        csandbox_stay(listenerFd.number)
    }

    deinit { HostWatch.shared.forget(socket.number) }

    /// Makes a view whose programs have `filter`, instructions of eight bytes. Its first program waits in its first call,
    /// an `execve` of `/`. A `terminal` becomes that of its session, where no other has it. Throws what the host does not
    /// let us do.
    public static func start(
        filter: [UInt64], _ limits: Limits, terminal: Int32 = -1
    ) throws(SysError) -> HostView {
        var ends: [Int32] = [-1, -1]
        try HostIO.check(csandbox_pair(&ends))
        let ours = HostFd(owning: ends[0])
        let theirs = HostFd(owning: ends[1])
        let request = csandbox_request(
            magic: UInt32(CSANDBOX_MAGIC), instructions: UInt32(filter.count),
            memory: limits.memory ?? .max, seconds: limits.seconds ?? .max, written: limits.written ?? .max)
        var message: [UInt8] = withUnsafeBytes(of: request) { Array($0) }
        filter.withUnsafeBytes { message += $0 }
        let tree = try HostLauncher.tree()
        try HostLauncher.begin(message, theirs.number, terminal: terminal)
        // Only the launcher has it from here on, so that its end is seen.
        drop(theirs)
        var value: Int32 = 0
        let agent = try HostLauncher.receive(ours.number, &value)
        let listener = try HostLauncher.receive(ours.number, &value)
        return HostView(ours, agent, listener, tree, hasTerminal: value != 0)
    }

    private static func drop(_ fd: consuming HostFd) {}

    /// A FUSE connection, which the caller owns, and the root of its file system, mounted in the view's user name space, where
    /// an ordinary user may. Throws what the host says where it has none for us.
    public func fuse() throws(SysError) -> (device: Int32, root: HostMount) { try HostLauncher.fuse() }

    /// One more such tree, for the directories of another device: it has a number of its own.
    public func anotherTree() throws(SysError) -> HostMount { try HostLauncher.tree() }

    /// Binds a socket of a program to `path`, as the program wrote it; its file is then `name` in the tree of directories.
    /// Throws what the host says.
    public func bind(_ socket: GuestSocket, _ path: [UInt8], _ name: String) throws(SysError) {
        try agent.withLock { (agent) throws(SysError) in
            var wish = csandbox_wish()
            wish.kind = UInt32(CSANDBOX_BIND)
            guard path.count <= MemoryLayout.size(ofValue: wish.path),
                name.utf8.count < MemoryLayout.size(ofValue: wish.name)
            else { throw SysError(.nameTooLong) }
            withUnsafeMutableBytes(of: &wish.path) { $0.copyBytes(from: path) }
            withUnsafeMutableBytes(of: &wish.name) { $0.copyBytes(from: name.utf8) }
            let fds = [socket.number, directories.number]
            try HostIO.check(csandbox_send(agent.number, &wish, MemoryLayout<csandbox_wish>.size, fds, fds.count))
            var value: Int32 = 0
            _ = try HostLauncher.hear(agent.number, &value)
        }
    }

    /// Has `tell` called with what the launcher tells, one after the other, until all is gone.
    public func watch(_ tell: @escaping @Sendable (News) -> Void) {
        HostWatch.shared.once(socket.number, .readable) { [weak self] in
            guard let self, let news = self.receiveNews() else { return }
            tell(news)
            if case .gone = news { return }
            watch(tell)
        }
    }

    private func receiveNews() -> News? {
        guard let (message, fd) = HostLauncher.message(socket.number) else { return .gone }
        if fd >= 0 { close(fd) }
        switch message.kind {
        case CSANDBOX_ENDED.rawValue: return .ended(HostExit(message.value))
        case CSANDBOX_STOPPED.rawValue: return .stopped(message.value >> 8 & 0xFF)
        default: return .gone
        }
    }

    /// Kills all that is in the view.
    public func end() { shutdown(socket.number, Int32(SHUT_RDWR)) }

    /// The next call that a program makes and the filter traps; nil when no program is left. Waits.
    public func next() throws(SysError) -> HostTrap? {
        var call = csandbox_call()
        let got = csandbox_next(listener, &call)
        guard got >= 0 else { throw SysError(errno: -got) }
        return got == 0 ? nil : HostTrap(self, call)
    }
}

/// The program that a process of a view runs while a program of ours runs in its place: it tells of each signal that comes, by
/// a call of its own, and does what that answers.
public enum HostStandIn {
    /// The number of the call. Its first argument is the signal; 0 where it has just begun, or gone on after `raise`.
    public static let call = Int32(CSANDBOX_STANDIN)
    /// It waits for the next signal.
    public static let wait: UInt64 = 0
    /// It ends with a status.
    public static func exit(_ status: Int32) -> UInt64 {
        UInt64(CSANDBOX_EXIT) | UInt64(truncatingIfNeeded: status) & 0xFF
    }
    /// A signal does with it what it does by default.
    public static func raise(_ signal: Int32) -> UInt64 {
        UInt64(CSANDBOX_RAISE) | UInt64(truncatingIfNeeded: signal) & 0x3F
    }

    /// Its file.
    public static func file() throws(SysError) -> HostMemoryFile {
        let file = try HostMemoryFile(sealable: true)
        let image = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, n in
            n = csandbox_standin(buffer.baseAddress, buffer.count)
        }
        guard try HostIO.pwrite(file.number, image.span.bytes, at: 0) == image.count else { throw .io }
        try file.seal()
        return file
    }
}

/// How a host process ended, as `wait(2)` has it.
public struct HostExit: Sendable {
    /// The exit status, nil where a signal ended it.
    public let code: Int32?
    /// That signal, else 0.
    public let signal: Int32

    init(_ status: Int32) {
        let signal = status & 0x7F
        code = signal == 0 ? status >> 8 & 0xFF : nil
        self.signal = signal
    }
}
