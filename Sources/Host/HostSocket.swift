import CShim
import Glibc

/// A socket of the host. No call blocks: what is not there yet is waited for with the caller's `wait`.
///
/// It is closed with its last reference, so whoever uses it keeps it open. The corresponding POSIX page is `socket(2)`.
public final class HostSocket: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case tcp, udp, unix
        /// A socket of tcp, for what `HostTLS` makes of it.
        case tls

        /// What the host calls it.
        public var transport: Kind { self == .tls ? .tcp : self }
    }

    public let kind: Kind
    /// What comes and goes through it, once it is connected.
    public let stream: HostStream
    private let family: Int32
    /// The file that a bound unix socket has made: it goes with the socket, unless another has taken its place.
    private let file = Lock<(path: String, inode: ino_t, device: dev_t)?>(nil)

    /// A new socket that can be bound to `address` or connected to it. Throws `.noFd`, and `.noProtocol` where the host does
    /// not have the address's family.
    public init(_ kind: Kind, for address: HostAddress) throws(SysError) {
        family = address.family
        let type = kind == .udp ? SOCK_DGRAM : SOCK_STREAM
        let fd = cshim_socket(family, Int32(type.rawValue))
        guard fd >= 0 else { throw Self.failure() }
        self.kind = kind
        stream = HostStream(socket: HostFd(owning: fd))
    }

    private init(_ kind: Kind, accepted fd: consuming HostFd, _ family: Int32) {
        self.kind = kind
        self.family = family
        stream = HostStream(socket: fd)
    }

    deinit {
        guard let file = file.withLock({ $0 }), let now = Self.stat(file.path) else { return }
        if now.st_ino == file.inode, now.st_dev == file.device { HostName.withBytes(file.path) { _ = unlink($0) } }
    }

    private static func stat(_ path: String) -> stat? {
        var found = Glibc.stat()
        return HostName.withBytes(path) { lstat($0, &found) } == 0 ? found : nil
    }

    private var number: Int32 { stream.number }
    private var isTCP: Bool { kind.transport == .tcp }

    /// The host's error as one of ours.
    private static func failure(_ number: Int32 = Glibc.errno) -> SysError {
        switch number {
        case EAFNOSUPPORT: .noProtocol
        case EHOSTUNREACH, EHOSTDOWN, ENETDOWN: .unreachable
        case EDESTADDRREQ: .notConnected
        default: SysError(errno: number)
        }
    }

    private static func check(_ result: Int32) throws(SysError) { if result < 0 { throw failure() } }

    // MARK: making connections

    /// The corresponding POSIX call is `bind(2)`.
    public func bind(_ address: HostAddress) throws(SysError) {
        var packed = try address.packed(for: family)
        // A port may be announced again while its former connections fade away.
        if isTCP { try Self.check(cshim_option(number, SOL_SOCKET, SO_REUSEADDR, 1)) }
        if case .ip(.any, _) = address { try Self.check(cshim_option(number, Self.ipv6, IPV6_V6ONLY, 0)) }
        try Self.check(cshim_bind(number, &packed))
        if case .unix(let path) = address, let made = Self.stat(path) {
            file.withLock { $0 = (path, made.st_ino, made.st_dev) }
        }
    }

    /// Connections that wait to be accepted, at most.
    private static let backlog: Int32 = 1024

    /// The corresponding POSIX call is `listen(2)`.
    public func listen() throws(SysError) { try Self.check(Glibc.listen(number, Self.backlog)) }

    /// Waits for a connection and gives it, with its peer's address. Throws `.hungup` after `shutdown`, and `.noFd` where
    /// there is no descriptor for it; it waits then for the next call. The corresponding POSIX call is `accept(2)`.
    public func accept(_ wait: HostWait) throws(SysError) -> (HostSocket, HostAddress) {
        while true {
            var from = cshim_address()
            let fd = cshim_accept(number, &from)
            if fd >= 0 {
                let made = HostSocket(kind, accepted: HostFd(owning: fd), family)
                made.hurry()
                return (made, try HostAddress(from))
            }
            switch errno {
            case EAGAIN: try wait(number, .readable)
            case EINVAL: throw .hungup
            // It was one whose caller has gone away, or whose network has.
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT: continue
            default: throw Self.failure()
            }
        }
    }

    /// Connects, and waits until it is. Throws `.wouldBlock`, having changed nothing, where the peer of a unix socket has too
    /// many callers: `connectWaiting` is for them. The corresponding POSIX call is `connect(2)`.
    public func connect(_ address: HostAddress, _ wait: HostWait) throws(SysError) {
        var packed = try address.packed(for: family)
        if cshim_connect(number, &packed) < 0 {
            guard errno == EINPROGRESS || errno == EINTR else { throw Self.failure() }
            try wait(number, .writable)
            let failure = cshim_failure(number)
            guard failure == 0 else { throw Self.failure(failure) }
        }
        hurry()
    }

    /// On a helper: the same for a unix socket, whose turn cannot be polled for.
    public func connectWaiting(_ address: HostAddress, _ call: HostCall) throws(SysError) {
        var packed = try address.packed(for: family)
        try Self.check(cshim_fcntl(number, F_SETFL, 0))
        let result = call.run { Int(cshim_connect(number, &packed)) }
        let failure = errno
        try Self.check(cshim_fcntl(number, F_SETFL, Int(O_NONBLOCK)))
        if result < 0 { throw Self.failure(failure) }
    }

    /// Whether the host makes nobody wait in a call on it, whatever the call says.
    public var neverWaits: Bool { cshim_fcntl(number, F_GETFL, 0) & O_NONBLOCK != 0 }

    /// Bytes on their way in a unix socket. The host's own 208 KB are full with three messages of 64 KB, and who waits for
    /// room in one is woken when three quarters of it are free.
    private static let room: Int32 = 1 << 18

    /// Small writes leave at once, and long ones find room. Where it cannot be had, they are late.
    private func hurry() {
        switch kind.transport {
        case .tcp: _ = cshim_option(number, Self.tcp, TCP_NODELAY, 1)
        case .unix: _ = cshim_option(number, SOL_SOCKET, SO_SNDBUF, Self.room)
        default: break
        }
    }

    /// Ends what is written, and what is read too unless `reading` goes on: the peer reads the end; whoever waits here is
    /// woken. The corresponding POSIX call is `shutdown(2)`.
    public func shutdown(reading: Bool = true) {
        // One that is not connected has nobody to tell.
        _ = Glibc.shutdown(number, Int32(reading ? SHUT_RDWR : SHUT_WR))
    }

    /// The connection ends when the peer has taken nothing of what was written for so many milliseconds.
    func giveUp(after milliseconds: Int32) {
        // Where it cannot be told, the host's own limits hold.
        if isTCP { _ = cshim_option(number, Self.tcp, TCP_USER_TIMEOUT, milliseconds) }
    }

    // MARK: where it is, and how it behaves

    /// Its own address. The corresponding POSIX call is `getsockname(2)`.
    public func local() throws(SysError) -> HostAddress {
        var packed = cshim_address()
        try Self.check(cshim_local(number, &packed))
        return try HostAddress(packed)
    }

    public enum Option: Hashable, Sendable {
        /// Hops that a packet may take.
        case ttl
        /// The type of service that packets carry.
        case tos
        /// Seconds of silence after which the peer is asked whether it is still there. One that gives no sign for as long
        /// again is gone.
        case keepAlive
    }

    /// The corresponding POSIX call is `setsockopt(2)`.
    public func set(_ option: Option, _ value: Int32) throws(SysError) {
        switch option {
        case .ttl where family == AF_INET6: try set(Self.ipv6, IPV6_UNICAST_HOPS, value)
        case .ttl where family == AF_INET: try set(Self.ip, IP_TTL, value)
        case .tos where family == AF_INET6: try set(Self.ipv6, IPV6_TCLASS, value)
        case .tos where family == AF_INET: try set(Self.ip, IP_TOS, value)
        case .keepAlive where isTCP:
            try set(SOL_SOCKET, SO_KEEPALIVE, 1)
            try set(Self.tcp, TCP_KEEPIDLE, value)
            try set(Self.tcp, TCP_KEEPINTVL, max(1, value / 3))
            try set(Self.tcp, TCP_KEEPCNT, 3)
        default: throw .notSupported
        }
    }

    private static let ip = Int32(IPPROTO_IP)
    private static let ipv6 = Int32(IPPROTO_IPV6)
    private static let tcp = Int32(IPPROTO_TCP)

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) throws(SysError) {
        try Self.check(cshim_option(number, level, name, value))
    }

    // MARK: datagrams

    /// Waits for a datagram; what does not fit into `buffer` is lost. The corresponding POSIX call is `recvfrom(2)`.
    public func receive(
        into buffer: inout MutableRawSpan, _ wait: HostWait
    ) throws(SysError) -> (Int, HostAddress) {
        while true {
            var from = cshim_address()
            let n = buffer.withUnsafeMutableBytes { b in cshim_recvfrom(number, b.baseAddress, b.count, &from) }
            if n >= 0 { return (n, try HostAddress(from)) }
            guard errno == EAGAIN || errno == EINTR else { throw Self.failure() }
            try wait(number, .readable)
        }
    }

    /// The corresponding POSIX call is `sendto(2)`.
    public func send(_ bytes: RawSpan, to address: HostAddress, _ wait: HostWait) throws(SysError) {
        var packed = try address.packed(for: family)
        while true {
            let n = bytes.withUnsafeBytes { b in cshim_sendto(number, b.baseAddress, b.count, &packed) }
            if n >= 0 { return }
            guard errno == EAGAIN || errno == EINTR else { throw Self.failure() }
            try wait(number, .writable)
        }
    }
}
