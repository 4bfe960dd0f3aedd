import Host
import Synchronization

/// A process: identity, name space, open files, environment, and its place among the others.
///
/// `state` guards what is mutable. `attention` is read without it at the head of every system call. The system's table
/// owns every process until it has ended and was waited for.
public final class Proc: @unchecked Sendable {
    public let pid: Int32
    public let system: System

    struct State {
        var caller: Caller
        /// Pid of whoever waits for it; 0 for nobody.
        var parent: Int32
        var children: Set<Int32> = []
        /// Children that ended and were not waited for, oldest first.
        var ended: [WaitRecord] = []
        /// Others that were told of each child that ends, from when they began to watch.
        var watches: [ChildWatch] = []
        var pgrp: Pgrp
        var fgrp: Fgrp
        var egrp: Egrp
        var root: Chan
        var dot: Chan
        /// What `dot` was, where it is to be found anew and whoever tried was called away: `dot` has no rights meanwhile.
        var lostDot: Chan?
        var umask: UInt32 = 0o022
        var nice: Int32 = 0
        var group: Int32
        var session: Int32
        var name: String
        var args: [String]
        var program = ""
        var life = Life.running
        var threads: [Thread] = []
        var notes: [Note] = []
        var noteAction = NoteAction.end
        /// Who deals with notes and stops, where the host runs its program.
        var runner: (any Runner)?
        /// Why it is to end, once it is.
        var fate = Status("killed")
        /// Whether a program runs, and what runs when it has returned.
        var inProgram = false
        var next: Image?
    }

    /// What a process is doing.
    public enum Life: String, Sendable { case running, stopped, exiting }

    /// Bits of `attention`.
    private enum Attention {
        static let killed: UInt8 = 1
        static let stopped: UInt8 = 2
        static let notes: UInt8 = 4
    }

    let state: Lock<State>
    private let attention = Atomic<UInt8>(0)
    /// Wakes when a child has ended.
    let childEnded = WaitQueue()
    /// When it was made, host monotonic nanoseconds.
    public let started = HostClock.monotonic()
    /// CPU time of Threads that have ended, nanoseconds.
    let cpu = Atomic<UInt64>(0)

    init(_ system: System, pid: Int32, _ state: consuming State) {
        self.system = system
        self.pid = pid
        var state = state
        state.caller = state.caller.asking(as: pid)
        self.state = Lock(state)
        Live.proc.made()
    }

    deinit { Live.proc.gone() }

    // MARK: who it is

    public var caller: Caller { state.withLock { $0.caller } }
    public var cred: Cred { caller.cred }
    /// The parent's pid; an orphan's is 1.
    public var parentPid: Int32 { state.withLock { $0.parent == 0 && pid != 1 ? 1 : $0.parent } }
    public var children: [Int32] { state.withLock { $0.children.sorted() } }
    public var group: Int32 { state.withLock { $0.group } }
    public var session: Int32 { state.withLock { $0.session } }
    /// The name that `ps` and wait records show: the last element of the program's.
    public var name: String { state.withLock { $0.name } }
    public var args: [String] { state.withLock { $0.args } }
    public var environment: Egrp { state.withLock { $0.egrp } }
    public var nameSpace: Pgrp { state.withLock { $0.pgrp } }
    public var files: Fgrp { state.withLock { $0.fgrp } }
    public var life: Life { state.withLock { $0.life } }
    /// Path of the current directory.
    public var directory: String { state.withLock { $0.dot }.path }
    /// CPU time used so far, nanoseconds.
    public var cpuTime: UInt64 {
        state.withLock { $0.threads }.reduce(cpu.load(ordering: .relaxed)) { $0 &+ $1.cpu }
    }
    /// Bytes that the stacks of its Threads take in memory. What it has on the heap nobody knows.
    public var stackSize: Int { state.withLock { $0.threads }.reduce(0) { $0 + $1.stackSize } }
    /// Path of the file that it runs; empty before its first `exec`.
    public var program: String { state.withLock { $0.program } }
    /// Whether every Thread waits for something.
    public var isBlocked: Bool { state.withLock { $0.threads.allSatisfy { $0.isBlocked } } }

    public var umask: UInt32 {
        get { state.withLock { $0.umask } }
        set { state.withLock { $0.umask = newValue & 0o777 } }
    }

    /// How far it gives way to other processes: 0 to 19.
    public var nice: Int32 { state.withLock { $0.nice } }

    /// Sets that, for it and the children that it makes from now on. Throws `.badArg`, and `.perm` where the host does not
    /// let a thread come back. The corresponding POSIX call is `setpriority(2)`.
    public func setNice(_ nice: Int32) throws(SysError) {
        guard (0...19).contains(nice) else { throw .badArg }
        try state.withLock { (s) throws(SysError) in
            // The host threads are those of `threads` as long as this is locked.
            for thread in s.threads { try thread.setNice(nice) }
            s.nice = nice
        }
    }

    /// Changes identity; only ever to less in later layers. The corresponding POSIX call is `setuid(2)`.
    public func become(_ cred: Cred) { state.withLock { $0.caller = $0.caller.acting(as: cred) } }

    /// What this process is called from now on; `program` is the path of the file that it runs, where that is another.
    public func rename(_ args: [String], program: String? = nil) {
        state.withLock { s in
            s.args = args
            s.name = Self.shortName(args)
            if let program { s.program = program }
        }
    }

    static func shortName(_ args: [String]) -> String {
        let first = args.first ?? ""
        return first.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? first
    }

    // MARK: notes, stop, kill

    /// The head of every system call: nothing pends almost always.
    @inline(__always)
    func enter() throws(SysError) {
        if attention.load(ordering: .relaxed) != 0 { _ = try attend() }
    }

    /// Acts on what pends: waits while stopped, deals with notes. True when a note was handled.
    /// Throws `.killed` when the process is to end.
    ///
    /// Stops and notes are for its own Threads: another that calls for this process goes on until it is killed.
    func attend() throws(SysError) -> Bool {
        guard let thread = Thread.running, thread.proc === self else {
            if isKilled { throw .killed }
            return false
        }
        var handled = false
        while true {
            let bits = attention.load(ordering: .acquiring)
            if bits == 0 { return handled }
            if bits & Attention.killed != 0 { throw .killed }
            if bits & Attention.stopped != 0 {
                if thread.waitsForOthers { throw .wouldBlock }
                _ = thread.parker.park()
                continue
            }
            guard let (note, action) = takeNote() else { continue }
            switch action {
            case .ignore: break
            case .end: obey(note)
            case .handle(let handler): if handler(note) { handled = true } else { obey(note) }
            }
        }
    }

    /// What a note does to a program that does not deal with it.
    private func obey(_ note: Note) {
        if note.stops { stop() } else if !note.isNews { kill(Status(note.text)) }
    }

    private func takeNote() -> (Note, NoteAction)? {
        state.withLock { s in
            guard !s.notes.isEmpty else {
                attention.bitwiseAnd(~Attention.notes, ordering: .releasing)
                return nil
            }
            let note = s.notes.removeFirst()
            if s.notes.isEmpty { attention.bitwiseAnd(~Attention.notes, ordering: .releasing) }
            return (note, s.noteAction)
        }
    }

    /// What this program does about notes; what it was.
    @discardableResult
    public func onNote(_ action: NoteAction) -> NoteAction {
        state.withLock { s in
            defer { s.noteAction = action }
            return s.noteAction
        }
    }

    /// Whether its program deals with notes itself, so that none ends it, or the host does for it.
    public var handlesNotes: Bool {
        state.withLock { if case .handle = $0.noteAction { true } else { $0.runner != nil } }
    }

    /// Whether its program passes over all notes.
    public var ignoresNotes: Bool {
        state.withLock { if case .ignore = $0.noteAction { true } else { false } }
    }

    /// Most notes that pend at once; more are refused.
    static let noteLimit = 1024

    /// Sends a note. Standard signals that pend already are not queued twice. False where too many pend.
    /// What pends and stops is forgotten when it is to go on, and the other way round.
    @discardableResult
    public func post(_ note: Note) -> Bool {
        if let runner = state.withLock({ $0.runner }) { return runner.post(note) }
        if note.continues { resume() }
        let threads = state.withLock { s -> [Thread]? in
            guard s.life != .exiting else { return [] }
            if note.continues { s.notes.removeAll { $0.stops } }
            if note.stops { s.notes.removeAll { $0.continues } }
            guard s.notes.count < Self.noteLimit else { return nil }
            if note.coalesces, s.notes.contains(where: { $0.text == note.text }) { return [] }
            s.notes.append(note)
            attention.bitwiseOr(Attention.notes, ordering: .releasing)
            return s.threads
        }
        for t in threads ?? [] { t.alert() }
        return threads != nil
    }

    /// Ends the process at its next system call, or now where it waits. The first fate stands.
    public func kill(_ fate: Status = "killed") {
        let (threads, runner) = state.withLock { s in
            if attention.load(ordering: .relaxed) & Attention.killed == 0 { s.fate = fate }
            attention.bitwiseOr(Attention.killed, ordering: .releasing)
            return (s.threads, s.runner)
        }
        for t in threads { t.alert() }
        runner?.kill()
    }

    /// Makes its blocked Threads look around.
    func alert() {
        for t in state.withLock({ $0.threads }) { t.alert() }
    }

    /// Stops it at its next system call, or where it waits.
    public func stop() {
        let runner = state.withLock { s -> (any Runner)? in
            guard s.life == .running else { return nil }
            s.life = .stopped
            attention.bitwiseOr(Attention.stopped, ordering: .releasing)
            return s.runner
        }
        alert()
        runner?.stop()
    }

    /// Lets a stopped one go on.
    public func resume() {
        let (threads, runner) = state.withLock { s -> ([Thread], (any Runner)?) in
            guard s.life == .stopped else { return ([], nil) }
            s.life = .running
            attention.bitwiseAnd(~Attention.stopped, ordering: .releasing)
            return (s.threads, s.runner)
        }
        for t in threads { t.alert() }
        runner?.resume()
    }

    /// Why it was told to end, where it was.
    public var fate: Status { state.withLock { $0.fate } }

    /// True once it has been told to end.
    public var isKilled: Bool { attention.load(ordering: .relaxed) & Attention.killed != 0 }
}
