/// How a conversation with a server elsewhere is held.
public struct ServerOptions: Sendable {
    /// Which protocol is spoken; nil for 9P2000, and 9P2000.L where the server knows that one only.
    public var dialect: Dialect?
    /// Nanoseconds in which the server must let hear something when something is asked of it.
    public var timeLimit: UInt64
    /// Whether what was read is kept as long as the server says that the file has not changed.
    public var caches: Bool
    /// Gives a new connection to the same server when one has ended; nil where there is no going on without it. It is
    /// called by whichever Thread asks for something then.
    public var reconnect: (@Sendable () throws(SysError) -> Chan)?

    /// A minute for the server.
    public static let usualTimeLimit: UInt64 = 60_000_000_000

    public init(
        dialect: Dialect? = nil, timeLimit: UInt64 = usualTimeLimit, caches: Bool = false,
        reconnect: (@Sendable () throws(SysError) -> Chan)? = nil
    ) {
        self.dialect = dialect
        self.timeLimit = timeLimit
        self.caches = caches
        self.reconnect = reconnect
    }
}

/// A device whose trees are served by somebody at the other end of a Chan; the kernel asks the first that there is.
public protocol MountDevice: Dev {
    /// The root of the tree that is called `spec` there. Who asks for several trees by one Chan shares a conversation,
    /// whose options are the first one's. When it returns the tree is there.
    func mount(
        _ wire: Chan, _ spec: String, _ options: ServerOptions, _ caller: Caller
    ) throws(SysError) -> Chan
}

extension Proc {
    /// Makes the tree seen at `target` that a 9P server at the other end of descriptor `fd` serves as `spec`.
    ///
    /// `source` is what `ns` shows, the descriptor's path where nothing is said, and `words` the flags before it.
    /// When it returns the tree is there; where it throws, nothing has changed in the name space. The descriptor may be
    /// closed afterwards, and is read by nobody else. The corresponding Plan 9 call is `mount(2)`.
    public func mount(
        _ fd: Int32, _ target: String, _ flags: MountFlags = .replace, mask: Mask? = nil, spec: String = "",
        options: ServerOptions = ServerOptions(), source: String? = nil, words: [String] = []
    ) throws(SysError) {
        try enter()
        let (wire, caller) = try chan(fd)
        try wire.checkReadable()
        try wire.checkWritable()
        let path = source ?? wire.path
        do throws(SysError) {
            guard !wire.isDirectory else { throw .isDir }
            guard !nameSpace.noDevices else { throw .noAttach }
            guard let dev = system.devices.lazy.compactMap({ $0 as? any MountDevice }).first else {
                throw SysError("no device for servers elsewhere in this emu")
            }
            // What can be refused here is, before anybody there is asked.
            let (on, _) = try find(target, .mountPoint)
            guard on.isDirectory || flags == .replace else { throw SysError(.inconsistentMount, subject: target) }
            let root = try dev.mount(wire, spec, options, caller)
            try mount(root, target, flags, mask: mask, source: path, spec: spec, words: words)
        } catch { throw error.about(path) }
    }
}
