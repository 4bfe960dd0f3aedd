import Kernel

/// The way to a client: frames of several Threads go out whole, one Thread's after the other's.
final class ExportOutput: Sendable {
    private let chan: Chan
    private let caller: Caller
    private let isTaken = Lock(false)
    private let free = WaitQueue()

    init(_ chan: Chan, _ caller: Caller) {
        self.chan = chan
        self.caller = caller
    }

    /// Waits for the turn, has `body` add to `out` or take from it, and writes all that is there then. What is written
    /// comes before whatever the next one's `body` decides. A client that does not read makes everybody wait: that is
    /// how it is slowed down. `pages` are the end of the last frame.
    func send(
        _ out: inout FrameWriter, _ pages: Conduit? = nil, _ body: (inout FrameWriter) -> Void = { _ in }
    ) throws(SysError) {
        try patiently { () throws(SysError) in
            try free.sleep { isTaken.withLock { taken -> Void? in taken ? nil : (taken = true) } }
        }
        defer {
            isTaken.withLock { $0 = false }
            free.wakeOne()
        }
        body(&out)
        defer { out.removeAll() }
        var done = 0
        while done < out.count {
            let n = try patiently { () throws(SysError) in
                try chan.dev.write(
                    chan, out.buffer.span.extracting(done..<out.count).bytes, at: chan.offset, caller, .wait)
            }
            guard n > 0 else { throw .io }
            done += n
            chan.offset &+= UInt64(n)
        }
        guard let pages else { return }
        let isDone = try patiently { () throws(SysError) in try chan.dev.drain(pages, into: chan, caller, .wait) }
        // It took them when it was asked, and is in others' hands now.
        guard isDone else { throw .io }
    }

    /// Whether `conduit`, which is empty, can be drained to the client.
    func takes(_ conduit: Conduit) -> Bool {
        do throws(SysError) { return try chan.dev.drain(conduit, into: chan, caller, .try) } catch { return false }
    }

    /// A frame that has begun is ended: what is flushed meanwhile does not interrupt it.
    private func patiently<T>(_ body: () throws(SysError) -> T) throws(SysError) -> T {
        while true {
            do throws(SysError) { return try body() } catch {
                guard error.code == .interrupted else { throw error }
            }
        }
    }
}
