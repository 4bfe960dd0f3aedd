import Kernel

/// Locks of 9P2000.L on ranges of files: those of `FileLocks`, so that clients of all exports and programs here see each
/// other's, and as the device passes them on. The corresponding Linux call is `fcntl(2)` with F_SETLK.
extension ExportSession {
    /// The client waits where it must: it is told to ask again. The lock goes with the fid.
    func lock(_ file: ExportFile, _ lock: LockRange, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        let owner = try owner(lock)
        let open = try file.opened()
        var status = LockRange.Status.success
        // Looked at first, since `.wouldBlock` speaks of the lock from there on.
        try open.checkQuick(call.how)
        do throws(SysError) { try file.tree.lock(open, lock, owner, call.how) } catch {
            switch error.code {
            case .wouldBlock: status = .blocked
            case .badUseFd: throw .badUseOfFid
            default: throw error
            }
        }
        reply(.lock(status: status), call.tag, &out)
    }

    /// What is free is told as what was asked for with the kind `.unlock`.
    func getlock(_ file: ExportFile, _ lock: LockRange, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        let owner = try owner(lock)
        var found = lock
        found.kind = .unlock
        if let other = try file.tree.getlock(try file.opened(), lock, owner, call.how) { found = other }
        reply(.getlock(found), call.tag, &out)
    }

    private func owner(_ lock: LockRange) throws(SysError) -> LockOwner {
        guard [.read, .write, .unlock].contains(lock.kind), lock.clientID.utf8.count <= 1024 else { throw .badArg }
        return .client(self, lock.procID, lock.clientID)
    }
}
