import Host
import Kernel

/// Which addresses of the host's network may be used, as the system's grants say: its own loopback, and what they add.
///
/// A rule may name a host. `known` has the addresses that the resolver gave for such names: an answer stays good, since
/// who got it may use it some time later.
final class NetPolicy: Sendable {
    /// Finds the addresses of a host, for as long as that takes.
    typealias Resolver = @Sendable (String) -> Result<[IPAddress], SysError>

    private let grant: HostGrants.Network
    private let resolver: Resolver
    private let known = Lock<[String: Set<IPAddress>]>([:])

    /// Addresses of one name that are kept; they are forgotten where there are more.
    private static let limit = 1024

    init(_ grant: HostGrants.Network, _ resolver: @escaping Resolver) {
        self.grant = grant
        self.resolver = resolver
    }

    /// Whether it lets all.
    var isWhole: Bool { if case .all = grant { true } else { false } }

    /// Throws where `address` may not be connected to, announced or sent to. `how` says whether names of rules may be
    /// looked up for that.
    func check(_ network: HostSocket.Kind, _ address: HostAddress, _ how: How) throws(SysError) {
        let network = network.transport
        let rules: [HostGrants.Rule]
        switch (grant, address) {
        case (.all, _): return
        case (_, .ip(let ip, _)) where ip.isLoopback: return
        case (.loopback, _): rules = []
        case (.some(let given), _): rules = given
        }
        guard try !allows(rules, network, address, how) else { return }
        let subject = "\(network)!\(address)"
        if case .loopback = grant, case .unix = address {
            throw SysError("unix sockets of the host are off (start emu with --net=\(subject))", subject: subject)
        }
        throw refusal(subject)
    }

    private func refusal(_ subject: String) -> SysError {
        if case .some = grant { return SysError("beyond what --net of this emu lets", subject: subject) }
        return SysError("beyond loopback the network is off (start emu with --net)", subject: subject)
    }

    private func allows(
        _ rules: [HostGrants.Rule], _ network: HostSocket.Kind, _ address: HostAddress, _ how: How
    ) throws(SysError) -> Bool {
        guard case .ip(let ip, let port) = address else {
            return rules.contains { $0.network == network.rawValue && $0.host == address.description }
        }
        let hosts = rules.filter { rule in
            (rule.network ?? network.rawValue) == network.rawValue && (rule.port ?? port) == port
        }
        .map(\.host)
        if hosts.contains(where: { $0 == nil }) { return true }
        var names: [String] = []
        for host in hosts.compactMap({ $0 }) {
            if let given = try? IPAddress(host) {  // else it is a name
                if given == ip { return true }
            } else {
                names.append(host.lowercased())
            }
        }
        for name in names where known.withLock({ $0[name]?.contains(ip) ?? false }) { return true }
        for name in names {
            do throws(SysError) {
                if try lookUp(name, how).contains(ip) { return true }
            } catch {
                // Whose name is not known lets nothing.
                if error.code != .other { throw error }
            }
        }
        return false
    }

    /// The addresses of a host, `localhost` without asking anybody. Throws where its name may not be asked for.
    func addresses(of name: String, _ how: How) throws(SysError) -> [IPAddress] {
        let name = name.lowercased()
        if name == "localhost" { return [.loopback4, .loopback] }
        switch grant {
        case .all: break
        case .some(let rules) where rules.contains(where: Self.names(name)): break
        default: throw refusal(name)
        }
        return try lookUp(name, how)
    }

    private static func names(_ name: String) -> (HostGrants.Rule) -> Bool {
        { $0.network != HostSocket.Kind.unix.rawValue && ($0.host ?? name).lowercased() == name }
    }

    private func lookUp(_ name: String, _ how: How) throws(SysError) -> [IPAddress] {
        guard how == .wait else { throw .wouldBlock }
        let resolver = resolver
        let found = try Thread.offload { resolver(name) }
        // What a rule names: others would not be asked for again.
        if case .some(let rules) = grant, rules.contains(where: { $0.host?.lowercased() == name }) {
            known.withLock { k in
                var all = k[name] ?? []
                if all.count + found.count > Self.limit { all = [] }
                k[name] = all.union(found.prefix(Self.limit))
            }
        }
        return found
    }
}
