import Host
import Kernel

/// Reads, writes and what else a device does for a handle: now, or in line and by a worker; interrupts, which end them;
/// and poll.
extension FuseHandles {
    /// Reads and writes: now, where nobody stands before it and it need not wait.
    func transfer(
        _ request: FuseRequest, _ node: UInt64, _ flags: FuseRequest.Flags, _ answer: inout [UInt8],
        _ work: () -> FuseCall.Work
    ) {
        guard let handle = handle(node) else { return fail(request.unique, .stale) }
        let call = FuseCall(request, handle, work())
        let isFirst = state.withLock { _ in call.isRead ? handle.reads.isEmpty : handle.writes.isEmpty }
        if isFirst {
            do throws(SysError) {
                return try handle.proc.adopt { () throws(SysError) in try perform(call, .try, &answer) }
            } catch {
                guard error.code == .wouldBlock, !flags.isImpatient else { return fail(request.unique, error) }
            }
        } else if flags.isImpatient {
            return fail(request.unique, .wouldBlock)
        }
        keep(call)
    }

    /// Calls that are not told how: now, where the device never waits.
    func change(_ request: FuseRequest, _ node: UInt64, _ work: FuseCall.Work) {
        guard let handle = handle(node) else { return fail(request.unique, .stale) }
        let call = FuseCall(request, handle, work)
        guard !handle.chan.dev.mayBlock else { return keep(call) }
        var none: [UInt8] = []
        do throws(SysError) {
            try handle.proc.adopt { () throws(SysError) in try perform(call, .wait, &none) }
        } catch { fail(request.unique, error) }
    }

    /// Carries out a call and answers it. `answer` has room for what is read.
    private func perform(_ call: FuseCall, _ how: How, _ answer: inout [UInt8]) throws(SysError) {
        let (c, caller) = (call.handle.chan, call.handle.caller)
        var reply = FuseReply(call.unique)
        switch call.work {
        case .read(let offset, let count):
            let size = FuseReply.headerSize
            if answer.count < size + count { answer = [UInt8](repeating: 0, count: size + count) }
            var span = answer.mutableSpan
            var room = span.mutableBytes
            var rest = room._mutatingExtracting(size..<size + count)
            let n = try c.read(into: &rest, at: offset, caller, how)
            c.offset = offset &+ UInt64(n)
            _ = room.copy(FuseReply.header(call.unique, n).span.bytes)
            return send(answer.span.bytes.extracting(0..<size + n))
        case .write(let offset, let bytes):
            let n = try c.write(bytes.span.bytes, at: offset, caller, how)
            reply.put(UInt32(n))
            reply.put(UInt32(0))
        case .flush: try c.flush(caller)
        case .sync: try c.sync(caller)
        case .setLength, .attributes:
            if case .setLength(let length) = call.work { try c.setLength(length, caller) }
            var attributes = FuseReply(call.unique)
            attributes.zeros(16)
            put(call.handle, try c.dev.stat(c, caller), call.request, &attributes)
            return send(attributes.finished())
        }
        send(reply.finished())
    }

    /// Puts a call in its line; the first of a line gets a Thread.
    private func keep(_ call: FuseCall) {
        let isFirst = state.withLock { s -> Bool? in
            guard !s.isClosed else { return nil }
            s.calls[call.unique] = call
            switch call.work {
            case .read:
                call.handle.reads.append(call)
                return call.handle.reads.count == 1
            case .write:
                call.handle.writes.append(call)
                return call.handle.writes.count == 1
            default: return true
            }
        }
        if isFirst == true { start(call) }
    }

    private func start(_ call: FuseCall) {
        let isTaken = workers.submit(call) { [weak self] call in self?.attend(to: call) }
        guard !isTaken else { return }
        let (wasThere, next) = finish(call)
        if wasThere { fail(call.unique, .noMemory) }
        if let next { start(next) }
    }

    /// A worker's turn at a call.
    private func attend(to call: FuseCall) {
        var isOurs = false
        var answer: [UInt8] = []
        var failure: SysError?
        do throws(SysError) {
            try call.handle.proc.adopt { () throws(SysError) in
                isOurs = begin(call, Thread.current)
                if isOurs { try perform(call, .wait, &answer) }
            }
        } catch { failure = error }
        guard isOurs else { return }
        let (_, next) = finish(call)
        if let failure { fail(call.unique, failure) }
        if let next { start(next) }
    }

    private func begin(_ call: FuseCall, _ thread: Thread) -> Bool {
        state.withLock { s in
            guard case .queued = call.stage, !s.isClosed else { return false }
            call.stage = .running(thread)
            return true
        }
    }

    /// Takes a call out of the tables, unless somebody did, or it runs and `onlyQueued` is set. Whether it was done; and
    /// the call that can begin now.
    private func finish(_ call: FuseCall, onlyQueued: Bool = false) -> (Bool, FuseCall?) {
        state.withLock { s in
            switch call.stage {
            case .over: return (false, nil)
            case .running where onlyQueued: return (false, nil)
            default: call.stage = .over
            }
            s.calls[call.unique] = nil
            let handle = call.handle
            let isFirst = (handle.reads.first === call, handle.writes.first === call)
            handle.reads.removeAll { $0 === call }
            handle.writes.removeAll { $0 === call }
            return (true, isFirst.0 ? handle.reads.first : isFirst.1 ? handle.writes.first : nil)
        }
    }

    /// The program that waits for `unique` was called away. The corresponding 9P message is `flush(5)`.
    func interrupt(_ unique: UInt64) {
        let queued = state.withLock { s -> FuseCall? in
            guard let call = s.calls[unique] else { return nil }
            guard case .running(let thread) = call.stage else { return call }
            thread.interrupt()
            return nil
        }
        guard let queued else { return }
        let (wasThere, next) = finish(queued, onlyQueued: true)
        // A worker took it up meanwhile.
        guard wasThere else { return interrupt(unique) }
        fail(unique, .interrupted)
        if let next { start(next) }
    }

    // MARK: poll

    func poll(_ request: FuseRequest, _ node: UInt64, _ key: UInt64, _ notifies: Bool, _ events: UInt32) {
        guard let handle = handle(node) else { return fail(request.unique, .stale) }
        var waiter: Waiter?
        if notifies {
            let made = Waiter { [weak self] in self?.send(FuseReply.wakeUp(key)) }
            waiter = state.withLock { _ in
                defer { handle.waiter = made }
                return handle.waiter
            }
            waiter?.cancel()
            waiter = made
        }
        var wanted: PollEvents = []
        if events & 0x41 != 0 { wanted.insert(.read) }
        if events & 0x104 != 0 { wanted.insert(.write) }
        let got = handle.chan.ready(wanted, waiter)
        var bits: UInt32 = 0
        // POLLIN, POLLRDNORM, POLLOUT, POLLWRNORM, POLLERR, POLLHUP.
        if got.contains(.read) { bits |= 0x41 & events }
        if got.contains(.write) { bits |= 0x104 & events }
        if got.contains(.error) { bits |= 8 }
        if got.contains(.hangup) { bits |= 16 }
        if bits != 0 { waiter?.cancel() }
        var reply = FuseReply(request.unique)
        reply.put(bits)
        reply.zeros(4)
        send(reply.finished())
    }
}

extension FuseCall {
    fileprivate var isRead: Bool { if case .read = work { true } else { false } }
}
