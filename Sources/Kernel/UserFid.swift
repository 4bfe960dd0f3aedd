import Host

/// A client of a served file: what an open Chan of it keeps.
///
/// A call with `.wait` is a request and the wait for its answer; one that is interrupted is withdrawn, unless the answer
/// was given already: then it stands. A call with `.try` starts its request and throws `.wouldBlock`; the request
/// stays with the open file, and the same call made again fetches its answer. `poll` starts a read in the same way, and
/// tells when an answer is there. Asking for something else, and closing, withdraw what was started.
public final class UserFid: Sendable {
    /// A read that was started, or what is left of its answer.
    private struct Ahead {
        let offset: UInt64
        var source: Source

        enum Source {
            case asked(UInt64, Call)
            case left([UInt8])
        }
    }

    /// A write that was started.
    private struct Behind {
        let offset: UInt64
        let data: [UInt8]
        let number: UInt64
        let call: Call
    }

    private struct State {
        var ahead: Ahead?
        var behind: Behind?
        var known = false
    }

    /// Bytes that `poll` asks for.
    private static let aheadSize = 8192

    private let file: UserFile
    private let id: UInt32
    private let state = Lock(State())

    init(_ file: UserFile, _ id: UInt32) {
        self.file = file
        self.id = id
    }

    /// As `Dev.read`.
    public func read(into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        let count = min(buffer.byteCount, UserFile.requestLimit)
        guard count > 0 else { return 0 }
        let started = state.withLock { s -> Ahead? in s.ahead.take() }
        var asked: (number: UInt64, call: Call)?
        switch started?.source {
        case .left(let bytes) where started?.offset == offset: return give(bytes, into: &buffer, offset)
        case .asked(let number, let call) where started?.offset == offset: asked = (number, call)
        case .asked(let number, let call): drop(number, call)
        default: break
        }
        let (number, call) = if let asked { asked } else { try submitRead(offset, count) }
        switch try wait(number, call, how) {
        case nil:
            keep(Ahead(offset: offset, source: .asked(number, call)))
            throw .wouldBlock
        case .data(let bytes): return give(bytes, into: &buffer, offset)
        case .failure(let error): throw error
        case .count: throw .io
        }
    }

    /// As `Dev.write`.
    public func write(_ bytes: RawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        let size = min(bytes.byteCount, UserFile.requestLimit)
        let data = [UInt8](copying: bytes.extracting(0..<size))
        var started = state.withLock { s -> Behind? in s.behind.take() }
        if let other = started, other.offset != offset || other.data != data {
            drop(other.number, other.call)
            started = nil
        }
        let (number, call) = if let started { (started.number, started.call) } else { try submitWrite(offset, data) }
        switch try wait(number, call, how) {
        case nil:
            keep(Behind(offset: offset, data: data, number: number, call: call))
            throw .wouldBlock
        case .count(let n): return min(max(0, n), size)
        case .failure(let error): throw error
        case .data: throw .io
        }
    }

    /// As `Dev.poll`; `offset` is where the next read will be.
    public func poll(_ events: PollEvents, at offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        var got: PollEvents = []
        if events.contains(.read) { got.formUnion(pollRead(offset, waiter)) }
        if events.contains(.write) {
            let call = state.withLock { $0.behind?.call }
            if let call { waiter?.stand(on: call.answered) }
            if call.map({ $0.answer != nil }) ?? true { got.insert(.write) }
        }
        return got
    }

    /// The last Chan of this client is closed.
    public func close() {
        let (ahead, behind, known) = state.withLock { s in (s.ahead.take(), s.behind.take(), s.known) }
        if case .asked(let number, let call) = ahead?.source { drop(number, call) }
        if let behind { drop(behind.number, behind.call) }
        file.closed(id, known: known)
    }

    // MARK: steps

    private func submitRead(_ offset: UInt64, _ count: Int) throws(SysError) -> (UInt64, Call) {
        state.withLock { $0.known = true }
        return try file.submit { [id] call in
            .read(offset: offset, count: count, fid: id, reply: FileIO.Reply(call) { .data(Array($0.prefix(count))) })
        }
    }

    private func submitWrite(_ offset: UInt64, _ data: [UInt8]) throws(SysError) -> (UInt64, Call) {
        state.withLock { $0.known = true }
        return try file.submit { [id] call in
            .write(offset: offset, data: data, fid: id, reply: FileIO.Reply(call) { .count($0) })
        }
    }

    /// The answer; nil with `.try` where it is not there yet. Whoever is interrupted takes the request back.
    private func wait(_ number: UInt64, _ call: Call, _ how: How) throws(SysError) -> Call.Answer? {
        if how == .try, call.answer == nil { return nil }
        defer { file.withdraw(number) }
        do throws(SysError) { return try call.answered.sleep { call.answer } } catch {
            guard let late = call.abandon() else { throw error }
            return late
        }
    }

    private func drop(_ number: UInt64, _ call: Call) {
        _ = call.abandon()
        file.withdraw(number)
    }

    /// Hands over what fits; the rest stays for the read after this one.
    private func give(_ bytes: [UInt8], into buffer: inout MutableRawSpan, _ offset: UInt64) -> Int {
        let n = buffer.copy(bytes.span.bytes)
        if n < bytes.count { keep(Ahead(offset: offset &+ UInt64(n), source: .left(Array(bytes[n...])))) }
        return n
    }

    private func keep(_ ahead: Ahead) {
        let other = state.withLock { s -> Ahead? in
            defer { s.ahead = ahead }
            return s.ahead
        }
        if case .asked(let number, let call) = other?.source { drop(number, call) }
    }

    private func keep(_ behind: Behind) {
        let other = state.withLock { s -> Behind? in
            defer { s.behind = behind }
            return s.behind
        }
        if let other { drop(other.number, other.call) }
    }

    private func pollRead(_ offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        var ahead = state.withLock { $0.ahead }
        if ahead?.offset != offset {
            do throws(SysError) {
                let (number, call) = try submitRead(offset, Self.aheadSize)
                let asked = Ahead(offset: offset, source: .asked(number, call))
                keep(asked)
                ahead = asked
            } catch { return [.read, .hangup] }
        }
        guard case .asked(_, let call) = ahead?.source else { return .read }
        waiter?.stand(on: call.answered)
        return call.answer == nil ? [] : .read
    }
}
