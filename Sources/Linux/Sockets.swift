import Host
import Kernel

/// What an engine has to give for sockets that are bound to a path: the host's own names are never those of programs.
public protocol LocalSockets: AnyObject {
    /// Binds the socket to `path`, as the program wrote it; the socket file `c` stands for it from then on.
    func bind(_ socket: GuestSocket, _ path: [UInt8], at c: Chan, _ identity: FileIdentity) throws(SysError)
    /// The host's path of the socket that the file stands for, which leads there as long as `keeper` lives; nil where no
    /// program has one bound there.
    func path(of identity: FileIdentity) -> (path: String, keeper: any Sendable & AnyObject)?
}

/// Calls that make sockets, and those that name addresses. What has none is the engine's own business.
///
/// Internet sockets are those of `/net`, with the rights that its device gives; where nothing but loopback may be used, that is
/// what all of this host's addresses are. Datagrams cannot be watched one by one: where not all of the network may be used
/// they have the loopback of the engine's own network. Local sockets are files of the name space.
extension Request {
    func sockets(_ call: SystemCall) throws(SysError) -> Answer {
        switch call {
        case .socket: try socket()
        case .bind: try bind()
        case .connect: try connect()
        case .listen: try listen()
        case .sendto: try sendto()
        default: throw .notHere
        }
    }

    /// Errnos that are no failures of ours.
    private enum Errno {
        static let noRight: Int32 = 1
        static let noProtocol: Int32 = 93
        static let noStyle: Int32 = 94
        static let noFamily: Int32 = 97
        static let inUse: Int32 = 98
        static let refused: Int32 = 111
    }

    private static func failure(_ errno: Int32) -> Answer { errno == 0 ? .value(0) : .failure(errno) }

    // MARK: making

    private static let unix: Int32 = 1
    private static let inet: Int32 = 2
    private static let inet6: Int32 = 10
    private static let nonBlocking: Int32 = 0o4000
    private static let closeOnExec: Int32 = 0o2000000

    /// The corresponding Linux call is `socket(2)`.
    private func socket() throws(SysError) -> Answer {
        let (family, type, `protocol`) = (int(0), int(1), int(2))
        let flags = Self.nonBlocking | Self.closeOnExec
        // Of the engine's own network, where nothing is; a path is never looked up there.
        if family == Self.unix { return .native }
        guard family == Self.inet || family == Self.inet6 else { return .failure(Errno.noFamily) }
        guard let style = GuestSocket.Style(rawValue: type & ~flags), style != .packet else {
            return .failure(type & ~flags == 3 ? Errno.noRight : Errno.noStyle)
        }
        // TCP and UDP, by their numbers.
        guard `protocol` == 0 || `protocol` == (style == .stream ? 6 : 17) else { return .failure(Errno.noProtocol) }
        guard let network = try network(style == .stream ? .tcp : .udp) else { return .failure(Errno.noFamily) }
        if style == .datagram, !network.isWhole { return .native }
        let made = try GuestSocket(
            family == Self.inet ? .inet : .inet6, style, waits: type & Self.nonBlocking == 0)
        return .socket(made, closeOnExec: type & Self.closeOnExec != 0)
    }

    /// The network of the process; nil where it has none, or one of another machine's. Throws `.perm` where a mask does not let it
    /// be used.
    private func network(_ kind: HostSocket.Kind) throws(SysError) -> (any HostNetwork)? {
        let clone: Chan
        do throws(SysError) { clone = try tree.find("/net/\(kind)/clone", from: tree.top, how).chan } catch {
            guard error.code == .nonexist || error.code == .notDir else { throw error }
            return nil
        }
        guard let network = clone.dev as? any HostNetwork else { return nil }
        try tree.access(clone, [.read, .write], how)
        return network
    }

    // MARK: addresses

    private static let addressLimit = 128

    private func address(_ at: Int, _ size: Int) throws(SysError) -> [UInt8] {
        let count = int(size)
        guard count >= 0, count <= Self.addressLimit else { throw .badArg }
        return try guest.read(word(at), Int(count))
    }

    private func socket(_ n: Int) throws(SysError) -> GuestSocket { try GuestSocket(guest.descriptor(int(n))) }

    /// Whether the address may be used; else the same with the loopback address in the place of one that means all of this
    /// host. Throws why not.
    private func allowed(
        _ bytes: [UInt8], _ address: HostAddress, _ host: Range<Int>, for socket: GuestSocket
    ) throws(SysError) -> [UInt8] {
        // It has been given none but where all is allowed, and the engine's own network, which leads nowhere.
        if socket.isElsewhere { return bytes }
        let kind: HostSocket.Kind = socket.style == .datagram ? .udp : .tcp
        guard let network = try network(kind) else { throw .perm }
        var (bytes, address) = (bytes, address)
        if !network.isWhole, case .ip(let ip, let port) = address, ip == .any || ip == .any4 {
            let loopback: IPAddress = host.count == 4 ? .loopback4 : ip == .any4 ? .loopback4 : .loopback
            bytes.replaceSubrange(host, with: host.count == 4 ? loopback.bytes : loopback.mapped)
            address = .ip(loopback, port: port)
        }
        do throws(SysError) { try network.check(kind, address, waits: how == .wait) } catch {
            // What the device says of it is a sentence; to a program it is EACCES.
            throw error.code == .wouldBlock ? error : .perm
        }
        return bytes
    }

    /// The corresponding Linux call is `bind(2)`.
    private func bind() throws(SysError) -> Answer {
        let socket = try socket(0)
        let bytes = try address(1, 2)
        switch (socket.domain, GuestAddress(bytes)) {
        case (.unix, .path(let path)):
            guard how == .wait else { throw .wouldBlock }
            return try bind(socket, path)
        case (.unix, .abstract):
            // Names of the engine's own network; never of the host's.
            guard socket.isElsewhere else { throw .notSupported }
            return Self.failure(socket.bind(bytes))
        case (.inet, .ip(let address, let host)), (.inet6, .ip(let address, let host)):
            return Self.failure(socket.bind(try allowed(bytes, address, host, for: socket)))
        case (.other, _): throw .notSupported
        default: throw .badArg
        }
    }

    private static let familySize = 2
    /// Where either family has its port.
    private static let portPlace = 2..<4

    private func bind(_ socket: GuestSocket, _ path: [UInt8]) throws(SysError) -> Answer {
        guard let engine = guest.localSockets, socket.isElsewhere else { throw .notSupported }
        guard socket.local.count <= Self.familySize else { throw .badArg }
        let name = try Name(path, from: path.first == UInt8(ascii: "/") ? tree.top : proc.dot)
        let (directory, last): (Chan, String)
        do throws(SysError) { (directory, last) = try vacancy(name) } catch {
            if error.code == .exist { return .failure(Errno.inUse) }
            throw error
        }
        let c: Chan
        do throws(SysError) { c = try makeNode(directory, last, ModeBits.socket | 0o777) } catch {
            // Made by somebody else meanwhile.
            if error.code == .exist { return .failure(Errno.inUse) }
            throw error
        }
        do throws(SysError) {
            try engine.bind(socket, path, at: c, FileIdentity(try tree.stat(c, how)))
        } catch {
            // Why it could not be bound says more.
            try? tree.remove(c, how)
            throw error
        }
        return .value(0)
    }

    /// The corresponding Linux call is `listen(2)`.
    private func listen() throws(SysError) -> Answer {
        let socket = try socket(0)
        if socket.domain == .unix || socket.isElsewhere { return Self.failure(socket.listen(int(1))) }
        // One that has no address gets all of this host's. It may tell of a port that it had: when it called, in vain.
        var local = socket.local
        if case .ip(.ip(let ip, _), let host) = GuestAddress(local), ip == .any || ip == .any4 {
            local.replaceSubrange(Self.portPlace, with: [0, 0])
            let now = try allowed(local, .ip(ip, port: 0), host, for: socket)
            if now != local {
                let errno = socket.bind(now)
                guard errno == 0 else { return .failure(errno) }
            }
        }
        let errno = socket.listen(int(1))
        // A call by another thread, in vain, may have taken its address away since it was looked at.
        if errno == 0, case .ip(.ip(let ip, _), let host) = GuestAddress(socket.local), ip == .any || ip == .any4 {
            let now = socket.local
            do throws(SysError) {
                guard try allowed(now, .ip(ip, port: 0), host, for: socket) == now else { throw .perm }
            } catch {
                socket.shutdown()
                throw .perm
            }
        }
        return Self.failure(errno)
    }

    // MARK: calling

    /// How long a call of AF_UNIX waits for room before it is made again. The host wakes one of those who wait; where that is one
    /// whose process has just been killed, it would be the last to know.
    private static let patience: UInt64 = 20_000_000

    /// The corresponding Linux call is `connect(2)`.
    private func connect() throws(SysError) -> Answer {
        let socket = try socket(0)
        var bytes = try address(1, 2)
        var keeper: (any Sendable & AnyObject)?
        switch (socket.domain, GuestAddress(bytes)) {
        case (.other, _): throw .notSupported
        case (_, .nobody): return Self.failure(socket.connect(bytes))
        case (.unix, .path(let path)):
            guard socket.isElsewhere else { throw .notSupported }
            guard let file = try localPath(path) else { return .failure(Errno.refused) }
            (bytes, keeper) = (GuestAddress.unix(file.path), file.keeper)
        case (.unix, .abstract): guard socket.isElsewhere else { throw .notSupported }
        case (.inet, .ip(let address, let host)), (.inet6, .ip(let address, let host)):
            bytes = try allowed(bytes, address, host, for: socket)
        default: throw .badArg
        }
        defer { withExtendedLifetime(keeper) {} }
        guard socket.waits, socket.style != .datagram else { return Self.failure(socket.connect(bytes)) }
        guard how == .wait else { throw .wouldBlock }
        return Self.failure(
            try Thread.interruptibly(every: socket.domain == .unix ? Self.patience : nil) { [bytes] call in
                .success(socket.connect(bytes, call))
            })
    }

    /// The host's path of the socket that is bound at a path; nil where none is. Who may not write to the file may not call.
    private func localPath(
        _ path: [UInt8]
    ) throws(SysError) -> (path: String, keeper: any Sendable & AnyObject)? {
        let c = try find(try Name(path, from: path.first == UInt8(ascii: "/") ? tree.top : proc.dot))
        let dir = try tree.stat(c, how)
        guard dir.mode.contains(.socket) else { return nil }
        try tree.access(c, .write, how)
        return guest.localSockets?.path(of: FileIdentity(dir))
    }

    private static let sendLimit: UInt64 = 1 << 20
    private static let dontWait: Int32 = 0x40
    /// MSG_FASTOPEN, which calls.
    private static let fastOpen: Int32 = 0x2000_0000

    /// To a path of ours; all others are what they are without us. The corresponding Linux call is `sendto(2)`.
    private func sendto() throws(SysError) -> Answer {
        guard int(3) & Self.fastOpen == 0 else { throw .notSupported }
        let socket = try socket(0)
        guard socket.domain == .unix, socket.style == .datagram, socket.isElsewhere, word(4) != 0,
            case .path(let path) = GuestAddress(try address(4, 5))
        else { return .native }
        guard let file = try localPath(path) else { return .failure(Errno.refused) }
        guard word(2) <= Self.sendLimit else { throw SysError(.messageTooBig) }
        let bytes = try guest.read(word(1), Int(word(2)))
        let (flags, to) = (int(3), GuestAddress.unix(file.path))
        defer { withExtendedLifetime(file.keeper) {} }
        let mayWait = socket.waits && flags & Self.dontWait == 0
        if mayWait, how == .wait {
            return Self.sent(
                try Thread.interruptibly(every: Self.patience) { call in
                    .success(call.run { socket.send(bytes, flags, to: to) })
                })
        }
        let n = socket.send(bytes, flags | Self.dontWait, to: to)
        if mayWait, n == -11 { throw .wouldBlock }
        return Self.sent(n)
    }

    private static func sent(_ n: Int) -> Answer { n < 0 ? .failure(Int32(-n)) : .value(UInt64(n)) }
}
