import Kernel

/// What the system and its programs have to say to whoever keeps watch: the last bytes written, the oldest lost first.
///
/// Each reader goes on where its Chan stands; one that has seen all waits for more.
final class KernelLog: Sendable {
    /// Bytes that are kept.
    static let limit = 64 * 1024

    private struct State {
        var bytes: [UInt8] = []
        /// How many bytes were written before the first that is kept.
        var start: UInt64 = 0

        var end: UInt64 { start + UInt64(bytes.count) }
    }

    private let state = Lock(State())
    private let readers = WaitQueue()

    func append(_ text: [UInt8]) {
        state.withLock { s in
            s.bytes += text
            let excess = s.bytes.count - Self.limit
            guard excess > 0 else { return }
            s.bytes.removeFirst(excess)
            s.start += UInt64(excess)
        }
        readers.wake()
    }

    /// The kernel moves the Chan's offset by what is given; what was lost in between is skipped here.
    func read(into buffer: inout MutableRawSpan, _ c: Chan, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        return try readers.sleep(how) {
            state.withLock { s -> Int? in
                if c.offset < s.start { c.offset = s.start }
                guard c.offset < s.end else { return nil }
                let skip = Int(c.offset - s.start)
                return buffer.copy(s.bytes.span.bytes.extracting(skip..<s.bytes.count))
            }
        }
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        if events.contains(.read) { waiter?.stand(on: readers) }
        return state.withLock { c.offset < $0.end } ? events : events.subtracting(.read)
    }
}
