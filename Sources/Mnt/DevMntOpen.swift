import Kernel

/// An open file of a server: what was asked of it and not yet fetched.
///
/// A call with `.try` sends its request and throws `.wouldBlock`; the request stays here, and the same call made again
/// fetches the reply. `poll` starts a read in the same way. Asking for something else, and closing, withdraws what was
/// started. `state` guards these notes; whoever waits for a request has taken it out.
final class MntOpen: Sendable {
    /// A read that was sent, or what is left of its reply.
    struct Ahead {
        let offset: UInt64
        var source: Source

        enum Source {
            case asked(MntCall)
            case left([UInt8])
        }
    }

    /// A write that was sent.
    struct Behind {
        let offset: UInt64
        let data: [UInt8]
        let call: MntCall
    }

    struct State {
        var ahead: Ahead?
        var behind: Behind?
        var directory = MntDirectory()
    }

    let link: MntLink
    let fid: MntFid
    /// The most bytes of one read or write.
    let most: Int
    let mode: Kernel.OpenMode
    let state = Lock(State())

    /// Bytes that `poll` asks for.
    private static let pollSize = 8192

    init(_ link: MntLink, _ fid: MntFid, _ iounit: UInt32, _ mode: Kernel.OpenMode) {
        self.link = link
        self.fid = fid
        self.mode = mode
        let room = link.msize - Wire.ioHeader
        most = iounit == 0 ? room : min(Int(iounit), room)
    }

    /// The last Chan of it is closed.
    func close() {
        let (ahead, behind) = state.withLock { s in (s.ahead.take(), s.behind.take()) }
        drop(ahead)
        if let behind { link.forsake(behind.call) }
    }

    func flush() throws(SysError) {}

    // MARK: reading

    func read(into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        let size = min(buffer.byteCount, most)
        guard size > 0 else { return 0 }
        let ahead = state.withLock { $0.ahead.take() }
        var asked: MntCall?
        switch ahead?.source {
        case .left(let bytes) where ahead?.offset == offset: return give(bytes[...], into: &buffer, offset)
        case .asked(let call) where ahead?.offset == offset: asked = call
        default: drop(ahead)
        }
        let call = if let asked { asked } else { try startRead(size, at: offset, how) }
        do throws(SysError) {
            let (count, rest) = try link.waitData(call, into: &buffer, how)
            if !rest.isEmpty { keep(Ahead(offset: offset &+ UInt64(count), source: .left(rest))) }
            return count
        } catch {
            if error.code == .wouldBlock { keep(Ahead(offset: offset, source: .asked(call))) }
            throw error
        }
    }

    private func startRead(_ size: Int, at offset: UInt64, _ how: How) throws(SysError) -> MntCall {
        try link.start(.read(fid: fid.number, offset: offset, count: UInt32(size)), fid: fid, how)
    }

    /// Hands over what fits; the rest stays for the read after this one.
    private func give(_ bytes: ArraySlice<UInt8>, into buffer: inout MutableRawSpan, _ offset: UInt64) -> Int {
        let n = buffer.copy(bytes.span.bytes)
        if n < bytes.count { keep(Ahead(offset: offset &+ UInt64(n), source: .left(Array(bytes.dropFirst(n))))) }
        return n
    }

    private func keep(_ ahead: Ahead) {
        let other = state.withLock { s -> Ahead? in
            defer { s.ahead = ahead }
            return s.ahead
        }
        drop(other)
    }

    private func drop(_ ahead: Ahead?) {
        if case .asked(let call) = ahead?.source { link.forsake(call) }
    }

    // MARK: writing

    func write(_ bytes: RawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        if how == .wait, state.withLock({ $0.behind == nil }) {
            var done = 0
            // One that fits goes whole, or a longer one in parts: only the first may fail without a trace.
            repeat {
                let part = bytes.extracting(done..<bytes.byteCount)
                do throws(SysError) {
                    let n = try written(try start(part, at: offset &+ UInt64(done)), .wait)
                    done += n
                    if n < min(part.byteCount, most) { break }
                } catch {
                    guard done > 0 else { throw error }
                    break
                }
            } while done < bytes.byteCount
            return done
        }
        return try writeStarted(bytes, at: offset, how)
    }

    /// With a note of what was started.
    private func writeStarted(_ bytes: RawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        let data = [UInt8](copying: bytes.extracting(0..<min(bytes.byteCount, most)))
        var started = state.withLock { $0.behind.take() }
        if let other = started, other.offset != offset || other.data != data {
            link.forsake(other.call)
            started = nil
        }
        let call = if let started { started.call } else { try start(data.span.bytes, at: offset, how) }
        do throws(SysError) { return try written(call, how) } catch {
            guard error.code == .wouldBlock else { throw error }
            let other = state.withLock { s -> Behind? in
                defer { s.behind = Behind(offset: offset, data: data, call: call) }
                return s.behind
            }
            if let other { link.forsake(other.call) }
            throw error
        }
    }

    private func start(_ bytes: RawSpan, at offset: UInt64, _ how: How = .wait) throws(SysError) -> MntCall {
        try link.startWrite(fid, bytes, at: offset, most: most, how)
    }

    private func written(_ call: MntCall, _ how: How) throws(SysError) -> Int {
        guard case .write(let count) = try link.wait(call, how) else { throw .mountRPC }
        return Int(count)
    }

    // MARK: readiness

    /// As `Dev.poll`; `offset` is where the next read will be.
    func poll(_ events: PollEvents, at offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        var got: PollEvents = []
        if events.contains(.read), mode.canRead { got.formUnion(pollRead(offset, waiter)) }
        if events.contains(.write), mode.canWrite {
            let call = state.withLock { $0.behind?.call }
            if call.map({ link.isReady($0, waiter) }) ?? true { got.insert(.write) }
        }
        return got
    }

    private func pollRead(_ offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        let ahead = state.withLock { $0.ahead }
        guard let ahead, ahead.offset == offset else {
            do throws(SysError) {
                let call = try startRead(min(Self.pollSize, most), at: offset, .try)
                keep(Ahead(offset: offset, source: .asked(call)))
                return link.isReady(call, waiter) ? .read : []
            } catch { return [.read, .hangup] }
        }
        guard case .asked(let call) = ahead.source else { return .read }
        return link.isReady(call, waiter) ? .read : []
    }
}
