import Kernel

/// What a server attaches by one name: files there are the same when their qid paths agree.
///
/// When its conversation is over and the options say how to begin another, whoever asks next does so.
final class MntTree: Sendable {
    private struct Place {
        var link: MntLink
        var root: MntFid
    }

    let spec: String
    let caller: Caller
    let instance = Instance.new()
    let qid: Qid
    private let place: Lock<Place>
    let changes = MntChanges()
    /// What was read, where the mount asks for that.
    let cache: MntCache?
    /// What was listed and not asked for since.
    let listed = MntListed()

    init(_ link: MntLink, _ spec: String, _ caller: Caller) throws(SysError) {
        self.spec = spec
        self.caller = caller
        cache = link.options.caches ? MntCache() : nil
        let (root, qid) = try Self.attach(link, spec, caller)
        place = Lock(Place(link: link, root: root))
        self.qid = qid
    }

    /// The conversation, and the root's fid in it.
    func here() throws(SysError) -> (link: MntLink, root: MntFid) {
        let now = place.withLock { $0 }
        guard now.link.isOver, now.link.options.reconnect != nil else { return (now.link, now.root) }
        let link = try now.link.session.successor(of: now.link)
        let (root, _) = try Self.attach(link, spec, caller)
        listed.clear()
        let before = place.withLock { p -> Place in
            defer { p = Place(link: link, root: root) }
            return p
        }
        return withExtendedLifetime(before) { (link, root) }
    }

    /// Conversations that are begun for one call at most: those of a poor link may end as they begin.
    private static let tries = 4

    /// Does `body` once more, where the conversation has ended and another can be had. What does harm when it is done twice
    /// `isOnce`: it is tried again only where nothing of it was sent.
    func retrying<T>(isOnce: Bool = false, _ body: () throws(SysError) -> T) throws(SysError) -> T {
        for _ in 0..<Self.tries {
            do throws(SysError) { return try body() } catch {
                let link = place.withLock { $0.link }
                guard link.isOver, link.options.reconnect != nil, !Thread.isHungUp else { throw error }
                switch error.code {
                case .shutdown: break
                case .hungup, .timedOut, .mountRPC: if isOnce { throw error }
                default: throw error
                }
            }
        }
        return try body()
    }

    /// A file is being changed by way of this tree.
    func changed(_ qid: Qid) {
        changes.changed(qid.path)
        cache?.forget(qid.path)
    }

    private static func attach(_ link: MntLink, _ spec: String, _ caller: Caller) throws(SysError) -> (MntFid, Qid) {
        let root = try link.newFid()
        let message = Tmessage.attach(
            fid: root.number, afid: Wire.noFid, uname: caller.cred.user, aname: spec,
            n_uname: caller.cred.uid.effective)
        guard case .attach(let qid) = try link.call(message, newfid: root) else { throw .mountRPC }
        return (root, qid)
    }
}

/// What directories have told of their files, for the stats that follow a listing: each is good for one, within a second,
/// as long as nothing was changed by way of the same tree.
final class MntListed: Sendable {
    private struct State {
        var entries: [String: Dir] = [:]
        var since: UInt64 = 0
    }

    private let state = Lock(State())
    private static let limit = 8192
    private static let lifetime: UInt64 = 1_000_000_000

    /// A directory was listed: what it told is there for a while, and what was told before that no longer.
    func add(_ directory: String, _ dirs: [Dir]) {
        let now = MntLink.now
        state.withLock { s in
            if now &- s.since > Self.lifetime || s.entries.count + dirs.count > Self.limit {
                s.entries.removeAll(keepingCapacity: true)
                s.since = now
            }
            for dir in dirs.prefix(Self.limit) { s.entries[MntFile.join(directory, dir.name)] = dir }
        }
    }

    /// What is known of `path`, and is no longer then unless it `stays`.
    func take(_ path: String, stays: Bool = false) -> Dir? {
        state.withLock { s in
            guard !s.entries.isEmpty, MntLink.now &- s.since <= Self.lifetime else { return nil }
            return stays ? s.entries[path] : s.entries.removeValue(forKey: path)
        }
    }

    func clear() { state.withLock { $0.entries.removeAll(keepingCapacity: true) } }
}
