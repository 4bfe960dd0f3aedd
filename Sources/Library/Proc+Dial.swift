import Host
import Kernel

/// Making and taking network connections, by the files of whatever networks the name space has.
///
/// An address is `network!host!service`, after the directory of the networks where that is not /net:
/// `/net.alt/tcp!host!service`. The corresponding Inferno page is `dial(2)`.
extension Proc {
    /// A connection, by its descriptors; whoever has it closes them.
    public struct Connection: Sendable {
        /// What is said, both ways.
        public let data: Int32
        /// Control messages.
        public let control: Int32
        /// Path of the conversation's directory.
        public let directory: String

        public init(data: Int32, control: Int32, directory: String) {
            self.data = data
            self.control = control
            self.directory = directory
        }
    }

    /// A conversation whose data file is not open: an announcement, or a call that nobody has accepted yet.
    public struct Call: Sendable {
        public let control: Int32
        public let directory: String

        public init(control: Int32, directory: String) {
            self.control = control
            self.directory = directory
        }
    }

    /// What stands in the files of a conversation.
    public struct ConnectionInfo: Sendable {
        public let local: String
        public let remote: String
        public let status: String
    }

    /// `address` with what it does not say: `host` is the same as `network!host!service`, and `network!host` as
    /// `network!host!service`. The corresponding Inferno call is `dial->netmkaddr`.
    public static func netmkaddr(_ address: String, _ network: String = "net", _ service: String = "") -> String {
        let parts = address.split(separator: "!", omittingEmptySubsequences: false)
        let tail = service.isEmpty ? "" : "!\(service)"
        if parts.count == 1 { return "\(network)!\(address)\(tail)" }
        // A path has no service.
        return parts.count > 2 || networkName(parts[0]) == "unix" ? address : address + tail
    }

    /// Whether only this host can call `address`, which is `host!port` as `ways` gives it for `clone`: a loopback address, or
    /// a unix socket.
    public static func isLocal(_ clone: String, _ address: String) -> Bool {
        if clone.hasSuffix("/unix/clone") { return true }
        guard let cut = address.lastIndex(of: "!") else { return false }
        return (try? IPAddress(String(address[..<cut])))?.isLoopback ?? false  // no address is not loopback
    }

    private static func networkName(_ text: Substring) -> Substring {
        text.lastIndex(of: "/").map { text[text.index(after: $0)...] } ?? text
    }

    /// Connects to `address`: each way that it translates to is tried in order. `local` is `address!port` or a port of ours,
    /// nil for any. Of tls, the peer is to be known (see keys(6)), unless it may be `anybody`. Throws what the first of them
    /// said. The corresponding Inferno call is `dial->dial`.
    public func dial(_ address: String, local: String? = nil, anybody: Bool = false) throws(SysError) -> Connection {
        var failure: SysError?
        for (clone, remote) in try ways(to: address) {
            let message = local.map { "connect \(remote) \($0)" } ?? "connect \(remote)"
            do throws(SysError) {
                let call = try converse(clone, message, try terms(of: clone, address, remote, anybody: anybody))
                do throws(SysError) {
                    return Connection(data: try accept(call), control: call.control, directory: call.directory)
                } catch {
                    try? close(call.control)  // what went wrong first is what is told
                    throw error
                }
            } catch {
                if error.code == .interrupted || error.code == .killed { throw error }
                if failure == nil { failure = error.about(address) }
            }
        }
        throw failure ?? SysError(.badAddress, subject: address)
    }

    /// Announces `address`: it takes calls from now on, as long as the control file is open. A caller who says nothing for
    /// long is asked whether he is still there, so that one whose machine or network has gone keeps nothing.
    /// The corresponding Inferno call is `dial->announce`.
    public func announce(_ address: String) throws(SysError) -> Call {
        guard let (clone, local) = try ways(to: address).first else { throw SysError(.badAddress, subject: address) }
        let terms: Terms? = Self.isTLS(clone) ? .announcement : nil
        do throws(SysError) {
            let call = try converse(clone, "announce \(local)", terms)
            _ = try? write(call.control, "keepalive \(Self.silence)")  // only tcp can ask
            return call
        } catch { throw error.about(address) }
    }

    /// Waits for a call to an announcement. Its control file is open; close it to refuse the call.
    /// The corresponding Inferno call is `dial->listen`.
    public func listen(_ announcement: Call) throws(SysError) -> Call { try listen(announcement.directory) }

    /// The same, by the announcement's directory.
    public func listen(_ directory: String) throws(SysError) -> Call {
        let control = try open("\(directory)/listen", .readWrite)
        return try numbered(control, in: Self.parent(directory))
    }

    /// The data file of a call, open. The corresponding Inferno call is `dial->accept`.
    public func accept(_ call: Call) throws(SysError) -> Int32 { try open("\(call.directory)/data", .readWrite) }

    /// Refuses a call. The corresponding Inferno call is `dial->reject`; networks that could say why are not here.
    public func reject(_ call: Call) throws(SysError) {
        var failure: SysError?
        do throws(SysError) { try write(call.control, "hangup") } catch { failure = error }
        try close(call.control)
        if let failure { throw failure }
    }

    /// Where the conversation of a directory is. The corresponding Inferno call is `dial->netinfo`.
    public func netinfo(_ directory: String) throws(SysError) -> ConnectionInfo {
        func line(_ name: String) throws(SysError) -> String {
            let fd = try open("\(directory)/\(name)")
            defer { _ = try? close(fd) }  // it was read: nothing is lost
            let bytes = try read(fd, Self.lineLimit)
            return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
        }
        return ConnectionInfo(local: try line("local"), remote: try line("remote"), status: try line("status"))
    }

    /// Bytes of a line of `cs` and of the files of a conversation.
    private static let lineLimit = 1024

    /// Milliseconds of silence after which a caller is asked whether he is there.
    private static let silence = 30_000

    /// Most lines that an address translates to.
    private static let wayLimit = 64

    /// What `cs` of the networks' directory makes of an address, or, where there is none, the address itself: files to open
    /// and what to say to them.
    public func ways(to address: String) throws(SysError) -> [(clone: String, address: String)] {
        let parts = address.split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw SysError(.badAddress, subject: address)
        }
        let network = Self.networkName(parts[0])
        let place = parts[0].count > network.count + 1 ? String(parts[0].dropLast(network.count + 1)) : "/net"
        let cs: Int32
        do throws(SysError) { cs = try open("\(place)/cs", .readWrite) } catch {
            guard error.code == .nonexist, network != "net" else { throw error }
            return [("\(place)/\(network)/clone", String(parts[1]))]
        }
        defer { _ = try? close(cs) }  // it was read: nothing is lost
        do throws(SysError) { try write(cs, "\(network)!\(parts[1])") } catch { throw error.about(address) }
        try seek(cs, 0)
        var ways: [(clone: String, address: String)] = []
        while ways.count < Self.wayLimit, case let line = try read(cs, Self.lineLimit), !line.isEmpty {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            // The same file of the networks that were asked for.
            let file = words[0].hasPrefix("/net/") ? place + words[0].dropFirst("/net".count) : words[0]
            ways.append((file, words[1]))
        }
        return ways
    }

    /// A new conversation that has been told `message`, after what `terms` say.
    private func converse(_ clone: String, _ message: String, _ terms: Terms?) throws(SysError) -> Call {
        let call = try numbered(try open(clone, .readWrite), in: Self.parent(clone))
        do throws(SysError) {
            if let terms { try tell(terms, to: call.control) }
            do throws(SysError) { try write(call.control, message) } catch { throw terms?.explain(error) ?? error }
        } catch {
            try? close(call.control)  // what went wrong first is what is told
            throw error
        }
        return call
    }

    /// The conversation whose control file is `control`, in a network's directory.
    private func numbered(_ control: Int32, in network: String) throws(SysError) -> Call {
        do throws(SysError) {
            let number = String(decoding: try read(control, 32), as: UTF8.self)
            guard !number.isEmpty, number.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
                throw SysError(.badAddress, subject: network)
            }
            return Call(control: control, directory: "\(network)/\(number)")
        } catch {
            try? close(control)  // what went wrong first is what is told
            throw error
        }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
