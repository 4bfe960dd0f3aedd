import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// What is asked for before it is needed, and what is believed without asking: how often it saves a round trip, and that
/// nobody sees what is no longer so.
@Suite(.timeLimit(.minutes(1))) struct AheadTests {
    static func bytes(_ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) } }

    @Test func readsInOrderAreAskedForAhead() async throws {
        let tree = TreeServer()
        let bytes = Self.bytes(4 << 20)
        tree.put("f", bytes)
        try await withTree(tree) { p, _, server in
            let fd = try p.open("/n/f")
            let before = server.requests.count
            var got: [UInt8] = []
            while case let part = try p.read(fd, 65536), !part.isEmpty { got += part }
            #expect(got == bytes)
            // As many reads as it takes, and not one for each that was asked.
            let reads = server.requests[before...].filter { if case .read = $0 { true } else { false } }
            #expect(reads.count < 80)
            try p.close(fd)
        }
    }

    @Test func smallReadsInOrderAreFewMessages() async throws {
        let tree = TreeServer()
        let bytes = Self.bytes(300_000)
        tree.put("f", bytes)
        try await withTree(tree) { p, _, server in
            let fd = try p.open("/n/f")
            let before = server.requests.count
            var got: [UInt8] = []
            while case let part = try p.read(fd, 100), !part.isEmpty { got += part }
            #expect(got == bytes)
            #expect(server.requests.count - before < 40)
            try p.close(fd)
        }
    }

    /// A file of a device says no length: what it has is read once.
    @Test func whatSaysNoLengthIsNotReadAhead() async throws {
        let server = FakeServer { request, _ in
            let file = Qid(path: 3)
            switch request.message {
            case .walk(_, _, let names): return [(request.tag, .reply(.walk(qids: names.map { _ in file })))]
            case .open: return [(request.tag, .reply(.open(qid: file, iounit: 0)))]
            case .stat:
                let stat = Stat(
                    type: 0, dev: 0, qid: file, mode: [], atime: 0, mtime: 0, length: 0, name: "x", uid: "", gid: "",
                    muid: "")
                return [(request.tag, .reply(.stat(stat)))]
            case .read(_, _, let count):
                let data = [UInt8](repeating: 1, count: Int(count))
                return [(request.tag, .reply(.read(count: count), data: data))]
            case .write(_, _, let count): return [(request.tag, .reply(.write(count: count)))]
            default: return []
            }
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            let fd = try p.open("/n/x", .readWrite)
            for n in 1...5 {
                #expect(try p.read(fd, 1000).count == 1000)
                let reads = server.requests.filter { if case .read = $0 { true } else { false } }
                #expect(reads.count == n)
            }
            try p.seek(fd, 0)
            for n in 1...5 {
                let before = server.rounds
                try p.write(fd, [UInt8](repeating: 1, count: 1000))
                let writes = server.requests.filter { if case .write = $0 { true } else { false } }
                #expect(writes.count == n && server.rounds > before)
            }
        }
    }

    @Test func aChangeByUsIsSeenAtOnce() async throws {
        let tree = TreeServer()
        tree.put("f", [UInt8](repeating: 1, count: 1 << 20))
        try await withTree(tree) { p, _, _ in
            let reader = try p.open("/n/f")
            let writer = try p.open("/n/f", .write)
            for _ in 0..<3 { #expect(try p.read(reader, 10_000).allSatisfy { $0 == 1 }) }
            try p.seek(writer, 30_000)
            try p.write(writer, [UInt8](repeating: 2, count: 500_000))
            #expect(try p.read(reader, 10_000).allSatisfy { $0 == 2 })
            // Writes that follow are answered later: who asks about the file waits for that.
            try p.write(writer, [UInt8](repeating: 3, count: 600_000))
            #expect(try p.stat("/n/f").length == 1_130_000)
            #expect(try p.fstat(reader).length == 1_130_000)
            try p.seek(reader, 1_129_000)
            #expect(try p.read(reader, 10_000) == [UInt8](repeating: 3, count: 1000))
        }
    }

    @Test func aLateFailureIsToldAtClose() async throws {
        let full = Lock(0)
        let server = FakeServer { request, _ in
            let file = Qid(path: 3)
            switch request.message {
            case .walk(_, _, let names):
                guard names.isEmpty else { return [(request.tag, .reply(.error(ename: "file does not exist")))] }
                return [(request.tag, .reply(.walk(qids: [])))]
            case .create: return [(request.tag, .reply(.create(qid: file, iounit: 0)))]
            case .write(_, _, let count):
                let n = full.withLock { n in
                    n += 1
                    return n
                }
                if n == 4 { return [(request.tag, .reply(.error(ename: "no space left on device")))] }
                return [(request.tag, .reply(.write(count: count)))]
            case .wstat: return [(request.tag, .reply(.wstat))]
            default: return []
            }
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            let fd = try p.create("/n/x", .write, FileMode(rawValue: 0o644))
            for _ in 0..<5 { try p.write(fd, [UInt8](repeating: 1, count: 1000)) }
            #expect(code { () throws(SysError) in try p.fsync(fd) } == .noSpace)
            // It was told once.
            try p.fsync(fd)
            full.withLock { $0 = 1 }
            for _ in 0..<5 { try p.write(fd, [UInt8](repeating: 1, count: 1000)) }
            #expect(code { () throws(SysError) in try p.close(fd) } == .noSpace)
        }
    }

    /// Round trips of the usual calls.
    @Test func callsTakeFewRounds() async throws {
        let tree = TreeServer()
        tree.put("d/e/f", Array("text".utf8))
        try await withTree(tree) { p, _, server in
            func rounds(_ body: () throws(SysError) -> Void) throws(SysError) -> Int {
                let before = server.rounds
                try body()
                return server.rounds - before
            }
            #expect(try rounds { () throws(SysError) in _ = try p.stat("/n/d/e/f") } == 1)
            #expect(try rounds { () throws(SysError) in _ = try? p.stat("/n/none") } == 1)
            let opened = Lock<Int32>(-1)
            #expect(
                try rounds { () throws(SysError) in
                    let fd = try p.open("/n/d/e/f")
                    opened.withLock { $0 = fd }
                } == 1)
            let fd = opened.withLock { $0 }
            // What the file is came with the open.
            #expect(try rounds { () throws(SysError) in _ = try p.fstat(fd) } == 0)
            #expect(try rounds { () throws(SysError) in _ = try p.read(fd, 100) } == 1)
            try p.close(fd)
        }
    }

    /// As find(1) goes about: a file costs a small part of a round trip.
    @Test(arguments: [Dialect.plan9, .linux]) func aWalkOverATreeTakesFewRounds(dialect: Dialect) async throws {
        let tree = TreeServer(dialect)
        for d in 0..<50 {
            for f in 0..<20 { tree.put("top/d\(d)/f\(f)", []) }
        }
        try await withTree(tree) { p, _, server in
            let before = server.rounds
            var paths = ["/n/top"]
            var files = 0
            while let path = paths.popLast() {
                let fd = try p.open(path)
                #expect(try p.fstat(fd).isDirectory)
                while case let some = try p.dirread(fd), !some.isEmpty {
                    paths += some.filter(\.isDirectory).map { "\(path)/\($0.name)" }
                    files += some.filter { !$0.isDirectory }.count
                }
                try p.close(fd)
            }
            #expect(files == 1000)
            let rounds = server.rounds - before
            #expect(rounds <= 200, "\(rounds) rounds")
        }
    }

    @Test func aListingAnswersTheStatsThatFollow() async throws {
        let tree = TreeServer()
        for n in 0..<100 { tree.put("d/f\(n)", []) }
        try await withTree(tree) { p, _, server in
            let names = try p.names("/n/d")
            let before = server.rounds
            for name in names { _ = try p.stat("/n/d/\(name)") }
            // The directory's fid may still be let go of.
            #expect(server.rounds <= before + 1)
            // Once: who asks again wants to know what is so now.
            let stats = server.requests.filter { if case .stat = $0 { true } else { false } }
            _ = try p.stat("/n/d/f1")
            #expect(server.requests.filter { if case .stat = $0 { true } else { false } }.count == stats.count + 1)
            _ = try p.names("/n/d")
            try p.wstat("/n/d/f2", DirChange(mode: FileMode(rawValue: 0o600)))
            #expect(try p.stat("/n/d/f2").mode.permissions == 0o600)
            #expect(try p.stat("/n/d/f3").mode.permissions == 0o644)
        }
    }
}
