import Host
import Synchronization

/// Somebody who waits: a Thread, or a callback for those that watch many things at once.
///
/// It may stand on many queues; the first wake fires it. Firing calls no code that can block.
public final class Waiter: Sendable {
    private let fired = Atomic<Bool>(false)
    private let onFire: @Sendable () -> Void
    private let queues = Lock([WaitQueue]())

    /// `onFire` runs on the thread that wakes; it must not block nor call a device.
    public init(onFire: @escaping @Sendable () -> Void) {
        self.onFire = onFire
        Live.waiter.made()
    }

    deinit { Live.waiter.gone() }

    /// True once a queue has woken it since the last `arm`.
    public var hasFired: Bool { fired.load(ordering: .acquiring) }

    /// Makes ready to be fired again.
    public func arm() { fired.store(false, ordering: .releasing) }

    /// Wakes whoever waits.
    public func fire() {
        if !fired.exchange(true, ordering: .acquiringAndReleasing) { onFire() }
    }

    /// Watches `queue` until fired by it or cancelled: every wake fires it, and takes nothing from those who sleep there.
    public func stand(on queue: WaitQueue) {
        queues.withLock { $0.append(queue) }
        queue.watch(self)
    }

    /// Leaves every queue that it was put on with `stand`.
    public func cancel() {
        for q in queues.withLock({ (q) -> [WaitQueue] in
            defer { q = [] }; return q
        }) { q.unwatch(self) }
    }
}

/// Threads that wait for an object to change. It stands in the object, beside the lock of its state: whoever changes
/// the state wakes the queue afterwards.
///
/// The corresponding Plan 9 calls are `sleep` and `wakeup`, without the single sleeper.
public final class WaitQueue: Sendable {
    private struct Lines {
        var sleepers = Line<Waiter>()
        /// Who stands here to be told, and is told of everything.
        var watchers: [Waiter] = []

        mutating func takeWatchers() -> [Waiter] {
            guard !watchers.isEmpty else { return [] }
            defer { watchers = [] }
            return watchers
        }
    }

    private let lines = Lock(Lines())

    public init() {}

    /// How many wait now.
    public var count: Int { lines.withLock { $0.sleepers.count + $0.watchers.count } }

    fileprivate func watch(_ waiter: Waiter) { lines.withLock { $0.watchers.append(waiter) } }

    fileprivate func unwatch(_ waiter: Waiter) {
        lines.withLock { l in
            if let i = l.watchers.lastIndex(where: { $0 === waiter }) { l.watchers.remove(at: i) }
        }
    }

    /// False when the place is gone: somebody took the waiter out of the line to fire it.
    private func leave(_ place: UInt64) -> Bool { lines.withLock { $0.sleepers.remove(place) != nil } }

    /// Wakes all; each tests its condition again.
    public func wake() {
        let (sleepers, watchers) = lines.withLock { l in
            (l.sleepers.isEmpty ? [] : l.sleepers.removeAll(), l.takeWatchers())
        }
        for waiter in sleepers { waiter.fire() }
        for waiter in watchers { waiter.fire() }
    }

    /// Wakes the one that has slept longest, and all who watch. For queues whose sleepers all wait for the same thing, one
    /// of which came.
    public func wakeOne() {
        let (sleeper, watchers) = lines.withLock { ($0.sleepers.popFirst()?.element, $0.takeWatchers()) }
        sleeper?.fire()
        for waiter in watchers { waiter.fire() }
    }

    /// Gives what `body` gives as soon as it is not nil. `body` is called again after each wake; it takes the state's
    /// lock itself. The test and standing in line are one step: a wake in between is not lost.
    ///
    /// Throws `.wouldBlock` where `how` is `.try`, `.interrupted` when a note comes first, `.timedOut` after
    /// `deadline` (monotonic nanoseconds of the host), and what `body` throws.
    public func sleep<T>(
        _ how: How = .wait, until deadline: UInt64? = nil, _ body: () throws(SysError) -> T?
    ) throws(SysError) -> T {
        if let value = try body() { return value }
        guard how == .wait else { throw .wouldBlock }
        let thread = Thread.current
        let waiter = thread.waiter
        while true {
            waiter.arm()
            let place = lines.withLock { $0.sleepers.append(waiter) }
            // A wake that was meant for us and that we do not use goes to the next.
            do throws(SysError) {
                if let value = try body() {
                    if !leave(place) { wakeOne() }
                    return value
                }
                try thread.block(until: deadline)
            } catch {
                if !leave(place) { wakeOne() }
                throw error
            }
            // Fired by another queue that it stood on before, it still has its place here.
            _ = leave(place)
            do throws(SysError) {
                if let value = try body() { return value }
            } catch {
                wakeOne()
                throw error
            }
        }
    }
}
