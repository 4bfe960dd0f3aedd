import Kernel

/// What a conversation begins with: the version that both sides speak, and the trees that were asked for; and which one
/// goes on when it has ended.
final class MntSession: Sendable {
    private struct Known {
        weak var tree: MntTree?
    }

    private enum State {
        case fresh, opening
        case open
        case failed(SysError)
    }

    private struct Next {
        var link: MntLink?
        var isBeingMade = false
    }

    private let state = Lock(State.fresh)
    private let changed = WaitQueue()
    private let trees = Lock([String: Known]())
    private let next = Lock(Next())

    /// Settles the version, once; who comes meanwhile waits for the outcome.
    func open(_ link: MntLink) throws(SysError) {
        let isFirst = try changed.sleep { () throws(SysError) -> Bool? in
            try state.withLock { (s) throws(SysError) in
                switch s {
                case .fresh:
                    s = .opening
                    return true
                case .opening: return nil
                case .open: return false
                case .failed(let error): throw error
                }
            }
        }
        guard isFirst else { return }
        defer { changed.wake() }
        do throws(SysError) {
            try link.agree()
            state.withLock { $0 = .open }
        } catch {
            // A note ends this attempt alone, but the server's answer may come any time: the wire is of no use any more.
            state.withLock { $0 = .failed(error) }
            link.hangUp(error)
            throw error
        }
    }

    /// The tree called `spec`, attached already or now.
    func tree(_ link: MntLink, _ spec: String, _ caller: Caller) throws(SysError) -> MntTree {
        // Different users have different trees.
        let key = "\(caller.cred.user)\0\(spec)"
        if let known = trees.withLock({ $0[key]?.tree }) { return known }
        let tree = try MntTree(link, spec, caller)
        trees.withLock { $0[key] = Known(tree: tree) }
        return tree
    }

    /// The conversation that goes on where `link` has ended; made by the first who asks, while the others wait.
    func successor(of link: MntLink) throws(SysError) -> MntLink {
        guard let reconnect = link.options.reconnect else { throw .shutdown }
        let known = try changed.sleep { () throws(SysError) -> MntLink?? in
            next.withLock { n -> MntLink?? in
                if let link = n.link { return .some(link) }
                guard !n.isBeingMade else { return .none }
                n.isBeingMade = true
                return .some(nil)
            }
        }
        if let known { return known.isOver ? try known.session.successor(of: known) : known }
        var made: MntLink?
        defer {
            next.withLock { $0 = Next(link: made) }
            changed.wake()
        }
        let new = link.again(on: try reconnect())
        try new.session.open(new)
        made = new
        return new
    }
}

extension MntLink {
    /// Offers what the options say, or 9P2000 and then, to a server that does not know it, 9P2000.L.
    fileprivate func agree() throws(SysError) {
        for dialect in options.dialect.map({ [$0] }) ?? [.plan9, .linux] where try offer(dialect) { return }
        throw SysError("the server does not speak \(options.dialect?.version ?? Dialect.plan9.version)")
    }

    /// What Inferno's emu agrees to at most, in bytes. It keeps what is left of that for a stat in 16 bits, which are too
    /// few, and answers each Tstat with an error: it is asked for less.
    private static let infernoMsize = 24 + 64 * 1024

    /// False where the server does not know that one.
    private func offer(_ dialect: Dialect, _ most: Int = Wire.usualMsize) throws(SysError) -> Bool {
        let reply = try call(.version(msize: UInt32(most), version: dialect.version))
        guard case .version(let msize, let version) = reply else { throw .mountRPC }
        if version == Dialect.unknown { return false }
        let spoken = [Dialect.plan9, .linux].first { $0.version == version }
        guard let spoken, spoken == dialect || spoken == .plan9 && options.dialect == nil else {
            throw SysError("the server speaks \(version)")
        }
        guard msize >= UInt32(Wire.leastMsize), msize <= UInt32(most) else { throw lied("Rversion of msize \(msize)") }
        if spoken == .plan9, msize == Self.infernoMsize { return try offer(dialect, 64 * 1024) }
        state.withLock { s in
            s.msize = Int(msize)
            s.dialect = spoken
            s.spare = nil
        }
        return true
    }
}
