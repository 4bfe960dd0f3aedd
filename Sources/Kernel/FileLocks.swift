/// Whose locks do not hinder each other: an open Chan, a process, or a process of a client of an export.
///
/// A lock goes at the latest when the Chan is closed by way of which it was taken. The corresponding Linux page is
/// `fcntl(2)`: F_OFD_SETLK for Chans, F_SETLK for processes, whose locks who acts for them gives up.
public struct LockOwner: Hashable, Sendable {
    let holder: ObjectIdentifier
    /// What others are told of whose lock is in their way: 0 where it is no process's.
    public let procID: UInt32
    public let clientID: String

    private init(_ holder: AnyObject, _ procID: UInt32, _ clientID: String) {
        (self.holder, self.procID, self.clientID) = (ObjectIdentifier(holder), procID, clientID)
    }

    public static func chan(_ c: Chan) -> LockOwner { LockOwner(c, 0, "") }

    public static func proc(_ p: Proc) -> LockOwner { LockOwner(p, UInt32(bitPattern: p.pid), "") }

    /// A process as the client at the other end of `connection` names it.
    public static func client(_ connection: AnyObject, _ procID: UInt32, _ clientID: String) -> LockOwner {
        LockOwner(connection, procID, clientID)
    }

    /// A name for it that no owner of another emu has, nor another of this one.
    public var name: String {
        "\(Self.emu).\(String(UInt(bitPattern: holder), radix: 36))\(clientID.isEmpty ? "" : ".")\(clientID)"
    }

    private static let emu = "emu-" + String(UInt64.random(in: .min ... .max), radix: 36)
}

/// Advisory locks on ranges of files, those of all devices, whoever takes them: programs here and clients of exports.
///
/// A file has its row as long as somebody has a lock on it or asks for one. Who asks takes the row's turn, looks, asks the
/// device where that has a say, and enters what he got: so two never get what only one can have, and no device is called
/// with `state` locked, which guards all rows.
public final class FileLocks: Sendable {
    public static let shared = FileLocks()

    /// A lock that somebody has.
    public struct Held: Sendable {
        public let owner: LockOwner
        /// By way of which it was taken.
        public private(set) weak var chan: Chan?
        public let isWrite: Bool
        /// From the first byte to the one behind the last; `.max` has no end.
        public fileprivate(set) var range: Range<UInt64>

        private let way: ObjectIdentifier

        init(_ owner: LockOwner, _ chan: Chan, isWrite: Bool, _ range: Range<UInt64>) {
            (self.owner, self.chan, self.isWrite, self.range) = (owner, chan, isWrite, range)
            way = ObjectIdentifier(chan)
        }

        /// Also where the Chan is about to go.
        func isBy(_ c: Chan) -> Bool { way == ObjectIdentifier(c) }

        /// What is left of it outside of `other`.
        fileprivate func outside(_ other: Range<UInt64>) -> [Held] {
            range.outside(other).map {
                var part = self
                part.range = $0
                return part
            }
        }
    }

    fileprivate final class Row: @unchecked Sendable {
        // Guarded by state.
        var held: [Held] = []
        var users = 0
        var isTaken = false
        let queue = WaitQueue()
    }

    fileprivate struct State {
        var rows: [MountKey: Row] = [:]
        /// Ranges that each has.
        var counts: [ObjectIdentifier: Int] = [:]
    }

    /// Ranges of one file at most, and of one Chan, process or client.
    private static let limit = (ofFile: 1024, ofHolder: 1 << 16)

    private let state = Lock(State())

    // MARK: taking

    /// As `Dev.lock`. `device` is called in the row's turn with the locks on the range that other Chans have for the same
    /// owner, which go; what it throws leaves everything as it was.
    public func lock(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ how: How,
        _ device: (_ others: [Held]) throws(SysError) -> Void = { (_) throws(SysError) in }
    ) throws(SysError) {
        let range = lock.range
        try turn(
            c,
            { (row, s) throws(SysError) in try Self.check(row, s, lock, owner, how) },
            { (row) throws(SysError) in
                let others = state.withLock { _ in
                    row.held.filter { $0.owner == owner && !$0.isBy(c) && $0.range.overlaps(range) }
                }
                try device(others)
                state.withLock { s in
                    let isMeant = { (held: Held) in held.range.overlaps(range) && held.owner == owner }
                    let before = row.held.filter(isMeant)
                    var held = row.held
                    if !before.isEmpty { held.removeAll(where: isMeant) }
                    held += before.flatMap { $0.outside(range) }
                    if lock.kind != .unlock, !range.isEmpty {
                        held.append(Held(owner, c, isWrite: lock.kind == .write, range))
                    }
                    s.count(owner.holder, held.count - row.held.count)
                    row.held = held
                }
            })
        if lock.kind != .unlock { c.kept.extras.withLock { $0.hasLocks = true } }
    }

    /// Whether `lock` can be had now. Throws where it is not waited for.
    private static func check(
        _ row: Row, _ s: State, _ lock: LockRange, _ owner: LockOwner, _ how: How
    ) throws(SysError) -> Bool {
        guard lock.kind != .unlock else { return true }
        guard row.hindrance(lock, lock.range, owner) == nil else {
            if how == .try { throw .wouldBlock }
            return false
        }
        guard row.held.count < limit.ofFile, s.counts[owner.holder, default: 0] < limit.ofHolder else { throw .noLocks }
        return true
    }

    /// Runs `body` while nobody else changes what is locked of `c`'s file, but by closing.
    public func turn(_ c: Chan, _ body: () -> Void) throws(SysError) {
        try turn(c, { (_, _) throws(SysError) in true }, { (_) throws(SysError) in body() })
    }

    private func turn(
        _ c: Chan, _ check: (Row, State) throws(SysError) -> Bool, _ body: (Row) throws(SysError) -> Void
    ) throws(SysError) {
        let row = state.withLock { s in
            let row = s.rows[c.key] ?? Row()
            s.rows[c.key] = row
            row.users += 1
            return row
        }
        defer {
            state.withLock { s in
                row.users -= 1
                s.sweep(c.key, row)
            }
        }
        try row.queue.sleep { () throws(SysError) in
            try state.withLock { (s) throws(SysError) -> Void? in
                // Whoever has the turn has it for a moment.
                guard !row.isTaken, try check(row, s) else { return nil }
                row.isTaken = true
                return ()
            }
        }
        defer {
            state.withLock { _ in row.isTaken = false }
            row.queue.wake()
        }
        try body(row)
    }

    // MARK: looking, and giving up

    /// As `Dev.getlock`.
    public func test(_ c: Chan, _ lock: LockRange, _ owner: LockOwner) -> LockRange? {
        let found = state.withLock { $0.rows[c.key]?.hindrance(lock, lock.range, owner) }
        return found.map {
            LockRange(
                $0.isWrite ? .write : .read, start: $0.range.lowerBound,
                length: $0.range.upperBound == .max ? 0 : $0.range.upperBound - $0.range.lowerBound,
                procID: $0.owner.procID, clientID: $0.owner.clientID)
        }
    }

    /// What is had of `range` by way of `c`, by whomever.
    public func held(_ c: Chan, _ range: Range<UInt64>) -> [Held] {
        state.withLock { $0.rows[c.key]?.held.filter { $0.isBy(c) && $0.range.overlaps(range) } } ?? []
    }

    /// Gives up what was locked by way of `c`.
    func release(_ c: Chan) {
        let row = state.withLock { s -> Row? in
            guard let row = s.rows[c.key] else { return nil }
            for held in row.held where held.isBy(c) { s.count(held.owner.holder, -1) }
            row.held.removeAll { $0.isBy(c) }
            s.sweep(c.key, row)
            return row
        }
        row?.queue.wake()
    }
}

extension FileLocks.Row {
    /// A lock of another that `lock` has to wait for.
    fileprivate func hindrance(_ lock: LockRange, _ range: Range<UInt64>, _ owner: LockOwner) -> FileLocks.Held? {
        held.first { $0.range.overlaps(range) && $0.owner != owner && ($0.isWrite || lock.kind == .write) }
    }
}

extension FileLocks.State {
    fileprivate mutating func count(_ holder: ObjectIdentifier, _ change: Int) {
        let sum = counts[holder, default: 0] + change
        counts[holder] = sum == 0 ? nil : sum
    }

    fileprivate mutating func sweep(_ key: MountKey, _ row: FileLocks.Row) {
        if row.users == 0, row.held.isEmpty { rows[key] = nil }
    }
}

extension Proc {
    /// Locks or unlocks a range of the file, for those who have this descriptor. Waits where others have it locked. Throws
    /// `.badUseFd` where it is not open for what is to be locked, and with `.try` `.wouldBlock`.
    /// The corresponding Linux call is `fcntl(2)` with F_OFD_SETLKW.
    public func lock(_ fd: Int32, _ lock: LockRange, _ how: How = .wait) throws(SysError) {
        try enter()
        let (c, caller) = try chan(fd)
        try c.lock(lock, .chan(c), caller, how)
    }

    /// The lock of others that `lock` would have to wait for; nil where there is none.
    /// The corresponding Linux call is `fcntl(2)` with F_OFD_GETLK.
    public func getlock(_ fd: Int32, _ lock: LockRange) throws(SysError) -> LockRange? {
        try enter()
        let (c, caller) = try chan(fd)
        return try c.getlock(lock, .chan(c), caller)
    }
}

extension Chan {
    func lock(_ lock: LockRange, _ owner: LockOwner, _ caller: Caller, _ how: How) throws(SysError) {
        try checkLockable(lock)
        if lock.kind == .read { try checkReadable() }
        if lock.kind == .write { try checkWritable() }
        try whileCalled { () throws(SysError) in try dev.lock(self, lock, owner, caller, how) }
    }

    func getlock(_ lock: LockRange, _ owner: LockOwner, _ caller: Caller) throws(SysError) -> LockRange? {
        try checkLockable(lock)
        return try whileCalled { () throws(SysError) in try dev.getlock(self, lock, owner, caller) }
    }

    private func checkLockable(_ lock: LockRange) throws(SysError) {
        guard mode != nil else { throw .badUseFd }
        guard [.read, .write, .unlock].contains(lock.kind) else { throw .badArg }
        if isDirectory { throw .isDir }
    }
}
