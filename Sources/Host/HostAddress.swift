import CShim
import Glibc

/// An address of the internet protocols, of either version; one of version 4 that is written as one of version 6 is itself.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 of them, as they stand in a packet.
    public let bytes: [UInt8]

    /// Throws `.badAddress` where there are neither 4 nor 16.
    public init(_ bytes: [UInt8]) throws(SysError) {
        guard bytes.count == 4 || bytes.count == 16 else { throw .badAddress }
        let isMapped = bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10...11] == [0xFF, 0xFF]
        self.bytes = isMapped ? Array(bytes[12...]) : bytes
    }

    /// `127.0.0.1` or `::1`; throws `.badAddress` for all else. The corresponding POSIX call is `inet_pton(3)`.
    public init(_ text: String) throws(SysError) {
        guard !text.utf8.contains(0) else { throw .badAddress }
        let isSix = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isSix ? 16 : 4)
        guard inet_pton(isSix ? AF_INET6 : AF_INET, text, &bytes) == 1 else { throw .badAddress }
        try self.init(bytes)
    }

    private init(known bytes: [UInt8]) { self.bytes = bytes }

    /// All of this host, of version 4, and of both where the host has version 6.
    public static let any4 = IPAddress(known: [0, 0, 0, 0])
    public static let any = IPAddress(known: [UInt8](repeating: 0, count: 16))
    public static let loopback4 = IPAddress(known: [127, 0, 0, 1])
    public static let loopback = IPAddress(known: [UInt8](repeating: 0, count: 15) + [1])

    /// Whether what is sent there never leaves the host: 127.0.0.0/8 and ::1.
    public var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : self == .loopback }

    /// All 16 bytes; those of version 4 as version 6 writes them.
    public var mapped: [UInt8] { bytes.count == 16 ? bytes : [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes }

    var family: Int32 { bytes.count == 4 ? AF_INET : AF_INET6 }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Where a socket of the host is, or its peer. The corresponding POSIX type is `sockaddr`.
public enum HostAddress: Hashable, Sendable, CustomStringConvertible {
    case ip(IPAddress, port: UInt16)
    /// A path of the host; empty where the socket has none.
    case unix(String)

    /// `address!port`, or the path.
    public var description: String {
        switch self {
        case .ip(let address, let port): "\(address)!\(port)"
        case .unix(let path): path
        }
    }

    var family: Int32 {
        switch self {
        case .ip(let address, _): address.family
        case .unix: AF_UNIX
        }
    }

    /// Throws `.nameTooLong` for a path that no socket can have, and `.badAddress` for one that is empty or holds a NUL.
    /// `family` is that of the socket: one of version 6 wants all addresses written so.
    func packed(for family: Int32) throws(SysError) -> cshim_address {
        var bytes: [UInt8]
        var port: UInt16 = 0
        switch self {
        case .ip(let address, let number):
            (bytes, port) = (family == AF_INET6 ? address.mapped : address.bytes, number)
            guard family == AF_INET6 || bytes.count == 4 else { throw .badAddress }
        case .unix(let path):
            bytes = HostName.bytes(path)
            guard !bytes.isEmpty, !bytes.contains(0) else { throw .badAddress }
        }
        var packed = cshim_address()
        guard bytes.count <= MemoryLayout.size(ofValue: packed.bytes) else { throw SysError(.nameTooLong) }
        withUnsafeMutableBytes(of: &packed.bytes) { $0.copyBytes(from: bytes) }
        (packed.family, packed.port, packed.length) = (UInt16(family), port, UInt16(bytes.count))
        return packed
    }

    init(_ packed: cshim_address) throws(SysError) {
        let bytes = withUnsafeBytes(of: packed.bytes) { Array($0.prefix(Int(packed.length))) }
        if Int32(packed.family) == AF_UNIX {
            self = .unix(HostName.text(bytes))
        } else {
            self = .ip(try IPAddress(bytes), port: packed.port)
        }
    }
}

/// Names of hosts, as the host's resolver knows them.
public enum HostResolver {
    private static let limit = 32

    /// The addresses of `name`, in the order in which they are to be tried. Waits for as long as the resolver does: for
    /// helpers. The corresponding POSIX call is `getaddrinfo(3)`.
    @Sendable public static func addresses(of name: String) -> Result<[IPAddress], SysError> {
        var found = [cshim_address](repeating: cshim_address(), count: limit)
        var text: UnsafePointer<CChar>?
        let n = Int(cshim_resolve(name, &found, Int32(limit), &text))
        guard n >= 0 else {
            switch Int32(n) {
            case EAI_NONAME: return .failure(SysError("no such host", subject: name))
            case EAI_AGAIN: return .failure(SysError("no name server answers", subject: name))
            default: return .failure(SysError(text.map { String(cString: $0) } ?? "no such host", subject: name))
            }
        }
        var addresses: [IPAddress] = []
        for packed in found[..<n] {
            guard case .ip(let address, _)? = try? HostAddress(packed) else { continue }  // asked for no others
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses.isEmpty ? .failure(SysError("no such host", subject: name)) : .success(addresses)
    }
}
