import Glibc

/// Who says which addresses of the host's network may be used: the device that serves them.
public protocol HostNetwork: AnyObject, Sendable {
    /// Throws where `address` may not be connected to, announced or sent to. `.wouldBlock` where that takes a question to the
    /// resolver, and the caller does not wait.
    func check(_ kind: HostSocket.Kind, _ address: HostAddress, waits: Bool) throws(SysError)
    /// Whether nothing is refused.
    var isWhole: Bool { get }
}

/// A socket of a program of the host, by a descriptor of ours: for calls that name an address, which are made here in its
/// place. It waits where the program's own does.
///
/// Results are errnos, 0 for success, as the host gives them: they are for the program.
public final class GuestSocket: Sendable {
    public enum Domain: Sendable {
        case unix, inet, inet6, other
    }

    /// Which kinds there are of each.
    public enum Style: Int32, Sendable {
        case stream = 1, datagram = 2, packet = 5
    }

    private let fd: HostFd
    public let domain: Domain
    /// nil for what programs are not given.
    public let style: Style?

    public var number: Int32 { fd.number }

    /// Throws `.notSocket`.
    public init(_ fd: consuming HostFd) throws(SysError) {
        let family = Self.option(fd.number, SO_DOMAIN)
        guard let family, let style = Self.option(fd.number, SO_TYPE) else { throw .notSocket }
        switch family {
        case AF_UNIX: domain = .unix
        case AF_INET: domain = .inet
        case AF_INET6: domain = .inet6
        default: domain = .other
        }
        self.style = Style(rawValue: style)
        self.fd = fd
    }

    /// A new socket of ours, in the host's network. Throws what the host says.
    public convenience init(_ domain: Domain, _ style: Style, waits: Bool) throws(SysError) {
        let family = domain == .unix ? AF_UNIX : domain == .inet ? AF_INET : AF_INET6
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (waits ? 0 : Int32(SOCK_NONBLOCK.rawValue))
        try self.init(HostFd(owning: Int32(try HostIO.check(Int(socket(family, style.rawValue | flags, 0))))))
    }

    private static func option(_ fd: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }

    /// The number of the network name space that it is of: SO_NETNS_COOKIE.
    private static func network(_ fd: Int32) -> UInt64? {
        var value: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        return getsockopt(fd, SOL_SOCKET, 71, &value, &size) == 0 ? value : nil
    }

    private static let ours: UInt64? = {
        guard let probe = try? GuestSocket(.unix, .stream, waits: false) else { return nil }  // then none is known
        return network(probe.number)
    }()

    /// Whether it is of another network than ours, surely.
    public var isElsewhere: Bool {
        guard let ours = Self.ours, let network = Self.network(number) else { return false }
        return ours != network
    }

    /// Whether a call on it waits.
    public var waits: Bool { HostFiles.waits(number) }

    /// The corresponding POSIX calls are `bind(2)`, `connect(2)`, `listen(2)`; `address` is a `sockaddr`.
    public func bind(_ address: [UInt8]) -> Int32 {
        Self.packed(address) { Glibc.bind(number, $0, $1) == 0 ? 0 : errno }
    }

    public func connect(_ address: [UInt8]) -> Int32 {
        Self.packed(address) { Glibc.connect(number, $0, $1) == 0 ? 0 : errno }
    }

    /// The same on a helper that may be told to give up.
    public func connect(_ address: [UInt8], _ call: HostCall) -> Int32 {
        Self.packed(address) { address, size in
            let result = call.run { Int(Glibc.connect(number, address, size)) }
            return result == 0 ? 0 : errno
        }
    }

    public func listen(_ backlog: Int32) -> Int32 { Glibc.listen(number, backlog) == 0 ? 0 : errno }

    /// Ends what it listens for, and what was said. The corresponding POSIX call is `shutdown(2)`.
    public func shutdown() { _ = Glibc.shutdown(number, Int32(SHUT_RDWR)) }

    /// Bytes that were sent, or an errno with a minus. The corresponding POSIX call is `sendto(2)`.
    public func send(_ bytes: [UInt8], _ flags: Int32, to address: [UInt8]) -> Int {
        Self.packed(address) { address, size in
            let flags = flags | Int32(MSG_NOSIGNAL)
            let n = Glibc.sendto(number, bytes, bytes.count, flags, address, size)
            return n < 0 ? -Int(errno) : n
        }
    }

    /// Its own address, a `sockaddr`. The corresponding POSIX call is `getsockname(2)`.
    public var local: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var size = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { b in
            // SAFETY: a sockaddr is bytes, and the host writes no more than there is room for.
            getsockname(number, b.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        return result == 0 ? Array(bytes.prefix(Int(size))) : []
    }

    private static func packed<R>(_ address: [UInt8], _ body: (UnsafePointer<sockaddr>?, socklen_t) -> R) -> R {
        // SAFETY: a sockaddr is bytes, and the host reads no more than it is told.
        address.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) }
    }
}

/// A `sockaddr` as a program gave it.
public enum GuestAddress {
    /// An address of the internet, at which of its bytes, and how many, the host stands.
    case ip(HostAddress, host: Range<Int>)
    case path([UInt8])
    /// What the host has a name for that is no file, or makes one up.
    case abstract
    /// AF_UNSPEC: nobody.
    case nobody
    case unknown

    private static let pathStart = 2
    private static let pathLimit = 108

    public init(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else {
            self = .unknown
            return
        }
        switch Int32(UInt16(bytes[0]) | UInt16(bytes[1]) << 8) {
        case AF_UNSPEC: self = .nobody
        case AF_INET where bytes.count >= 16: self = Self.ip(bytes, 4..<8)
        case AF_INET6 where bytes.count >= 24: self = Self.ip(bytes, 8..<24)
        case AF_UNIX where bytes.count <= Self.pathStart + Self.pathLimit:
            let path = bytes[Self.pathStart...].prefix { $0 != 0 }
            self = path.isEmpty ? .abstract : .path(Array(path))
        default: self = .unknown
        }
    }

    private static func ip(_ bytes: [UInt8], _ host: Range<Int>) -> GuestAddress {
        guard let ip = try? IPAddress(Array(bytes[host])) else { return .unknown }  // never: it has 4 or 16
        return .ip(.ip(ip, port: UInt16(bytes[2]) << 8 | UInt16(bytes[3])), host: host)
    }

    /// The `sockaddr` of a path of the host's.
    public static func unix(_ path: String) -> [UInt8] {
        [UInt8(AF_UNIX), 0] + HostName.bytes(path) + [0]
    }
}
