import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// Waits that are interrupted, killed, stopped, too long, or ended by a hang-up.
@Suite(.timeLimit(.minutes(1))) struct WaitTests {
    static let file = Qid(path: 5)

    /// Serves files: those whose name begins with `slow` are read when the test says so, `Late` says what a Tflush brings.
    final class SlowServer: Sendable {
        struct State {
            var held: [(tag: UInt16, message: Tmessage)] = []
            var busy: Set<UInt16> = []
            var faults: [String] = []
            var names: [UInt32: String] = [:]
        }

        let state = Lock(State())
        /// What comes before the Rflush of a request that is held.
        private let late: @Sendable (Tmessage) -> Rmessage?
        private let answersFlush: Bool

        init(answersFlush: Bool = true, late: @escaping @Sendable (Tmessage) -> Rmessage? = { _ in nil }) {
            self.late = late
            self.answersFlush = answersFlush
        }

        var held: Int { state.withLock { $0.held.count } }

        var server: FakeServer { FakeServer { request, _ in self.state.withLock { self.answer(request, &$0) } } }

        private func answer(_ request: Request, _ s: inout State) -> [(tag: UInt16, answer: Answer)] {
            if !s.busy.insert(request.tag).inserted { s.faults.append("tag \(request.tag) is used twice") }
            func done(_ tag: UInt16, _ reply: Rmessage, _ data: [UInt8] = []) -> (tag: UInt16, answer: Answer) {
                s.busy.remove(tag)
                return (tag, .reply(reply, data: data))
            }
            func hold() -> [(tag: UInt16, answer: Answer)] {
                s.held.append((request.tag, request.message))
                return [(request.tag, .nothing)]
            }
            switch request.message {
            case .walk(let fid, let newfid, let names):
                let name = names.last ?? s.names[fid] ?? ""
                s.names[newfid] = name
                if name == "slowwalk" { return hold() }
                if name == "answer" {
                    // All that is held is answered, the last first.
                    let held = s.held.reversed()
                    s.held = []
                    return held.map { done($0.tag, .read(count: 0), Array("\($0.tag)".utf8)) }
                        + [done(request.tag, .walk(qids: names.map { _ in WaitTests.file }))]
                }
                if name == "hangup" { return [(request.tag, .hangUp)] }
                return [done(request.tag, .walk(qids: names.map { _ in WaitTests.file }))]
            case .open(let fid, _):
                if s.names[fid] == "slowopen" { return hold() }
                return [done(request.tag, .open(qid: WaitTests.file, iounit: 0))]
            case .read: return hold()
            case .stat:
                let stat = Stat(
                    type: 0, dev: 0, qid: WaitTests.file, mode: [], atime: 0, mtime: 0, length: 0, name: "x", uid: "",
                    gid: "", muid: "")
                return [done(request.tag, .stat(stat))]
            case .flush(let old):
                guard answersFlush else { return [(request.tag, .nothing)] }
                guard let i = s.held.firstIndex(where: { $0.tag == old }) else { return [done(request.tag, .flush)] }
                let (tag, message) = s.held.remove(at: i)
                defer { s.busy.remove(tag) }
                let data = Array("late".utf8)
                return (late(message).map { [(tag, .reply($0, data: data))] } ?? []) + [done(request.tag, .flush)]
            default:
                s.busy.remove(request.tag)
                return []
            }
        }
    }

    /// A child that opens `path` and reads it, and what it got: text, or the error's sentence.
    static func reader(
        _ p: Proc, _ path: String, _ got: Results, handles: Bool = false
    ) throws(SysError) -> Int32 {
        try p.spawn(.forkFD, fds: []) { c throws(SysError) in
            if handles { c.onNote(.handle { _ in true }) }
            do throws(SysError) {
                let fd = try c.open(path)
                got.add(String(decoding: try c.read(fd, 100), as: UTF8.self))
            } catch { got.add(error.sentence) }
            return .ok
        }
    }

    final class Results: Sendable {
        private let all = Lock([String]())
        var list: [String] { all.withLock { $0 } }
        func add(_ text: String) { all.withLock { $0.append(text) } }
    }

    static func mounted<T: Sendable>(
        _ slow: SlowServer, limit: UInt64 = ServerOptions.usualTimeLimit,
        _ body: @Sendable (Proc, SlowServer, FakeServer) throws -> T
    ) async throws -> T {
        try await inEmu { p in
            let server = slow.server
            let fd = try server.start(p)
            try p.mount(fd, "/n", options: ServerOptions(timeLimit: limit))
            try p.close(fd)
            let result = try body(p, slow, server)
            #expect(slow.state.withLock { $0.faults } == [])
            return result
        }
    }

    @Test func anInterruptedReadIsFlushed() async throws {
        try await Self.mounted(SlowServer()) { p, slow, server in
            let got = Results()
            let pid = try Self.reader(p, "/n/slow", got, handles: true)
            #expect(try inTime { slow.held == 1 })
            p.system.proc(pid)?.post(.interrupt)
            _ = try p.wait(.pid(pid))
            #expect(got.list == ["interrupted"])
            #expect(slow.held == 0)
            let flushes = server.requests.filter { if case .flush = $0 { true } else { false } }
            #expect(flushes.count == 1)
            _ = try p.stat("/n/x")
        }
    }

    @Test func aReplyThatComesBeforeTheFlushStands() async throws {
        let slow = SlowServer { message in if case .read = message { .read(count: 4) } else { nil } }
        try await Self.mounted(slow) { p, slow, _ in
            let got = Results()
            let pid = try Self.reader(p, "/n/slow", got, handles: true)
            #expect(try inTime { slow.held == 1 })
            p.system.proc(pid)?.post(.interrupt)
            _ = try p.wait(.pid(pid))
            #expect(got.list == ["late"])
        }
    }

    /// A killed process waits for nothing; what the late reply made at the server is clunked.
    @Test(arguments: ["slowwalk", "slowopen", "slow"]) func whatALateReplyLeavesIsClunked(name: String) async throws {
        let slow = SlowServer { message in
            switch message {
            case .walk(_, _, let names): .walk(qids: names.map { _ in WaitTests.file })
            case .open: .open(qid: WaitTests.file, iounit: 0)
            default: nil
            }
        }
        try await Self.mounted(slow) { p, slow, server in
            let got = Results()
            let pid = try Self.reader(p, "/n/\(name)", got)
            #expect(try inTime { slow.held == 1 })
            p.system.proc(pid)?.kill()
            _ = try p.wait(.pid(pid))
            // Whoever comes next reads what has come meanwhile; clunks go with requests.
            // The last stat's own is not clunked yet.
            var left = 0
            for _ in 0..<1000 {
                _ = try p.stat("/n/x")
                left = server.unclunked
                if left == 1 { break }
                try p.sleep(milliseconds: 1)
            }
            #expect(left == 1)
        }
    }

    @Test func whoIsKilledWhileReadingTheWireKeepsNobody() async throws {
        try await Self.mounted(SlowServer()) { p, slow, _ in
            let got = Results()
            let first = try Self.reader(p, "/n/slow1", got)
            #expect(try inTime { slow.held == 1 })
            let second = try Self.reader(p, "/n/slow2", got)
            #expect(try inTime { slow.held == 2 })
            p.system.proc(first)?.kill()
            _ = try p.wait(.pid(first))
            _ = try p.stat("/n/answer")
            _ = try p.wait(.pid(second))
            #expect(got.list.count == 2)
        }
    }

    @Test func whoIsStoppedWhileReadingTheWireKeepsNobody() async throws {
        try await Self.mounted(SlowServer()) { p, slow, _ in
            let got = Results()
            let first = try Self.reader(p, "/n/slow1", got)
            #expect(try inTime { slow.held == 1 })
            let second = try Self.reader(p, "/n/slow2", got)
            #expect(try inTime { slow.held == 2 })
            p.system.proc(first)?.stop()
            for _ in 0..<20 { _ = try p.stat("/n/x") }
            _ = try p.stat("/n/answer")
            _ = try p.wait(.pid(second))
            #expect(got.list.count == 1)
            p.system.proc(first)?.post(Note("continue"))
            _ = try p.wait(.pid(first))
            #expect(got.list.count == 2)
        }
    }

    /// A server that takes nothing keeps a writer waiting; who is stopped there spins not, and is killed there at once.
    @Test func whoIsStoppedWhileWritingTheWireSleeps() async throws {
        try await inEmu { p in
            let (a, b) = try p.pipe()
            let pid = try p.spawn(.forkFD, fds: [b]) { c throws(SysError) in
                var reader = FrameReader(msize: 1 << 20)
                var isOpen = false
                while !isOpen {
                    _ = try reader.fill { (room) throws(SysError) in try c.read(b, into: &room) }
                    var writer = FrameWriter()
                    do {
                        while let place = try reader.next() {
                            let frame = Array(reader.buffer[place])
                            let (tag, message) = try Tmessage.decode(frame.span, .plan9)
                            switch message {
                            case .version:
                                try writer.append(Rmessage.version(msize: 1 << 20, version: "9P2000"), tag: tag)
                            case .attach:
                                try writer.append(Rmessage.attach(qid: Qid(path: 0, type: .directory)), tag: tag)
                            case .walk(_, _, let names):
                                try writer.append(Rmessage.walk(qids: names.map { _ in Self.file }), tag: tag)
                            case .open:
                                try writer.append(Rmessage.open(qid: Self.file, iounit: 0), tag: tag)
                                isOpen = true
                            default: try writer.append(Rmessage.error(ename: "no"), tag: tag)
                            }
                        }
                    } catch { throw SysError("\(error)") }
                    try c.write(b, Array(writer.buffer[..<writer.count]))
                }
                try c.sleep(milliseconds: 60_000)
                return .ok
            }
            try p.mount(a, "/n")
            let writer = try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                let fd = try c.open("/n/x", .write)
                try c.write(fd, [UInt8](repeating: 1, count: 160 << 10))
                return .ok
            }
            // He has waited before, for the file to be opened: now the pipe is full of what he writes.
            #expect(
                try inTime {
                    let waiting = (try? p.fstat(b).length) ?? 0
                    return waiting >= 128 << 10 && p.system.proc(writer)?.isBlocked ?? false
                })
            p.system.proc(writer)?.stop()
            try p.sleep(milliseconds: 100)
            let before = p.system.proc(writer)?.cpuTime ?? 0
            try p.sleep(milliseconds: 300)
            let used = (p.system.proc(writer)?.cpuTime ?? 0) - before
            #expect(used < 20_000_000)
            p.system.proc(writer)?.kill()
            _ = try p.wait(.pid(writer))
            p.system.proc(pid)?.kill()
        }
    }

    @Test func aHundredWaitEachForHisOwnReply() async throws {
        try await Self.mounted(SlowServer()) { p, slow, _ in
            let got = Results()
            for n in 0..<100 { _ = try Self.reader(p, "/n/slow\(n)", got) }
            #expect(try inTime { slow.held == 100 })
            _ = try p.stat("/n/answer")
            for _ in 0..<100 { _ = try p.wait() }
            #expect(Set(got.list).count == 100)
            #expect(got.list.allSatisfy { Int($0) != nil })
        }
    }

    @Test func aHangupEndsAHundredWaits() async throws {
        try await Self.mounted(SlowServer()) { p, slow, _ in
            let got = Results()
            var pids: [Int32] = []
            for n in 0..<100 { pids.append(try Self.reader(p, "/n/slow\(n)", got)) }
            #expect(try inTime { slow.held == 100 })
            #expect(code { () throws(SysError) in _ = try p.stat("/n/hangup") } == .hungup)
            for pid in pids { _ = try p.wait(.pid(pid)) }
            #expect(got.list == [String](repeating: "i/o on hungup channel", count: 100))
            #expect(code { () throws(SysError) in _ = try p.stat("/n/x") } == .shutdown)
        }
    }

    @Test func aSilentServerIsGivenUp() async throws {
        try await Self.mounted(SlowServer(answersFlush: false), limit: 3_000_000_000) { p, slow, _ in
            let got = Results()
            var pids: [Int32] = []
            for n in 0..<10 { pids.append(try Self.reader(p, "/n/slow\(n)", got)) }
            for pid in pids { _ = try p.wait(.pid(pid)) }
            #expect(got.list == [String](repeating: "connection timed out", count: 10))
            #expect(code { () throws(SysError) in _ = try p.stat("/n/x") } == .shutdown)
        }
    }

    /// A file may have nothing to be read for longer than a server may be silent.
    @Test func aSlowFileIsNoSilentServer() async throws {
        try await Self.mounted(SlowServer(), limit: 2_000_000_000) { p, slow, _ in
            let got = Results()
            _ = try Self.reader(p, "/n/slow", got)
            #expect(try inTime { slow.held == 1 })
            try p.sleep(milliseconds: 5000)
            #expect(got.list == [])
            _ = try p.stat("/n/answer")
            _ = try p.wait()
            #expect(got.list.count == 1)
        }
    }

    @Test func aReadThatMayNotWaitIsFetchedLater() async throws {
        try await Self.mounted(SlowServer()) { p, slow, server in
            let fd = try p.open("/n/slow")
            var bytes = [UInt8](repeating: 0, count: 100)
            func attempt() throws(SysError) -> Int {
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                return try p.read(fd, into: &raw, .try)
            }
            for _ in 0..<3 { #expect(code { () throws(SysError) in try attempt() } == .wouldBlock) }
            var list = [Proc.Poll(fd, .read)]
            #expect(try p.poll(&list, milliseconds: 20) == 0)
            let pid = try p.spawn { c throws(SysError) in
                try c.sleep(milliseconds: 50)
                _ = try c.stat("/n/answer")
                return .ok
            }
            #expect(try p.poll(&list, milliseconds: 10_000) == 1)
            #expect(try attempt() > 0)
            _ = try p.wait(.pid(pid))
            let reads = server.requests.filter { if case .read = $0 { true } else { false } }
            #expect(reads.count == 1)
            // What was started and is not wanted is withdrawn.
            #expect(code { () throws(SysError) in try attempt() } == .wouldBlock)
            try p.close(fd)
            _ = try p.stat("/n/x")
            #expect(slow.held == 0)
        }
    }

    /// A poller is told also when it is the only one who could read the wire.
    @Test func whoPollsAloneIsTold() async throws {
        let server = FakeServer { request, _ in
            switch request.message {
            case .walk(_, _, let names): return [(request.tag, .reply(.walk(qids: names.map { _ in Self.file })))]
            case .open: return [(request.tag, .reply(.open(qid: Self.file, iounit: 0)))]
            case .read:
                try? Thread.sleep(nanoseconds: 50_000_000)
                return [(request.tag, .reply(.read(count: 2), data: Array("ok".utf8)))]
            default: return []
            }
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            let fd = try p.open("/n/x")
            var list = [Proc.Poll(fd, .read)]
            #expect(try p.poll(&list, milliseconds: 10_000) == 1)
            #expect(try p.read(fd, 10) == Array("ok".utf8))
        }
    }
}
