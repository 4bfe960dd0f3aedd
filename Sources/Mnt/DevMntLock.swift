import Kernel

/// Locks, which servers of 9P2000.L keep: each emu is a client, and each owner there is one of its processes.
extension DevMnt {
    func lock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller, _ how: How) throws(SysError) {
        let open = try open(c)
        try open.tree.retrying(isOnce: true) { () throws(SysError) in try open.lock(lock, owner, how) }
    }

    func getlock(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller
    ) throws(SysError) -> LockRange? {
        let open = try open(c)
        return try open.tree.retrying { () throws(SysError) in try open.getlock(lock, owner) }
    }
}

extension MntOpen {
    /// Between two questions whether a lock can be had by now, which no server says by itself: nanoseconds.
    private static let pause: (first: UInt64, last: UInt64) = (10_000_000, 500_000_000)

    /// What was written is at the server before another can have the lock, and nothing is known from before we had it.
    fileprivate func lock(_ lock: LockRange, _ owner: LockOwner, _ how: How) throws(SysError) {
        try settle()
        defer { tree.changed(qid) }
        let fid = try lockable()
        if lock.kind != .unlock { state.withLock { $0.hasLocks = true } }
        var pause = Self.pause.first
        while true {
            let message = Tmessage.lock(
                fid: fid.number, flags: how == .wait ? .block : [], range: Self.asTold(lock, owner))
            guard case .lock(let status) = try fid.link.call(message, fid) else { throw .mountRPC }
            switch status {
            case .success: return
            case .blocked, .grace: if how == .try { throw .wouldBlock }
            default: throw .noLocks
            }
            try Thread.sleep(nanoseconds: pause)
            pause = min(2 * pause, Self.pause.last)
        }
    }

    fileprivate func getlock(_ lock: LockRange, _ owner: LockOwner) throws(SysError) -> LockRange? {
        let fid = try lockable()
        let message = Tmessage.getlock(fid: fid.number, range: Self.asTold(lock, owner))
        guard case .getlock(let found) = try fid.link.call(message, fid) else { throw .mountRPC }
        return found.kind == .unlock ? nil : found
    }

    private func lockable() throws(SysError) -> MntFid {
        let fid = try fid()
        guard fid.link.dialect == .linux else { throw .notSupported }
        return fid
    }

    private static func asTold(_ lock: LockRange, _ owner: LockOwner) -> LockRange {
        var lock = lock
        (lock.procID, lock.clientID) = (owner.procID, owner.name)
        return lock
    }
}
