import Kernel

/// Reads of an open file that are under way, and what is left of their replies.
///
/// Of a stored file that is read in order, more than the next read is asked for: 2 at first, at most 8, and twice as many
/// with each read that was full. Nothing is asked for beyond the length that the server said, so that no reader of
/// something else loses what he has not read. What was asked for before a pause of the program, or before a change made
/// by way of this tree, is asked for again.
struct MntReads: Sendable {
    struct Asked {
        let offset: UInt64
        let count: Int
        let link: MntLink
        let call: MntCall
        /// The file's changes when it was asked for.
        let changes: UInt32
    }

    /// Under way, each where the one before it ends.
    var asked: [Asked] = []
    /// What a reply had more than was wanted: its place, and how much of it has been given.
    var left: (offset: UInt64, bytes: [UInt8], done: Int, changes: UInt32)?
    /// Where a read in order would begin, and how many there have been.
    var next: UInt64 = 0
    var inOrder = 0
    var window = 1
    /// What the server has said.
    var length: UInt64 = 0
    /// When the last read ended.
    var last: UInt64 = 0

    static let mostWindow = 8
    /// A short read that is asked for ahead is made one of this.
    static let chunk = 65536
    /// Bytes under way at most.
    static let mostBytes = 4 << 20
    static let pause: UInt64 = 1_000_000_000

    /// Takes out all that is under way.
    mutating func drop() -> [(MntLink, MntCall)] {
        defer {
            asked = []
            left = nil
            window = 1
        }
        return asked.map { ($0.link, $0.call) }
    }
}

extension MntOpen {
    /// Bytes that `poll` asks for.
    private static let pollSize = 8192

    /// As `Dev.read`.
    func read(into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        if let n = tree.cache?.read(qid, into: &buffer, at: offset) { return n }
        // What may be read anywhere any time may be read again.
        guard how == .wait, state.withLock({ $0.isStored }) == true else {
            return try readOnce(into: &buffer, at: offset, how)
        }
        return try tree.retrying { () throws(SysError) in try readOnce(into: &buffer, at: offset, how) }
    }

    private func readOnce(
        into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How
    ) throws(SysError) -> Int {
        let fid = try fid()
        if how == .wait { try fid.link.unsettled.settle(qid) }
        let changes = tree.changes.count(qid.path)
        if let n = takeLeft(into: &buffer, at: offset, changes) { return n }
        let known = try take(offset, changes)
        let asked =
            if let known { known } else {
                try ask(min(buffer.byteCount, most), at: offset, fid, changes, how)
            }
        do throws(SysError) {
            let (count, rest) = try asked.link.waitData(asked.call, into: &buffer, how)
            state.withLock { s in
                s.reads.next = offset &+ UInt64(count)
                s.reads.inOrder += 1
                s.reads.last = MntLink.now
                let isFull = count + rest.count == asked.count
                s.reads.window = isFull ? min(s.reads.window * 2, MntReads.mostWindow) : 1
                if !rest.isEmpty { s.reads.left = (offset &+ UInt64(count), rest, 0, asked.changes) }
            }
            if let cache = tree.cache, changes == tree.changes.count(qid.path) {
                cache.add(qid, buffer.bytes.extracting(0..<count), at: offset)
            }
            return count
        } catch {
            // The request stays with the file where its reply is not there yet.
            if error.code == .wouldBlock, how == .try { state.withLock { $0.reads.asked.insert(asked, at: 0) } }
            throw error
        }
    }

    /// What an earlier reply had more than was wanted.
    private func takeLeft(into buffer: inout MutableRawSpan, at offset: UInt64, _ changes: UInt32) -> Int? {
        state.withLock { s in
            guard let left = s.reads.left else { return nil }
            guard left.offset == offset, s.isStored != true || left.changes == changes && !s.reads.hasPaused else {
                s.reads.left = nil
                return nil
            }
            let n = buffer.copy(left.bytes.span.bytes.extracting(left.done..<left.bytes.count))
            s.reads.next = offset &+ UInt64(n)
            s.reads.last = MntLink.now
            s.reads.left = nil
            if left.done + n < left.bytes.count {
                s.reads.left = (offset &+ UInt64(n), left.bytes, left.done + n, left.changes)
            }
            return n
        }
    }

    /// The request at `offset` that is under way; what is under way for another place is withdrawn.
    private func take(_ offset: UInt64, _ changes: UInt32) throws(SysError) -> MntReads.Asked? {
        let (found, dropped) = state.withLock { s -> (MntReads.Asked?, [(MntLink, MntCall)]) in
            guard let first = s.reads.asked.first else { return (nil, []) }
            // One that may be read once only is not asked for twice, whatever has changed.
            let isGood = s.isStored != true || first.changes == changes && !s.reads.hasPaused && !first.link.isOver
            guard first.offset == offset, isGood else { return (nil, s.reads.drop()) }
            return (s.reads.asked.removeFirst(), [])
        }
        for (link, call) in dropped { link.forsake(call) }
        guard let found else { return nil }
        do throws(SysError) { try askAhead(try fid(), changes) } catch {
            found.link.forsake(found.call)
            throw error
        }
        return found
    }

    /// Asks for `size` bytes, and where the reads have come in order for what follows.
    private func ask(
        _ size: Int, at offset: UInt64, _ fid: MntFid, _ changes: UInt32, _ how: How
    ) throws(SysError) -> MntReads.Asked {
        let link = fid.link
        var requests = [
            MntRequest(.read(fid: fid.number, offset: offset, count: UInt32(size)), fid)
        ]
        let (isInOrder, isStored) = state.withLock { ($0.reads.inOrder > 0 && $0.reads.next == offset, $0.isStored) }
        let asks = isInOrder && isStored == nil && how == .wait
        if asks { requests.append(MntRequest(link.statRequest(fid), fid)) }
        let calls = try link.start(requests, how)
        let asked = MntReads.Asked(offset: offset, count: size, link: link, call: calls[0], changes: changes)
        do throws(SysError) {
            if asks { try learn(calls[1], fid) }
            if isInOrder {
                state.withLock { if $0.reads.window < 2 { $0.reads.window = 2 } }
                try askAhead(fid, changes, after: asked)
            }
        } catch {
            link.forsake(asked.call)
            throw error
        }
        return asked
    }

    /// Asks for what comes after the last that is under way, or after `first`, as far as the window goes.
    private func askAhead(_ fid: MntFid, _ changes: UInt32, after first: MntReads.Asked? = nil) throws(SysError) {
        while true {
            let next = state.withLock { s -> (UInt64, Int)? in
                guard s.isStored == true, s.reads.asked.count + 1 < s.reads.window,
                    let last = s.reads.asked.last ?? first
                else { return nil }
                let start = last.offset &+ UInt64(last.count)
                guard start < s.reads.length else { return nil }
                let size = min(most, max(last.count, MntReads.chunk))
                guard s.reads.asked.count * size < MntReads.mostBytes else { return nil }
                return (start, min(size, Int(clamping: s.reads.length - start)))
            }
            guard let (offset, size) = next else { return }
            let call = try fid.link.start(
                MntRequest(.read(fid: fid.number, offset: offset, count: UInt32(size)), fid), .try)
            state.withLock {
                $0.reads.asked.append(
                    MntReads.Asked(offset: offset, count: size, link: fid.link, call: call, changes: changes))
            }
        }
    }

    func pollRead(_ offset: UInt64, _ waiter: Waiter?) -> PollEvents {
        let (left, asked) = state.withLock { ($0.reads.left?.offset, $0.reads.asked.first) }
        if left == offset { return .read }
        if let asked, asked.offset == offset { return asked.link.isReady(asked.call, waiter) ? .read : [] }
        do throws(SysError) {
            let fid = try fid()
            let changes = tree.changes.count(qid.path)
            let asked = try ask(min(Self.pollSize, most), at: offset, fid, changes, .try)
            let dropped = state.withLock { s in
                defer { s.reads.asked = [asked] }
                return s.reads.drop()
            }
            for (link, call) in dropped { link.forsake(call) }
            return asked.link.isReady(asked.call, waiter) ? .read : []
        } catch { return [.read, .hangup] }
    }
}

extension MntReads {
    /// The program has not read for a while: what was asked for ahead may be old.
    fileprivate var hasPaused: Bool { last != 0 && MntLink.now &- last > Self.pause }
}
