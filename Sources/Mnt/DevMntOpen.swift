import Kernel

/// An open file of a server: what was asked of it and not yet fetched.
///
/// A call with `.try` sends its request and throws `.wouldBlock`; the request stays here, and the same call made again
/// fetches the reply. `poll` starts a read in the same way. Asking for something else, and closing, withdraws what was
/// started. Reads ahead and writes behind are in files of their own. `state` guards these notes; whoever waits for a
/// request has taken it out.
final class MntOpen: Sendable {
    struct State {
        var reads = MntReads()
        var writes = MntWrites()
        var directory = MntDirectory()
        /// What the server has said of the file when it was opened, for one `fstat`, and when.
        var told: (dir: Dir, at: UInt64, changes: UInt32)?
        /// Whether the file is one that is stored, whose bytes are where they are at any time: a server says for those
        /// how long they are, for others nothing.
        var isStored: Bool?
        /// Something was locked: that goes with the conversation.
        var hasLocks = false
    }

    let tree: MntTree
    let path: String
    let qid: Qid
    let mode: Kernel.OpenMode
    /// The most bytes of one read or write.
    let most: Int
    private let known: Lock<MntFid>
    let state = Lock(State())
    /// Who waits until another has seen to a write.
    let reaped = WaitQueue()

    /// How long what was told when the file was opened is as good as new.
    private static let lifetime: UInt64 = 100_000_000

    init(_ tree: MntTree, _ path: String, _ qid: Qid, _ fid: MntFid, _ iounit: UInt32, _ mode: Kernel.OpenMode) {
        (self.tree, self.path, self.qid, self.mode) = (tree, path, qid, mode)
        known = Lock(fid)
        // That a directory is no longer read concerns nobody.
        fid.isOpen = !qid.isDirectory
        let room = fid.link.room
        most = iounit == 0 ? room : min(Int(iounit), room)
        if mode.contains(.truncate) { tree.changed(qid) }
    }

    /// The fid in the conversation that goes on: where that is another, the file is opened there by its path.
    func fid() throws(SysError) -> MntFid {
        let fid = known.withLock { $0 }
        guard fid.link.isOver else { return fid }
        // Who has a lock relies on it: he is not to go on without, unknowingly.
        if state.withLock({ $0.hasLocks }) { throw .hungup }
        let (link, root) = try tree.here()
        guard link !== fid.link else { return fid }
        let new = try link.walk(root, path)
        var again = mode
        again.remove([.truncate, .exclusive])
        let reply = try link.call(link.openRequest(new.number, again), new)
        _ = try link.opened(reply, isDirectory: qid.isDirectory)
        new.isOpen = fid.isOpen
        try removeOnClose(new, mode)
        let before = known.withLock { k -> MntFid in
            defer { k = new }
            return k
        }
        return withExtendedLifetime(before) { new }
    }

    /// Has the file that `fid` is for removed in the end, where the server does not do that as it was opened.
    func removeOnClose(_ fid: MntFid, _ mode: Kernel.OpenMode) throws(SysError) {
        guard mode.contains(.removeOnClose), fid.link.dialect == .linux else { return }
        let names = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard let name = names.last else { throw .inUse }
        let directory = try fid.link.walk(try tree.here().root, names.dropLast())
        let isByName = try fid.link.removesByName(in: directory)
        fid.removal.withLock { $0 = MntFid.Removal(place: isByName ? (directory, name) : nil) }
    }

    // MARK: what is known of the file

    /// The server has said what the file is.
    func tell(_ dir: Dir) {
        state.withLock { s in
            s.told = (dir, MntLink.now, tree.changes.count(qid.path))
            s.reads.length = dir.length
            if dir.length > 0 { s.isStored = true }
        }
    }

    /// It was made here, and nobody else knows it.
    func isNew() { state.withLock { $0.isStored = true } }

    /// What it is, where that was said a moment ago; once.
    func told() -> Dir? {
        guard let told = state.withLock({ $0.told.take() }), MntLink.now &- told.at < Self.lifetime,
            told.changes == tree.changes.count(qid.path)
        else { return nil }
        return told.dir
    }

    /// Asked for along with a read or write that follows another: whether more than that may be asked for.
    func learn(_ call: MntCall, _ fid: MntFid) throws(SysError) {
        let length: UInt64?
        do throws(SysError) {
            switch try fid.link.wait(call) {
            case .stat(let stat): length = stat.length
            case .getattr(let attr): length = attr.size
            default: throw .mountRPC
            }
        } catch {
            if Thread.isHungUp || MntLink.isOwn(error) { throw error }
            length = nil
        }
        state.withLock { s in
            s.reads.length = length ?? 0
            s.isStored = length.map { $0 > 0 && $0 >= s.writes.next } ?? false
        }
    }

    // MARK: ends

    /// The last Chan of it is closed. What was written and not yet answered the server goes on with, and the fid stays
    /// until it is done.
    func close() {
        let (reads, writes, started, list) = state.withLock { s in
            (s.reads.drop(), s.writes.drop(), s.writes.started.take(), s.directory.ahead.take())
        }
        for (link, call) in reads { link.forsake(call) }
        for (link, call) in writes { link.forget(call) }
        if let started { started.link.forsake(started.call) }
        if let list { list.link.forsake(list.call) }
    }

    /// All that was written is answered; throws what the server said to that, once.
    func flush() throws(SysError) {
        try settle()
        if let failure = state.withLock({ $0.writes.failure.take() }) { throw failure }
    }

    // MARK: readiness

    /// As `Dev.poll`; `offset` is where the next read will be.
    func poll(_ events: PollEvents, at offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        var got: PollEvents = []
        if events.contains(.read), mode.canRead { got.formUnion(pollRead(offset, waiter)) }
        if events.contains(.write), mode.canWrite {
            let started = state.withLock { $0.writes.started }
            if started.map({ $0.link.isReady($0.call, waiter) }) ?? true { got.insert(.write) }
        }
        return got
    }
}

/// What follows for everybody from a change that was made by way of this tree: what was read before it is not given out
/// after it. Files share counts, so that one may suffer from another.
final class MntChanges: Sendable {
    private let counts = Lock([UInt32](repeating: 0, count: 256))

    func changed(_ path: UInt64) { counts.withLock { $0[Self.place(path)] &+= 1 } }

    func count(_ path: UInt64) -> UInt32 { counts.withLock { $0[Self.place(path)] } }

    private static func place(_ path: UInt64) -> Int { Int((path ^ path >> 8 ^ path >> 16) & 0xff) }
}
