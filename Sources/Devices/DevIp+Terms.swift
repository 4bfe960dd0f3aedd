import Host
import Kernel

/// On which terms a conversation of tls is held: who we are, and whom it is for, as ctl was told.
struct TLSTerms {
    private var key: HostKey?
    private var expected: HostTLS.Expected?

    /// The messages that say so.
    static let messages: Set<String> = ["key", "pin", "host", "accept"]

    /// How long peers may take to agree, nanoseconds.
    static let patience: UInt64 = 30_000_000_000

    /// Most keys of which the peer may have any.
    private static let pinLimit = 16

    /// Takes `key secret`, `pin key`, `host name` or `accept anybody`. A key that is pinned comes to those that are.
    mutating func take(_ words: [String]) throws(SysError) {
        guard words.count == 2 else { throw .controlArgs }
        switch words[0] {
        case "key": key = try HostKey(secret: words[1])
        case "pin":
            guard HostKey.isWord(words[1]) else { throw SysError(.badArg, saying: "it is no key", subject: words[1]) }
            var keys: [String] = []
            if case .keys(let before)? = expected { keys = before }
            guard keys.count < Self.pinLimit else { throw .tooBig }
            expected = .keys(keys + [words[1]])
        case "host":
            guard words[1].utf8.count <= 253, words[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw .badAddress
            }
            expected = .host(words[1])
        default:
            guard words[1] == "anybody" else { throw .badArg }
            expected = .anybody
        }
    }

    /// Throws where nothing was said of whom a call is for.
    func checkCall() throws(SysError) {
        guard expected != nil else { throw SysError("whom to expect was not said (host, pin or accept)") }
    }

    /// Throws where nothing was said of who announces.
    func checkAnnouncement() throws(SysError) {
        guard key != nil else { throw SysError("no key to be known by was given") }
    }

    func call(_ socket: HostSocket) throws(SysError) -> HostTLS {
        try HostTLS(client: socket, key, expected ?? .keys([]))
    }

    func answer(_ socket: HostSocket) throws(SysError) -> HostTLS {
        guard let key else { throw .notAnnounced }
        return try HostTLS(server: socket, key)
    }

    /// Waits as the caller does, but no longer than until the deadline.
    static func wait(_ how: How, until deadline: UInt64) -> HostWait {
        { (descriptor, events) throws(SysError) in
            guard how == .wait else { return try Thread.hostWait(how)(descriptor, events) }
            if try Thread.waitHost(descriptor, events, until: deadline).isEmpty { throw .timedOut }
        }
    }
}
