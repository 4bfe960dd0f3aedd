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

    /// Stands on `queue` until fired by it or cancelled.
    public func stand(on queue: WaitQueue) {
        queues.withLock { $0.append(queue) }
        queue.add(self)
    }

    /// Leaves every queue that it was put on with `stand`.
    public func cancel() {
        for q in queues.withLock({ (q) -> [WaitQueue] in
            defer { q = [] }; return q
        }) { _ = q.remove(self) }
    }
}

/// Threads that wait for an object to change. It stands in the object, beside the lock of its state: whoever changes
/// the state wakes the queue afterwards.
///
/// The corresponding Plan 9 calls are `sleep` and `wakeup`, without the single sleeper.
public final class WaitQueue: Sendable {
    private let waiting = Lock([Waiter]())

    public init() {}

    /// How many wait now.
    public var count: Int { waiting.withLock { $0.count } }

    func add(_ waiter: Waiter) { waiting.withLock { $0.append(waiter) } }

    /// False when it was not there: somebody has taken it off to fire it.
    func remove(_ waiter: Waiter) -> Bool {
        waiting.withLock { list in
            guard let i = list.lastIndex(where: { $0 === waiter }) else { return false }
            list.remove(at: i)
            return true
        }
    }

    /// Wakes all; each tests its condition again.
    public func wake() {
        let all = waiting.withLock { (list) -> [Waiter] in
            guard !list.isEmpty else { return [] }
            defer { list = [] }
            return list
        }
        for w in all { w.fire() }
    }

    /// Wakes the one that has waited longest. For queues whose sleepers all wait for the same thing, one of which came.
    public func wakeOne() {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.fire()
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
            add(waiter)
            do throws(SysError) {
                if let value = try body() {
                    leave(waiter)
                    return value
                }
                try thread.block(until: deadline)
            } catch {
                leave(waiter)
                throw error
            }
        }
    }

    /// Takes the waiter off; a wake that was meant for it goes to the next.
    private func leave(_ waiter: Waiter) {
        if !remove(waiter) { wakeOne() }
    }
}
