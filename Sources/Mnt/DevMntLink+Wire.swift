import Kernel

/// Reading and writing the wire.
extension MntLink {
    /// Bytes that are read at once where a long reply may go to the caller's own buffer.
    private static let head = 1024
    /// A read of that much is worth the second call.
    private static let direct = 4096

    // MARK: reading

    /// Reads the wire, which whoever has `reader` may, until `mine` is answered or no more is there.
    func read(
        _ reader: MntReader, for mine: MntCall, into buffer: inout MutableRawSpan, _ how: How, _ since: UInt64,
        _ end: UInt64? = nil
    ) throws(SysError) {
        // Whoever reads next finds the wire as it is left here.
        defer {
            state.withLock { $0.reader = reader }
            passOn()
        }
        let isLong = buffer.byteCount >= Self.direct
        do throws(SysError) {
            while try !handOut(reader, mine) {
                if isLong, let count = reader.input.dataComing(mine.tag), mayTake(count, mine),
                    count <= buffer.byteCount
                {
                    return try readData(reader, count, mine, into: &buffer, how, since, end)
                }
                let n = try reader.input.fill(most: isLong ? Self.head : .max) { (room) throws(SysError) in
                    try fill(&room, how, since, end)
                }
                guard n > 0 else { throw lost(nil) }
            }
        } catch {
            // Of a fault of the wire everybody has been told, and of a note only its caller need be.
            guard !Self.isOwn(error) else { throw error }
            throw lost(error)
        }
    }

    /// What concerns the caller alone: it is no fault of the wire.
    static func isOwn(_ error: SysError) -> Bool {
        switch error.code {
        case .interrupted, .killed, .wouldBlock, .timedOut: true
        case .hungup: Thread.isHungUp
        default: false
        }
    }

    /// The wire is at its end. Gives what its users are told.
    private func lost(_ error: SysError?) -> SysError {
        hangUp(.hungup, error.map { "\($0)" })
        return .hungup
    }

    /// Hands all whole frames out; true when `mine` is answered.
    private func handOut(_ reader: MntReader, _ mine: MntCall) throws(SysError) -> Bool {
        let msize = self.msize
        while true {
            let frame: Range<Int>
            do {
                guard let next = try reader.input.next(msize) else { break }
                frame = next
            } catch { throw lied("\(error)") }
            let bytes = reader.input.bytes
            let (call, gone, lie) = state.withLock { receive(bytes.span.extracting(frame), &$0) }
            if let lie { throw lied(lie) }
            if call !== mine { call?.queue.wake() }
            withExtendedLifetime(gone) {}
        }
        return state.withLock { _ in mine.phase != .sent }
    }

    /// The server says what cannot be.
    func lied(_ what: String) -> SysError {
        hangUp(.mountRPC, "bad reply: \(what)")
        return .mountRPC
    }

    /// Whether an Rread of `count` bytes is a reply to `call`.
    private func mayTake(_ count: Int, _ call: MntCall) -> Bool {
        state.withLock { _ in call.phase == .sent && call.expected == .Rread && count <= call.limit }
    }

    /// Reads the data of the frame that begins in `reader` into the caller's own buffer.
    private func readData(
        _ reader: MntReader, _ count: Int, _ mine: MntCall, into buffer: inout MutableRawSpan, _ how: How,
        _ since: UInt64, _ end: UInt64?
    ) throws(SysError) {
        var done = reader.input.takeData(into: &buffer)
        while done < count {
            do throws(SysError) {
                var room = buffer._mutatingExtracting(done..<count)
                let n = try fill(&room, how, since, end)
                guard n > 0 else { throw .hungup }
                done += n
            } catch {
                reader.input.putBack(mine.tag, count: count, data: buffer.bytes.extracting(0..<done))
                throw error
            }
        }
        let gone = state.withLock { _ in mine.take(.success(.read(count: UInt32(count)))) }
        withExtendedLifetime(gone) {}
    }

    /// Reads once. A server that lets nothing be heard is asked for a sign of life, and given up when it gives none: a
    /// file that has nothing to be read may take for ever, a server may not.
    private func fill(
        _ room: inout MutableRawSpan, _ how: How, _ since: UInt64, _ end: UInt64?
    ) throws(SysError) -> Int {
        while true {
            let start = max(since, heard.load(ordering: .relaxed))
            let limit = start &+ (state.withLock { $0.isProbing } ? options.timeLimit : options.timeLimit / 2)
            do throws(SysError) {
                let n = try Thread.forOthers(until: min(limit, end ?? .max)) { () throws(SysError) in
                    try wire.dev.read(wire, into: &room, at: 0, caller, how)
                }
                heard.store(Self.now, ordering: .relaxed)
                return n
            } catch {
                guard error.code == .timedOut else { throw error }
                if let end, Self.now >= end { throw error }
                try silent(since: start)
            }
        }
    }

    private func silent(since start: UInt64) throws(SysError) {
        if Self.now >= start &+ options.timeLimit {
            hangUp(.timedOut, "nothing heard for \(options.timeLimit / 1_000_000) ms")
            throw .timedOut
        }
        let isNew = state.withLock { s -> Bool in
            defer { s.isProbing = true }
            return !s.isProbing
        }
        // A tag that is never used: a server answers that at once.
        if isNew { post(.flush(oldtag: Wire.noTag - 1), .probe) }
    }

    // MARK: writing

    /// Writes what is queued; whoever calls has the turn, and gives it back. Frames that do not go out at once stay where
    /// `how` is `.try`, a note comes, or the process is stopped, which throws `.wouldBlock`.
    func drain(_ how: How) throws(SysError) {
        while let (frames, from) = nextOutput() {
            var done = from
            do throws(SysError) {
                while done < frames.count {
                    done += try writeSome(frames.buffer.span.bytes.extracting(done..<frames.count), how)
                }
            } catch {
                guard Self.isOwn(error) else { throw lost(error) }
                let left = done
                state.withLock { s in
                    s.isWriting = false
                    guard s.end == nil else { return }
                    s.output.insert(frames, at: 0)
                    s.written = left
                }
                if error.code == .wouldBlock, how == .try { return }
                // With `.wait` that says that the process is stopped: others go on with it.
                passOn()
                if error.code == .timedOut {
                    hangUp(.timedOut, "it takes nothing")
                }
                throw error
            }
            state.withLock { if $0.spare == nil { $0.spare = frames } }
        }
    }

    /// The next batch and how much of it has gone; gives the turn back where there is none.
    private func nextOutput() -> (FrameWriter, Int)? {
        state.withLock { s in
            guard !s.output.isEmpty, s.end == nil else {
                s.isWriting = false
                return nil
            }
            defer { s.written = 0 }
            return (s.output.removeFirst(), s.written)
        }
    }

    /// Writes what fits; where nothing does, waits for room, and reads meanwhile what others do not read: a server that
    /// cannot get rid of its replies takes no requests.
    private func writeSome(_ bytes: RawSpan, _ how: How) throws(SysError) -> Int {
        let since = Self.now
        while true {
            do throws(SysError) {
                let n = try wire.dev.write(wire, bytes, at: 0, caller, .try)
                guard n > 0 else { throw .hungup }
                return n
            } catch {
                guard error.code == .wouldBlock, how == .wait else { throw error }
            }
            try room(since)
        }
    }

    /// Returns when the wire may have room.
    private func room(_ since: UInt64) throws(SysError) {
        let told = WaitQueue()
        let waiter = Waiter { told.wake() }
        defer { waiter.cancel() }
        try Thread.forOthers(until: since &+ options.timeLimit) { () throws(SysError) in
            try told.sleep {
                waiter.cancel()
                waiter.arm()
                let reads = state.withLock { $0.reader != nil }
                let got = wire.dev.poll(wire, reads ? [.read, .write] : .write, waiter)
                return got.isEmpty ? nil : ()
            }
        }
        guard let reader = state.withLock({ $0.reader.take() }) else { return }
        var nowhere = MutableRawSpan()
        let nobody = MntCall(Wire.noTag)
        nobody.phase = .sent
        do throws(SysError) { try read(reader, for: nobody, into: &nowhere, .try, since) } catch {
            guard error.code == .wouldBlock else { throw error }
        }
    }
}
