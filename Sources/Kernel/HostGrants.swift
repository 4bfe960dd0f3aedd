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

    public init() {}
}
