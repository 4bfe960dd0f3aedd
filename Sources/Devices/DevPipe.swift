import Kernel
import Synchronization

/// Pipes: each attach makes one, with two ends, `data` and `data1`; what is written to one is read from the other.
///
/// A read gives at most what one write wrote. A pipe lives while Chans refer to it; an end is closed when the last
/// open Chan of it is. The corresponding Inferno page is `pipe(3)`.
final class DevPipe: Dev {
    let letter: Character = "|"
    let name = "pipe"
    let instance = Instance.new()

    private let next = Atomic<UInt64>(1)

    /// What stands below a pipe's directory; the low bits of a qid path. The rest is the pipe's number.
    private static let files = [("data", UInt64(1)), ("data1", UInt64(2))]

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard spec.isEmpty else { throw .badSpec }
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return Chan(
            self, qid: Qid(path: number << 2, type: .directory), auxiliary: Pipe(caller.account, caller.clock.now()))
    }

    private func pipe(_ c: Chan) throws(SysError) -> Pipe {
        guard let pipe = c.auxiliary as? Pipe else { throw .hungup }
        return pipe
    }

    /// Which end a Chan of a file is: 0 or 1.
    private func end(_ c: Chan) -> Int { Int(c.qid.path & 3) - 1 }

    func table(of directory: Qid) -> [Dirtab] {
        Self.files.map { Dirtab($0.0, Qid(path: directory.path & ~3 | $0.1), mode: 0o600) }
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        for row in table(of: c.qid) where row.name == name { return c.sibling(row.qid, auxiliary: c.auxiliary) }
        throw .nonexist
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        c.sibling(Qid(path: c.qid.path & ~3, type: .directory), auxiliary: c.auxiliary)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let pipe = try pipe(c)
        var entry: Dir
        if c.isDirectory {
            entry = dir(Dirtab("#|", c.qid, mode: 0o500), caller)
        } else {
            let row = Dirtab(Self.files[end(c)].0, c.qid, length: UInt64(pipe.waiting(at: end(c))), mode: 0o600)
            entry = dir(row, caller)
        }
        (entry.accessed, entry.modified, entry.changed) = (pipe.made, pipe.made, pipe.made)
        return entry
    }

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard mode.access != 3 else { throw .perm }
        if !c.isDirectory { try pipe(c).open(end(c)) }
        return c.opened(mode)
    }

    func close(_ c: Chan) {
        if !c.isDirectory, let pipe = c.auxiliary as? Pipe { pipe.close(end(c)) }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try pipe(c).lane(to: end(c)).read(into: &buffer, how)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try pipe(c).lane(to: 1 - end(c)).write(bytes, how)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard !c.isDirectory, let pipe = c.auxiliary as? Pipe else { return events.intersection([.read, .write]) }
        let incoming = pipe.lane(to: end(c)).poll(reading: events.contains(.read), waiter)
        return incoming.union(pipe.lane(to: 1 - end(c)).poll(writing: events.contains(.write), waiter))
    }

    func seekable(_ c: Chan) -> Bool { false }
}

/// Both directions of a pipe, and how many Chans are open at each end.
private final class Pipe: Sendable {
    let made: Int64
    private let lanes: (Lane, Lane)
    private let opens = Lock((0, 0))

    init(_ account: Account, _ now: Int64) {
        made = now
        lanes = (Lane(account), Lane(account))
    }

    /// What is read at `end`.
    func lane(to end: Int) -> Lane { end == 0 ? lanes.0 : lanes.1 }

    /// Bytes that can be read at `end`.
    func waiting(at end: Int) -> Int { lane(to: end).count }

    func open(_ end: Int) throws(SysError) {
        try opens.withLock { (n) throws(SysError) in
            guard !lane(to: end).isClosed else { throw .hungup }
            if end == 0 { n.0 += 1 } else { n.1 += 1 }
        }
    }

    /// The last Chan of an end hangs up both directions: nobody reads what comes, and no more is written from here.
    func close(_ end: Int) {
        let last = opens.withLock { n -> Bool in
            if end == 0 { n.0 -= 1 } else { n.1 -= 1 }
            return (end == 0 ? n.0 : n.1) == 0
        }
        guard last else { return }
        lane(to: end).closeReader()
        lane(to: 1 - end).closeWriter()
    }
}

/// One direction of a pipe: blocks as they were written. The state's lock, then its queues.
private final class Lane: Sendable {
    /// A write waits while this many bytes stand in the queue; one block may pass it.
    static let highWater = 128 * 1024
    /// The largest block; a longer write is several.
    static let blockLimit = 128 * 1024

    /// Blocks whose storage is kept: smaller ones cost the allocator nothing, larger ones are copied for longer.
    static let spareSizes = 1024...8192

    fileprivate struct State {
        var blocks: [[UInt8]] = []
        /// Storage of blocks that were read.
        var spares: [[UInt8]] = []
        /// The first block that is not read, and where in it the next read begins.
        var head = 0
        var position = 0
        var count = 0
        var readerGone = false
        var writerGone = false
    }

    private let state = Lock(State())
    private let readers = WaitQueue()
    private let writers = WaitQueue()
    private let account: Account

    init(_ account: Account) { self.account = account }

    deinit { account.credit(.pipes, state.withLock { $0.count }) }

    var count: Int { state.withLock { $0.count } }
    var isClosed: Bool { state.withLock { $0.readerGone } }

    func read(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        var drained = false
        let room = buffer.byteCount
        let part = try readers.sleep(how) {
            state.withLock { s -> Part? in
                guard s.count > 0 || s.writerGone else { return nil }
                let before = s.count
                let part = s.take(room)
                drained = before >= Self.highWater / 2 && s.count < Self.highWater / 2
                return part
            }
        }
        if drained { writers.wake() }
        let n = buffer.copy(part.block.span.bytes.extracting(part.range))
        if n > 0 { account.credit(.pipes, n) }
        if part.isLast, Self.spareSizes.contains(part.block.count) { state.withLock { $0.keep(part.block) } }
        return n
    }

    func write(_ bytes: RawSpan, _ how: How) throws(SysError) -> Int {
        var done = 0
        repeat {
            let size = min(bytes.byteCount - done, Self.blockLimit)
            let block = bytes.extracting(done..<done + size)
            do throws(SysError) { try put(block, done == 0 ? how : .wait) } catch {
                if done > 0, error.code == .interrupted { return done }
                throw error
            }
            done += size
        } while done < bytes.byteCount && how == .wait
        return done
    }

    private func put(_ block: RawSpan, _ how: How) throws(SysError) {
        let size = block.byteCount
        try account.charge(.pipes, size)
        let copy: [UInt8]
        if Self.spareSizes.contains(size), var spare = state.withLock({ $0.spare(size) }) {
            var span = spare.mutableSpan
            var bytes = span.mutableBytes
            bytes.copy(block)
            copy = spare
        } else {
            copy = [UInt8](copying: block)
        }
        var wasEmpty = false
        do throws(SysError) {
            try writers.sleep(how) { () throws(SysError) -> Void? in
                try state.withLock { (s) throws(SysError) -> Void? in
                    guard !s.readerGone else { throw .closedPipe }
                    guard s.count < Self.highWater else { return nil }
                    guard size > 0 else { return () }
                    wasEmpty = s.count == 0
                    s.blocks.append(copy)
                    s.count += size
                    return ()
                }
            }
        } catch {
            account.credit(.pipes, size)
            throw error
        }
        if wasEmpty { readers.wake() }
    }

    func closeReader() {
        state.withLock { $0.readerGone = true }
        writers.wake()
        readers.wake()
    }

    func closeWriter() {
        state.withLock { $0.writerGone = true }
        readers.wake()
    }

    /// Registers before it looks, so that a change in between fires the waiter.
    func poll(reading wanted: Bool, _ waiter: Waiter?) -> PollEvents {
        if wanted { waiter?.stand(on: readers) }
        return state.withLock { s in
            var got: PollEvents = s.writerGone ? .hangup : []
            if wanted, s.count > 0 || s.writerGone { got.insert(.read) }
            return got
        }
    }

    func poll(writing wanted: Bool, _ waiter: Waiter?) -> PollEvents {
        if wanted { waiter?.stand(on: writers) }
        return state.withLock { s in
            if s.readerGone { return wanted ? [.write, .error] : [] }
            return wanted && s.count < Self.highWater ? .write : []
        }
    }
}

/// What a read takes of a block, to be copied without a lock.
private struct Part {
    var block: [UInt8] = []
    var range = 0..<0
    /// Nothing of the block is left in the queue.
    var isLast = false
}

extension Lane.State {
    /// The front of the first block, at most `room` bytes.
    mutating func take(_ room: Int) -> Part {
        guard count > 0 else { return Part() }
        var part = Part(block: blocks[head])
        let end = min(part.block.count, position + room)
        part.range = position..<end
        count -= part.range.count
        guard end == part.block.count else {
            position = end
            return part
        }
        part.isLast = true
        blocks[head] = []
        head += 1
        position = 0
        if head == blocks.count {
            blocks.removeAll(keepingCapacity: blocks.count < 64)
            head = 0
        } else if head > 64, head * 2 > blocks.count {
            blocks.removeFirst(head)
            head = 0
        }
        return part
    }

    /// Keeps the storage of a block that was read: writers often write blocks of one size.
    mutating func keep(_ block: [UInt8]) {
        if spares.count < 4 { spares.append(block) }
    }

    /// Storage of just that size, where the last that was kept has it; others make room for what is in use now.
    mutating func spare(_ size: Int) -> [UInt8]? {
        guard let last = spares.popLast() else { return nil }
        return last.count == size ? last : nil
    }
}
