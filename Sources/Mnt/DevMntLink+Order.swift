import Kernel

/// Requests that depend on each other. They go together, since a server is to do what comes on one connection as if one
/// after the other; not all do. What fails then as it would without what came before it is asked for again when that is
/// done, and if it works nothing more is sent to that server before what it depends on is there.
extension MntLink {
    /// Copies `fid`, or walks from it to the file at `names`, and asks of the copy, whose number it is given, what `message`
    /// says. Gives the copy and the reply.
    func onCopy(
        of fid: MntFid, at names: ArraySlice<String> = [], _ message: (UInt32) -> Tmessage
    ) throws(SysError) -> (copy: MntFid, reply: Rmessage) {
        func walk(_ copy: MntFid) -> MntRequest {
            MntRequest(.walk(fid: fid.number, newfid: copy.number, names: Array(names)), fid, newfid: copy)
        }
        func walked(_ call: MntCall, with rest: ArraySlice<MntCall> = []) throws(SysError) {
            guard try qids(call, with: rest).count == names.count else { throw .nonexist }
        }
        if !isUnordered {
            let copy = try newFid()
            let calls = try start([walk(copy), MntRequest(message(copy.number), copy)])
            do throws(SysError) { try walked(calls[0], with: calls[1...]) } catch {
                leave(calls[1...], after: error)
                throw error
            }
            do throws(SysError) { return (copy, try wait(calls[1])) } catch {
                guard mayBeEarly(error) else { throw error }
                // A remove is the end of its fid, but not where that came into being afterwards.
                copy.isKnown = true
            }
        }
        let copy = try newFid()
        try walked(try start(walk(copy)))
        let reply = try call(message(copy.number), copy)
        isUnordered = true
        return (copy, reply)
    }

    /// The reply to `call`, which was `request` and went along with what it depends on; that is done by now.
    func wait(
        _ call: MntCall, orAgain request: MntRequest, with rest: ArraySlice<MntCall> = []
    ) throws(SysError) -> Rmessage {
        do throws(SysError) { return try wait(call, with: rest) } catch {
            guard mayBeEarly(error) else { throw error }
            let reply = try wait(try start(request))
            isUnordered = true
            return reply
        }
    }

    /// Whether a request may have failed so since what it depends on was not done: servers have no one way to say that
    /// they do not know a fid, or that it is not open.
    func mayBeEarly(_ error: SysError) -> Bool {
        guard !isOver else { return false }
        return switch error.code {
        case .other, .badFd, .badUseFd: true
        case .io, .badArg, .nonexist: dialect == .linux
        default: false
        }
    }

    /// A request that went along with another has failed. Throws what ends the caller's wait.
    func judge(_ error: SysError) throws(SysError) {
        if isOver { throw error }
        switch error.code {
        case .interrupted, .killed, .hungup, .timedOut, .mountRPC: throw error
        default: break
        }
    }
}
