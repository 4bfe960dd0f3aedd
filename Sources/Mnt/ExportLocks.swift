import Kernel

/// Locks of 9P2000.L on ranges of files, which no device keeps: advisory, seen by all clients of all exports of this emu,
/// and by nobody else. The corresponding Linux call is `fcntl(2)` with F_SETLK.
///
/// A lock goes when its fid is clunked or its connection ends. One lock guards all.
final class ExportLocks: Sendable {
    static let shared = ExportLocks()

    /// A file among those of all devices.
    struct Key: Hashable {
        let instance: UInt32
        let path: UInt64

        init(_ c: Chan) { (instance, path) = (c.instance, c.qid.path) }
    }

    /// Whose locks do not hinder each other: a process of a client.
    struct Owner: Hashable {
        let session: ObjectIdentifier
        let procID: UInt32
        let clientID: String
    }

    private struct Held {
        let owner: Owner
        let fid: ObjectIdentifier
        let isWrite: Bool
        /// From the first byte to the one behind the last; `.max` has no end.
        var range: Range<UInt64>
    }

    /// Ranges of one file at most.
    private static let limit = 4096

    private let files = Lock([Key: [Held]]())

    private static func range(_ lock: LockRange) -> Range<UInt64> {
        let (end, overflow) = lock.start.addingReportingOverflow(lock.length)
        return lock.start..<(overflow || lock.length == 0 ? max(.max, lock.start) : end)
    }

    /// Takes, changes or gives up a lock for `owner`. What it had of the range before is replaced.
    func set(_ lock: LockRange, _ key: Key, _ owner: Owner, _ fid: ObjectIdentifier) -> LockRange.Status {
        let range = Self.range(lock)
        return files.withLock { files in
            var held = files[key] ?? []
            if lock.kind != .unlock {
                guard Self.hindrance(lock, range, held, owner) == nil else { return .blocked }
                guard held.count < Self.limit else { return .error }
            }
            var left: [Held] = []
            for h in held {
                guard h.owner == owner, h.range.overlaps(range) else {
                    left.append(h)
                    continue
                }
                for rest in [
                    h.range.lowerBound..<max(h.range.lowerBound, range.lowerBound),
                    min(h.range.upperBound, range.upperBound)..<h.range.upperBound,
                ] where !rest.isEmpty {
                    var part = h
                    part.range = rest
                    left.append(part)
                }
            }
            held = left
            if lock.kind != .unlock {
                held.append(Held(owner: owner, fid: fid, isWrite: lock.kind == .write, range: range))
            }
            files[key] = held.isEmpty ? nil : held
            return .success
        }
    }

    private static func hindrance(
        _ lock: LockRange, _ range: Range<UInt64>, _ held: [Held], _ owner: Owner
    ) -> Held? {
        held.first { $0.owner != owner && $0.range.overlaps(range) && ($0.isWrite || lock.kind == .write) }
    }

    /// The lock of another that `lock` would have to wait for; where there is none, `lock` with the kind `.unlock`.
    func test(_ lock: LockRange, _ key: Key, _ owner: Owner) -> LockRange {
        let range = Self.range(lock)
        let found = files.withLock { Self.hindrance(lock, range, $0[key] ?? [], owner) }
        guard let found else {
            var free = lock
            free.kind = .unlock
            return free
        }
        let length = found.range.upperBound == .max ? 0 : found.range.upperBound - found.range.lowerBound
        return LockRange(
            found.isWrite ? .write : .read, start: found.range.lowerBound, length: length, procID: found.owner.procID,
            clientID: found.owner.clientID)
    }

    /// Gives up what was locked by way of `fid`.
    func release(_ key: Key, by fid: ObjectIdentifier) {
        files.withLock { files in
            guard var held = files[key] else { return }
            held.removeAll { $0.fid == fid }
            files[key] = held.isEmpty ? nil : held
        }
    }

    /// Files on which somebody has a lock.
    var count: Int { files.withLock { $0.count } }
}

extension ExportSession {
    /// The client waits where it must: it is told to ask again.
    func lock(
        _ file: ExportFile, _ fid: UInt32, _ lock: LockRange, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let (open, known) = try lockable(file, fid, lock, call)
        let allowed = lock.kind == .read ? open.mode?.canRead : lock.kind == .write ? open.mode?.canWrite : true
        guard allowed ?? false else { throw .badUseOfFid }
        let key = ExportLocks.Key(open)
        // Noted first: the fid gives it up when it goes, also when that is now.
        known.locked.withLock { $0 = key }
        let status = ExportLocks.shared.set(lock, key, owner(lock), ObjectIdentifier(known))
        reply(.lock(status: status), call.tag, &out)
    }

    func getlock(
        _ file: ExportFile, _ fid: UInt32, _ lock: LockRange, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let (open, _) = try lockable(file, fid, lock, call)
        reply(.getlock(ExportLocks.shared.test(lock, ExportLocks.Key(open), owner(lock))), call.tag, &out)
    }

    private func owner(_ lock: LockRange) -> ExportLocks.Owner {
        ExportLocks.Owner(session: ObjectIdentifier(self), procID: lock.procID, clientID: lock.clientID)
    }

    private func lockable(
        _ file: ExportFile, _ fid: UInt32, _ lock: LockRange, _ call: ExportCall
    ) throws(SysError) -> (Chan, ExportFid) {
        let open = try file.opened()
        guard [.read, .write, .unlock].contains(lock.kind), lock.clientID.utf8.count <= 1024 else { throw .badArg }
        guard let known = state.withLock({ $0.epoch == call.epoch ? $0.fids[fid] : nil }) else { throw .fidUnknown }
        return (open, known)
    }
}
