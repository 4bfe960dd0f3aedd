import Host
import Kernel

/// The host's network: `tcp`, `udp` and `unix`, and `tls` over tcp, each with `clone` and a directory for each conversation;
/// and `cs`, which translates names.
///
/// Which addresses may be used is what the system was made with. `state` guards the table; a conversation guards itself.
/// The corresponding Inferno page is `ip(3)`; interfaces and routes are the host's.
final class DevIp: Dev {
    let letter: Character = "I"
    let name = "ip"
    let instance = Instance.new()

    typealias Network = HostSocket.Kind

    /// Conversations at once.
    static let limit = 16384

    private struct State {
        var next: UInt64 = 0
        /// Those that are there, and those that a caller is awaited for.
        var count = 0
        var conversations: [UInt64: NetConversation] = [:]
    }

    private let state = Lock(State())
    private let policy = Lock(NetPolicy(.loopback, HostResolver.addresses))
    private let resolve: NetPolicy.Resolver

    init(_ resolve: @escaping NetPolicy.Resolver = HostResolver.addresses) { self.resolve = resolve }

    func start(_ system: System) { policy.withLock { $0 = NetPolicy(system.grants.network, resolve) } }

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard spec.isEmpty else { throw .badSpec }
        return Chan(self, qid: Place.top.qid)
    }

    // MARK: the tree

    /// What a qid path stands for: the low four bits are the file, the next four the network, and above them stands the
    /// conversation's number and one.
    enum Place: Equatable {
        case top, cs
        case network(Network)
        case clone(Network)
        case conversation(Network, UInt64)
        case file(Network, UInt64, NetConversation.File)

        private static let shift: UInt64 = 8
        private static let fixedFile: UInt64 = 1

        init?(_ qid: Qid) {
            let number = qid.path >> Self.shift
            let file = qid.path & 0xF
            let row = Int(qid.path >> 4 & 0xF)
            guard row > 0 else {
                self = file == 0 ? .top : .cs
                return
            }
            guard row <= Network.allCases.count else { return nil }
            let network = Network.allCases[row - 1]
            switch (number, file) {
            case (0, 0): self = .network(network)
            case (0, _): self = .clone(network)
            case (_, 0): self = .conversation(network, number - 1)
            default:
                guard let file = NetConversation.File(rawValue: file) else { return nil }
                self = .file(network, number - 1, file)
            }
        }

        var qid: Qid {
            switch self {
            case .top: Qid(path: 0, type: .directory)
            case .cs: Qid(path: Self.fixedFile)
            case .network(let network): Qid(path: Self.bits(network), type: .directory)
            case .clone(let network): Qid(path: Self.bits(network) | Self.fixedFile)
            case .conversation(let network, let n): Qid(path: Self.bits(network, n), type: .directory)
            case .file(let network, let n, let file): Qid(path: Self.bits(network, n) | file.rawValue)
            }
        }

        private static func bits(_ network: Network) -> UInt64 {
            UInt64((Network.allCases.firstIndex(of: network) ?? 0) + 1) << 4
        }

        private static func bits(_ network: Network, _ number: UInt64) -> UInt64 {
            (number + 1) << shift | bits(network)
        }

        var up: Place {
            switch self {
            case .top, .cs, .network: .top
            case .clone(let network), .conversation(let network, _): .network(network)
            case .file(let network, let n, _): .conversation(network, n)
            }
        }

        /// The number of the conversation that it belongs to.
        var number: UInt64? {
            switch self {
            case .conversation(_, let n), .file(_, let n, _): n
            default: nil
            }
        }

        var row: Dirtab {
            switch self {
            case .top: Dirtab("#I", qid, mode: 0o555)
            case .cs: Dirtab("cs", qid, mode: 0o666)
            case .network(let network): Dirtab(network.rawValue, qid, mode: 0o555)
            case .clone: Dirtab("clone", qid, mode: 0o666)
            case .conversation(_, let n): Dirtab("\(n)", qid, mode: 0o555)
            case .file(_, _, let file): Dirtab("\(file)", qid, mode: file.mode)
            }
        }
    }

    private func place(_ c: Chan) throws(SysError) -> Place {
        guard let place = Place(c.qid) else { throw .nonexist }
        return place
    }

    /// Throws `.nonexist` where it has ended.
    private func conversation(_ number: UInt64) throws(SysError) -> NetConversation {
        guard let found = state.withLock({ $0.conversations[number] }) else { throw .nonexist }
        return found
    }

    /// What stands in a directory, in the order of qid paths.
    private func places(in directory: Place) -> [Place] {
        switch directory {
        case .top: return [.cs] + Network.allCases.map { .network($0) }
        case .network(let network):
            let all = state.withLock { s in s.conversations.values.filter { $0.network == network }.map(\.number) }
            return [.clone(network)] + all.sorted().map { .conversation(network, $0) }
        case .conversation(let network, let n):
            return NetConversation.File.allCases.filter { $0 != .peer || network == .tls }.map { .file(network, n, $0) }
        default: return []
        }
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let here = try place(c)
        if case .network(let network) = here {
            if name == "clone" { return c.sibling(Place.clone(network).qid) }
            guard let n = UInt64(name), "\(n)" == name, try conversation(n).network == network else { throw .nonexist }
            return c.sibling(Place.conversation(network, n).qid)
        }
        for place in places(in: here) where place.row.name == name { return c.sibling(place.qid) }
        throw .nonexist
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan { c.sibling(try place(c).up.qid) }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir { try entry(try place(c), caller) }

    /// What belongs to a conversation is its maker's.
    private func entry(_ place: Place, _ caller: Caller) throws(SysError) -> Dir {
        var entry = dir(place.row, caller)
        if let number = place.number {
            entry.belong(to: try conversation(number).owner)
        }
        return entry
    }

    /// A cookie is a qid path: it stays right when conversations end.
    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var entries: [(entry: Dir, cookie: UInt64)] = []
        for place in places(in: try place(c)) where place.qid.path > cookie && entries.count < limit {
            guard let entry = try? entry(place, caller) else { continue }  // it has ended meanwhile
            entries.append((entry, place.qid.path))
        }
        return entries
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard mode.access != 3, caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        let made: Chan
        switch try place(c) {
        case .top, .network, .conversation: return c.opened(mode)
        case .cs:
            c.auxiliary = NetTranslation()
            return c.opened(mode)
        case .clone(let network): made = c.sibling(try add(caller) { NetConversation.new(network) })
        case .file(_, let n, .listen):
            let heard = try conversation(n)
            made = c.sibling(try add(caller) { () throws(SysError) in try heard.accept(how) })
        case .file: made = c
        }
        guard case .file(_, let n, let file) = try place(made) else { throw .nonexist }
        let conversation = try conversation(n)
        if file == .data { try conversation.agree(how) }
        try conversation.opened(file)
        made.auxiliary = conversation
        return made.opened(mode)
    }

    /// Adds what `make` gives, in a place that is kept for it meanwhile; the qid of its ctl file.
    private func add(
        _ caller: Caller, _ make: () throws(SysError) -> NetConversation.Maker
    ) throws(SysError) -> Qid {
        try caller.account.charge(.conversations)
        do throws(SysError) {
            try state.withLock { (s) throws(SysError) in
                guard s.count < Self.limit else { throw .noDevices }
                s.count += 1
            }
            do throws(SysError) {
                let maker = try make()
                return state.withLock { s in
                    let made = maker(s.next, caller)
                    s.conversations[s.next] = made
                    s.next += 1
                    return Place.file(made.network, made.number, .ctl).qid
                }
            } catch {
                state.withLock { $0.count -= 1 }
                throw error
            }
        } catch {
            caller.account.credit(.conversations)
            throw error
        }
    }

    func close(_ c: Chan) {
        guard let conversation = c.auxiliary as? NetConversation, let place = Place(c.qid),
            case .file(_, let n, let file) = place, conversation.closed(file)
        else { return }
        state.withLock { s in
            s.conversations[n] = nil
            s.count -= 1
        }
        conversation.account.credit(.conversations)
    }

    /// The conversation of an open Chan, and which of its files that is.
    private func opened(_ c: Chan) throws(SysError) -> (NetConversation, NetConversation.File) {
        guard let conversation = c.auxiliary as? NetConversation, case .file(_, _, let file)? = Place(c.qid) else {
            throw .badUseFd
        }
        return (conversation, file)
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        if let translation = c.auxiliary as? NetTranslation { return try translation.read(into: &buffer, at: offset) }
        let (conversation, file) = try opened(c)
        switch file {
        case .ctl: return read(text: "\(conversation.number)", into: &buffer, at: offset)
        case .data: return try conversation.read(into: &buffer, how)
        case .listen: throw .badUseFd
        case .local: return read(text: "\(conversation.local)\n", into: &buffer, at: offset)
        case .remote: return read(text: "\(conversation.remote)\n", into: &buffer, at: offset)
        case .peer: return read(text: "\(conversation.peer)\n", into: &buffer, at: offset)
        case .status: return read(text: "\(conversation.phase.rawValue)\n", into: &buffer, at: offset)
        }
    }

    /// Most bytes of a message for ctl or a query for cs.
    static let messageLimit = 1024

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        if case .file(_, _, .data)? = Place(c.qid) {
            return try opened(c).0.write(bytes, policy.withLock { $0 }, how)
        }
        guard bytes.byteCount <= Self.messageLimit else { throw .tooBig }
        guard let text = String(validating: [UInt8](copying: bytes), as: UTF8.self) else { throw .badArg }
        let policy = policy.withLock { $0 }
        if let translation = c.auxiliary as? NetTranslation {
            try translation.ask(text, policy, how)
        } else {
            let (conversation, file) = try opened(c)
            guard file == .ctl else { throw .perm }
            try conversation.control(text, policy, how)
        }
        return bytes.byteCount
    }

    func drain(_ conduit: Conduit, into c: Chan, _ caller: Caller, _ how: How) throws(SysError) -> Bool {
        guard case .file(_, _, .data)? = Place(c.qid) else { return false }
        return try opened(c).0.drain(conduit, how)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        // Not open, or another file: what it gives, an error too, comes at once.
        guard case (let conversation, .data)? = try? opened(c) else { return events.intersection([.read, .write]) }
        return conversation.poll(events, waiter)
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        guard let (conversation, file) = try? opened(c) else { return nil }  // a directory, or cs
        return file == .data ? try conversation.lend() : try lendCopy(c, caller)
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        guard let (conversation, file) = try? opened(c) else { return nil }  // known when it is open
        guard file == .data else { return try copyIdentity(c) }
        return try conversation.lend().map { (socket) throws(SysError) in HostIdentity(try HostStat(socket)) }
    }

    func seekable(_ c: Chan) -> Bool {
        if case .file(_, _, .data)? = Place(c.qid) { false } else { true }
    }
}

/// For engines whose programs have sockets: what its files let a program do, such a socket may do too.
extension DevIp: HostNetwork {
    func check(_ kind: HostSocket.Kind, _ address: HostAddress, waits: Bool) throws(SysError) {
        try policy.withLock { $0 }.check(kind, address, waits ? .wait : .try)
    }

    var isWhole: Bool { policy.withLock { $0 }.isWhole }
}
