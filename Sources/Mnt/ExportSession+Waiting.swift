import Kernel

/// Requests that are not answered at once: in a fid's line, until their file is ready, or with a worker; and flush, which
/// ends them. What `state` guards is changed here and by `giveUp`.
extension ExportSession {
    /// Answers now, or keeps the request where it may not be answered yet or has to wait.
    func answer(_ tag: UInt16, _ message: Tmessage, _ frame: Span<UInt8>, _ out: inout FrameWriter) {
        var epoch = 0
        var file: ExportFile?
        let isFree = state.withLock { s -> Bool? in
            epoch = s.epoch
            if let fid = message.fid { file = s.fids[fid]?.file }
            if s.requests.isEmpty { return true }
            if s.requests[tag] != nil || s.flushes[tag] != nil { return nil }
            return s.busy == 0 || s.busy(message.fids) == nil
        }
        guard let isFree else { return refuse(tag, .tagInUse, &out) }
        var call = ExportCall(tag: tag, how: .try, epoch: epoch, isReaders: true)
        if isFree {
            do throws(SysError) { return try perform(message, file, frame, &call, &out) } catch {
                guard error.code == .wouldBlock else { return refuse(tag, error, &out) }
            }
        }
        keep(tag, message, frame, call.done)
    }

    /// Puts a request where it waits: in a fid's line, until its file is ready, or with a worker.
    private func keep(_ tag: UInt16, _ message: Tmessage, _ frame: Span<UInt8>, _ done: Int) {
        let next = state.withLock { s -> ExportRequest? in
            let first = message.fids.first.flatMap { s.fids[$0] }
            let request = ExportRequest(
                self, tag, message, [UInt8](copying: frame.bytes), message.isTransfer ? first?.file : nil)
            request.done = done
            s.requests[tag] = request
            s.held += request.frame.count
            if let busy = s.busy(message.fids) {
                busy.waiting.append(request)
                return nil
            }
            return enlist(request, first, &s)
        }
        if let next { start(next) }
    }

    /// Takes what `request` needs for itself; gives it where it can be begun. The state is locked.
    private func enlist(_ request: ExportRequest, _ fid: ExportFid?, _ s: inout State) -> ExportRequest? {
        if request.isPolled, let fid {
            request.line = fid
            let isFirst: Bool
            if case .write = request.message {
                isFirst = fid.writes.isEmpty
                fid.writes.append(request)
            } else {
                isFirst = fid.reads.isEmpty
                fid.reads.append(request)
            }
            return isFirst ? request : nil
        }
        if request.file?.open.map({ !$0.isDirectory }) ?? false { return request }
        for number in request.message.fids {
            let held = s.fids[number] ?? ExportFid(nil, caller.account)
            s.fids[number] = held
            held.isBusy = true
            s.busy += 1
            request.holds.append(held)
        }
        return request
    }

    private func start(_ request: ExportRequest) {
        guard request.isPolled else { return export.workers.submit(request) }
        if park(request) { export.workers.submit(request) }
    }

    /// Has `request` called when its file is ready; true where it is ready now.
    private func park(_ request: ExportRequest) -> Bool {
        guard let file = request.file, let open = file.open, let events = request.events else { return true }
        let waiter = Waiter { [weak request] in
            guard let request else { return }
            request.session.wake(request)
        }
        let isWanted = state.withLock { _ -> Bool in
            if request.isGivenUp { return false }
            if case .over = request.stage { return false }
            request.stage = .parked
            request.waiter = waiter
            return true
        }
        guard isWanted else { return false }
        var place: UInt64 = 0
        if case .read(_, let offset, _) = request.message { place = offset }
        guard file.tree.poll(open, events, at: place, waiter).isEmpty else {
            waiter.cancel()
            // Where it fired as well, that is who goes on.
            return unpark(request)
        }
        return false
    }

    /// Its file has become ready: a worker tries again.
    private func wake(_ request: ExportRequest) {
        if unpark(request) { export.workers.submit(request) }
    }

    /// False where somebody else has taken it up.
    private func unpark(_ request: ExportRequest) -> Bool {
        state.withLock { _ in
            guard case .parked = request.stage else { return false }
            request.stage = .queued
            return true
        }
    }

    /// A worker's turn at a request: answers it, or parks it again.
    func attend(to request: ExportRequest, _ thread: Thread, _ out: inout FrameWriter) {
        let epoch = state.withLock { s -> Int? in
            guard case .queued = request.stage else { return nil }
            request.stage = .running(thread)
            s.running += 1
            return s.epoch
        }
        guard let epoch else { return }
        request.waiter?.cancel()
        (out.msize, out.dialect) = agree.withLock { ($0.msize, $0.dialect) }
        var call = ExportCall(
            tag: request.tag, how: request.isPolled ? .try : .wait, epoch: epoch, done: request.done)
        do throws(SysError) {
            var file = request.file
            if file == nil, let fid = request.message.fid { file = try self.file(fid, call) }
            let frame = request.frame
            try perform(request.message, file, frame.span, &call, &out)
        } catch {
            request.done = call.done
            if error.code == .wouldBlock, call.how == .try {
                request.vain += 1
                let isWanted = state.withLock { s -> Bool in
                    s.running -= 1
                    // A flush came while it was tried: that is its end.
                    guard request.flushes.isEmpty, !request.isGivenUp else {
                        s.running += 1
                        return false
                    }
                    request.stage = .queued
                    return true
                }
                if isWanted {
                    if !request.isPolled || park(request) { export.workers.submit(request) }
                    return
                }
            }
            if error.code != .interrupted && error.code != .wouldBlock || request.flushes.isEmpty {
                refuse(request.tag, error, &out)
            }
        }
        conclude(request, &out)
    }

    /// Sends what `out` has, unless nobody wants it any more, and the flushes that wait for it.
    private func conclude(_ request: ExportRequest, _ out: inout FrameWriter) {
        var next: [ExportRequest] = []
        do throws(SysError) {
            try output.send(&out) { out in
                next = state.withLock { s -> [ExportRequest] in
                    if request.isGivenUp { out.removeAll() }
                    for flush in request.flushes {
                        reply(.flush, flush, &out)
                        s.flushes[flush] = nil
                    }
                    s.running -= 1
                    return forget(request, &s)
                }
            }
        } catch {
            // The reader sees the end of the connection, too; without the turn nothing was forgotten yet.
            next = state.withLock { s in
                if case .over = request.stage { return next }
                s.running -= 1
                return forget(request, &s)
            }
            out.removeAll()
        }
        over.wake()
        for request in next { start(request) }
    }

    /// Takes `request` out of all tables; gives those that can be begun now. The state is locked.
    private func forget(_ request: ExportRequest, _ s: inout State) -> [ExportRequest] {
        request.stage = .over
        guard !request.isGivenUp else { return [] }
        if s.requests[request.tag] === request { s.requests[request.tag] = nil }
        s.held -= request.frame.count
        var next: [ExportRequest] = []
        if let fid = request.line {
            let isRead = fid.reads.first === request
            let isWrite = fid.writes.first === request
            fid.reads.removeAll { $0 === request }
            fid.writes.removeAll { $0 === request }
            if isRead, let first = fid.reads.first { next.append(first) }
            if isWrite, let first = fid.writes.first { next.append(first) }
        }
        for fid in request.holds {
            fid.isBusy = false
            s.busy -= 1
        }
        // A walk that came to nothing has made no fid.
        for number in request.message.fids {
            if let fid = s.fids[number], fid.file == nil, !fid.isBusy { s.fids[number] = nil }
        }
        for fid in request.holds {
            while !fid.isBusy, !fid.waiting.isEmpty {
                let waiting = fid.waiting.removeFirst()
                if let ready = admit(waiting, &s) { next.append(ready) }
            }
        }
        request.holds = []
        return next
    }

    /// One that stood in a fid's line: it may have to stand in another's. The state is locked.
    private func admit(_ waiting: ExportRequest, _ s: inout State) -> ExportRequest? {
        if let busy = s.busy(waiting.message.fids) {
            busy.waiting.append(waiting)
            return nil
        }
        let first = waiting.message.fids.first.flatMap { s.fids[$0] }
        guard waiting.message.isTransfer else { return enlist(waiting, first, &s) }
        // What its fid stands for is known only now.
        let renewed = ExportRequest(self, waiting.tag, waiting.message, waiting.frame, first?.file)
        renewed.flushes = waiting.flushes
        s.requests[waiting.tag] = renewed
        return enlist(renewed, first, &s)
    }

    // MARK: flush

    /// Tflush. The corresponding Plan 9 page is `flush(5)`.
    func flush(_ tag: UInt16, _ oldtag: UInt16, _ out: inout FrameWriter) {
        let (isOver, next, waiter) = state.withLock { s -> (Bool, [ExportRequest], Waiter?) in
            guard let request = s.requests[oldtag] ?? s.flushes[oldtag], tag != oldtag else { return (true, [], nil) }
            if case .running(let thread) = request.stage {
                request.flushes.append(tag)
                s.flushes[tag] = request
                thread.interrupt()
                return (false, [], nil)
            }
            for number in request.message.fids { s.fids[number]?.waiting.removeAll { $0 === request } }
            return (true, forget(request, &s), request.waiter)
        }
        waiter?.cancel()
        if isOver { reply(.flush, tag, &out) }
        for request in next { start(request) }
        over.wake()
    }
}
