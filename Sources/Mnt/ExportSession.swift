import Kernel

/// One connection: its fids, and the requests that are not answered yet.
///
/// The Thread that calls `run` reads frames and answers what need not wait; its replies are collected and go out
/// together when no whole request is left. `state` guards what workers share with it; no device is called with it locked.
/// A request that is not answered is in `state.requests` until the moment when its reply is about to be written, by
/// whoever has the turn to write: so a reply, an Rflush and a reset follow each other as the protocol asks.
final class ExportSession: @unchecked Sendable {
    // Immutable but for the reader's own: isVersioned, the conduit, and what it keeps while it rests.
    let export: Export
    /// What it is served of it, as of the moment in which it is answered.
    let tree: Subtree
    let peer: String
    private let input: Chan
    let output: ExportOutput
    private var isVersioned = false
    private var kept = FrameReader?.none
    /// Pages of a file that go out behind the replies that are collected; made where the client's connection takes them.
    private var pages: Conduit?
    private var takesPages: Bool?
    /// Fids whose last read gave much: the next one may, too.
    private var long: Set<UInt32> = []
    private let bell = Lock<Waiter?>(nil)
    private let moment = Moment()

    struct State {
        var fids: [UInt32: ExportFid] = [:]
        var requests: [UInt16: ExportRequest] = [:]
        /// Tflushes that wait for a request to be over, by their own tag.
        var flushes: [UInt16: ExportRequest] = [:]
        /// Bytes that requests hold.
        var held = 0
        /// Fids that are busy.
        var busy = 0
        /// Requests that workers are at.
        var running = 0
        /// How many times everything was given up: a worker that comes back later changes nothing.
        var epoch = 0

        /// Requests and their bytes that may wait at once; with more, no more are read.
        var isFull: Bool { requests.count >= 8192 || held >= 16 << 20 }

        /// The first of `numbers` that is busy.
        func busy(_ numbers: [UInt32]) -> ExportFid? {
            for number in numbers {
                if let fid = fids[number], fid.isBusy { return fid }
            }
            return nil
        }
    }

    let state = Lock(State())
    /// Wakes when a request is over.
    let over = WaitQueue()

    /// Replies are written when so many bytes have come and are to go for them: the client takes them while the next are
    /// made. Fewer would cost more than is won where both are on one processor.
    private static let batch = 16 * 1024
    /// Fids at most.
    static let fidLimit = 1 << 16

    init(_ export: Export, _ input: Chan, _ output: Chan, _ peer: String) {
        self.export = export
        tree = export.tree.during(moment)
        self.peer = peer
        self.input = input
        self.output = ExportOutput(output, export.tree.caller)
    }

    var caller: Caller { tree.caller }

    // MARK: the reader

    /// Reads and answers until the client hangs up, which is false, or has been quiet for `patience` nanoseconds: then this
    /// may be called again when there is something. Throws why the connection cannot go on.
    func run(for patience: UInt64? = nil) throws(SysError) -> Bool {
        let (msize, dialect) = agree.withLock { ($0.msize, $0.dialect) }
        var reader = kept.take() ?? FrameReader(msize: msize)
        var out = FrameWriter(msize: msize, dialect)
        defer { dropConduit() }
        while let n = try fill(&reader, patience) {
            guard n > 0 else { return try hungUp(reader) }
            try takeAll(&reader, &out)
            if out.count > 0 { try output.send(&out) }
            try waitForRoom()
        }
        if reader.pending > 0 { kept = reader }
        return true
    }

    /// The requests that have come. All were sent before the first is looked at.
    private func takeAll(_ reader: inout FrameReader, _ out: inout FrameWriter) throws(SysError) {
        moment.begin()
        defer { moment.end() }
        var taken = 0
        while let frame = try next(&reader) {
            taken += frame.count
            var msize = reader.msize
            try take(reader.buffer.span.extracting(frame), &msize, &out)
            reader.msize = msize
            if let pages, pages.held > 0 {
                try output.send(&out, pages)
                taken = 0
            } else if out.count > 0, taken + out.count >= Self.batch {
                try output.send(&out)
                taken = 0
            }
        }
    }

    /// What a reply's pages are to be put into; nil where they are copied.
    func conduit() -> Conduit? {
        if let pages { return pages }
        guard takesPages ?? true, let made = try? Conduit() else { return nil }  // no descriptors are left: copied
        let takes = output.takes(made)
        takesPages = takes
        pages = takes ? made : nil
        return pages
    }

    func dropConduit() { (pages, takesPages) = (nil, nil) }

    func isLong(_ fid: UInt32) -> Bool { long.contains(fid) }

    func setLong(_ fid: UInt32, _ isLong: Bool) {
        guard isLong else { return _ = long.remove(fid) }
        if long.count >= 64 { long = [] }
        long.insert(fid)
    }

    private func hungUp(_ reader: FrameReader) throws(SysError) -> Bool {
        guard reader.pending == 0 else { throw SysError("connection ended within a frame") }
        finish()
        return false
    }

    /// Bytes that came; nil after `patience`.
    private func fill(_ reader: inout FrameReader, _ patience: UInt64?) throws(SysError) -> Int? {
        while true {
            do throws(SysError) {
                guard let patience else { return try fill(&reader) }
                return try Thread.forOthers(until: Thread.deadline(after: patience)) { () throws(SysError) in
                    try fill(&reader)
                }
            } catch {
                switch error.code {
                case .interrupted: continue
                // Stopped: waits here until the process goes on.
                case .wouldBlock: try Thread.check()
                case .timedOut where patience != nil: return nil
                default: throw error
                }
            }
        }
    }

    private func fill(_ reader: inout FrameReader) throws(SysError) -> Int {
        try reader.fill { (room) throws(SysError) in
            let n = try input.dev.read(input, into: &room, at: input.offset, caller, .wait)
            input.offset &+= UInt64(n)
            return n
        }
    }

    /// As `run`, for those whose Thread it is: false where the connection has ended; why goes to the log.
    func attend(for patience: UInt64?) -> Bool {
        do throws(SysError) { return try run(for: patience) } catch {
            if error.code != .killed { export.log(peer, "hung up: \(error)") }
            return false
        }
    }

    /// Has `wake` called once when something comes; true, and it is not, where something is there already.
    func rest(_ wake: @escaping @Sendable () -> Void) -> Bool {
        let waiter = Waiter(onFire: wake)
        bell.withLock { $0 = waiter }
        guard !input.dev.poll(input, .read, waiter).isEmpty else { return false }
        waiter.cancel()
        // Where it has fired as well, that one goes on.
        return !waiter.hasFired
    }

    private func next(_ reader: inout FrameReader) throws(SysError) -> Range<Int>? {
        do throws(Malformed) { return try reader.next() } catch { throw Self.hostile(error) }
    }

    private static func hostile(_ error: Malformed) -> SysError { SysError("malformed frame: \(error)") }

    /// Answers the request in `frame`, or keeps it. Throws where the connection has to end.
    private func take(_ frame: Span<UInt8>, _ msize: inout Int, _ out: inout FrameWriter) throws(SysError) {
        let tag: UInt16
        let message: Tmessage
        do throws(Malformed) { (tag, message) = try Tmessage.decode(frame, out.dialect) } catch {
            guard case .message(let fault, _, let tag) = error else { throw Self.hostile(error) }
            if export.options.verbose { export.log(peer, "\(tag) \(error)") }
            return refuse(tag, SysError(fault), &out)
        }
        if export.options.verbose { export.log(peer, "\(tag) \(message)") }
        switch message {
        case .version(let size, let version): try reset(tag, size, version, &msize, &out)
        case _ where !isVersioned: refuse(tag, .noVersion, &out)
        case .flush(let oldtag): flush(tag, oldtag, &out)
        default: answer(tag, message, frame, &out)
        }
    }

    /// Waits while too much is held, in which case a client may ask for no more.
    private func waitForRoom() throws(SysError) {
        while state.withLock({ $0.isFull }) {
            do throws(SysError) { try over.sleep { state.withLock { $0.isFull ? nil : () } } } catch {
                guard error.code == .interrupted else { throw error }
            }
        }
    }

    /// A client that has closed its side gets the answers that are being made, for a while.
    private func finish() {
        let end = Thread.deadline(after: 1_000_000_000)
        // Killed, or late: then what is not answered is given up.
        try? over.sleep(until: end) { state.withLock { $0.running == 0 ? () : nil } }
    }

    /// Lets go of everything. Called by the reader, last.
    func end() {
        bell.withLock { $0 }?.cancel()
        giveUp()
    }

    /// Adds the error to the replies.
    func refuse(_ tag: UInt16, _ error: SysError, _ out: inout FrameWriter) {
        if export.options.verbose { export.log(peer, "\(tag) error: \(error)") }
        switch out.dialect {
        case .plan9: out.appendError(error.wireSentence, tag: tag)
        case .linux: reply(.lerror(ecode: UInt32(bitPattern: error.errno)), tag, &out)
        }
    }

    /// Adds a reply; an error where it is longer than msize.
    func reply(_ message: Rmessage, _ tag: UInt16, _ out: inout FrameWriter) {
        do throws(Malformed) { try out.append(message, tag: tag) } catch { refuse(tag, .messageTooBig, &out) }
    }

    // MARK: version

    /// Tversion: everything begins anew. The corresponding Plan 9 page is `version(5)`.
    private func reset(
        _ tag: UInt16, _ size: UInt32, _ version: String, _ msize: inout Int, _ out: inout FrameWriter
    ) throws(SysError) {
        // What was asked before it and is answered already goes out; what is not, is not.
        giveUp()
        out.dialect = .plan9
        agree.withLock { $0.dialect = .plan9 }
        isVersioned = false
        let agreed = min(Int(size), export.options.msize)
        guard agreed >= Wire.leastMsize else { return refuse(tag, .msizeTooSmall, &out) }
        let dialect = Dialect(asked: version, linux: export.options.linux)
        if let dialect {
            // Replies of the old size are written before those of the new.
            try output.send(&out)
            (msize, out.msize, out.dialect) = (agreed, agreed, dialect)
            isVersioned = true
            agree.withLock { $0 = (agreed, dialect) }
        }
        let spoken = dialect?.version ?? Dialect.unknown
        reply(.version(msize: UInt32(agreed), version: spoken), tag, &out)
    }

    /// What Rversion said last, for workers.
    let agree = Lock((msize: Wire.firstMsize, dialect: Dialect.plan9))

    /// Gives up all requests and lets go of all fids.
    private func giveUp() {
        let (fids, requests) = state.withLock { s -> ([UInt32: ExportFid], [ExportRequest]) in
            defer {
                s.fids = [:]
                s.requests = [:]
                s.flushes = [:]
                s.busy = 0
                s.held = 0
                s.epoch += 1
            }
            for request in s.requests.values {
                request.isGivenUp = true
                if case .running(let thread) = request.stage { thread.interrupt() } else { request.stage = .over }
                // Its fid may have been clunked: then only the two still hold each other.
                if let fid = request.line { (fid.reads, fid.writes) = ([], []) }
                request.line = nil
                for fid in request.holds { fid.waiting = [] }
                request.holds = []
            }
            return (s.fids, Array(s.requests.values))
        }
        for request in requests { request.waiter?.cancel() }
        // Files are closed, and those that were opened to be removed are removed, as their last holder goes.
        withExtendedLifetime(fids) {}
    }
}
