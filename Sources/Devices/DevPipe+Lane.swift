import Host
import Kernel

/// One direction of a pipe: blocks as they were written. The state's lock, then its queues.
///
/// Once an end of it was lent it is a pipe of the host's, of which each end is held here as long as one of us has it open;
/// what stood in the queue went first.
final class Lane: Sendable {
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
        /// It is a pipe of the host's: our own ends of that, where they are not closed.
        var isHost = false
        var input: PolledStream?
        var output: PolledStream?
    }

    /// What a call finds.
    private enum Found<T> {
        case queue(T)
        case host(PolledStream?)
    }

    private let state = Lock(State())
    private let readers = WaitQueue()
    private let writers = WaitQueue()
    private let account: Account

    init(_ account: Account) { self.account = account }

    deinit { account.credit(.pipes, state.withLock { $0.count }) }

    /// Bytes that can be read.
    var count: Int {
        let (count, input) = state.withLock { ($0.count, $0.input) }
        guard let pipe = input?.stream as? HostStream else { return count }
        return HostFiles.waiting(pipe.number)
    }
    var isClosed: Bool { state.withLock { $0.readerGone } }

    func read(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        var drained = false
        let room = buffer.byteCount
        let found = try readers.sleep(how) {
            state.withLock { s -> Found<Part>? in
                if s.isHost { return .host(s.input) }
                guard s.count > 0 || s.writerGone else { return nil }
                let before = s.count
                let part = s.take(room)
                drained = before >= Self.highWater / 2 && s.count < Self.highWater / 2
                return .queue(part)
            }
        }
        guard case .queue(let part) = found else {
            guard case .host(let input?) = found else { return 0 }
            return try input.read(into: &buffer, how)
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
            do throws(SysError) {
                if case .host(let output) = try put(block, done == 0 ? how : .wait) {
                    guard let output else { throw .closedPipe }
                    return done + (try output.write(bytes.extracting(done..<bytes.byteCount), how))
                }
            } catch {
                if done > 0, error.code == .interrupted { return done }
                throw error
            }
            done += size
        } while done < bytes.byteCount && how == .wait
        return done
    }

    private func put(_ block: RawSpan, _ how: How) throws(SysError) -> Found<Void> {
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
        let found: Found<Void>
        do throws(SysError) {
            found = try writers.sleep(how) { () throws(SysError) -> Found<Void>? in
                try state.withLock { (s) throws(SysError) -> Found<Void>? in
                    if s.isHost { return .host(s.output) }
                    guard !s.readerGone else { throw .closedPipe }
                    guard s.count < Self.highWater else { return nil }
                    guard size > 0 else { return .queue(()) }
                    wasEmpty = s.count == 0
                    s.blocks.append(copy)
                    s.count += size
                    return .queue(())
                }
            }
        } catch {
            account.credit(.pipes, size)
            throw error
        }
        if case .host = found { account.credit(.pipes, size) }
        if wasEmpty { readers.wake() }
        return found
    }

    func closeReader() {
        let input = state.withLock { s in
            s.readerGone = true
            return s.input.take()
        }
        withExtendedLifetime(input) {}
        writers.wake()
        readers.wake()
    }

    func closeWriter() {
        let output = state.withLock { s in
            s.writerGone = true
            return s.output.take()
        }
        withExtendedLifetime(output) {}
        readers.wake()
    }

    // MARK: lending

    /// An end of the host's pipe for a program of the host, apart from ours. The end is open here.
    func lend(_ access: HostFiles.Access) throws(SysError) -> HostFd {
        let count = try state.withLock { (s) throws(SysError) in try s.becomeHost() }
        if count > 0 { account.credit(.pipes, count) }
        readers.wake()
        writers.wake()
        let stream = state.withLock { access == .read ? $0.input : $0.output }
        guard let pipe = stream?.stream as? HostStream else { throw .hungup }
        // While somebody has both ends either can be opened, whether the other is or not.
        let both = try HostFiles.again(pipe.number, .readWrite, waits: false)
        return try HostFiles.again(both.number, access)
    }

    /// Our ends of the host's pipe; nil where it is a queue.
    private var host: (PolledStream?, PolledStream?)? {
        state.withLock { $0.isHost ? ($0.input, $0.output) : nil }
    }

    /// Registers before it looks, so that a change in between fires the waiter.
    func poll(reading wanted: Bool, _ waiter: Waiter?) -> PollEvents {
        if wanted { waiter?.stand(on: readers) }
        if let (input, _) = host {
            let got = input?.poll(wanted ? .read : [], waiter) ?? .hangup
            return got.contains(.hangup) && wanted ? got.union(.read) : got
        }
        return state.withLock { s in
            var got: PollEvents = s.writerGone ? .hangup : []
            if wanted, s.count > 0 || s.writerGone { got.insert(.read) }
            return got
        }
    }

    func poll(writing wanted: Bool, _ waiter: Waiter?) -> PollEvents {
        if wanted { waiter?.stand(on: writers) }
        if let (_, output) = host {
            guard wanted else { return [] }
            let got = output?.poll(.write, waiter) ?? .error
            return got.contains(.error) ? [.write, .error] : got
        }
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

    /// Makes a pipe of the host's of it, with what stands in the queue; how many bytes those were. Nothing of it waits.
    /// Throws, with nothing changed, where the host has none so large.
    fileprivate mutating func becomeHost() throws(SysError) -> Int {
        guard !isHost else { return 0 }
        let pipe = try HostStream.pipe(room: count)
        var first = position
        for block in blocks[head...] {
            let bytes = block.span.bytes.extracting(first..<block.count)
            guard try HostIO.write(pipe.writing.number, bytes) == bytes.byteCount else { throw .noMemory }
            first = 0
        }
        isHost = true
        if !readerGone { input = PolledStream(pipe.reading) }
        if !writerGone { output = PolledStream(pipe.writing) }
        defer { (blocks, spares, head, position, count) = ([], [], 0, 0, 0) }
        return count
    }
}
