import Host
import Synchronization

/// One line of execution in a Proc: where it waits, and the host thread that runs it.
///
/// Owned by its Proc; `Thread.current` is set by whoever runs it and is valid while it runs.
public final class Thread: @unchecked Sendable {
    // `proc` is immutable; everything mutable is in `parker` and `waiter`, which lock themselves.
    public let proc: Proc
    let parker: Parker
    let waiter: Waiter
    private let blocked = Atomic<Bool>(false)
    /// Its wait, or else its next one, is to end.
    private let interrupted = Atomic<Bool>(false)
    /// The CPU clock of the host thread that runs it, and what that showed when it began; 0 while none does.
    private let clock = Atomic<Int32>(0)
    private let clockStart = Atomic<UInt64>(0)
    /// Where the stack of the host thread that runs it begins; 0 while none does.
    private let stackTop = Atomic<UInt>(0)
    /// The host thread that runs it, or ran it last; 0 before.
    private let hostThread = Atomic<Int32>(0)
    /// When its waits end, whatever they wait for, and whether others depend on them; `forOthers` sets these.
    private var limit: UInt64?
    private(set) var waitsForOthers = false
    /// Whether it waits for something now.
    var isBlocked: Bool { blocked.load(ordering: .relaxed) }

    init(_ proc: Proc) {
        self.proc = proc
        let parker = Parker()
        self.parker = parker
        waiter = Waiter { parker.unpark() }
        Live.thread.made()
    }

    deinit { Live.thread.gone() }

    /// The Thread that the calling host thread runs. There must be one: system calls come from Threads.
    @inline(__always)
    public static var current: Thread {
        guard let p = HostThread.current else { preconditionFailure("no Thread runs here") }
        return bridged(p)
    }

    /// The same, or nil on a host thread that runs none.
    public static var running: Thread? { HostThread.current.map { bridged($0) } }

    /// Runs `body` as this Thread on the calling host thread.
    func run<T>(_ body: () -> T) -> T {
        let before = HostThread.current
        HostThread.current = pointer
        HostCrash.label(proc.pid, proc.name)
        defer { HostThread.current = before }
        return body()
    }

    /// Counts the CPU time of `body` for the Proc, and gives way as the Proc does; for host threads that run one Thread for
    /// a while.
    func metered<T>(_ body: () -> T) -> T {
        hostThread.store(HostThread.id, ordering: .relaxed)
        stackTop.store(HostThread.stackTop, ordering: .relaxed)
        // Whoever changes it from here on finds the host thread. One made by a thread that gives way further stays there.
        let nice = proc.nice
        if nice > 0 { try? setNice(nice) }
        let before = HostClock.threadCPU()
        clockStart.store(before, ordering: .relaxed)
        clock.store(HostClock.threadClock, ordering: .releasing)
        defer {
            clock.store(0, ordering: .relaxed)
            stackTop.store(0, ordering: .relaxed)
            proc.cpu.add(HostClock.threadCPU() &- before, ordering: .relaxed)
        }
        return body()
    }

    /// Lets its host thread give way. Throws `.perm`.
    func setNice(_ nice: Int32) throws(SysError) {
        let thread = hostThread.load(ordering: .relaxed)
        if thread != 0 { try HostThread.setNice(nice, of: thread) }
    }

    /// CPU time that it has used and the Proc does not know of yet, nanoseconds.
    var cpu: UInt64 {
        let clock = clock.load(ordering: .acquiring)
        guard clock != 0, let now = HostClock.cpu(clock) else { return 0 }
        let start = clockStart.load(ordering: .relaxed)
        return now > start ? now - start : 0
    }

    /// Bytes of its host thread's stack that are in memory.
    var stackSize: Int {
        let top = stackTop.load(ordering: .relaxed)
        return top == 0 ? 0 : HostMemory.resident(stackFrom: top)
    }

    /// Throws when the calling program has been killed; acts on stops and notes. Every unbounded loop calls it.
    @inline(__always)
    public static func check() throws(SysError) { try current.proc.enter() }

    /// The same, for a device that has just posted a note to the caller: true when it was handled, so that the call is
    /// to throw `.interrupted`.
    public static func attend() throws(SysError) -> Bool { try current.proc.attend() }

    /// True while enough stack is left to go one level deeper: what recurses over outside input asks before it does.
    public static var hasRoom: Bool { HostThread.stackLeft > 96 * 1024 }

    /// The one gate of every wait: returns when `waiter` has fired.
    ///
    /// Throws `.interrupted` when a note was handled, `.killed` when the Proc is to end, `.timedOut` at the deadline,
    /// `.hungup` when the mount is forced off in whose file it waits.
    /// A stop and a note that is ignored are acted on and the wait goes on.
    func block(until deadline: UInt64?) throws(SysError) {
        let deadline = earlier(deadline)
        blocked.store(true, ordering: .relaxed)
        defer { blocked.store(false, ordering: .relaxed) }
        while !waiter.hasFired {
            if try proc.attend() || takeInterrupt() { throw .interrupted }
            try Self.checkCalled()
            if waiter.hasFired { break }
            if !parker.park(until: deadline), !waiter.hasFired { throw .timedOut }
        }
    }

    /// Runs `body`, which waits for what others wait for too, so that it must not keep them: a wait in it throws `.timedOut`
    /// at `deadline`, monotonic nanoseconds of the host, and `.wouldBlock` when the process is stopped. `check` waits then
    /// until it goes on. Where no Thread runs, nothing waits.
    public static func forOthers<T>(
        until deadline: UInt64 = .max, _ body: () throws(SysError) -> T
    ) throws(SysError) -> T {
        guard let thread = running else { return try body() }
        let before = (thread.limit, thread.waitsForOthers)
        thread.limit = thread.earlier(deadline)
        thread.waitsForOthers = true
        defer { (thread.limit, thread.waitsForOthers) = before }
        return try body()
    }

    /// Whether what the Thread waits in was hung up: a wait that ends with `.hungup` then says nothing of what it waited for.
    public static var isHungUp: Bool {
        do throws(SysError) { try checkCalled() } catch { return true }
        return false
    }

    private var isPastLimit: Bool { limit.map { HostClock.monotonic() >= $0 } ?? false }

    private func earlier(_ deadline: UInt64?) -> UInt64? {
        guard let limit else { return deadline }
        return deadline.map { min($0, limit) } ?? limit
    }

    /// Makes a blocked Thread look at its Proc's attention flags, and at what it waits in.
    func alert() { parker.unpark() }

    /// Makes its wait throw `.interrupted`, or its next one where it is in none.
    public func interrupt() {
        interrupted.store(true, ordering: .releasing)
        parker.unpark()
    }

    /// The host's monotonic time so many nanoseconds from now, as `WaitQueue.sleep` takes it.
    public static func deadline(after nanoseconds: UInt64) -> UInt64 {
        let (end, overflow) = HostClock.monotonic().addingReportingOverflow(nanoseconds)
        return overflow ? .max : end
    }

    /// Whether it was interrupted and has not thrown since; forgets it.
    @discardableResult
    public func takeInterrupt() -> Bool {
        interrupted.load(ordering: .relaxed) && interrupted.exchange(false, ordering: .acquiring)
    }

    /// Waits until a host descriptor is ready. Returns which events came, empty at the deadline.
    /// Throws as `block` does. The corresponding Linux call is `poll(2)`.
    public static func waitHost(
        _ descriptor: Int32, _ events: HostEvents, until deadline: UInt64? = nil
    ) throws(SysError) -> HostEvents {
        guard let thread = running else { return HostPoll.wait(descriptor, events, deadline) }
        thread.blocked.store(true, ordering: .relaxed)
        defer { thread.blocked.store(false, ordering: .relaxed) }
        while true {
            if try thread.proc.attend() || thread.takeInterrupt() { throw .interrupted }
            try checkCalled()
            switch thread.parker.poll(descriptor, events, until: thread.earlier(deadline)) {
            case .ready(let got): return got
            case .token: continue
            case .deadline where thread.isPastLimit: throw .timedOut
            case .deadline: return []
            }
        }
    }

    /// How host calls wait on behalf of the caller: as `waitHost`, or throwing `.wouldBlock` where `how` is `.try`.
    public static func hostWait(_ how: How) -> HostWait {
        { (descriptor, events) throws(SysError) in
            switch how {
            case .wait: _ = try waitHost(descriptor, events)
            case .try: if HostPoll.now(descriptor, events).isEmpty { throw .wouldBlock }
            }
        }
    }

    /// Sleeps for `nanoseconds`; interruptible. The corresponding Inferno call is `sys-sleep(2)`.
    public static func sleep(nanoseconds: UInt64) throws(SysError) {
        let (end, overflow) = HostClock.monotonic().addingReportingOverflow(nanoseconds)
        let thread = current
        while true {
            // A wake that was meant for an earlier wait ends none.
            thread.waiter.arm()
            do throws(SysError) { try thread.block(until: overflow ? .max : end) } catch {
                if error.code == .timedOut { return }
                throw error
            }
        }
    }

    /// Runs a host call that cannot be polled (name resolution, a dead network disk) on a helper, so that the caller can
    /// be interrupted. A caller that goes away abandons the helper, which drops `work`'s result when it comes.
    public static func offload<T: Sendable>(
        _ work: @escaping @Sendable () -> Result<T, SysError>
    ) throws(SysError) -> T {
        let box = Offload(work)
        try Gate.helpers.enter()
        let started = HostThread.start {
            box.perform()
            Gate.helpers.leave()
        }
        guard started else {
            Gate.helpers.leave()
            throw .noMemory
        }
        return try box.take().get()
    }

    /// The same for a host call that may wait for ever, such as the opening of a FIFO: it is ended when the caller goes away,
    /// so no helper is kept and as many may wait as there are callers. `work` makes the host call through what it is given; with
    /// `every`, in nanoseconds, again as often as that.
    public static func interruptibly<T: Sendable>(
        every pause: UInt64? = nil, _ work: @escaping @Sendable (HostCall) -> Result<T, SysError>
    ) throws(SysError) -> T {
        let call = HostCall()
        let box = Offload { work(call) }
        guard HostThread.start({ box.perform() }) else { throw .noMemory }
        while true {
            let answer: Result<T, SysError>
            do throws(SysError) { answer = try box.take(until: pause.map { HostClock.monotonic() + $0 }) } catch {
                if error.code == .timedOut {
                    call.again()
                    continue
                }
                call.cancel()
                throw error
            }
            return try answer.get()
        }
    }
}

/// A call that a helper makes, and its answer, taken once: what is in it, such as a descriptor, has one owner at a time.
private final class Offload<T: Sendable>: Sendable {
    private let work: Lock<(@Sendable () -> Result<T, SysError>)?>
    private let result = Lock<Result<T, SysError>?>(nil)
    private let done = WaitQueue()

    init(_ work: @escaping @Sendable () -> Result<T, SysError>) { self.work = Lock(work) }

    /// On the helper. When the answer is there, nothing of it is left to the helper, which may go on for long, nor of what the
    /// call was made with: an open file would be locked still after who opened it has ended.
    func perform() {
        var answer: Result<T, SysError>?
        do {
            guard let work = work.withLock({ $0.take() }) else { return }
            answer = work()
        }
        result.swap(&answer)
        done.wake()
    }

    /// Waits for it; interruptible. Throws `.timedOut` where it is not there at `deadline`.
    func take(until deadline: UInt64? = nil) throws(SysError) -> Result<T, SysError> {
        try done.sleep(until: deadline) { result.withLock { $0.take() } }
    }
}

/// At most so many at once; the rest wait in line.
private final class Gate: Sendable {
    static let helpers = Gate(64)
    private let free: Lock<Int>
    private let queue = WaitQueue()

    init(_ count: Int) { free = Lock(count) }

    func enter() throws(SysError) {
        try queue.sleep { free.withLock { (n) -> Void? in n > 0 ? (n -= 1) : nil } }
    }

    func leave() {
        free.withLock { $0 += 1 }
        queue.wakeOne()
    }
}
