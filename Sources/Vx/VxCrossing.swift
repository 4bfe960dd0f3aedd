import Host
import Kernel
import Linux

/// A program of this system that runs in the place of a native one, which has asked for it by execve. The process there runs a
/// stand-in, whose signals come here as notes, and which ends as the program does.
///
/// It runs on a Thread of the process's Proc, where that has none of its own; the first program's waits, so there it is a
/// child's. `state` guards who has ended: the Proc does so when both have.
final class VxCrossing: Sendable {
    private struct State {
        /// Who runs it, once it runs.
        var proc: Proc?
        var status: Status?
        /// Signals that the process passes over, as it did before.
        var ignored: UInt64 = 0
        /// Whether the stand-in was told how to end.
        var isTold = false
        /// Whether the stand-in has ended.
        var isGone = false
        /// Whether the Proc is told of its end, and by whom it is not again.
        var isFinished = false
    }

    /// What the stand-in gets when the program has ended: it asks then how to end.
    private static let end: Int32 = 64

    private weak let view: VxView?
    private weak let process: VxProcess?
    private let execution: Execution
    private let state = Lock(State())

    init(_ view: VxView, _ process: VxProcess, _ execution: Execution) {
        (self.view, self.process, self.execution) = (view, process, execution)
    }

    /// Answers the stand-in.
    func answer(_ trap: HostTrap) {
        let signal = Int32(truncatingIfNeeded: trap.arguments[0])
        let (proc, status, ignored) = state.withLock { ($0.proc, $0.status, $0.ignored) }
        if let status { return trap.answer(last(status)) }
        guard let proc else { return begin(trap) }
        // A signal that is blocked waits though it is passed over.
        let isIgnored = signal > 0 && ignored >> UInt64(signal - 1) & 1 == 1
        trap.answer(isIgnored ? HostStandIn.wait : hear(signal, proc))
    }

    /// How a process ends whose program has given `status`: by the signal that has ended this, where that has an effect.
    private func last(_ status: Status) -> UInt64 {
        let wasTold = state.withLock { s in
            defer { s.isTold = true }
            return s.isTold
        }
        let signal = status == "killed" ? 9 : Note(status.text).signal
        if signal > 0 { return wasTold ? HostStandIn.exit(128 + signal) : HostStandIn.raise(signal) }
        return HostStandIn.exit(status.code)
    }

    private func hear(_ signal: Int32, _ proc: Proc) -> UInt64 {
        // It goes on after a stop, or its children have ended.
        if signal == 0 || signal == 18 { proc.resume() }
        guard signal > 0, signal != 17, signal != 18, signal != Self.end else { return HostStandIn.wait }
        let note = Note(signal: signal) ?? Note("signal \(signal)", signal: signal)
        if note.stops, !proc.handlesNotes, !proc.ignoresNotes {
            proc.stop()
            return HostStandIn.raise(signal)
        }
        proc.post(note)
        return HostStandIn.wait
    }

    /// The process stands still, by SIGSTOP too.
    func stop() { state.withLock { $0.status == nil ? $0.proc : nil }?.stop() }
    func resume() { state.withLock { $0.proc }?.resume() }

    // MARK: the program

    private func begin(_ trap: HostTrap) {
        do throws(SysError) {
            guard let process, let view else { throw .killed }
            let proc = process.proc === view.first ? try process.proc.makeChild(.newFD) : process.proc
            do throws(SysError) { try prepare(proc, process, view) } catch {
                if proc !== process.proc { proc.finish("not started") }
                throw error
            }
            if proc === process.proc { proc.setRunner(nil) }
            let signals = HostPeer.signals(of: process.peer.pid)
            state.withLock { ($0.proc, $0.ignored) = (proc, signals?.ignored ?? 0) }
            try proc.startThread { [self] _ in end(run(proc), of: proc) }
            VxKeeper.watch(process, view.filter)
            trap.answer(HostStandIn.wait)
        } catch {
            // As a shell says of what it could not run.
            state.withLock { $0.status = Status(code: 126) }
            trap.answer(HostStandIn.exit(126))
        }
    }

    /// Gives the Proc what the process has: descriptors and environment.
    private func prepare(_ proc: Proc, _ process: VxProcess, _ view: VxView) throws(SysError) {
        try proc.pctl([.newEnv, .newFD])
        let now = proc.caller.clock.now()
        for text in execution.environment {
            guard let end = text.firstIndex(of: UInt8(ascii: "=")), end > 0 else { continue }
            // A name that none of our files may have is left out.
            try? proc.environment.set(String(decoding: text[..<end], as: UTF8.self), Array(text[(end + 1)...]), now)
        }
        for number in process.peer.descriptors {
            try proc.install(try view.chan(process.peer.take(number), proc), at: number)
        }
        proc.becomes(execution.arguments.map { String(decoding: $0, as: UTF8.self) }, execution.path)
    }

    private func run(_ proc: Proc) -> Status {
        let words = execution.arguments.map { String(decoding: $0, as: UTF8.self) }
        do throws(SysError) { return try proc.exec(execution.path, words) } catch {
            return error.code == .killed ? "killed" : Status(error.description)
        }
    }

    private func end(_ status: Status, of proc: Proc) {
        // Whoever reads what it wrote sees the end before that of the process.
        _ = try? proc.pctl(.newFD)  // one that is killed has its files until it ends
        let status = proc.isKilled ? proc.fate : status
        state.withLock { $0.status = status }
        process?.peer.signal(Self.end)
        finish()
    }

    /// The stand-in has ended.
    func gone() {
        let proc = state.withLock { s -> Proc? in
            s.isGone = true
            return s.status == nil ? s.proc : nil
        }
        proc?.kill()
        finish()
    }

    private func finish() {
        let (proc, status) = state.withLock { s -> (Proc?, Status) in
            let isOver = s.proc == nil || s.status != nil
            guard s.isGone, isOver, !s.isFinished else { return (nil, .ok) }
            s.isFinished = true
            return (s.proc ?? process?.proc, s.status ?? "killed")
        }
        guard let proc, proc !== view?.first else { return }
        proc.finish(status)
    }
}

extension VxView {
    /// What a descriptor of a program is to one of ours.
    fileprivate func chan(_ fd: consuming HostFd, _ proc: Proc) throws(SysError) -> Chan {
        let stat = try HostStat(fd.number)
        let isName = try HostFiles.isNameOnly(fd.number)
        if stat.kind == .directory || isName {
            guard
                let known = try chan(
                    stat, nameOnly: isName,
                    { (c) throws(SysError) in
                        try Subtree(of: proc).open(c, .read, .try)
                    })
            else { throw .badFd }
            return known
        }
        return try VxDescriptors.shared.chan(fd)
    }
}
