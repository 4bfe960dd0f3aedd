import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// A connection that ends, and one that is made in its place.
@Suite(.timeLimit(.minutes(1))) struct ReconnectTests {
    /// A tree that is served by one connection after another, each of which ends when a file called `hangup` is asked for.
    final class Host: Sendable {
        let tree: TreeServer
        private let lines = Lock([FakeServer]())

        init(_ tree: TreeServer) { self.tree = tree }

        var connections: Int { lines.withLock { $0.count } }

        func connect(_ p: Proc) throws(SysError) -> Int32 {
            let server = tree.server(endingAt: "hangup")
            lines.withLock { $0.append(server) }
            return try server.start(p)
        }
    }

    static func mounted<T: Sendable>(
        _ host: Host, caches: Bool = false, _ body: @Sendable (Proc) throws -> T
    ) async throws -> T {
        try await inEmu { p in
            let options = ServerOptions(caches: caches) { () throws(SysError) in
                guard let p = Thread.running?.proc else { throw .hungup }
                let fd = try host.connect(p)
                let wire = try p.fildes(fd)
                try p.close(fd)
                return wire
            }
            let fd = try host.connect(p)
            try p.mount(fd, "/n", options: options)
            try p.close(fd)
            return try body(p)
        }
    }

    @Test func whatIsAskedNextMakesAnotherConnection() async throws {
        let host = Host(TreeServer())
        host.tree.put("a/b/f", Array("0123456789".utf8))
        try await Self.mounted(host) { p in
            let fd = try p.open("/n/a/b/f")
            #expect(try p.read(fd, 4) == Array("0123".utf8))
            try p.chdir("/n/a")
            for n in 1...3 {
                _ = try? p.stat("/n/hangup")
                #expect(try p.stat("b/f").length == 10)
                #expect(try p.text("/n/a/b/f") == "0123456789")
                #expect(host.connections > n)
            }
            #expect(try p.read(fd, 4) == Array("4567".utf8))
            #expect(try p.names("/n/a/b") == ["f"])
            try p.close(fd)
            try p.chdir("/")
        }
    }

    @Test func whatCannotBeDoneTwiceIsReported() async throws {
        let host = Host(TreeServer())
        try await Self.mounted(host) { p in
            let fd = try p.create("/n/f", .readWrite, FileMode(rawValue: 0o644))
            try p.write(fd, "one")
            host.tree.endNext(.Twrite)
            // It follows another, so its failure is told later.
            try p.write(fd, "two")
            #expect(code { () throws(SysError) in try p.fsync(fd) } == .hungup)
            // The file is opened again for what comes after that.
            try p.write(fd, "three")
            #expect(try p.text("/n/f").contains("three"))
            host.tree.endNext(.Tremove)
            #expect(code { () throws(SysError) in try p.remove("/n/f") } == .hungup)
            try p.close(fd)
        }
    }

    @Test(arguments: [(3, true), (20, false)])
    func aConnectionThatEndsAsItBeginsIsMadeAgain(times: Int, works: Bool) async throws {
        let host = Host(TreeServer())
        host.tree.put("f", Array("text".utf8))
        try await Self.mounted(host) { p in
            let fd = try p.open("/n/f")
            host.tree.endNext(.Tattach, times)
            _ = try? p.stat("/n/hangup")
            if works {
                #expect(try p.read(fd, 9) == Array("text".utf8))
            } else {
                #expect(code { () throws(SysError) in _ = try p.read(fd, 9) } == .hungup)
                #expect(host.connections < 20)
            }
        }
    }

    @Test func whereNobodyAnswersTheErrorSaysSo() async throws {
        try await inEmu { p in
            let host = Host(TreeServer())
            let options = ServerOptions { () throws(SysError) in throw .refused }
            try p.mount(try host.connect(p), "/n", options: options)
            _ = try? p.stat("/n/hangup")
            #expect(code { () throws(SysError) in _ = try p.stat("/n/x") } == .refused)
        }
    }

    @Test func whatWasReadIsKeptAsLongAsTheVersionIs() async throws {
        let host = Host(TreeServer())
        let bytes = AheadTests.bytes(300_000)
        host.tree.put("f", bytes)
        try await Self.mounted(host, caches: true) { p in
            func reads() throws -> Int {
                let before = host.tree.count(of: .Tread)
                let fd = try p.open("/n/f")
                let got = try p.readn(fd, 400_000)
                #expect(got.count == 300_000)
                try p.close(fd)
                return host.tree.count(of: .Tread) - before
            }
            #expect(try reads() > 0)
            #expect(try reads() == 0)
            host.tree.put("f", bytes.reversed())
            #expect(try reads() > 0)
            #expect(try reads() == 0)
            let fd = try p.open("/n/f", .write)
            try p.write(fd, "new")
            try p.close(fd)
            #expect(try p.text("/n/f").hasPrefix("new"))
        }
    }
}
