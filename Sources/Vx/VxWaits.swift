import Host
import Kernel
import Linux
import Synchronization

/// A call that waits for another machine, with the Thread that waits for it here.
final class VxWait: Sendable {
    let process: VxProcess
    let trap: HostTrap
    private let thread: Thread
    fileprivate let started = HostClock.monotonic()
    private let isTold = Atomic<Bool>(false)
    /// Whose it is to answer: 0 for nobody's yet.
    private let owner = Atomic<UInt8>(0)

    init(_ process: VxProcess, _ trap: HostTrap, _ thread: Thread) {
        (self.process, self.trap, self.thread) = (process, trap, thread)
    }

    /// Whether it is the Thread's that waits.
    func claim() -> Bool { take(1) }

    private func take(_ who: UInt8) -> Bool {
        let (_, before) = owner.compareExchange(expected: 0, desired: who, ordering: .acquiringAndReleasing)
        return before == 0 || before == who
    }

    /// Looks whether a signal waits for the caller. One that ends it, or finds it asking what changes nothing, it gets now; for
    /// another the server is asked to let go, and the Thread answers what has come of it. False where it is done with.
    fileprivate func look() -> Bool {
        let isOne = trap.thread != process.peer.pid
        guard let now = HostPeer.signals(of: trap.thread, alone: isOne) else { return false }
        let waiting = now.pending & ~(process.keeper?.mask(of: trap.thread) ?? now.blocked) & ~now.ignored
        let dealt = waiting & (now.caught | ~Self.harmless)
        guard dealt != 0 else { return true }
        let isEnd = dealt & ~now.caught & ~Self.stops != 0
        if !isTold.exchange(true, ordering: .relaxed) { thread.interrupt() }
        guard isEnd || Machine.x86.isQuestion(trap.number, trap.arguments) else { return true }
        if take(2) { process.interrupt(trap) }
        return false
    }

    /// Signals that do nothing by default, and those that stop: bit 0 for the first.
    private static let harmless: UInt64 = [17, 18, 23, 28].reduce(0) { $0 | 1 << (UInt64($1) - 1) }
    private static let stops: UInt64 = [19, 20, 21, 22].reduce(0) { $0 | 1 << (UInt64($1) - 1) }
}

/// The calls of a view that wait. No signal gets through to their callers but SIGKILL, so these are looked at: by a host thread,
/// as long as there is one that has waited for long.
final class VxWaits: Sendable {
    private struct State {
        var waits: [ObjectIdentifier: VxWait] = [:]
        var isWatched = false
    }

    /// How long a call waits before it is looked at, and how often that is, in nanoseconds.
    private static let pause: UInt64 = 20_000_000

    private let state = Lock(State())

    func add(_ wait: VxWait) {
        let begins = state.withLock { s -> Bool in
            s.waits[ObjectIdentifier(wait)] = wait
            defer { s.isWatched = true }
            return !s.isWatched
        }
        // Without a thread they wait as they did.
        if begins, !HostThread.start({ self.watch() }) { state.withLock { $0.isWatched = false } }
    }

    func remove(_ wait: VxWait) { state.withLock { $0.waits[ObjectIdentifier(wait)] = nil } }

    private func watch() {
        let parker = Parker()
        while true {
            let now = HostClock.monotonic()
            _ = parker.park(until: now + Self.pause)
            let waits = state.withLock { s -> [VxWait]? in
                if s.waits.isEmpty { s.isWatched = false }
                return s.isWatched ? Array(s.waits.values) : nil
            }
            guard let waits else { return }
            for wait in waits where wait.started < now && !wait.look() { remove(wait) }
        }
    }
}
