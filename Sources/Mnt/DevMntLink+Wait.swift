import Kernel

/// Waiting for replies.
extension MntLink {
    /// How long a server may take to say that it has dropped a request whose caller was interrupted.
    private static let flushLimit: UInt64 = 3_000_000_000

    /// The reply to `call`, which is over then. Throws what the server says, `.wouldBlock` where it is not there yet (the
    /// request stays), and where a note came first `.interrupted`: then the server has dropped the request.
    /// Where it `keeps` the request a note ends the wait alone, and so does a stop, with `.wouldBlock`; the request goes on.
    /// A note asks the server to drop `rest` too, requests that went along and stay the caller's: they are waited for, or
    /// let go of by `leave`.
    func wait(
        _ call: MntCall, _ how: How = .wait, keeps: Bool = false, with rest: ArraySlice<MntCall> = []
    ) throws(SysError) -> Rmessage {
        var nowhere = MutableRawSpan()
        return try wait(call, into: &nowhere, how, keeps, rest).reply
    }

    /// The data of the Rread that answers `call`: how many went to `buffer`, and what had no room there.
    func waitData(
        _ call: MntCall, into buffer: inout MutableRawSpan, _ how: How
    ) throws(SysError) -> (count: Int, rest: [UInt8]) {
        let (reply, data) = try wait(call, into: &buffer, how)
        switch reply {
        case .read(let count), .readdir(let count):
            let room = buffer.byteCount
            return (min(Int(count), room), data.count > room ? Array(data[room...]) : [])
        default: throw .mountRPC
        }
    }

    /// The reply, and its data where they did not go straight to `buffer`; what fits is copied there.
    private func wait(
        _ call: MntCall, into buffer: inout MutableRawSpan, _ how: How, _ keeps: Bool = false,
        _ rest: ArraySlice<MntCall> = []
    ) throws(SysError) -> (reply: Rmessage, data: [UInt8]) {
        // It may have been dropped along with another.
        var flushEnd = state.withLock { _ in call.isFlushed } ? Self.now + Self.flushLimit : nil
        let since = Self.now
        while true {
            do throws(SysError) {
                try turns(call, &buffer, how, since, flushEnd)
                break
            } catch {
                switch error.code {
                case .wouldBlock where how == .wait:
                    // The process is stopped: others read the wire meanwhile.
                    state.withLock { _ in call.isAwaited = false }
                    passOn()
                    if keeps { throw error }
                    do throws(SysError) { try Thread.check() } catch {
                        forsake(call)
                        throw error
                    }
                case .wouldBlock where !isAnswered(call): throw error
                case _ where keeps && !isAnswered(call):
                    state.withLock { _ in call.isAwaited = false }
                    passOn()
                    throw error
                case .interrupted where flushEnd == nil:
                    // The reply may be on its way: then it stands. Else the server says that there is none.
                    flushEnd = Self.now + Self.flushLimit
                    for call in [call] + rest { flush(call) }
                case _ where isAnswered(call): break
                default:
                    forsake(call)
                    passOn()
                    throw error.code == .timedOut && flushEnd != nil ? .interrupted : error
                }
            }
            if isAnswered(call) { break }
        }
        // What the server says is thrown from here: none of it is about this wait.
        return try finish(call, into: &buffer)
    }

    /// Whether its reply is still to come, or to be taken.
    func isWaiting(_ call: MntCall) -> Bool {
        state.withLock { _ in call.phase == .sent || call.phase == .answered }
    }

    private func isAnswered(_ call: MntCall) -> Bool { state.withLock { _ in call.phase == .answered } }

    /// Whether `wait` would return at once; else `waiter` is fired when it might.
    func isReady(_ call: MntCall, _ waiter: Waiter?) -> Bool {
        // Registered before it is looked at, so that a reply that comes in between fires it.
        waiter?.stand(on: call.queue)
        // What is there already is read now. What goes wrong is told by the call itself.
        var nowhere = MutableRawSpan()
        do throws(SysError) { try turns(call, &nowhere, .try, Self.now, nil) } catch {}
        if isAnswered(call) { return true }
        // Nobody else may be reading when the reply comes, nor writing when there is room.
        let writes = state.withLock { !$0.isWriting && !$0.output.isEmpty }
        if let waiter, !wire.dev.poll(wire, writes ? [.read, .write] : .read, waiter).isEmpty { waiter.fire() }
        return false
    }

    /// What there is to do until the reply is there.
    private enum Turn {
        case answered, write
        case read(MntReader)
    }

    private func turns(
        _ call: MntCall, _ buffer: inout MutableRawSpan, _ how: How, _ since: UInt64, _ end: UInt64?
    ) throws(SysError) {
        var hasWritten = false
        while true {
            let turn = try Thread.forOthers(until: end ?? .max) { () throws(SysError) -> Turn in
                try call.queue.sleep(how) { nextTurn(call, how, hasWritten) }
            }
            switch turn {
            case .answered: return
            case .write:
                hasWritten = true
                try drain(how)
            case .read(let reader): try read(reader, for: call, into: &buffer, how, since, end)
            }
        }
    }

    private func nextTurn(_ call: MntCall, _ how: How, _ hasWritten: Bool) -> Turn? {
        state.withLock { s in
            call.isAwaited = false
            if call.phase == .answered { return .answered }
            // With `.try` once is enough: what did not fit then does not now.
            if !s.isWriting, !s.output.isEmpty, how == .wait || !hasWritten {
                s.isWriting = true
                return .write
            }
            if let reader = s.reader.take() { return .read(reader) }
            call.isAwaited = how == .wait
            return nil
        }
    }

    /// Takes the reply.
    private func finish(
        _ call: MntCall, into buffer: inout MutableRawSpan
    ) throws(SysError) -> (reply: Rmessage, data: [UInt8]) {
        let (answer, data, gone) = state.withLock { s in
            let taken = (call.answer, call.data, call.drop())
            if call.isFlushed { call.phase = .late } else { s.put(call) }
            return taken
        }
        if !data.isEmpty { buffer.copy(data.span.bytes) }
        return try withExtendedLifetime(gone) { () throws(SysError) in
            guard let answer else { throw .mountRPC }
            return (try answer.get(), data)
        }
    }

    // MARK: giving up

    /// Asks the server to drop `call`, whose reply is still waited for.
    private func flush(_ call: MntCall) {
        let isNew = state.withLock { s in call.phase == .sent && s.mayFlush(call) }
        if isNew { post(.flush(oldtag: call.tag), .flushed(call)) }
    }

    /// Nobody waits for `call` any more: the server is asked to drop it, and what a late reply leaves is undone.
    func forsake(_ call: MntCall) { abandon(call, isFlushed: true) }

    /// Nobody wants the reply, which comes soon: no use to ask the server to drop the request.
    func forget(_ call: MntCall) { abandon(call, isFlushed: false) }

    /// Requests that went along with one whose wait ended with `error`. Where that is the server's word it has one for them
    /// too; who was killed or interrupted knows of none, and they may wait there for ever.
    func leave(_ calls: some Sequence<MntCall>, after error: SysError) {
        for call in calls { abandon(call, isFlushed: Self.isOwn(error)) }
    }

    private func abandon(_ call: MntCall, isFlushed: Bool) {
        let (isNew, gone) = state.withLock { s -> (Bool, [AnyObject?]) in
            switch call.phase {
            case .sent:
                // From here on the tag may be used again as soon as the lock is free, unless a Tflush is due.
                call.phase = .forsaken
                return (isFlushed && s.mayFlush(call), s.end == nil ? [] : call.drop())
            case .answered:
                defer { if call.isFlushed { call.phase = .late } else { s.put(call) } }
                return (false, call.drop())
            default: return (false, [])
            }
        }
        if isNew { post(.flush(oldtag: call.tag), .flushed(call)) }
        withExtendedLifetime(gone) {}
    }

    /// A reply to what nobody waits for has come; gives what is to be let go of after the lock. The lock is held.
    func ended(_ call: MntCall, _ s: inout State) -> [AnyObject?] {
        let gone = call.drop()
        if call.isFlushed { call.phase = .late } else { s.put(call) }
        switch call.then {
        case .nothing: break
        case .release(let fid): s.freeFids.append(fid)
        case .probe: s.isProbing = false
        case .flushed(let old): return gone + flushed(old, &s)
        }
        return gone
    }

    /// The server is done with `old`: no reply will come, or it has.
    private func flushed(_ old: MntCall, _ s: inout State) -> [AnyObject?] {
        old.isFlushed = false
        switch old.phase {
        case .sent:
            defer { old.queue.wake() }
            return old.take(.failure(.interrupted))
        case .forsaken:
            defer { s.put(old) }
            return old.drop()
        case .late:
            s.put(old)
            return []
        case .free, .answered: return []
        }
    }

    /// Lets somebody who sleeps look again whether it is his turn to read or write. Those who poll watch the wire too.
    func passOn() {
        let next = state.withLock { s -> MntCall? in
            guard s.reader != nil || !s.isWriting && !s.output.isEmpty else { return nil }
            return s.calls.first { $0.phase == .sent && $0.isAwaited }
        }
        next?.queue.wake()
    }
}

extension MntLink.State {
    /// Whether a Tflush is to be sent for `call`; only once.
    fileprivate func mayFlush(_ call: MntCall) -> Bool {
        guard !call.isFlushed, end == nil else { return false }
        call.isFlushed = true
        return true
    }
}
