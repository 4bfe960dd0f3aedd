import Kernel

/// A request that is to be sent, with the fids that must not be let go of before the server is done with it.
struct MntRequest {
    let message: Tmessage
    let fid: MntFid?
    /// What exists when the reply says so.
    let newfid: MntFid?

    init(_ message: Tmessage, _ fid: MntFid?, newfid: MntFid? = nil) {
        self.message = message
        self.fid = fid
        self.newfid = newfid
    }
}

/// One request on its way, by its tag; used again and again.
///
/// Everything but `tag` and `queue` is guarded by the lock of the link that it belongs to. A tag is free again when its
/// reply has come and, where a Tflush was sent for it, that one's too.
final class MntCall: @unchecked Sendable {
    /// Where the request stands.
    enum Phase {
        case free
        /// Somebody waits for the reply, or will ask for it.
        case sent
        /// The reply is there and nobody has taken it.
        case answered
        /// Nobody waits: what comes is looked at for what it leaves behind at the server.
        case forsaken
        /// Done with, but for the reply to its Tflush.
        case late
    }

    /// What is done when the reply comes to a request that nobody waits for.
    enum Then {
        case nothing
        /// A clunk: the number may be used again.
        case release(UInt32)
        /// A Tflush: this one is over.
        case flushed(MntCall)
        /// It only showed that the server is there.
        case probe
    }

    let tag: UInt16
    /// Who waits for the reply, or for his turn to read the wire.
    let queue = WaitQueue()

    var phase = Phase.free
    /// The type of the reply that is no error.
    var expected = MessageType.Rversion
    /// Names of a walk, bytes of a read or write: the reply speaks of no more.
    var limit = 0
    var then = Then.nothing
    /// A fid that exists when the reply says so.
    var newfid: MntFid?
    /// Fids that must not be let go of before the server is done with the request.
    var fid: MntFid?
    /// A Tflush for this one is under way.
    var isFlushed = false
    /// A Thread sleeps until something changes about it.
    var isAwaited = false
    var answer: Result<Rmessage, SysError>?
    /// The data of an Rread, unless they went to the reader's own buffer.
    var data: [UInt8] = []

    init(_ tag: UInt16) { self.tag = tag }

    /// Ready for `request`.
    func begin(_ request: MntRequest) {
        let message = request.message
        (fid, newfid) = (request.fid, request.newfid)
        phase = .sent
        // A reply's type is its request's plus one.
        expected = MessageType(rawValue: message.type.rawValue &+ 1) ?? .Rerror
        then = .nothing
        answer = nil
        isFlushed = false
        isAwaited = false
        limit =
            switch message {
            case .walk(_, _, let names): names.count
            case .read(_, _, let count), .write(_, _, let count), .readdir(_, _, let count): Int(count)
            default: 0
            }
    }

    /// Puts `reply` where the one who waits finds it. Nobody may wait any more: then only what it leaves behind counts.
    /// Gives what is to be let go of after the lock.
    func take(_ reply: Result<Rmessage, SysError>, data: [UInt8] = []) -> [AnyObject?] {
        if case .success(.walk(let qids)) = reply, qids.count == limit { newfid?.isKnown = true }
        if case .success(.attach) = reply { newfid?.isKnown = true }
        guard phase == .sent else { return drop() }
        phase = .answered
        answer = reply
        self.data = data
        return []
    }

    /// Lets go of fids, after the lock.
    func drop() -> [AnyObject?] {
        defer { (fid, newfid) = (nil, nil) }
        return [fid, newfid]
    }
}
