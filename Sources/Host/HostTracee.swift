import CSandbox
import Glibc

/// A thread of a view that is traced for the length of one call. All is done by the host thread that made this.
public final class HostTracee {
    /// Why a traced thread stands still.
    public enum Stop: Equatable {
        /// At the begin or the end of a call.
        case call
        /// A process was made, which stands still too, by our number.
        case made(Int32)
        /// It has become another program.
        case program
        /// It was told to stand still, or has just been made.
        case interrupted
        /// Its process was stopped.
        case stopped
        /// A signal is about to come.
        case signal(Int32)
        /// It is no more.
        case ended
    }

    public private(set) var thread: Int32
    private let process: Int32
    private var isTraced = true
    /// Whether a `HostTracer` had it before, and gets it back.
    private let isKept: Bool
    private let others: [Int32]

    /// Traces a thread of `process`. Throws what the host says.
    public init(_ thread: Int32, of process: Int32) throws(SysError) {
        self.thread = thread
        self.process = process
        (isKept, others) = (false, [])
        try Self.check(csandbox_seize(thread))
    }

    /// One that `made` has told of: it is traced already.
    public init(made thread: Int32) {
        self.thread = thread
        process = thread
        (isKept, others) = (false, [])
    }

    /// A thread of `process` that a `HostTracer` of this host thread has, with its `others` of that process.
    public init(kept thread: Int32, of process: Int32, _ others: [Int32]) {
        self.thread = thread
        self.process = process
        (isKept, self.others) = (true, others)
    }

    deinit { if isTraced { release() } }

    fileprivate static func check(_ result: Int32) throws(SysError) {
        guard result >= 0 else { throw SysError(errno: -result) }
    }

    /// It will stand still where it leaves its call.
    public func interrupt() throws(SysError) { try Self.check(csandbox_interrupt(thread)) }

    /// Waits until it stands still.
    public func wait() throws(SysError) -> Stop {
        var status: Int32 = 0
        try Self.check(csandbox_await(&thread, process, others, others.count, &status))
        return try stop(status)
    }

    private func stop(_ status: Int32) throws(SysError) -> Stop {
        let stop = try Self.stop(of: thread, status)
        if stop == .ended { isTraced = false }
        return stop
    }

    /// What wait(2) has said of a thread.
    fileprivate static func stop(of thread: Int32, _ status: Int32) throws(SysError) -> Stop {
        guard status & 0xFF == 0x7F else { return .ended }
        let signal = status >> 8 & 0xFF
        switch status >> 16 {
        case 1, 2, 3:  // PTRACE_EVENT_FORK, _VFORK, _CLONE
            var message: UInt = 0
            try check(csandbox_event(thread, &message))
            return .made(Int32(truncatingIfNeeded: message))
        case 4: return .program
        case 128: return signal == SIGTRAP ? .interrupted : .stopped
        default: return signal == SIGTRAP | 0x80 ? .call : .signal(signal)
        }
    }

    /// How long a call may take to make a process before it is asked whether it does: turns of the processor, and microseconds.
    private static let patience: (turns: Int32, time: Int32) = (50, 3000)

    /// Waits until the call that it is in makes a process. One that makes none does not stand still by itself: after a while it
    /// is told to.
    public func waitForProcess() throws(SysError) -> Stop {
        var status: Int32 = 0
        let result = csandbox_wait(thread, &status, Self.patience.turns, Self.patience.time)
        if result == 0 { return try stop(status) }
        guard result == -EAGAIN else { throw SysError(errno: -result) }
        try interrupt()
        return try wait()
    }

    /// Lets it go on to the next begin or end of a call, with a signal or 0.
    public func step(_ signal: Int32 = 0) throws(SysError) { try Self.check(csandbox_step(thread, signal)) }

    /// Lets it go, with a signal or 0; one that is kept goes on and stays so, unless it `isOther` than it was.
    public func release(_ signal: Int32 = 0, isOther: Bool = false) {
        isTraced = false
        _ = isKept && !isOther ? csandbox_continue(thread, signal) : csandbox_detach(thread, signal)
    }

    /// Its process dies where it stands.
    public func kill() {
        _ = Glibc.kill(thread, SIGKILL)
        isTraced = false
        _ = csandbox_detach(thread, 0)
    }

    /// Its signal mask; what it was before.
    @discardableResult
    public func setMask(_ mask: UInt64) throws(SysError) -> UInt64 {
        var was: UInt64 = 0
        var now = mask
        try Self.check(csandbox_mask(thread, &was, &now))
        return was
    }

    /// Its registers as the machine keeps them, `count` words.
    public func registers(_ count: Int) throws(SysError) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        try Self.check(csandbox_registers(thread, &words, count * 8))
        return words
    }

    public func setRegisters(_ words: [UInt64]) throws(SysError) {
        try Self.check(csandbox_setRegisters(thread, words, words.count * 8))
    }

    /// Writes to its memory. Throws `.fault`.
    public func poke(_ bytes: [UInt8], _ address: UInt64) throws(SysError) {
        guard csandbox_poke(thread, address, bytes, bytes.count) == bytes.count else { throw .fault }
    }
}

/// Two threads on one processor: the calling one, and one of a view. To wake a thread on another processor costs more than
/// all that is done for a call. Where a thread may run is put back by `part`, at the end of this at the latest: before the
/// thread of the view runs on, or it would see that.
public struct HostTogether: ~Copyable {
    private let thread: Int32
    private var was = csandbox_masks()
    private var isJoined: Bool

    /// Nothing happens where it is of no use, or the host does not allow it.
    public init(_ thread: Int32) {
        self.thread = thread
        isJoined = csandbox_join(thread, &was) == 1
    }

    /// Another thread that the one of the view has made may be where that was.
    public func free(_ other: Int32) { if isJoined { withUnsafePointer(to: was) { csandbox_free(other, $0) } } }

    public mutating func part() {
        if isJoined { csandbox_part(thread, &was) }
        isJoined = false
    }

    deinit { if isJoined { withUnsafePointer(to: was) { csandbox_part(thread, $0) } } }
}

/// Threads that the host thread that made this traces for long.
public struct HostTracer: Sendable {
    /// The number of that host thread, for `kick`.
    public let host = HostThread.id

    public init() throws(SysError) { try HostTracee.check(csandbox_kickable()) }

    /// Traces a thread. Throws what the host says.
    public func take(_ thread: Int32) throws(SysError) { try HostTracee.check(csandbox_seize(thread)) }

    /// Waits until one of them stands still or ends: which, and why, or 0 where it was kicked. nil when there is none left.
    public func next() -> (thread: Int32, stop: HostTracee.Stop)? {
        var thread: Int32 = 0
        var status: Int32 = 0
        switch csandbox_any(&thread, &status) {
        case 0:
            // One that is killed at this moment tells of that next.
            return (thread, (try? HostTracee.stop(of: thread, status)) ?? .interrupted)
        case -EINTR: return (0, .interrupted)
        default: return nil
        }
    }

    /// Ends the wait of another host thread in `next`, or the next one.
    public static func kick(_ host: Int32) { csandbox_kick(host) }

    /// Whether this has it.
    public func has(_ thread: Int32) -> Bool { csandbox_traces(thread) == 1 }

    /// Lets one go on, with a signal or 0.
    public func resume(_ thread: Int32, _ signal: Int32 = 0) { _ = csandbox_continue(thread, signal) }

    /// Lets it go on to the next begin or end of a call.
    public func step(_ thread: Int32, _ signal: Int32 = 0) { _ = csandbox_step(thread, signal) }

    /// Its signal mask; what it was before, nil where it has been killed.
    @discardableResult
    public func setMask(_ thread: Int32, _ mask: UInt64) -> UInt64? {
        var was: UInt64 = 0
        var now = mask
        return csandbox_mask(thread, &was, &now) >= 0 ? was : nil
    }

    /// Lets one stand still with its process.
    public func leaveStopped(_ thread: Int32) { _ = csandbox_listen(thread) }

    /// Its registers; nil where it has been killed.
    public func registers(_ thread: Int32, _ count: Int) -> [UInt64]? {
        var words = [UInt64](repeating: 0, count: count)
        return csandbox_registers(thread, &words, count * 8) >= 0 ? words : nil
    }
}
