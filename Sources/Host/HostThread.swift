import CShim
import Glibc
import Synchronization

/// Host threads: made detached, with small stacks, and kept for a while when their work is done.
public enum HostThread {
    /// Bytes of stack of each thread; pages that are never touched cost nothing.
    public static let stackSize = 512 * 1024

    /// Bytes of stack that the calling thread has left.
    public static var stackLeft: Int { Int(clamping: cshim_stackleft()) }

    /// An address near the beginning of the calling thread's stack, where this is called near it.
    public static var stackTop: UInt {
        var mark: UInt8 = 0
        return withUnsafePointer(to: &mark) { UInt(bitPattern: $0) }
    }

    /// Threads that are running work now.
    public static var live: Int { running.load(ordering: .relaxed) }

    private static let running = Atomic<Int>(0)
    private static let idle = Lock([Worker]())
    /// How many idle threads stay; further ones, up to `most`, leave when nobody has asked for them so long, in nanoseconds.
    /// To end many at once takes the host far longer than to let them idle, and who ends many often starts many.
    private static let keep = 16
    private static let most = 2048
    private static let patience: UInt64 = 400_000_000
    /// Whether any thread was ever made to give way.
    private static let givesWay = Atomic<Bool>(false)

    /// One kept thread and the work handed to it. `work` is written before `unpark` and read after `park`.
    private final class Worker: @unchecked Sendable {
        let parker = Parker()
        let work = Lock<(@Sendable () -> Void)?>(nil)

        /// Does the work that was handed over, and lets go of all that it held; false where there is none.
        func perform() -> Bool {
            guard let body = work.withLock({ $0.take() }) else { return false }
            body()
            HostCrash.label(0, "")
            return true
        }
    }

    /// Runs `body` on a thread of its own; false when the host refuses another thread.
    public static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        running.add(1, ordering: .relaxed)
        if let worker = idle.withLock({ $0.popLast() }) {
            worker.work.withLock { $0 = body }
            worker.parker.unpark()
            return true
        }
        let worker = Worker()
        worker.work.withLock { $0 = body }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSize)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var id = pthread_t()
        let argument = Unmanaged.passRetained(worker)
        let failure = pthread_create(&id, &attributes, { HostThread.main($0) }, argument.toOpaque())
        guard failure == 0 else {
            argument.release()
            running.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    private static func main(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        blockWakeSignal()
        HostCrash.prepareThread()
        guard let argument else { return nil }
        // SAFETY: start passed this object retained.
        let worker = Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue()
        while worker.perform() {
            running.subtract(1, ordering: .relaxed)
            // One that gives way may not be allowed to go back, and is no good for others.
            let isOrdinary = !givesWay.load(ordering: .relaxed) || niceness == ordinary
            let place = isOrdinary ? takePlace(worker) : most
            guard place < most else { break }
            if worker.parker.park(until: place < keep ? nil : HostClock.monotonic() + patience) { continue }
            guard !leavePlace(worker) else { break }
            // Somebody has just taken it: the work is on its way.
            _ = worker.parker.park()
        }
        return nil
    }

    /// How many idle threads there were before `worker`, which is one of them now; `most` where there is no room.
    private static func takePlace(_ worker: Worker) -> Int {
        idle.withLock { list in
            guard list.count < most else { return most }
            list.append(worker)
            return list.count - 1
        }
    }

    /// False where `worker` is not idle any more.
    private static func leavePlace(_ worker: Worker) -> Bool {
        idle.withLock { list in
            guard let i = list.firstIndex(where: { $0 === worker }) else { return false }
            list.remove(at: i)
            return true
        }
    }

    /// The host's number of the calling thread. The corresponding Linux call is `gettid(2)`.
    public static var id: Int32 { cshim_thread() }

    /// PRIO_PROCESS, by which Linux means a thread.
    private static let oneThread = Int32(bitPattern: PRIO_PROCESS.rawValue)

    /// How far the calling thread gives way to others on the host, and the thread that emu started with.
    private static var niceness: Int32 { getpriority(oneThread, 0) }
    private static var ordinary: Int32 { getpriority(oneThread, id_t(bitPattern: getpid())) }

    /// Lets a thread give way to those of emu that do not, by `nice` steps of 19. A thread that is made by one which gives
    /// way does so, too. Throws `.perm` where the host does not let it come back so far.
    /// The corresponding POSIX call is `setpriority(2)`.
    public static func setNice(_ nice: Int32, of thread: Int32) throws(SysError) {
        givesWay.store(true, ordering: .relaxed)
        let value = ordinary + max(0, min(nice, 39))
        _ = try HostIO.check(Int(setpriority(oneThread, id_t(bitPattern: thread), value)))
    }

    /// What was last set for the calling thread.
    public static var nice: Int32 { niceness - ordinary }

    /// Blocks the wake-up signal in the calling thread and gives it a handler that does nothing.
    public static func blockWakeSignal() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(cshim_wakesignal(), &action, nil)
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, cshim_wakesignal())
        pthread_sigmask(SIG_BLOCK, &mask, nil)
    }

    /// The pointer kept for the calling host thread; what it points to is the caller's business.
    @inline(__always)
    public static var current: UnsafeMutableRawPointer? {
        get { cshim_current().pointee }
        set { cshim_current().pointee = newValue }
    }

    /// Another one.
    @inline(__always)
    public static var called: UnsafeMutableRawPointer? {
        get { cshim_current()[1] }
        set { cshim_current()[1] = newValue }
    }
}
