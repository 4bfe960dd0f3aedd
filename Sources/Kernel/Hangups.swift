import Synchronization

/// The mounts that were taken off one name space by force, as `unmount -f` does: what was opened through them there gives
/// `i/o on hungup channel` from then on.
///
/// A Pgrp owns it. The Chans that are opened in that name space refer to it, and not to the Pgrp, whose mounts they would
/// keep. Where nothing was forced, a Chan that asks it loads a number and is done.
final class Hangups: Sendable {
    /// Counts the times that something was forced; a Chan remembers at which it looked.
    private let count = Atomic<UInt32>(0)
    /// By their first entries, of which narrower ones are made; those that no Chan has are dropped.
    private let entries = Lock([Weak<MountEntry>]())
    /// Wakes when something was forced, for those that poll.
    let forced = WaitQueue()

    @inline(__always)
    var time: UInt32 { count.load(ordering: .acquiring) }

    /// Everything that was opened through `gone` is hung up when this returns; who waits in it has still to be alerted.
    func add(_ gone: [MountEntry]) {
        // Whoever was last held by what is looked at here ends after the lock.
        let others = entries.withLock { list -> [MountEntry] in
            let others = list.compactMap(\.object)
            list = (others + gone.map(\.first)).map { Weak($0) }
            return others
        }
        withExtendedLifetime(others) {}
        count.wrappingAdd(1, ordering: .acquiringAndReleasing)
        forced.wake()
    }

    /// How many are still remembered.
    var kept: Int { entries.withLock { $0.count } }

    func contains(_ entry: MountEntry) -> Bool {
        let first = entry.first
        return entries.withLock { list in list.contains { $0.isOf(first) && $0.object != nil } }
    }
}

extension Chan {
    /// Throws `.hungup` where the mount that it was opened through was taken off by force.
    @inline(__always)
    func checkHangup() throws(SysError) {
        guard let hangups, hangups.time != hangupTime.load(ordering: .relaxed) else { return }
        try lookAtHangups(hangups)
    }

    private func lookAtHangups(_ hangups: Hangups) throws(SysError) {
        let time = hangups.time
        if let entry = node?.carrier, hangups.contains(entry) { throw .hungup }
        hangupTime.store(time, ordering: .relaxed)
    }

    /// As the device's `poll`; one that is hung up is ready for everything.
    func poll(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        do throws(SysError) { try checkHangup() } catch {
            return events.intersection([.read, .write]).union(.hangup)
        }
        return dev.poll(self, events, waiter)
    }
}
