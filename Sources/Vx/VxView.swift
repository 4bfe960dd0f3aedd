import Host
import Kernel
import Linux

/// A view: the native programs that one command has started, with the host threads that answer them.
///
/// `state` guards the tables. It lives as long as a program of it does.
final class VxView: Sendable {
    let host: HostView
    let personality: any Personality
    let secret: UInt64
    let filter: VxFilter
    private let directories: VxDirectories
    private let files = VxFiles()
    private let waits = VxWaits()
    private let handles: VxHandles
    let sockets: VxSockets
    private let options: VxOptions
    private let terminal: VxTerminal?
    private let warden: VxWarden
    /// Refused calls of those that have ended.
    private let ended = VxCounts()
    /// Whose program is the first.
    let first: Proc

    private struct State {
        /// By our numbers of processes, and of the threads that have asked.
        var processes: [Int32: VxProcess] = [:]
        var threads: [Int32: VxProcess] = [:]
        /// What the first program is to be, until it is.
        var start: Start?
        /// Why it could not be started.
        var failure: SysError?
        /// How it ended.
        var end: Status?
        var isGone = false
        /// The process of the view that is no program's.
        var above: Int32?
        /// Processes that are about to be made.
        var expected = 0
    }

    /// What the first program is.
    struct Start: Sendable {
        let proc: Proc
        let execution: Execution
    }

    private let state: Lock<State>
    private let changed = WaitQueue()

    /// A view whose first program runs as `proc`.
    init(_ start: Start, _ personality: any Personality, _ options: VxOptions) throws(SysError) {
        var random = SystemRandomNumberGenerator()
        secret = random.next()
        terminal = VxTerminal(of: start.proc)
        filter = VxFilter.plain(secret: secret)
        if let terminal {
            host = try terminal.start(filter.program, options.limits.each)
        } else {
            host = try HostView.start(filter: filter.program, options.limits.each)
        }
        warden = VxWarden(options.limits)
        directories = try VxDirectories(host)
        handles = VxHandles(host, start.proc)
        sockets = VxSockets(host)
        self.personality = personality
        self.options = options
        first = start.proc
        state = Lock(State(start: start))
    }

    /// Runs the first program to its end. Throws why it could not be started, and `.killed` when its Proc is killed, with
    /// all that is in the view.
    func run() throws(SysError) -> Status {
        host.watch { [self] news in hear(news) }
        guard HostThread.start({ self.serve() }) else {
            host.end()
            throw .noMemory
        }
        defer {
            handles.close()
            terminal?.end()
        }
        guard !options.limits.isWatched || HostThread.start({ self.warden.run(self.processes, self.exceed) }) else {
            host.end()
            throw .noMemory
        }
        while true {
            do throws(SysError) {
                return try changed.sleep { () throws(SysError) -> Status? in
                    try state.withLock { (s) throws(SysError) in
                        if let failure = s.failure { throw failure }
                        // What is told at its end comes before what is told afterwards.
                        if options.traces, !s.isGone, s.processes.values.contains(where: { $0.proc === first }) {
                            return nil
                        }
                        return s.end ?? (s.isGone ? Status("killed") : nil)
                    }
                }
            } catch {
                if error.code == .interrupted { continue }
                // Nobody waits for it any more.
                host.end()
                throw error
            }
        }
    }

    private func hear(_ news: HostView.News) {
        if case .stopped(let signal) = news { terminal?.stopped(by: signal) }
        state.withLock { s in
            switch news {
            case .ended(let exit): if s.end == nil { s.end = status(exit) }
            case .gone: s.isGone = true
            case .stopped: break
            }
        }
        changed.wake()
    }

    /// SIGXFSZ, which comes of a limit of ours.
    private static let tooLong: Int32 = 25

    private func status(_ exit: HostExit) -> Status {
        exit.signal == Self.tooLong && options.limits.written != nil ? Self.killed("write limit") : Status(exit)
    }

    private static func killed(_ why: String) -> Status { Status(code: 137, "killed: \(why)") }

    /// All of it ends, since a limit was passed.
    private func exceed(_ limit: String) {
        state.withLock { s in if s.end == nil { s.end = Self.killed(limit) } }
        if options.traces { options.say("killed: \(limit)") }
        host.end()
        changed.wake()
    }

    /// The numbers of its processes, and of the one that is above them and waits for those that nobody waits for.
    private func processes() -> [Int32] {
        let all = state.withLock { Array($0.processes.keys) }
        let above = state.withLock { $0.above }
        return all + (above.map { [$0] } ?? [])
    }

    /// Why the first program cannot be started.
    func fail(_ error: SysError) {
        state.withLock { $0.failure = error }
        changed.wake()
    }

    // MARK: calls

    /// Answers calls until no program is left.
    private func serve() {
        do throws(SysError) { while let trap = try host.next() { answer(trap) } } catch {
            // Who asks from here on would wait for ever.
            host.end()
        }
        warden.end()
        // Of each one's end more is told, when it is there.
        if options.traces { return }
        let left = state.withLock { s in
            defer { (s.processes, s.threads) = ([:], [:]) }
            return s.processes.values
        }
        // What the host has not told of yet.
        for process in left {
            process.crossing?.gone()
            if process.proc !== first, process.crossing == nil { process.proc.finish("killed") }
        }
    }

    private func answer(_ trap: HostTrap) {
        // Of the first program's first call nothing is left to answer; else it is nobody's that we have let in.
        guard let process = process(of: trap) else { return trap.refuse(1) }
        switch trap.number {
        case VxMachine.exit:
            // Its number may be another's soon.
            forget(thread: trap.thread)
            trap.pass()
        // A thread inherits where it may run, which is elsewhere while its maker is given a descriptor.
        case VxMachine.getAffinity, VxMachine.setAffinity: trap.pass()
        case VxMachine.clone where trap.arguments[0] & (VxClone.forbidden | VxClone.thread) == VxClone.thread:
            trap.pass()
        case VxMachine.clone where trap.arguments[0] & VxClone.forbidden == 0, VxMachine.fork, VxMachine.vfork:
            VxFork(self, process, trap).run()
        case VxMachine.sigaction: VxKeeper.hear(process, trap, filter)
        case HostStandIn.call where process.crossing != nil: process.crossing?.answer(trap)
        default: answer(VxGuest(self, process, trap), .try)
        }
    }

    /// Asks the personality, and does what it says. What may wait moves to a thread of its own.
    ///
    /// Of what was opened there nothing may be open here any more when its program goes on: another would not see the end of a
    /// FIFO, or meet a reader who has long gone. So the number that it gets is the result, and is to be answered. (What is opened
    /// on the thread of all calls is closed there before the next call is taken.)
    @discardableResult
    func answer(_ guest: VxGuest, _ how: How) -> Int32? {
        let trap = guest.trap
        do throws(SysError) {
            let answer = try personality.answer(Call(trap.number, trap.arguments), guest, how)
            guard guest.claim() else { return nil }
            switch answer {
            case .value(let value):
                trace(guest, "= \(Int64(bitPattern: value))")
                trap.answer(value)
            case .native:
                trace(guest, "= the host's")
                trap.pass()
            case .failure(let errno):
                trace(guest, VxTrace.failure(errno, SysError(errno: errno).sentence))
                trap.refuse(errno)
            case .open(let c, let closeOnExec):
                let number = try give(c, to: guest, closeOnExec: closeOnExec)
                trace(guest, "= \(number)")
                return how == .wait ? number : nil
            case .socket(let socket, let closeOnExec):
                let number = try give(socket.number, to: guest, nil, closeOnExec)
                trace(guest, "= \(number)")
                return how == .wait ? number : nil
            case .exec(let execution):
                guard let keeper = guest.process.keeper, keeper.keeps(trap.thread) else {
                    try execute(execution, guest)
                    break
                }
                // Whoever traces it does that.
                keeper.run { [self, again = guest.again] in
                    let guest = again()
                    do throws(SysError) { try execute(execution, guest) } catch { refuse(guest, error) }
                }
            }
        } catch {
            if error.code == .wouldBlock, how == .try {
                // Its Proc may be killed while it waits there.
                do throws(SysError) {
                    let process = guest.process
                    try process.proc.startThread { [self] thread in
                        let wait = VxWait(process, trap, thread)
                        waits.add(wait)
                        let number = answer(VxGuest(self, process, trap, .wait, wait), .wait)
                        waits.remove(wait)
                        if let number { trap.answer(UInt64(number)) }
                    }
                } catch { trap.refuse(error.errno) }
                return nil
            }
            refuse(guest, error)
        }
        return nil
    }

    /// Replaces its program. Throws where it could not be.
    private func execute(_ execution: Execution, _ guest: VxGuest) throws(SysError) {
        let told = try VxExec(self, guest.process, guest.trap).run(execution)
        trace(guest, told.map { VxTrace.failure($0.errno, $0.description) } ?? "= program \(execution.path)")
    }

    private func refuse(_ guest: VxGuest, _ error: SysError) {
        let trap = guest.trap
        guard guest.claim() else { return }
        if error.code == .interrupted { return guest.process.interrupt(trap) }
        let errno = error.code == .notHere ? VxMachine.refusals[trap.number] ?? 38 : error.errno
        if error.code == .notHere { guest.process.counts.add(trap.number) }
        trace(guest, VxTrace.failure(errno, error.description))
        trap.refuse(errno)
    }

    /// Whether calls are told of.
    var traces: Bool { options.traces }

    private func trace(_ guest: VxGuest, _ result: String) {
        guard options.traces else { return }
        options.say("\(guest.pid) \(VxTrace.text(guest.trap, guest.texts)) \(result)")
    }

    /// The same of a call that makes a process.
    func trace(_ process: VxProcess, _ trap: HostTrap, _ result: String) {
        if options.traces { options.say("\(process.inner) \(VxTrace.text(trap, [:])) \(result)") }
    }

    /// What `/prog/N/trace` says: the first program's has all that the view has refused, and its limits.
    func report(_ process: VxProcess) -> String {
        var lines: [String] = []
        let sum = VxCounts()
        sum.add(process.counts)
        if process.proc === first {
            lines = options.limits.lines
            sum.add(ended)
            for other in state.withLock({ Array($0.processes.values) }) where other !== process {
                sum.add(other.counts)
            }
        }
        lines += sum.all.map { "refused \(VxNames.call($0.number)) \($0.count)" }
        return lines.map { $0 + "\n" }.joined()
    }

    // MARK: processes

    /// Who makes a call: known, or a thread of who is known. The first of all becomes the first program.
    private func process(of trap: HostTrap) -> VxProcess? {
        if let known = state.withLock({ $0.threads[trap.thread] }) { return known }
        guard let place = try? HostPeer.place(of: trap.thread) else { return nil }  // gone
        if let known = state.withLock({ $0.processes[place.process] }) {
            known.add(thread: trap.thread)
            state.withLock { $0.threads[trap.thread] = known }
            return known
        }
        guard let start = state.withLock({ $0.start.take() }) else { return nil }
        begin(start, trap, place)
        return nil
    }

    /// The first call of the first program: it gets its descriptors, and becomes what it is to be.
    private func begin(_ start: Start, _ trap: HostTrap, _ place: (process: Int32, inner: Int32)) {
        do throws(SysError) {
            let process = VxProcess(self, start.proc, try HostPeer(place.process), inner: place.inner)
            add(process)
            state.withLock { [place] s in s.above = HostUse(place.process)?.parent }
            start.proc.setRunner(process)
            terminal?.begin(self, process)
            let guest = VxGuest(self, process, trap)
            for (fd, c) in start.proc.files.all { try give(c, to: guest, as: fd) }
            if let told = try VxExec(self, process, trap).run(start.execution) { throw told }
            // The host has them from here on: a pipe that its programs close is closed.
            try start.proc.pctl(.newFD)
        } catch {
            // Else the keyboard has ended it before it was a program, and we are told of that.
            guard trap.waits else { return }
            fail(error)
            host.end()
        }
    }

    /// Whether it has as many processes as it may have.
    var isFull: Bool {
        options.limits.processes.map { limit in state.withLock { $0.processes.count + $0.expected >= limit } } ?? false
    }

    func expectsMore(_ count: Int) { state.withLock { $0.expected += count } }

    /// Lets what stands still of the first program's process group go on, as a shell does.
    func resume() {
        let all = state.withLock { Array($0.processes.values) }
        guard let group = all.first(where: { $0.proc === first })?.peer.group else { return }
        for process in all where process.peer.group == group { process.peer.signal(18) }
    }

    /// The process that is that Proc.
    func process(_ pid: Int32) -> VxProcess? { state.withLock { $0.processes.values.first { $0.proc.pid == pid } } }

    func add(_ process: VxProcess) {
        process.add(thread: process.peer.pid)
        let before = state.withLock { s -> VxProcess? in
            defer {
                s.processes[process.peer.pid] = process
                s.threads[process.peer.pid] = process
            }
            return s.processes[process.peer.pid]
        }
        // Its number has gone to another: it has ended.
        before?.proc.finish("killed")
        process.peer.watch { [weak self, weak process] exit in
            guard let self, let process else { return }
            // What it held is let go of here, which may take a while.
            let end: @Sendable () -> Void = { self.remove(process, exit) }
            if !HostThread.start(end) { end() }
        }
    }

    private func remove(_ process: VxProcess, _ exit: HostExit?) {
        for row in process.counts.all where options.traces {
            options.say("\(process.inner) refused \(VxNames.call(row.number)), \(row.count) times")
        }
        let wasThere = state.withLock { s -> Bool in
            for thread in process.threads where s.threads[thread] === process { s.threads[thread] = nil }
            guard s.processes[process.peer.pid] === process else { return false }
            s.processes[process.peer.pid] = nil
            return true
        }
        if options.traces { changed.wake() }
        ended.add(process.counts)
        // The first program's Proc has a Thread, which ends it.
        process.crossing?.gone()
        guard wasThere, process.proc !== first, process.crossing == nil else { return }
        process.proc.finish(exit.map { Status($0) } ?? Status("ended"))
    }

    private func forget(thread: Int32) {
        state.withLock { s in s.threads.removeValue(forKey: thread) }?.remove(thread: thread)
    }

    /// Another program runs in it: it has one thread left.
    func keepOnly(_ process: VxProcess) {
        state.withLock { s in
            for thread in process.threads where thread != process.peer.pid {
                if s.threads[thread] === process { s.threads[thread] = nil }
                process.remove(thread: thread)
            }
        }
    }

    // MARK: files

    /// Gives the caller a descriptor for `c`: as the answer, or under a number.
    @discardableResult
    private func give(
        _ c: Chan, to guest: VxGuest, as number: Int32? = nil, closeOnExec: Bool = false
    ) throws(SysError) -> Int32 {
        let caller = guest.proc.caller
        if c.isDirectory {
            let dir = try c.dev.stat(c, caller)
            let fd = try directories.open(c, dir, nameOnly: c.mode == nil)
            explain(guest, c, "directory, read here")
            return try give(fd.number, to: guest, number, closeOnExec)
        }
        guard c.mode != nil else { return try give(named(c, guest), to: guest, as: number, closeOnExec: closeOnExec) }
        if let fd = try c.dev.lend(c, caller) {
            if let slave = try terminal?.slave(for: c, lent: fd) {
                explain(guest, c, "terminal that stands for ours")
                return try give(slave.number, to: guest, number, closeOnExec)
            }
            files.add(c, try HostStat(fd), caller)
            explain(guest, c, "descriptor that #\(c.dev.letter) lends")
            return try give(fd, to: guest, number, closeOnExec)
        }
        let handle: HostFd
        do throws(SysError) { handle = try handles.open(c, for: guest.proc) } catch {
            // What it reads as now is what the program reads; what it would write must not be lost.
            guard c.mode?.canWrite == false, let copy = try c.dev.lendCopy(c, caller) else {
                throw SysError(.notSupported, saying: "needs /dev/fuse of the host: \(error.sentence)", subject: c.path)
            }
            explain(guest, c, "copy of what it read as when it was opened, for want of /dev/fuse (\(error.sentence))")
            return try give(copy, to: guest, number, closeOnExec)
        }
        explain(guest, c, "handle of FUSE, each read and write seen here")
        return try give(handle.number, to: guest, number, closeOnExec)
    }

    /// A plain file that was opened with O_PATH, open to be read or run: the host gives no descriptor to others that only names
    /// a file. Others are not touched.
    private func named(_ c: Chan, _ guest: VxGuest) throws(SysError) -> Chan {
        let tree = Subtree(of: guest.proc)
        let how = guest.how
        guard try tree.stat(c, how).mode.isDisjoint(with: [.symlink, .namedPipe, .socket, .device]) else {
            throw SysError(.notSupported, saying: "O_PATH of what is no plain file", subject: c.path)
        }
        do throws(SysError) { return try tree.open(c, .read, how) } catch {
            guard error.code == .perm else { throw error }
            return try tree.open(c, .execute, how)
        }
    }

    private func explain(_ guest: VxGuest, _ c: Chan, _ how: String) {
        if options.explains { options.say("\(guest.pid) \(c.path): \(how)") }
    }

    @discardableResult
    private func give(_ fd: Int32, to guest: VxGuest, _ number: Int32?, _ closeOnExec: Bool) throws(SysError) -> Int32 {
        let answers = number == nil && guest.how == .try
        return try guest.trap.give(fd, as: number ?? -1, closeOnExec: closeOnExec, answers: answers)
    }

    /// What a descriptor of a program was opened as; a directory is opened anew by `open` where that is needed.
    func chan(
        _ stat: HostStat, nameOnly: Bool, _ open: (Chan) throws(SysError) -> Chan
    ) throws(SysError) -> Chan? {
        if let directory = try directories.chan(stat, nameOnly: nameOnly, open) { return directory }
        return files.chan(stat)
    }

    /// The path of what a descriptor is open on; nil where it is none that leads anywhere.
    func path(_ stat: HostStat) -> String? {
        if let terminal, stat.kind == .device, stat.rdev == terminal.identity.rdev { return VxTerminal.path }
        let c = try? chan(stat, nameOnly: true) { (c) throws(SysError) in c }
        // One that begins with a device is none.
        return c.flatMap { $0.path.hasPrefix("/") ? $0.path : nil }
    }

    /// The number of the directory above one, where a program has asked for it by its path before.
    func inodeAbove(_ c: Chan) -> UInt64? { directories.above(c)?.identity.inode }

    /// The numbers of a file for programs.
    func identity(_ c: Chan, _ dir: Dir, _ caller: Caller) throws(SysError) -> FileIdentity {
        if c.isDirectory { return try directories.place(c).identity }
        // Of a file of the host's that is told already.
        if dir.inode != nil { return FileIdentity(dir) }
        if let terminal, terminal.mirrors(c, caller) { return terminal.identity }
        if let host = try c.dev.hostIdentity(c, caller) { return FileIdentity(host) }
        return FileIdentity(dir)
    }
}
