import Host
import Kernel
import Synchronization

/// One open file of ours that programs of the host have open. The server's lock guards what is mutable; `chan` is dropped
/// when the kernel says that the last descriptor is closed.
final class FuseHandle: @unchecked Sendable {
    let node: UInt64
    let name: String
    let chan: Chan
    /// On whose behalf: what a device asks of the calling process is asked of it.
    let proc: Proc
    let caller: Caller
    /// The kernel has opened it: nobody else may.
    var isOpen = false
    /// Reads and writes that wait, each after the one before: what a device has begun for one is not taken by another.
    var reads: [FuseCall] = []
    var writes: [FuseCall] = []
    /// Who is to tell the kernel when it becomes ready.
    var waiter: Waiter?

    init(_ node: UInt64, _ name: String, _ chan: Chan, _ proc: Proc) {
        (self.node, self.name, self.chan, self.proc) = (node, name, chan, proc)
        caller = proc.caller
    }

    deinit { waiter?.cancel() }
}

/// A request that could not be answered at once. The server's lock guards `stage`.
final class FuseCall: @unchecked Sendable {
    enum Work: Sendable {
        case read(offset: UInt64, count: Int)
        case write(offset: UInt64, [UInt8])
        case flush, sync
        case setLength(UInt64)
        case attributes
    }

    enum Stage {
        case queued
        case running(Thread)
        case over
    }

    let unique: UInt64
    let handle: FuseHandle
    let work: Work
    let request: FuseRequest
    var stage = Stage.queued

    init(_ request: FuseRequest, _ handle: FuseHandle, _ work: Work) {
        (unique, self.request, self.handle, self.work) = (request.unique, request, handle, work)
    }
}

/// Threads for calls that wait, made when they are needed and gone when they are not.
final class FuseWorkers: Sendable {
    /// So many calls wait at once; the others stand in line.
    private static let limit = 256
    /// How long one stays that has nothing to do, nanoseconds.
    private static let patience: UInt64 = 2_000_000_000

    private struct State {
        var line: [FuseCall] = []
        var threads = 0
        var idle = 0
        var isClosed = false
    }

    private let p: Proc
    private let state = Lock(State())
    private let work = WaitQueue()
    /// Wakes when a Thread has ended.
    private let ended = WaitQueue()

    init(_ p: Proc) { self.p = p }

    /// False where nobody can attend to it. Does not wait.
    func submit(_ call: FuseCall, _ attend: @escaping @Sendable (FuseCall) -> Void) -> Bool {
        let (isShort, isAlone) = state.withLock { s -> (Bool, Bool) in
            s.line.append(call)
            guard s.line.count > s.idle, s.threads < Self.limit, !s.isClosed else { return (false, false) }
            s.threads += 1
            return (true, s.threads == 1)
        }
        work.wakeOne()
        guard isShort else { return true }
        do throws(SysError) {
            try p.startThread { [self] thread in
                while let call = next() {
                    attend(call)
                    thread.takeInterrupt()
                }
                left()
            }
            return true
        } catch {
            return state.withLock { s in
                s.threads -= 1
                if isAlone { s.line.removeAll { $0 === call } }
                return !isAlone
            }
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        work.wake()
    }

    /// A Thread that is no worker, and is waited for as they are.
    func entered() { state.withLock { $0.threads += 1 } }

    func left() {
        state.withLock { $0.threads -= 1 }
        ended.wake()
    }

    /// Waits until no Thread is left. Throws `.killed`, and `.interrupted`.
    func waitForEnd() throws(SysError) {
        try ended.sleep { state.withLock { $0.threads == 0 ? () : nil } }
    }

    /// nil when the Thread is to end.
    private func next() -> FuseCall? {
        state.withLock { $0.idle += 1 }
        defer { state.withLock { $0.idle -= 1 } }
        while true {
            do throws(SysError) {
                return try work.sleep(until: Thread.deadline(after: Self.patience)) {
                    state.withLock { s -> FuseCall?? in
                        if !s.line.isEmpty { return .some(s.line.removeFirst()) }
                        return s.isClosed ? .some(nil) : nil
                    }
                }
            } catch {
                guard error.code == .interrupted else { return nil }
            }
        }
    }
}
