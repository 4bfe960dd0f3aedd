/// What of the host a system may touch: fixed when the system is made, and nothing else is.
public struct HostGrants: Sendable {
    /// A directory of the host that may be attached.
    public struct Tree: Sendable {
        /// Absolute host path.
        public let path: String
        /// Rights that every Chan found through it has at most.
        public let mask: Mask

        public init(_ path: String, _ mask: Mask = .all) {
            self.path = path
            self.mask = mask
        }
    }

    /// By attach specifier: `home` is what `#Uhome` attaches.
    public var trees: [String: Tree] = [:]
    /// Whether host commands may be run. The flag `-C` opens it.
    public var commands = false

    public init() {}
}
