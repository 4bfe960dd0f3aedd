import Host
import Kernel

/// A conversation of the network: made by an open of `clone` or `listen`, gone with the last open `ctl` or `data`.
///
/// `state` guards what is mutable; nothing that may wait is called with it held. Whoever waits on the socket keeps it open.
final class NetConversation: Sendable {
    /// As its directory is called.
    let number: UInt64
    let network: HostSocket.Kind
    let owner: Cred
    /// What it is charged to.
    let account: Account

    /// The files of its directory.
    enum File: UInt64, CaseIterable {
        case ctl = 1, data, listen, local, remote, status
        /// Of tls alone.
        case peer

        var mode: UInt32 {
            switch self {
            case .ctl, .data, .listen: 0o660
            case .local, .remote, .status, .peer: 0o444
            }
        }

        fileprivate var holds: Bool { self == .ctl || self == .data }
    }

    enum Phase: String {
        case closed = "Closed"
        case announcing = "Announcing"
        case announced = "Announced"
        case connecting = "Connecting"
        case established = "Established"
    }

    private struct State {
        var phase = Phase.closed
        /// What is bound, announced or connected, also when it was hung up.
        var socket: HostSocket?
        var stream: PolledStream?
        /// Of tls: what is made of the socket, and how.
        var tls: HostTLS?
        var terms = TLSTerms()
        /// Of tls: until when the caller who was accepted may take to agree; nil for those that called themselves.
        var deadline: UInt64?
        var local: HostAddress?
        var remote: HostAddress?
        var options: [HostSocket.Option: Int32] = [:]
        /// Datagrams carry their addresses.
        var hasHeaders = false
        /// Open Chans of ctl and data.
        var holders = 0
        var isGone = false
    }

    private let state: Lock<State>

    private init(_ network: HostSocket.Kind, _ number: UInt64, _ caller: Caller, _ state: State) {
        self.number = number
        self.network = network
        owner = caller.cred
        account = caller.account
        self.state = Lock(state)
    }

    /// Makes a conversation, once its number and its maker are known.
    typealias Maker = (UInt64, Caller) -> NetConversation

    /// One that has no socket yet.
    static func new(_ network: HostSocket.Kind) -> Maker { { NetConversation(network, $0, $1, State()) } }

    /// Waits for a caller; the conversation with it.
    func accept(_ how: How) throws(SysError) -> Maker {
        let announced = try state.withLock { (s) throws(SysError) in
            guard network != .udp else { throw .notSupported }
            guard s.phase == .announced, let socket = s.socket else { throw .notAnnounced }
            return (socket, s.terms)
        }
        var state = State()
        let (socket, remote) = try announced.0.accept(Thread.hostWait(how))
        state.socket = socket
        (state.local, state.remote) = (try socket.local(), remote)
        if network == .tls {
            // Whoever says nothing keeps nobody else waiting: see `agree`.
            state.tls = try announced.1.answer(socket)
            state.deadline = Thread.deadline(after: TLSTerms.patience)
            state.phase = .connecting
        } else {
            state.stream = PolledStream(socket.stream)
            state.phase = .established
        }
        let made = state
        return { [network] in NetConversation(network, $0, $1, made) }
    }

    /// Comes to terms with a caller that was accepted: before its data is open. Throws where that fails, which ends the
    /// conversation; a note does not.
    func agree(_ how: How) throws(SysError) {
        let (tls, deadline) = state.withLock { s in s.phase == .connecting ? (s.tls, s.deadline) : (nil, nil) }
        guard let tls, let deadline else { return }
        do throws(SysError) { try tls.handshake(TLSTerms.wait(how, until: deadline)) } catch {
            if error.code == .interrupted || error.code == .wouldBlock || error.code == .killed { throw error }
            throw giveUp(from: .connecting) ? error : .hungup
        }
        state.withLock { s in
            guard s.phase == .connecting else { return }
            s.phase = .established
            s.stream = PolledStream(tls)
        }
    }

    // MARK: opening and closing

    /// Throws `.nonexist` where the conversation has ended.
    func opened(_ file: File) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard !s.isGone else { throw .nonexist }
            if file.holds { s.holders += 1 }
        }
    }

    /// The last Chan that holds the conversation ends it: true then.
    func closed(_ file: File) -> Bool {
        guard file.holds else { return false }
        let (isEnd, unused) = state.withLock { s -> (Bool, (HostSocket?, PolledStream?, HostTLS?)) in
            s.holders -= 1
            guard s.holders == 0 else { return (false, (nil, nil, nil)) }
            s.isGone = true
            s.phase = .closed
            return (true, (s.socket.take(), s.stream.take(), s.tls.take()))
        }
        unused.2?.close()
        return isEnd
    }

    // MARK: what its files tell

    var phase: Phase { state.withLock { $0.phase } }

    /// `address!port` or the path, of the conversation and of its peer.
    var local: String { Self.text(state.withLock { $0.local }, network) }
    var remote: String { Self.text(state.withLock { $0.remote }, network) }

    /// The key of the peer; empty where it has shown none.
    var peer: String { state.withLock { $0.tls }?.peer ?? "" }

    private static func text(_ address: HostAddress?, _ network: HostSocket.Kind) -> String {
        (address ?? (network == .unix ? .unix("") : .ip(.any, port: 0))).description
    }

    // MARK: control

    /// Does what a message says.
    func control(_ text: String, _ policy: NetPolicy, _ how: How) throws(SysError) {
        let words = text.split(whereSeparator: { " \t\n".contains($0) }).map(String.init)
        switch (words.first, words.count) {
        case ("connect", 2): try connect(try remote(words[1]), nil, policy, how)
        case ("connect", 3): try connect(try remote(words[1]), words[2], policy, how)
        case ("announce", 2): try announce(words[1], policy, how)
        case ("bind", 2): try bind(words[1], policy, how)
        case ("hangup", 1): hangUp()
        case ("hangup", 2) where words[1] == "write": try hangUpWriting()
        case ("ttl", 2): try set(.ttl, words[1], in: 1...255)
        case ("tos", 2): try set(.tos, words[1], in: 0...255)
        case ("keepalive", 1...2):
            try set(.keepAlive, words.count == 1 ? "10000" : words[1], in: 1000...32_767_000, scale: 1000)
        case ("headers", 1):
            guard network == .udp else { throw .unknownControl }
            state.withLock { $0.hasHeaders = true }
        case (let word?, _) where network == .tls && TLSTerms.messages.contains(word):
            try state.withLock { (s) throws(SysError) in try s.terms.take(words) }
        case ("connect", _), ("announce", _), ("bind", _), ("hangup", _), ("ttl", _), ("tos", _), ("keepalive", _),
            ("headers", _):
            throw .controlArgs
        default: throw .unknownControl
        }
    }

    /// Sets what counts for the socket that there is, and for those that will be.
    private func set(
        _ option: HostSocket.Option, _ word: String, in range: ClosedRange<Int32>, scale: Int32 = 1
    ) throws(SysError) {
        guard let value = Int32(word), range.contains(value) else { throw .badArg }
        guard network != .unix, option != .keepAlive || network.transport == .tcp else { throw .notSupported }
        let socket = state.withLock { s in
            s.options[option] = value / scale
            return s.socket
        }
        try socket?.set(option, value / scale)
    }

    /// Where to: an address and a port, or a path.
    private func remote(_ word: String) throws(SysError) -> HostAddress {
        if network == .unix { return .unix(word) }
        guard case .ip(let ip, let port) = try Self.address(word), ip != .any, ip != .any4, port > 0 else {
            throw .badAddress
        }
        return .ip(ip, port: port)
    }

    /// `address!port`, `*!port`, or a port of any address.
    private static func address(_ word: String) throws(SysError) -> HostAddress {
        let cut = word.lastIndex(of: "!")
        let host = cut.map { word[..<$0] } ?? "*"
        guard let port = UInt16(cut.map { word[word.index(after: $0)...] } ?? word[...]) else { throw .badAddress }
        return .ip(host == "*" ? .any : try IPAddress(String(host)), port: port)
    }

    private func local(_ word: String) throws(SysError) -> HostAddress {
        network == .unix ? .unix(word) : try Self.address(word)
    }

    /// A new socket of ours, as it was asked for; bound, where it is to be.
    private func socket(for address: HostAddress, bound local: HostAddress?) throws(SysError) -> HostSocket {
        let socket = try HostSocket(network, for: address)
        for (option, value) in state.withLock({ $0.options }) { try socket.set(option, value) }
        if let local { try socket.bind(local) }
        return socket
    }

    /// Bound to `local`; of version 4 where that is all of this host, and the host has no other.
    private func bound(_ local: HostAddress) throws(SysError) -> HostSocket {
        do throws(SysError) { return try socket(for: local, bound: local) } catch {
            guard error.code == .noProtocol || error.code == .badAddress, case .ip(.any, let port) = local else {
                throw error
            }
            let all = HostAddress.ip(.any4, port: port)
            return try socket(for: all, bound: all)
        }
    }

    /// Takes the conversation from closed to `phase`, and with it the socket that was bound. Throws `.addressInUse` where it
    /// has begun something else before.
    private func begin(_ phase: Phase) throws(SysError) -> HostSocket? {
        try state.withLock { (s) throws(SysError) in
            guard s.phase == .closed, s.stream == nil, !s.isGone else { throw .addressInUse }
            s.phase = phase
            return s.socket
        }
    }

    /// What was begun has failed. False where it was hung up meanwhile.
    private func giveUp(from before: Phase) -> Bool {
        let (unused, isOurs) = state.withLock { s in
            defer { s.phase = .closed }
            return ((s.socket.take(), s.tls.take()), s.phase == before)
        }
        unused.1?.close()
        return isOurs
    }

    /// What was begun is done. Throws `.hungup` where it was hung up meanwhile.
    private func finish(
        _ phase: Phase, from before: Phase, _ socket: HostSocket, _ remote: HostAddress?
    ) throws(SysError) {
        let local = try socket.local()
        try state.withLock { (s) throws(SysError) in
            guard s.phase == before else { throw .hungup }
            s.phase = phase
            (s.socket, s.local, s.remote) = (socket, local, remote)
            if phase == .established || network == .udp { s.stream = PolledStream(s.tls ?? socket.stream) }
        }
    }

    /// `from` is the address that the socket is to have, or its port alone.
    private func connect(
        _ remote: HostAddress, _ from: String?, _ policy: NetPolicy, _ how: How
    ) throws(SysError) {
        var local = try from.map { (word) throws(SysError) in try self.local(word) }
        if case .ip(.any, let port)? = local, case .ip(let ip, _) = remote, ip.bytes.count == 4 {
            local = .ip(.any4, port: port)
        }
        try policy.check(network, remote, how)
        // It cannot be undone.
        guard how == .wait || network == .udp else { throw .wouldBlock }
        let terms = state.withLock { $0.terms }
        if network == .tls { try terms.checkCall() }
        let bound = try begin(.connecting)
        do throws(SysError) {
            let socket = if let bound { bound } else { try socket(for: remote, bound: local) }
            try state.withLock { (s) throws(SysError) in
                guard s.phase == .connecting else { throw .hungup }
                s.socket = socket
            }
            do throws(SysError) { try socket.connect(remote, Thread.hostWait(.wait)) } catch {
                guard error.code == .wouldBlock else { throw error }
                try Thread.interruptibly { call in
                    do throws(SysError) { return .success(try socket.connectWaiting(remote, call)) } catch {
                        return .failure(error)
                    }
                }
            }
            if network == .tls {
                let tls = try terms.call(socket)
                try state.withLock { (s) throws(SysError) in
                    guard s.phase == .connecting else { throw .hungup }
                    s.tls = tls
                }
                try tls.handshake(TLSTerms.wait(.wait, until: Thread.deadline(after: TLSTerms.patience)))
            }
            try finish(.established, from: .connecting, socket, remote)
        } catch {
            // A hangup ends the host's call with an error that says nothing.
            throw giveUp(from: .connecting) || error.code == .killed ? error : .hungup
        }
    }

    private func announce(_ word: String, _ policy: NetPolicy, _ how: How) throws(SysError) {
        let local = try local(word)
        if network == .tls { try state.withLock({ $0.terms }).checkAnnouncement() }
        try policy.check(network, local, how)
        if let bound = try begin(.announcing) {
            // It may be connected, and no more.
            state.withLock { $0.phase = .closed }
            withExtendedLifetime(bound) {}
            throw .addressInUse
        }
        do throws(SysError) {
            let socket = try bound(local)
            if network != .udp { try socket.listen() }
            try finish(.announced, from: .announcing, socket, nil)
        } catch {
            throw giveUp(from: .announcing) ? error : .hungup
        }
    }

    private func bind(_ word: String, _ policy: NetPolicy, _ how: How) throws(SysError) {
        let local = try local(word)
        try policy.check(network, local, how)
        let socket = try bound(local)
        let now = try socket.local()
        try state.withLock { (s) throws(SysError) in
            guard s.phase == .closed, s.socket == nil, !s.isGone else { throw .addressInUse }
            (s.socket, s.local) = (socket, now)
        }
    }

    /// Ends both directions, or the announcement: whoever waits is woken.
    private func hangUp() {
        let (socket, tls) = state.withLock { s in
            s.phase = .closed
            return (s.socket, s.tls)
        }
        if let tls { tls.hangUp() } else { socket?.shutdown() }
    }

    /// The peer reads the end; what it sends still comes.
    private func hangUpWriting() throws(SysError) {
        let (socket, tls) = try state.withLock { (s) throws(SysError) in
            guard s.phase == .established, network != .udp else { throw .notConnected }
            return (s.socket, s.tls)
        }
        if let tls { tls.finish() } else { socket?.shutdown(reading: false) }
    }

    // MARK: data

    private func using() throws(SysError) -> (HostSocket, PolledStream, hasHeaders: Bool) {
        try state.withLock { (s) throws(SysError) in
            guard let socket = s.socket, let stream = s.stream else { throw .notConnected }
            return (socket, stream, s.hasHeaders)
        }
    }

    func read(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        let (socket, stream, hasHeaders) = try using()
        guard hasHeaders else { return try stream.read(into: &buffer, how) }
        guard buffer.byteCount >= Header.size else { throw .tooSmall }
        var rest = buffer._mutatingExtracting(Header.size..<buffer.byteCount)
        let (n, from) = try socket.receive(into: &rest, Thread.hostWait(how))
        let header = Header(remote: from, local: state.withLock { $0.local })
        buffer.copy(header.bytes.span.bytes)
        return Header.size + n
    }

    func write(_ bytes: RawSpan, _ policy: NetPolicy, _ how: How) throws(SysError) -> Int {
        let (socket, stream, hasHeaders) = try using()
        guard hasHeaders else {
            do throws(SysError) { return try stream.write(bytes, how) } catch {
                throw error.code == .closedPipe || error.code == .reset ? .hungup : error
            }
        }
        guard bytes.byteCount >= Header.size else { throw .tooSmall }
        let remote = try Header.remote([UInt8](copying: bytes.extracting(0..<Header.size)))
        try policy.check(network, remote, how)
        try socket.send(bytes.extracting(Header.size..<bytes.byteCount), to: remote, Thread.hostWait(how))
        return bytes.byteCount
    }

    /// Of unix sockets alone: over tcp it is no faster than a copy.
    func drain(_ conduit: Conduit, _ how: How) throws(SysError) -> Bool {
        guard network == .unix else { return false }
        let socket = try using().0
        // One that was lent may wait: in the host, where nobody is woken.
        guard socket.neverWaits else { return false }
        do throws(SysError) { try conduit.drain(into: socket.stream.number, Thread.hostWait(how)) } catch {
            throw error.code == .closedPipe || error.code == .reset ? .hungup : error
        }
        return true
    }

    /// The socket of a connection; nil where what goes through it is not what a program reads and writes, and for datagrams,
    /// which a program could send to anybody.
    func lend() throws(SysError) -> Int32? {
        let socket = state.withLock { s in s.phase == .established && s.tls == nil ? s.socket : nil }
        guard let socket, network == .tcp || network == .unix else { return nil }
        // Ours never waits whatever the descriptor says.
        try HostFiles.setWaiting(socket.stream.number)
        return socket.stream.number
    }

    func poll(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        // Its error comes at once.
        guard let stream = state.withLock({ $0.stream }) else { return events }
        return stream.poll(events, waiter)
    }
}

/// What stands before each datagram after `headers`: the addresses of the peer, of this side and of the interface, 16 bytes
/// each, and the peer's port and ours, high byte first. The corresponding Inferno page is `ip(3)`.
private struct Header {
    static let size = 52

    var bytes: [UInt8] = []

    init(remote: HostAddress, local: HostAddress?) {
        var ports: [UInt8] = []
        for address in [remote, local] {
            guard case .ip(let ip, let port)? = address else { continue }  // datagrams have no other
            bytes += ip.mapped
            ports += [UInt8(port >> 8), UInt8(port & 0xFF)]
        }
        bytes += bytes.suffix(16) + ports
    }

    /// To whom a datagram with this header goes.
    static func remote(_ bytes: [UInt8]) throws(SysError) -> HostAddress {
        .ip(try IPAddress(Array(bytes[..<16])), port: UInt16(bytes[48]) << 8 | UInt16(bytes[49]))
    }
}
