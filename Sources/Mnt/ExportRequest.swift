import Kernel

/// A request that could not be answered at once. The session's lock guards what is mutable.
final class ExportRequest: @unchecked Sendable {
    enum Stage {
        /// In a fid's line, or with no worker yet.
        case queued
        /// Until its file is ready.
        case parked
        /// A worker is at it.
        case running(Thread)
        /// Answered, flushed or given up.
        case over
    }

    let session: ExportSession
    let tag: UInt16
    let message: Tmessage
    let frame: [UInt8]
    /// What its fid stood for when it was taken: for reads and writes, which a clunk does not disturb.
    let file: ExportFile?
    /// Fids that wait until it is done.
    var holds: [ExportFid] = []
    /// The fid in whose line of reads or writes it stands.
    var line: ExportFid?
    var stage = Stage.queued
    var waiter: Waiter?
    /// Bytes of a write that the file has taken.
    var done = 0
    /// Tries in a row for which the file was said to be ready and was not.
    var vain = 0
    /// Tags of Tflush that are answered when it is over.
    var flushes: [UInt16] = []
    /// Nobody wants its answer any more.
    var isGivenUp = false

    init(_ session: ExportSession, _ tag: UInt16, _ message: Tmessage, _ frame: [UInt8], _ file: ExportFile?) {
        self.session = session
        self.tag = tag
        self.message = message
        self.frame = frame
        self.file = file
    }

    /// Whether it may wait by way of `poll`, and with `.try`; others get a Thread for themselves.
    var isPolled: Bool {
        guard let open = file?.open, !open.dev.mayBlock, !open.isDirectory, vain < 16 else { return false }
        return events != nil
    }

    /// What a parked one waits for.
    var events: PollEvents? {
        switch message {
        case .read: .read
        case .write: .write
        default: nil
        }
    }
}

/// Threads for requests that wait, made when they are needed and gone when they are not.
///
/// `state` guards the line; the Threads are the exporting process's.
final class ExportWorkers: Sendable {
    /// Threads at most: so many requests wait in devices that cannot be polled; the others stand in line.
    static let limit = 256
    /// How long one stays that has nothing to do, nanoseconds.
    private static let patience: UInt64 = 5_000_000_000

    private struct State {
        var line: [ExportRequest] = []
        var threads = 0
        var idle = 0
        var isClosed = false
    }

    private let p: Proc
    private let state = Lock(State())
    private let work = WaitQueue()

    init(_ p: Proc) { self.p = p }

    /// Has a Thread attend to `request`. Does not wait: whoever wakes a parked one calls it.
    func submit(_ request: ExportRequest) {
        let isShort = state.withLock { s -> Bool in
            s.line.append(request)
            guard s.line.count > s.idle, s.threads < Self.limit, !s.isClosed else { return false }
            s.threads += 1
            return true
        }
        work.wakeOne()
        guard isShort else { return }
        do throws(SysError) {
            try p.startThread { [self] thread in
                run(thread)
                state.withLock { $0.threads -= 1 }
            }
        } catch {
            // Those that there are will come to it; where there are none, the client waits until some can be made.
            state.withLock { $0.threads -= 1 }
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        work.wake()
    }

    private func run(_ thread: Thread) {
        var out = FrameWriter()
        while let request = next(thread) {
            request.session.attend(to: request, thread, &out)
            thread.takeInterrupt()
            out.trim()
        }
    }

    /// nil when the Thread is to end.
    private func next(_ thread: Thread) -> ExportRequest? {
        state.withLock { $0.idle += 1 }
        defer { state.withLock { $0.idle -= 1 } }
        while true {
            do throws(SysError) {
                return try work.sleep(until: Thread.deadline(after: Self.patience)) {
                    state.withLock { s -> ExportRequest?? in
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
