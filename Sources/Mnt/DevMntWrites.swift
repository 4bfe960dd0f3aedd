import Kernel

/// Writes of an open file that are under way.
///
/// A write that follows another in a stored file is sent, and its reply looked at later: at the next ones, when 8 are under
/// way, and at the latest when a descriptor of the file is closed or the file is committed. What fails is told there, or
/// by a write before. Whoever asks for something that a write under way may change waits for its reply first.
struct MntWrites: Sendable {
    struct Behind {
        let link: MntLink
        let call: MntCall
        let count: Int
    }

    /// A write that was started with `.try`.
    struct Started {
        let offset: UInt64
        let data: [UInt8]
        let link: MntLink
        let call: MntCall
    }

    var behind: [Behind] = []
    var started: Started?
    /// Where a write in order would begin, and how many there have been.
    var next: UInt64 = 0
    var inOrder = 0
    /// What a write behind has failed with.
    var failure: SysError?
    /// Somebody waits for the reply to one of these.
    var isReaping = false

    static let most = 8

    mutating func drop() -> [(MntLink, MntCall)] {
        defer { behind = [] }
        return behind.map { ($0.link, $0.call) }
    }
}

extension MntOpen {
    /// As `Dev.write`.
    func write(_ bytes: RawSpan, at given: UInt64, _ how: How) throws(SysError) -> Int {
        let fid = try fid()
        tree.listed.clear()
        tree.changed(qid)
        defer { tree.changed(qid) }
        var offset = given
        if mode.contains(.append) {
            // The end is where it is now: 9P2000 has no such flag, and not all heed that of 9P2000.L.
            try settle()
            switch try fid.link.call(fid.link.statRequest(fid), fid) {
            case .stat(let stat): offset = stat.length
            case .getattr(let attr): offset = attr.size
            default: throw .mountRPC
            }
        }
        state.withLock { $0.told = nil }
        guard how == .wait, state.withLock({ $0.writes.started == nil }) else {
            return try writeStarted(bytes, at: offset, fid, how)
        }
        if let failure = state.withLock({ $0.writes.failure.take() }) { throw failure }
        if try mayWriteBehind(offset, bytes.byteCount, fid) { return try writeBehind(bytes, at: offset, fid) }
        try settle()
        return try writeNow(bytes, at: offset, fid)
    }

    /// Writes and waits for the reply. What does not fit in one message goes in several; only the first may fail without
    /// a trace.
    private func writeNow(_ bytes: RawSpan, at offset: UInt64, _ fid: MntFid) throws(SysError) -> Int {
        var done = 0
        repeat {
            let part = bytes.extracting(done..<bytes.byteCount)
            do throws(SysError) {
                let call = try fid.link.startWrite(fid, part, at: offset &+ UInt64(done), most: most)
                let n = try written(try fid.link.wait(call))
                done += n
                if n < min(part.byteCount, most) { break }
            } catch {
                guard done > 0 else { throw error }
                break
            }
        } while done < bytes.byteCount
        state.withLock { s in
            s.writes.inOrder = s.writes.next == offset || s.writes.inOrder == 0 ? s.writes.inOrder + 1 : 1
            s.writes.next = offset &+ UInt64(done)
        }
        return done
    }

    private func written(_ reply: Rmessage) throws(SysError) -> Int {
        guard case .write(let count) = reply else { throw .mountRPC }
        return Int(count)
    }

    /// Whether the write follows another, in a file that is stored; asks the server what the file is where nobody knows.
    private func mayWriteBehind(_ offset: UInt64, _ count: Int, _ fid: MntFid) throws(SysError) -> Bool {
        let (follows, isStored) = state.withLock { s in
            (s.writes.inOrder > 0 && s.writes.next == offset && offset > 0, s.isStored)
        }
        guard follows, count > 0, !mode.contains(.append), !qid.type.contains(.append) else { return false }
        if let isStored { return isStored }
        try learn(try fid.link.start(MntRequest(fid.link.statRequest(fid), fid)), fid)
        return state.withLock { $0.isStored } == true
    }

    private func writeBehind(_ bytes: RawSpan, at offset: UInt64, _ fid: MntFid) throws(SysError) -> Int {
        fid.link.unsettled.add(self)
        var done = 0
        while done < bytes.byteCount {
            while state.withLock({ $0.writes.behind.count >= MntWrites.most }) { try reap() }
            let part = bytes.extracting(done..<bytes.byteCount)
            let count = min(part.byteCount, most)
            let call = try fid.link.startWrite(fid, part, at: offset &+ UInt64(done), most: most)
            state.withLock { $0.writes.behind.append(.init(link: fid.link, call: call, count: count)) }
            done += count
        }
        state.withLock { $0.writes.next = offset &+ UInt64(done) }
        return done
    }

    /// Waits for the reply to the oldest write that is under way, or for who does already; false where there is none.
    @discardableResult
    private func reap() throws(SysError) -> Bool {
        while true {
            do throws(SysError) { return try reapOnce() } catch {
                guard error.code == .wouldBlock else { throw error }
                // The process is stopped: others see to it meanwhile.
                try Thread.check()
            }
        }
    }

    private func reapOnce() throws(SysError) -> Bool {
        let oldest = try reaped.sleep { () throws(SysError) -> MntWrites.Behind?? in
            state.withLock { s -> MntWrites.Behind?? in
                if s.writes.isReaping { return .none }
                guard let first = s.writes.behind.first else { return .some(nil) }
                s.writes.isReaping = true
                return .some(first)
            }
        }
        guard let oldest else { return false }
        var failure: SysError?
        var isDone = true
        defer {
            state.withLock { s in
                s.writes.isReaping = false
                if isDone, s.writes.behind.first?.call === oldest.call { s.writes.behind.removeFirst() }
                if let failure, s.writes.failure == nil { s.writes.failure = failure }
            }
            reaped.wake()
        }
        do throws(SysError) {
            // A note ends the wait and not the write: it was reported as done.
            if try written(try oldest.link.wait(oldest.call, keeps: true)) != oldest.count { failure = .io }
        } catch {
            guard oldest.link.isWaiting(oldest.call) else {
                failure = error
                return true
            }
            isDone = false
            throw error
        }
        return true
    }

    /// Waits until all writes are answered; what they fail with is told later.
    func settle() throws(SysError) {
        while try reap() {}
        let link = try fid().link
        if state.withLock({ $0.writes.behind.isEmpty }) { link.unsettled.remove(self) }
    }

    /// With a note of what was started.
    private func writeStarted(_ bytes: RawSpan, at offset: UInt64, _ fid: MntFid, _ how: How) throws(SysError) -> Int {
        let data = [UInt8](copying: bytes.extracting(0..<min(bytes.byteCount, most)))
        var started = state.withLock { $0.writes.started.take() }
        if let other = started, other.offset != offset || other.data != data {
            other.link.forsake(other.call)
            started = nil
        }
        let link = started?.link ?? fid.link
        let call =
            if let started { started.call } else {
                try link.startWrite(fid, data.span.bytes, at: offset, most: most, how)
            }
        do throws(SysError) { return try written(try link.wait(call, how)) } catch {
            guard error.code == .wouldBlock, how == .try else { throw error }
            let other = state.withLock { s -> MntWrites.Started? in
                defer { s.writes.started = .init(offset: offset, data: data, link: link, call: call) }
                return s.writes.started
            }
            if let other { other.link.forsake(other.call) }
            throw error
        }
    }
}

/// The open files of a conversation with writes under way.
final class MntUnsettled: Sendable {
    private struct Entry {
        weak var open: MntOpen?
        let qid: Qid
    }

    private let entries = Lock([ObjectIdentifier: Entry]())

    func add(_ open: MntOpen) { entries.withLock { $0[ObjectIdentifier(open)] = Entry(open: open, qid: open.qid) } }

    func remove(_ open: MntOpen) { entries.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(open)) } }

    /// Waits until the writes of all, or of those of one file, are answered.
    func settle(_ qid: Qid? = nil) throws(SysError) {
        let open = entries.withLock { entries -> [MntOpen] in
            guard !entries.isEmpty else { return [] }
            let wanted = entries.values.filter { qid == nil || $0.qid.path == qid?.path }
            // Those that are gone have forgotten theirs.
            return wanted.compactMap(\.open)
        }
        for o in open { try o.settle() }
    }
}
