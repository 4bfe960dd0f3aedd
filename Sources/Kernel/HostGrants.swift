/// What of the host a system may touch: fixed when the system is made, and nothing else is.
public struct HostGrants: Sendable {
    /// A directory of the host that may be attached.
    public struct Tree: Sendable {
        /// Absolute host path.
        public let path: String
        /// Rights that every Chan found through it has at most.
        public let mask: Mask

        /// Whether the host's device nodes below it may be opened.
        public let devices: Bool

        public init(_ path: String, _ mask: Mask = .all, devices: Bool = false) {
            self.path = path
            self.mask = mask
            self.devices = devices
        }
    }

    /// By attach specifier: `home` is what `#Uhome` attaches.
    public var trees: [String: Tree] = [:]
    /// Whether host commands may be run. The flag `-C` opens it.
    public var commands = false
    /// Which addresses may be connected to and announced. The flag `--net` opens more.
    public var network = Network.loopback

    public init() {}
}

extension HostGrants {
    /// What of the host's network may be used; this host's own loopback may always be.
    public enum Network: Sendable {
        case loopback
        case all
        /// What one of these lets.
        case some([Rule])

        /// `*` for all, else rules with commas between them.
        public init(_ text: String) throws(SysError) {
            if text == "*" {
                self = .all
                return
            }
            var rules: [Rule] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) { rules.append(try Rule(part)) }
            self = .some(rules)
        }
    }

    /// `tcp!host!port` or `udp!host!port`, where each of the three may be `*`; or `unix!/path`.
    public struct Rule: Sendable {
        /// nil for any that has hosts and ports.
        public let network: String?
        /// The host as it was written, or the path; nil for any host.
        public let host: String?
        /// nil for any.
        public let port: UInt16?

        init(_ text: Substring) throws(SysError) {
            let parts = text.split(separator: "!", omittingEmptySubsequences: false).map(String.init)
            if parts[0] == "unix" {
                let path = text.dropFirst("unix!".count)
                guard path.hasPrefix("/") else { throw SysError("not unix!/path", subject: String(text)) }
                (network, host, port) = ("unix", String(path), nil)
                return
            }
            guard parts.count == 3, ["tcp", "udp", "*"].contains(parts[0]), !parts[1].isEmpty else {
                throw SysError("not tcp!host!port, udp!host!port or unix!/path", subject: String(text))
            }
            network = parts[0] == "*" ? nil : parts[0]
            host = parts[1] == "*" ? nil : parts[1]
            port = parts[2] == "*" ? nil : UInt16(parts[2])
            guard parts[2] == "*" || port != nil else { throw SysError("the port is no number", subject: String(text)) }
        }
    }
}
