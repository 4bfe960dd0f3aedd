import Host

/// A counting semaphore: each `up` lets exactly one `down` through, those that wait longest first.
///
/// `state` guards the count and the line; each of the line has a queue of its own, so that an `up` wakes one Thread.
public final class Semaphore: Sendable {
    private struct State {
        var count: Int
        /// Who waits, and has not been let through. Where somebody waits, the count is 0.
        var line = Line<WaitQueue>()
        /// Tickets that were let through and have not seen it yet.
        var through: Set<UInt64> = []
        var isClosed = false
    }

    /// The highest count.
    public static let limit = Int(Int32.max)

    private let state: Lock<State>
    /// Wakes when the count may have become positive.
    private let positive = WaitQueue()

    public init(_ count: Int = 0) { state = Lock(State(count: count)) }

    /// The count, or how many wait, negative.
    public var value: Int { state.withLock { $0.line.isEmpty ? $0.count : -$0.line.count } }

    /// Lets `count` through, now or later. Throws `.range` past the limit and `.hungup` once closed.
    public func up(_ count: Int = 1) throws(SysError) {
        guard count >= 0 else { throw .badArg }
        let turns = try state.withLock { (s) throws(SysError) -> [WaitQueue] in
            guard !s.isClosed else { throw .hungup }
            guard count - min(count, s.line.count) <= Self.limit - s.count else { throw .range }
            var turns: [WaitQueue] = []
            while turns.count < count, let (ticket, turn) = s.line.popFirst() {
                s.through.insert(ticket)
                turns.append(turn)
            }
            s.count += count - turns.count
            return turns
        }
        for turn in turns { turn.wake() }
        positive.wake()
    }

    /// Takes one, or waits for its turn. Throws `.hungup` once closed.
    public func down(_ how: How = .wait) throws(SysError) {
        let mine = try state.withLock { (s) throws(SysError) -> (ticket: UInt64, turn: WaitQueue)? in
            guard !s.isClosed else { throw .hungup }
            if s.count > 0 {
                s.count -= 1
                return nil
            }
            guard how == .wait else { throw .wouldBlock }
            let turn = WaitQueue()
            return (s.line.append(turn), turn)
        }
        guard let (ticket, turn) = mine else { return }
        do throws(SysError) {
            try turn.sleep { () throws(SysError) in
                try state.withLock { (s) throws(SysError) -> Void? in
                    if s.through.remove(ticket) != nil { return () }
                    if s.isClosed { throw .hungup }
                    return nil
                }
            }
        } catch {
            let wasLetThrough = state.withLock { s -> Bool in
                _ = s.line.remove(ticket)
                return s.through.remove(ticket) != nil
            }
            guard wasLetThrough else { throw error }
            // A note that came with its turn was dealt with; who is to end leaves the turn to the next.
            if error.code == .killed {
                try? up()  // closed in between: nobody waits for it
                throw error
            }
        }
    }

    /// Sets the count. Throws `.inUse` where somebody waits.
    public func set(_ count: Int) throws(SysError) {
        guard count >= 0, count <= Self.limit else { throw .range }
        try state.withLock { (s) throws(SysError) in
            guard !s.isClosed else { throw .hungup }
            guard s.line.isEmpty else { throw .inUse }
            s.count = count
        }
        positive.wake()
    }

    /// Ends it: all who wait, and all who come, get `.hungup`.
    public func close() {
        let turns = state.withLock { s -> [WaitQueue] in
            s.isClosed = true
            return s.line.removeAll()
        }
        for turn in turns { turn.wake() }
        positive.wake()
    }

    /// Whether `down` would succeed, or fail, at once; else `waiter` is fired when that may be so.
    public func poll(_ waiter: Waiter?) -> Bool {
        waiter?.stand(on: positive)
        return state.withLock { $0.count > 0 || $0.isClosed }
    }
}

/// The semaphores of files: one for each file that somebody uses so, whatever the name it was opened by.
///
/// A Chan holds its file's semaphore from the first use on. One at zero goes with the last such Chan; one that counts
/// something is kept, so that `up` and `down` need not be of programs that run at once.
final class FileSemaphores: Sendable {
    /// A file's semaphore, which leaves the table when it goes.
    final class Entry: Sendable {
        let semaphore = Semaphore()
        fileprivate let key: MountKey
        private let table: FileSemaphores

        fileprivate init(_ key: MountKey, _ table: FileSemaphores) {
            self.key = key
            self.table = table
        }

        deinit { table.drop(self) }
    }

    /// Files that may count something with nobody there, at most.
    private static let limit = 1 << 16

    private let table = Lock([MountKey: Weak<Entry>]())
    /// Those that count something.
    private let counting = Lock([MountKey: Entry]())

    /// How many files are used as semaphores.
    var count: Int { table.withLock { $0.count } }

    /// Keeps the file's semaphore where it counts something, and lets go of it where it does not.
    func settle(_ c: Chan) throws(SysError) {
        guard let entry = c.kept.extras.withLock({ $0.semaphore }) else { return }
        // What is let go of is dropped after the lock: it takes itself out of the table.
        let gone = try counting.withLock { (t) throws(SysError) -> Entry? in
            guard entry.semaphore.value > 0 else { return t.removeValue(forKey: entry.key) }
            guard t[entry.key] != nil || t.count < Self.limit else { throw .noMemory }
            return t.updateValue(entry, forKey: entry.key)
        }
        withExtendedLifetime(gone) {}
    }

    func of(_ c: Chan) -> Semaphore {
        if let known = c.kept.extras.withLock({ $0.semaphore }) { return known.semaphore }
        let entry = table.withLock { t -> Entry in
            if let entry = t[c.key]?.object { return entry }
            let entry = Entry(c.key, self)
            t[c.key] = Weak(entry)
            return entry
        }
        c.kept.extras.withLock { $0.semaphore = entry }
        return entry.semaphore
    }

    /// Takes out the one that is ending; somebody may have made another by now.
    private func drop(_ entry: Entry) {
        table.withLock { t in
            if t[entry.key]?.isOf(entry) == true { t[entry.key] = nil }
        }
    }
}

/// Any file as a semaphore.
extension Proc {
    /// Lets `count` processes through that wait, or will wait, in `semDown` on the same file, by whatever name and
    /// descriptor. The count is kept while the system runs.
    public func semUp(_ fd: Int32, _ count: Int = 1) throws(SysError) {
        try enter()
        let c = try chan(fd).0
        try system.semaphores.of(c).up(count)
        try system.semaphores.settle(c)
    }

    /// Waits for its turn; interruptible. Each `semUp` lets exactly one through, in the order in which they came.
    public func semDown(_ fd: Int32, _ how: How = .wait) throws(SysError) {
        try enter()
        let c = try chan(fd).0
        try c.whileCalled { () throws(SysError) in try system.semaphores.of(c).down(how) }
        try system.semaphores.settle(c)
    }
}
