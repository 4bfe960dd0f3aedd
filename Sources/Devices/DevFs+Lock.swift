import Host
import Kernel

/// Locks on files of the host. Those of programs here and of clients of exports are kept by `FileLocks`; what is locked by
/// way of an open file the host is told as that file's, so that its other programs see it.
extension DevFs {
    func lock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller, _ how: How) throws(SysError) {
        guard let open = c.auxiliary as? FsOpen else { throw .badUseFd }
        // What the host has no bytes of is ours alone.
        guard open.stream == nil else { return try FileLocks.shared.lock(c, lock, owner, how) }
        if lock.kind != .unlock { open.hasLocks.store(true, ordering: .relaxed) }
        while true {
            do throws(SysError) {
                return try FileLocks.shared.lock(c, lock, owner, how) { (others) throws(SysError) in
                    try open.take(c, lock, owner, others)
                }
            } catch {
                guard error.code == .wouldBlock, how == .wait else { throw error }
            }
            // A program of the host has it. When we have it there, it is ours here where nobody else's is in the way.
            do throws(SysError) {
                try Thread.interruptibly { call in
                    do throws(SysError) {
                        return .success(try HostLock.wait(open.number, .init(lock.kind), lock.range, call))
                    } catch { return .failure(error) }
                }
            } catch {
                // It may have come at the last moment. One who is killed closes the file, and that gives it back.
                try? FileLocks.shared.turn(c) { open.restore(c, lock.range) }
                throw error
            }
        }
    }

    func getlock(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller
    ) throws(SysError) -> LockRange? {
        if let found = FileLocks.shared.test(c, lock, owner) { return found }
        guard lock.kind != .unlock, let open = c.auxiliary as? FsOpen, open.stream == nil else { return nil }
        return try HostLock.test(open.number, .init(lock.kind), lock.range).map {
            LockRange(
                $0.isWrite ? .write : .read, start: $0.range.lowerBound,
                length: $0.range.upperBound == .max ? 0 : UInt64($0.range.count), procID: $0.process, clientID: "")
        }
    }
}

extension FsOpen {
    /// The host's say, in the file's turn. `others` are of the same owner, who is not in his own way.
    fileprivate func take(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ others: [FileLocks.Held]
    ) throws(SysError) {
        let range = lock.range
        if lock.kind == .unlock {
            Self.free(c, range, of: owner)
        } else if try !HostLock.set(number, .init(lock.kind), range) {
            guard !others.isEmpty else { throw .wouldBlock }
            for held in others { Self.free(held.chan, range, of: owner) }
            guard try HostLock.set(number, .init(lock.kind), range) else {
                for held in others {
                    if let other = held.chan { (other.auxiliary as? FsOpen)?.restore(other, range) }
                }
                throw .wouldBlock
            }
        }
        for held in others { Self.free(held.chan, range, of: owner) }
    }

    /// Unlocks what nobody but `owner` has of `range` by way of `c`.
    private static func free(_ c: Chan?, _ range: Range<UInt64>, of owner: LockOwner) {
        guard let c, let number = (c.auxiliary as? FsOpen)?.number else { return }
        let kept = FileLocks.shared.held(c, range).filter { $0.owner != owner }
        for gap in range.gaps(between: kept) { unlock(number, gap) }
    }

    /// Lets the host have as locked what is locked by way of `c`, no more.
    fileprivate func restore(_ c: Chan, _ range: Range<UInt64>) {
        let kept = FileLocks.shared.held(c, range)
        for gap in range.gaps(between: kept) { Self.unlock(number, gap) }
        for held in kept {
            // It was had a moment ago; where another took it in between, it is gone.
            _ = try? HostLock.set(number, held.isWrite ? .write : .read, held.range)
        }
    }

    /// The host refuses this to nobody.
    private static func unlock(_ number: Int32, _ range: Range<UInt64>) {
        _ = try? HostLock.set(number, .unlock, range)
    }
}

extension Range<UInt64> {
    fileprivate func gaps(between kept: [FileLocks.Held]) -> [Range<UInt64>] {
        kept.reduce([self]) { gaps, held in gaps.flatMap { $0.outside(held.range) } }
    }
}

extension HostLock.Kind {
    fileprivate init(_ kind: LockRange.Kind) { self = kind == .read ? .read : kind == .write ? .write : .unlock }
}
