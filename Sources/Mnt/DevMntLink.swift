import Kernel
import Synchronization

/// One conversation with a server: requests by tag, fids, and whose turn it is to read and to write the wire.
///
/// It has no thread. Who waits for a reply reads the wire himself, and hands the replies of others to them; when his own
/// has come he lets the next one who waits read. So a request that is alone costs one write and one read on one thread.
/// Frames go out in the order in which they were queued, by whoever finds that nobody else is writing.
///
/// `state` guards all but what is on the way through the wire: the reader belongs to who took it out, and a batch of frames
/// to who writes it. Nothing is called with the lock held but wait queues.
final class MntLink: Sendable {
    struct State {
        var calls: [MntCall] = []
        /// Tags to use again.
        var free: [UInt16] = []
        /// The request that has no tag.
        let version = MntCall(Wire.noTag)
        /// nil while somebody reads the wire.
        var reader: MntReader? = MntReader()
        /// Batches of frames to be written, and how much of the first has gone.
        var output: [FrameWriter] = []
        var written = 0
        var isWriting = false
        /// Clunks that go with the next request.
        var idle: FrameWriter?
        var idleCount = 0
        /// A batch to use again.
        var spare: FrameWriter?
        var nextFid: UInt32 = 0
        var freeFids: [UInt32] = []
        /// Why the conversation is over.
        var end: SysError?
        var msize = Wire.firstMsize
        var dialect = Dialect.plan9
        var isProbing = false
    }

    let wire: Chan
    /// On whose behalf the wire is used: who mounted.
    let caller: Caller
    let options: ServerOptions
    private let log: @Sendable (String) -> Void
    let state = Lock(State())
    /// When the server was last heard, monotonic nanoseconds.
    let heard = Atomic<UInt64>(0)
    let session = MntSession()
    /// Files that were written and what the server says of that has not been heard.
    let unsettled = MntUnsettled()
    private let unordered = Atomic<Bool>(false)
    private let single = Atomic<Bool>(false)
    private let removing = Lock<Bool?>(nil)

    /// Most requests that may be under way: beyond that the caller is at fault, or the server.
    private static let callLimit = 8192
    /// Fids that may wait for their clunk to go with another request.
    private static let idleLimit = 32

    init(_ wire: Chan, _ options: ServerOptions, _ caller: Caller, log: @escaping @Sendable (String) -> Void) {
        self.wire = wire
        self.options = options
        self.caller = caller
        self.log = log
    }

    static var now: UInt64 { HostSystemClock().monotonic() }

    var msize: Int { state.withLock { $0.msize } }
    var dialect: Dialect { state.withLock { $0.dialect } }
    var isOver: Bool { state.withLock { $0.end != nil } }

    /// The same conversation, begun again on another wire.
    func again(on wire: Chan) -> MntLink {
        let new = MntLink(wire, options, caller, log: log)
        (new.isUnordered, new.walksSingly) = (isUnordered, walksSingly)
        return new
    }

    /// Whether requests that depend on each other must be sent one after the other: the server has mixed up some.
    var isUnordered: Bool {
        get { unordered.load(ordering: .relaxed) }
        set { unordered.store(newValue, ordering: .relaxed) }
    }

    /// Whether each name must be walked by itself: of several the server does not say what each is, or how far it came.
    var walksSingly: Bool {
        get { single.load(ordering: .relaxed) }
        set { single.store(newValue, ordering: .relaxed) }
    }

    /// Whether the server of 9P2000.L removes files by their names, as Linux does: there are servers that end at the other
    /// way, and some that do not know this one. Asked once, about a name that nobody has.
    func removesByName(in directory: MntFid) throws(SysError) -> Bool {
        if let known = removing.withLock({ $0 }) { return known }
        var isKnown = true
        let name = ".emu-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let message = Tmessage.unlinkat(dirfid: directory.number, name: name, flags: [])
        do throws(SysError) { _ = try call(message, directory) } catch {
            try judge(error)
            isKnown = error.code != .notSupported && error.code != .notHere
        }
        removing.withLock { $0 = isKnown }
        return isKnown
    }

    /// A fid that the server does not have yet.
    func newFid() throws(SysError) -> MntFid {
        let number = state.withLock { s -> UInt32? in
            if let number = s.freeFids.popLast() { return number }
            guard s.nextFid < Wire.noFid else { return nil }
            defer { s.nextFid += 1 }
            return s.nextFid
        }
        guard let number else { throw .noFd }
        return MntFid(self, number)
    }

    // MARK: requests

    /// Sends `message` and waits for the reply.
    func call(_ message: Tmessage, _ fid: MntFid? = nil, newfid: MntFid? = nil) throws(SysError) -> Rmessage {
        try wait(try start(MntRequest(message, fid, newfid: newfid)))
    }

    /// Sends `request`; `wait`, `forget` or `forsake` must follow.
    func start(_ request: MntRequest, _ how: How = .wait) throws(SysError) -> MntCall {
        try start([request], how)[0]
    }

    /// Sends several requests in one write.
    func start(_ requests: [MntRequest], _ how: How = .wait) throws(SysError) -> [MntCall] {
        var batch = try begin(requests)
        for n in requests.indices {
            do { try batch.frames.append(requests[n].message, tag: batch.calls[n].tag) } catch {
                throw unsent(batch, from: n)
            }
        }
        try send(batch, how)
        return batch.calls
    }

    /// Sends a Twrite of as many of `bytes` as one message takes.
    func startWrite(
        _ fid: MntFid, _ bytes: RawSpan, at offset: UInt64, most: Int, _ how: How = .wait
    ) throws(SysError) -> MntCall {
        let count = UInt32(min(bytes.byteCount, most))
        var batch = try begin([MntRequest(.write(fid: fid.number, offset: offset, count: count), fid)])
        batch.frames.appendWrite(tag: batch.calls[0].tag, fid: fid.number, offset: offset, most: count) { room in
            room.copy(bytes.extracting(0..<min(bytes.byteCount, room.byteCount)))
        }
        try send(batch, how)
        return batch.calls[0]
    }

    /// Frames that are being made, and the requests that they will be.
    private struct Batch {
        var frames: FrameWriter
        var calls: [MntCall]
    }

    private func begin(_ requests: [MntRequest]) throws(SysError) -> Batch {
        try state.withLock { (s) throws(SysError) in
            if let end = s.end { throw end }
            var calls: [MntCall] = []
            calls.reserveCapacity(requests.count)
            for request in requests {
                guard let call = s.newCall(request, Self.callLimit) else {
                    // Nothing is let go of here: the requests hold it too.
                    for call in calls { s.put(call) }
                    throw SysError("too many requests to one server")
                }
                calls.append(call)
            }
            return Batch(frames: s.newBatch(), calls: calls)
        }
    }

    /// A message is longer than the server takes, which those of ours are not: names and sentences are bounded.
    private func unsent(_ batch: Batch, from first: Int) -> SysError {
        let gone = state.withLock { s -> [AnyObject?] in
            // What comes before it goes out all the same, and clunks that have waited for company.
            if batch.frames.count > 0 { s.output.append(batch.frames) }
            for call in batch.calls[..<first] { call.phase = .forsaken }
            defer { for call in batch.calls[first...] { s.put(call) } }
            return batch.calls[first...].flatMap { $0.drop() }
        }
        return withExtendedLifetime(gone) { SysError(.tooBig) }
    }

    private func send(_ batch: Batch, _ how: How) throws(SysError) {
        let turn = state.withLock { s -> Bool in
            s.output.append(batch.frames)
            guard !s.isWriting else { return false }
            s.isWriting = true
            return true
        }
        guard turn else { return }
        do throws(SysError) { try drain(how) } catch {
            // Stopped: others write it, or whoever waits for the reply.
            if error.code == .wouldBlock { return }
            for call in batch.calls { forsake(call) }
            throw error
        }
    }

    // MARK: ends

    /// A request that nobody waits for: clunks and flushes. It goes out now, or with the next one where `isIdle`.
    /// `fid` is held until it is answered.
    func post(_ message: Tmessage, _ then: MntCall.Then, _ fid: MntFid? = nil, isIdle: Bool = false) {
        let turn = state.withLock { s -> Bool in
            guard s.end == nil, let call = s.newCall(MntRequest(message, fid), .max) else { return false }
            call.phase = .forsaken
            call.then = then
            if isIdle, s.idleCount < Self.idleLimit {
                var frames = s.idle.take() ?? s.emptyBatch()
                // These messages have a few bytes only.
                try? frames.append(message, tag: call.tag)
                s.idle = frames
                s.idleCount += 1
                return false
            }
            var frames = s.newBatch()
            try? frames.append(message, tag: call.tag)
            s.output.append(frames)
            guard !s.isWriting else { return false }
            s.isWriting = true
            return true
        }
        // What cannot be written at once is written by who comes next.
        if turn { try? drain(.try) }
    }

    /// Nobody has the fid any more; its file may have to go with it.
    func end(_ fid: UInt32, known: Bool, open: Bool, _ removal: MntFid.Removal?) {
        guard known else { return state.withLock { $0.freeFids.append(fid) } }
        guard let removal else { return post(.clunk(fid: fid), .release(fid), isIdle: !open) }
        guard let (directory, name) = removal.place else { return post(.remove(fid: fid), .release(fid)) }
        post(.unlinkat(dirfid: directory.number, name: name, flags: []), .nothing, directory)
        post(.clunk(fid: fid), .release(fid))
    }

    /// Ends the conversation. Who waits gets `error`, and who asks later `mounted device shut down`.
    func hangUp(_ error: SysError, _ reason: String? = nil) {
        let (woken, gone, isFirst) = state.withLock { s -> ([MntCall], [AnyObject?], Bool) in
            guard s.end == nil else { return ([], [], false) }
            s.end = .shutdown
            var woken: [MntCall] = []
            var gone: [AnyObject?] = []
            for call in s.calls + [s.version] where call.phase == .sent {
                gone += call.take(.failure(error))
                woken.append(call)
            }
            for call in s.calls where call.phase == .forsaken { gone += call.drop() }
            s.output = []
            s.idle = nil
            return (woken, gone, true)
        }
        if isFirst, let reason { log("mount \(wire.path): \(reason)") }
        for call in woken { call.queue.wake() }
        withExtendedLifetime(gone) {}
    }
}

extension MntLink.State {
    /// A request with a tag of its own; nil where there are too many.
    mutating func newCall(_ request: MntRequest, _ limit: Int) -> MntCall? {
        let call: MntCall
        if case .version = request.message {
            call = version
        } else if let tag = free.popLast() {
            call = calls[Int(tag)]
        } else {
            // The last tags are for the messages that end others.
            guard calls.count < min(limit, Int(Wire.noTag) - 1) else { return nil }
            call = MntCall(UInt16(calls.count))
            calls.append(call)
        }
        call.begin(request)
        return call
    }

    /// The tag may be used again.
    mutating func put(_ call: MntCall) {
        call.phase = .free
        call.answer = nil
        call.data = []
        (call.fid, call.newfid) = (nil, nil)
        if call !== version { free.append(call.tag) }
    }

    /// The request of that tag that is under way; nil where there is none.
    func sent(_ tag: UInt16) -> MntCall? {
        let call = tag == Wire.noTag ? version : Int(tag) < calls.count ? calls[Int(tag)] : nil
        return call?.phase == .sent || call?.phase == .forsaken ? call : nil
    }

    /// Where frames are put: behind those that have waited for company.
    mutating func newBatch() -> FrameWriter {
        idleCount = 0
        return idle.take() ?? emptyBatch()
    }

    mutating func emptyBatch() -> FrameWriter {
        guard var batch = spare.take() else { return FrameWriter(msize: msize, dialect, capacity: 512) }
        batch.removeAll()
        (batch.msize, batch.dialect) = (msize, dialect)
        return batch
    }
}
