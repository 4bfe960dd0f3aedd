import Synchronization

/// How many of the kernel's objects are alive in this emu: they are made and go often, and none may be left behind.
public struct Live: Hashable, Sendable, CustomStringConvertible {
    public var procs: Int
    public var threads: Int
    public var chans: Int
    public var waiters: Int

    /// The counts now. Each is right; together they are not of one moment.
    public static var now: Live {
        Live(procs: proc.value, threads: thread.value, chans: chan.value, waiters: waiter.value)
    }

    public var description: String { "\(procs) procs \(threads) threads \(chans) chans \(waiters) waiters" }

    /// One kind's number.
    struct Counter: ~Copyable {
        private let count = Atomic<Int>(0)

        var value: Int { count.load(ordering: .relaxed) }
        @inline(__always) func made() { count.add(1, ordering: .relaxed) }
        @inline(__always) func gone() { count.subtract(1, ordering: .relaxed) }
    }

    static let proc = Counter()
    static let thread = Counter()
    static let chan = Counter()
    static let waiter = Counter()
}
