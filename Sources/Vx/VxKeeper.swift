import Host
import Kernel

/// Traces processes that have a handler of a signal which asks for no restarts (SA_RESTART), from when they have it until they
/// are other programs, and those that they make.
///
/// Where such a signal comes before we have taken a trapped call, the host ends it with EINTR, also one that never ends so by
/// itself: fork, open of a file, stat. Here the thread stands still when the signal is about to be dealt with, and where it
/// was about to leave such a call it makes this again with all signals blocked; the signal, which the host puts back, is dealt
/// with when that has ended. So each call ends, however fast signals come. Calls that the host does end as they do; so do
/// those that we ended for the signal (`end`).
///
/// `state` is shared with who answers calls; all that is done to the threads is done by one host thread.
final class VxKeeper: Sendable {
    /// Where a thread is when it stands still next.
    private enum Place {
        /// Ahead of the call, in it or at its end, or behind it.
        case ahead, inside, behind
    }

    private struct State {
        /// The host thread.
        var host: Int32 = 0
        /// The threads by our numbers, each with its process.
        var kept: [Int32: VxProcess] = [:]
        /// Those that stand still with their process.
        var stopped: Set<Int32> = []
        /// New ones that nobody has told of yet.
        var held: Set<Int32> = []
        /// Processes that a thread is about to make.
        var expected: [Int32: VxMade] = [:]
        /// Threads whose call a signal is to end.
        var ended: Set<Int32> = []
        /// Threads that make a call again, with the signals that they block by themselves.
        var again: [Int32: (mask: UInt64, place: Place)] = [:]
        var jobs: [@Sendable () -> Void] = []
    }

    private let filter: VxFilter
    private let state = Lock(State())

    private init(_ filter: VxFilter) { self.filter = filter }

    /// A call of sigaction: the host does it. The process is kept from here on where that is asked for.
    static func hear(_ process: VxProcess, _ trap: HostTrap, _ filter: VxFilter) {
        guard process.keeper == nil, interrupts(trap) else { return trap.pass() }
        let keeper = VxKeeper(filter)
        process.keeper = keeper
        guard HostThread.start({ keeper.run(process, trap) }) else {
            process.keeper = nil
            return trap.pass()
        }
    }

    /// Tells a program of ours when the process that stands for it stands still, and when it goes on.
    static func watch(_ process: VxProcess, _ filter: VxFilter) {
        let keeper = VxKeeper(filter)
        // Without it SIGSTOP stops the process alone.
        _ = HostThread.start {
            guard let tracer = try? HostTracer() else { return }  // nor then
            keeper.take(process, tracer)
            keeper.serve(tracer)
        }
    }

    /// Whether a handler is asked for that ends calls. Those of faults come with no call.
    private static func interrupts(_ trap: HostTrap) -> Bool {
        let faults: UInt64 = [4, 5, 7, 8, 11, 31].reduce(0) { $0 | 1 << UInt64($1) }
        guard trap.arguments[0] < 65, faults >> trap.arguments[0] & 1 == 0 || trap.arguments[0] == 64,
            let action = try? trap.peek(trap.arguments[1], 16), action.count == 16  // the host says what is wrong
        else { return false }
        func word(_ at: Int) -> UInt64 { action[at..<at + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return word(0) > 1 && word(8) & 0x1000_0000 == 0
    }

    // MARK: for who answers calls

    func keeps(_ thread: Int32) -> Bool { state.withLock { $0.kept[thread] != nil } }

    /// The other threads of its process where it is kept, else nil.
    func others(than thread: Int32, of process: Int32) -> [Int32]? {
        state.withLock { s in
            guard s.kept[thread] != nil else { return nil }
            return s.kept.compactMap { $0.value.peer.pid == process && $0.key != thread ? $0.key : nil }
        }
    }

    /// Has something done by the host thread that may trace, for a thread that is kept and waits in a call.
    func run(_ job: @escaping @Sendable () -> Void) {
        let host = state.withLock { s in
            s.jobs.append(job)
            return s.host
        }
        HostTracer.kick(host)
    }

    /// Lets the host make a process, which does not run before it has been entered.
    func expect(_ made: VxMade, by trap: HostTrap) {
        // What it was to make last time was not made.
        state.withLock { $0.expected.updateValue(made, forKey: trap.thread) }?.forget()
        trap.pass()
    }

    /// The call that it waits in ends for a signal, and as that one's handler has it.
    func end(_ thread: Int32) { state.withLock { _ = $0.ended.insert(thread) } }

    /// The signals that it blocks by itself, where it makes a call again with all blocked.
    func mask(of thread: Int32) -> UInt64? { state.withLock { $0.again[thread]?.mask } }

    /// The same, for the host thread that sees to these from now on.
    func unmask(_ thread: Int32) -> UInt64? { state.withLock { $0.again.removeValue(forKey: thread) }?.mask }

    // MARK: the host thread

    private func run(_ process: VxProcess, _ trap: HostTrap) {
        guard let tracer = try? HostTracer() else {  // then it is not kept
            process.keeper = nil
            return trap.pass()
        }
        state.withLock { $0.host = tracer.host }
        take(process, tracer)
        if !keeps(trap.thread) { process.keeper = nil }
        trap.pass()
        serve(tracer)
    }

    private func serve(_ tracer: HostTracer) {
        while let (thread, stop) = tracer.next() {
            for job in state.withLock({ s in
                defer { s.jobs = [] }
                return s.jobs
            }) {
                job()
                // It may have ended, or be another program.
                for thread in state.withLock({ Array($0.kept.keys) }) where !tracer.has(thread) { drop(thread) }
            }
            if thread != 0 { deal(thread, stop, tracer) }
        }
    }

    /// Traces all threads of a process; those that they make are traced from the beginning.
    private func take(_ process: VxProcess, _ tracer: HostTracer) {
        var more = true
        while more {
            more = false
            for thread in process.peer.threads where !keeps(thread) {
                // One that has ended is none.
                guard (try? tracer.take(thread)) != nil else { continue }
                more = true
                state.withLock { $0.kept[thread] = process }
            }
        }
    }

    private func deal(_ thread: Int32, _ stop: HostTracee.Stop, _ tracer: HostTracer) {
        switch stop {
        case .signal(let number):
            guard number != Self.stop, let registers = tracer.registers(thread, VxMachine.registerCount),
                let call = VxMachine.interruptedCall(registers), filter.asks(call.number, call.arguments),
                state.withLock({ $0.ended.remove(thread) }) == nil, let mask = tracer.setMask(thread, .max)
            else { return tracer.resume(thread, number) }
            state.withLock { $0.again[thread] = (mask, .ahead) }
            tracer.step(thread, number)
        case .call: goOn(thread, atCall: true, tracer)
        case .made(let made): deal(thread, made: made, tracer)
        case .stopped:
            let stopped = state.withLock { s -> VxProcess? in
                s.stopped.insert(thread)
                return s.kept[thread]
            }
            stopped?.crossing?.stop()
            tracer.leaveStopped(thread)
        case .interrupted:
            let isNew = state.withLock { s in
                guard s.kept[thread] == nil else { return false }
                s.held.insert(thread)
                return true
            }
            let stopped = state.withLock { s -> VxProcess? in s.stopped.remove(thread) == nil ? nil : s.kept[thread] }
            stopped?.crossing?.resume()
            if !isNew { goOn(thread, tracer) }
        case .program: tracer.resume(thread)
        case .ended:
            let wasToMake = drop(thread)
            guard wasToMake, state.withLock({ $0.expected.isEmpty }) else { return }
            // Nobody tells of a process whose maker was killed. (Threads end with theirs.)
            for held in state.withLock({ $0.held }) where (try? HostPeer.place(of: held).process) == held {
                state.withLock { _ = $0.held.remove(held) }
                HostTracee(made: held).kill()
            }
        }
    }

    /// SIGSTOP, which nobody blocks.
    private static let stop: Int32 = 19

    /// Lets a thread go on, to the end of the call that it makes again where it does.
    private func goOn(_ thread: Int32, atCall: Bool = false, _ tracer: HostTracer) {
        let (again, mask) = state.withLock { s -> (Bool, UInt64?) in
            guard let call = s.again[thread] else { return (false, nil) }
            let steps = call.place == .ahead || call.place == .inside && !atCall
            s.again[thread] = !steps ? nil : atCall ? (call.mask, .inside) : call
            return (steps, steps ? nil : call.mask)
        }
        if again { return tracer.step(thread) }
        if let mask { tracer.setMask(thread, mask) }
        tracer.resume(thread)
    }

    private func deal(_ thread: Int32, made: Int32, _ tracer: HostTracer) {
        let expected = state.withLock { $0.expected.removeValue(forKey: thread) }
        let entered = expected.flatMap { $0.enter(made) }
        if expected != nil, entered == nil {
            // It stands still, will soon, or is dead.
            let child = HostTracee(made: made)
            if state.withLock({ $0.held.remove(made) }) == nil { _ = try? child.wait() }
            child.kill()
        } else {
            let (waits, mask) = state.withLock { s in
                s.kept[made] = entered ?? s.kept[thread]
                let mask = s.again[thread]?.mask
                // It has not stood still yet, and goes on from there.
                if let mask, !s.held.contains(made) { s.again[made] = (mask, .behind) }
                return (s.held.remove(made) != nil, mask)
            }
            if waits {
                if let mask { tracer.setMask(made, mask) }
                tracer.resume(made)
            }
        }
        goOn(thread, tracer)
    }

    /// Whether it was about to make a process.
    @discardableResult
    private func drop(_ thread: Int32) -> Bool {
        let expected = state.withLock { s in
            (s.kept[thread], s.again[thread], _, _) = (nil, nil, s.ended.remove(thread), s.stopped.remove(thread))
            return s.expected.removeValue(forKey: thread)
        }
        expected?.forget()
        return expected != nil
    }
}

extension VxProcess {
    /// A signal ends the call of a thread, in which nothing has been done.
    func interrupt(_ trap: HostTrap) {
        keeper?.end(trap.thread)
        trap.restart()
    }
}
