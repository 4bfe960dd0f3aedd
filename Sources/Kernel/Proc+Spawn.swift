import Host

/// What a new process shares with its parent, or a process with its group: shared unless said otherwise.
/// The corresponding Inferno call is `sys-pctl(2)`.
public struct ProcFlags: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No descriptors but those that are listed.
    public static let newFD = ProcFlags(rawValue: 1)
    /// A copy of the descriptors (of those that are listed, where some are).
    public static let forkFD = ProcFlags(rawValue: 2)
    /// An empty name space whose root is the current directory.
    public static let newNS = ProcFlags(rawValue: 4)
    /// A copy of the name space.
    public static let forkNS = ProcFlags(rawValue: 8)
    /// A process group of its own.
    public static let newGroup = ProcFlags(rawValue: 16)
    /// No `#` names from now on.
    public static let noDevices = ProcFlags(rawValue: 32)
    public static let newEnv = ProcFlags(rawValue: 64)
    public static let forkEnv = ProcFlags(rawValue: 128)
    /// Nobody waits for it: it leaves no record.
    public static let noWait = ProcFlags(rawValue: 1 << 16)
    /// A session of its own, and a group in it.
    public static let newSession = ProcFlags(rawValue: 1 << 17)
}

/// How a child ended. The corresponding Inferno page is `prog(3)`, wait.
public struct WaitRecord: Sendable {
    public let pid: Int32
    public let group: Int32
    public let name: String
    public let status: Status
    /// From its making to its end, and CPU time of its Threads, nanoseconds.
    public let elapsed: UInt64
    public let cpu: UInt64

    /// As /prog/N/wait gives it: `PID "name":status`, the status cut to 64 bytes.
    public var text: String {
        var s = status.text[...]
        while s.utf8.count > 64 { s = s.dropLast() }
        return "\(pid) \"\(name)\":\(s)"
    }
}

/// What one who watches a process's children has still to be told, the newest of it.
public final class ChildWatch: Sendable {
    private static let limit = 1024
    private let records = Lock([WaitRecord]())

    func add(_ record: WaitRecord) {
        records.withLock { r in
            if r.count == Self.limit { r.removeFirst() }
            r.append(record)
        }
    }

    func take() -> WaitRecord? { records.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

    var isEmpty: Bool { records.withLock { $0.isEmpty } }
}

extension Proc {
    /// A new process that runs `body` on a Thread of its own; its pid.
    ///
    /// The flags are applied before its first instruction; `fds` are the descriptors that it keeps, with `newFD` or
    /// `forkFD`. Throws, with nothing made, where a limit forbids it. The cost does not grow with the number of processes.
    public func spawn(
        _ flags: ProcFlags = [], fds: [Int32]? = nil, args: [String]? = nil,
        _ body: @escaping @Sendable (Proc) throws(SysError) -> Status
    ) throws(SysError) -> Int32 {
        try enter()
        let child = try makeChild(flags, fds: fds, args: args)
        try child.start(body)
        return child.pid
    }

    /// A child without a Thread: whoever makes it runs it, with `start` or on an engine's own threads.
    public func makeChild(_ flags: ProcFlags, fds: [Int32]? = nil, args: [String]? = nil) throws(SysError) -> Proc {
        let (space, masks) = nameSpaceAndMasks
        var s = state.withLock { inherited($0, flags, args) }
        let account = s.caller.account
        try account.charge(.threads)
        do throws(SysError) { try apply(flags, fds, &s) } catch {
            account.credit(.threads)
            throw error
        }
        let child = system.enter { pid in
            if flags.contains(.newGroup) || flags.contains(.newSession) { s.group = pid }
            if flags.contains(.newSession) { s.session = pid }
            return Proc(system, pid: pid, s)
        }
        if !flags.contains(.noWait) { state.withLock { _ = $0.children.insert(child.pid) } }
        // Whoever kills this process and all of its kind may have looked before the child was there.
        if isKilled { child.kill() }
        if space.maskCount != masks { child.narrowDirectory() }
        return child
    }

    /// What a child begins with. Not a copy of all: a process may have many children.
    private func inherited(_ mine: borrowing State, _ flags: ProcFlags, _ args: [String]?) -> State {
        var s = State(
            caller: mine.caller, parent: flags.contains(.noWait) ? 0 : pid, pgrp: mine.pgrp, fgrp: mine.fgrp,
            egrp: mine.egrp, root: mine.root, dot: mine.dot, umask: mine.umask, group: mine.group,
            session: mine.session, name: args.map(Self.shortName) ?? mine.name, args: args ?? mine.args,
            program: mine.program)
        if case .ignore = mine.noteAction { s.noteAction = .ignore }
        s.nice = mine.nice
        s.lostDot = mine.lostDot
        return s
    }

    /// The first process of a system.
    static func first(_ system: System, _ caller: Caller, root: Chan, args: [String]) throws(SysError) -> Proc {
        try caller.account.charge(.threads)
        return system.enter { pid in
            Proc(
                system, pid: pid,
                State(
                    caller: caller, parent: 0, pgrp: Pgrp(), fgrp: Fgrp(caller.account), egrp: Egrp(), root: root,
                    dot: root, group: pid, session: pid, name: shortName(args), args: args))
        }
    }

    /// Runs `body` on a Thread of its own; the process ends with it.
    func start(_ body: @escaping @Sendable (Proc) throws(SysError) -> Status) throws(SysError) {
        let thread = Thread(self)
        state.withLock { $0.threads.append(thread) }
        let started = HostThread.start { [self] in
            let status = thread.run {
                thread.metered { () -> Status in
                    do throws(SysError) { return try body(self) } catch { return Status(error.description) }
                }
            }
            thread.run { exit(status) }
        }
        guard started else {
            exit(Status("no host thread"))
            if parentPid != 0 { system.proc(parentPid)?.forget(pid) }
            throw SysError("too many processes")
        }
    }

    /// Runs `body` on another Thread of this process, which is to wait for it before it ends. A Thread that throws
    /// `.killed` returns from `body`.
    public func startThread(_ body: @escaping @Sendable (Thread) -> Void) throws(SysError) {
        let account = caller.account
        try account.charge(.threads)
        let thread = Thread(self)
        state.withLock { $0.threads.append(thread) }
        let end: @Sendable () -> Void = { [self] in
            state.withLock { $0.threads.removeAll { $0 === thread } }
            account.credit(.threads)
        }
        let started = HostThread.start {
            thread.run { thread.metered { body(thread) } }
            end()
        }
        guard started else {
            end()
            throw SysError("too many processes")
        }
    }

    /// Runs `body` as this process on the calling host thread, which runs no other; for tests and embedding.
    public func adopt<T>(_ body: () throws(SysError) -> T) throws(SysError) -> T {
        let thread = Thread(self)
        state.withLock { $0.threads.append(thread) }
        defer { state.withLock { $0.threads.removeAll { $0 === thread } } }
        return try thread.run {
            thread.metered { () -> Result<T, SysError> in
                do throws(SysError) { return .success(try body()) } catch { return .failure(error) }
            }
        }.get()
    }

    /// Changes what this process shares. The corresponding Inferno call is `sys-pctl(2)`; gives the pid.
    @discardableResult
    public func pctl(_ flags: ProcFlags, fds: [Int32]? = nil) throws(SysError) -> Int32 {
        try enter()
        let (space, masks) = nameSpaceAndMasks
        var s = state.withLock { $0 }
        try apply(flags, fds, &s)
        let before = state.withLock { now -> (Fgrp, Chan, Chan) in
            defer {
                // What was not asked for stays as it is now, and not as it was above.
                if !flags.isDisjoint(with: [.newFD, .forkFD]) { now.fgrp = s.fgrp }
                if !flags.isDisjoint(with: [.newEnv, .forkEnv]) { now.egrp = s.egrp }
                if !flags.isDisjoint(with: [.newNS, .forkNS]) { now.pgrp = s.pgrp }
                if flags.contains(.newNS) { (now.root, now.dot, now.lostDot) = (s.root, s.dot, nil) }
                if flags.contains(.newGroup) || flags.contains(.newSession) { now.group = pid }
                if flags.contains(.newSession) { now.session = pid }
            }
            return (now.fgrp, now.root, now.dot)
        }
        withExtendedLifetime(before) {}
        if space.maskCount != masks { narrowDirectory() }
        return pid
    }

    private func apply(_ flags: ProcFlags, _ fds: [Int32]?, _ s: inout State) throws(SysError) {
        if flags.contains(.newFD) || flags.contains(.forkFD) {
            let copy = try s.fgrp.fork(s.caller.account)
            if flags.contains(.newFD) || fds != nil { copy.keep(only: fds ?? []) }
            s.fgrp = copy
        }
        if flags.contains(.newNS) {
            // What is seen at the current directory now, not what was there when it was entered.
            let root = try find(".").0.clone()
            s.pgrp = s.pgrp.fresh()
            root.union = nil
            root.node = PathNode()
            s.root = root
            s.dot = root
        } else if flags.contains(.forkNS) {
            s.pgrp = s.pgrp.fork()
        }
        if flags.contains(.noDevices) { s.pgrp.state.withLock { $0.noDevices = true } }
        if flags.contains(.newEnv) { s.egrp = Egrp() } else if flags.contains(.forkEnv) { s.egrp = s.egrp.fork() }
    }

    // MARK: the end

    /// Ends the process: lets go of all it holds, orphans its children, and last tells its parent.
    func exit(_ status: Status) {
        var files: Fgrp?
        var places: (Pgrp, [Chan?])?
        // Whoever has this Proc still finds it at a place that needs nobody; every system has that device.
        let top = try? system.device("/")?.attach("", caller)
        let (fate, parent, children, group, name, caller) = state.withLock { s in
            defer {
                s.life = .exiting
                s.egrp = Egrp()
                s.notes = []
                s.noteAction = .ignore
                s.children = []
                s.ended = []
                s.watches = []
                s.threads = []
                s.runner = nil
            }
            files = s.fgrp
            s.fgrp = Fgrp(s.caller.account)
            places = (s.pgrp, [s.root, s.dot, s.lostDot])
            s.pgrp = Pgrp()
            if let top { (s.root, s.dot, s.lostDot) = (top, top, nil) }
            return (isKilled ? s.fate : status, s.parent, s.children, s.group, s.name, s.caller)
        }
        // The last holder of the descriptors closes them here, on this Thread and outside every lock, and what nobody else has
        // mounted or is in ends here, before the system may.
        withExtendedLifetime(files.take()) {}
        withExtendedLifetime(places.take()) {}
        for child in children { system.proc(child)?.state.withLock { $0.parent = 0 } }
        // Whoever reads its wait file learns that nobody will come.
        childEnded.wake()
        let record = WaitRecord(
            pid: pid, group: group, name: name, status: fate, elapsed: HostClock.monotonic() - started,
            cpu: cpu.load(ordering: .relaxed))
        caller.account.credit(.threads)
        system.leave(pid)
        if parent != 0 { system.proc(parent)?.ended(record) }
        if pid == 1 { system.firstEnded(record) }
    }

    func forget(_ child: Int32) {
        state.withLock { s in
            s.children.remove(child)
            s.ended.removeAll { $0.pid == child }
        }
    }

    private func ended(_ record: WaitRecord) {
        state.withLock { s in
            guard s.children.remove(record.pid) != nil else { return }
            s.ended.append(record)
            for watch in s.watches { watch.add(record) }
        }
        childEnded.wake()
    }

    /// Which children a wait is for. The corresponding POSIX call is `waitpid(2)`.
    public enum WaitFor: Sendable {
        case any
        case pid(Int32)
    }

    /// The record of a child that has ended, which is then forgotten. Throws `.noChild` where none can come,
    /// `.wouldBlock` with `.try` where none has ended yet.
    public func wait(_ which: WaitFor = .any, _ how: How = .wait) throws(SysError) -> WaitRecord {
        try enter()
        return try takeEnded(which, how)
    }

    /// The same for another process's children: what a read of /prog/N/wait does.
    public func takeEnded(_ which: WaitFor = .any, _ how: How) throws(SysError) -> WaitRecord {
        try childEnded.sleep(how) { () throws(SysError) -> WaitRecord? in
            try state.withLock { (s) throws(SysError) -> WaitRecord? in
                let i = s.ended.firstIndex { record in
                    switch which {
                    case .any: true
                    case .pid(let pid): record.pid == pid
                    }
                }
                if let i { return s.ended.remove(at: i) }
                if case .pid(let pid) = which {
                    guard s.children.contains(pid) else { throw .noChild }
                } else {
                    guard !s.children.isEmpty else { throw .noChild }
                }
                return nil
            }
        }
    }

    /// Whether `takeEnded` would not wait now; registers `waiter` for when that changes.
    public func pollEnded(_ watch: ChildWatch? = nil, _ waiter: Waiter?) -> Bool {
        waiter?.stand(on: childEnded)
        return state.withLock { !(watch?.isEmpty ?? $0.ended.isEmpty) || $0.children.isEmpty }
    }

    /// Has records of children that end from now on kept for another process, which takes none from this one.
    public func watchChildren() -> ChildWatch {
        let watch = ChildWatch()
        state.withLock { $0.watches.append(watch) }
        return watch
    }

    public func unwatchChildren(_ watch: ChildWatch) { state.withLock { $0.watches.removeAll { $0 === watch } } }

    /// The next record that `watch` has, as `takeEnded`.
    public func takeEnded(_ watch: ChildWatch, _ how: How) throws(SysError) -> WaitRecord {
        try childEnded.sleep(how) { () throws(SysError) -> WaitRecord? in
            try state.withLock { (s) throws(SysError) in
                let record = watch.take()
                guard record != nil || !s.children.isEmpty else { throw .noChild }
                return record
            }
        }
    }

    /// Sleeps. The corresponding Inferno call is `sys-sleep(2)`.
    public func sleep(milliseconds: Int64) throws(SysError) {
        try enter()
        let ms = UInt64(max(0, milliseconds))
        let (ns, overflow) = ms.multipliedReportingOverflow(by: 1_000_000)
        try Thread.sleep(nanoseconds: overflow ? .max : ns)
    }

    /// Milliseconds since the host's clock started, as Inferno's `sys-millisec(2)`.
    public func millisec() -> Int32 { Int32(truncatingIfNeeded: caller.clock.monotonic() / 1_000_000) }
}
