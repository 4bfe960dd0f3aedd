import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

@Suite(.timeLimit(.minutes(1))) struct MountTests {
    @Test func whatIsServedIsSeen() async throws {
        let tree = TreeServer()
        tree.put("a/b/file", Array("hello".utf8))
        tree.put("top", Array("top of it".utf8))
        try await withTree(tree) { p, _, _ in
            #expect(try p.text("/n/a/b/file") == "hello")
            #expect(try p.names("/n") == ["a", "top"])
            #expect(try p.names("/n/a") == ["b"])
            let dir = try p.stat("/n/a/b/file")
            #expect(dir.name == "file" && dir.length == 5 && dir.owner == "glenda" && dir.type == "M")
            #expect(dir.modified == 2_000_000_000)
            #expect(try p.stat("/n").isDirectory)
            try p.chdir("/n/a/b")
            #expect(try p.text("../../top") == "top of it")
            #expect(try p.text("../b/../b/file") == "hello")
            try p.chdir("/")
        }
    }

    @Test func aRootWithoutANameIsARoot() async throws {
        let server = FakeServer { request, _ in
            guard case .stat = request.message else { return [] }
            var root = LyingTests.directory
            root.name = ""
            return [(request.tag, .raw(LyingTests.frame(.stat(root), request.tag)))]
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            #expect(try p.stat("/n").isDirectory)
        }
    }

    /// Inferno's emu keeps in 16 bits how long a stat may be: what msize leaves of it.
    @Test func aServerThatAgreesToMoreThanItCanDoIsAskedForLess() async throws {
        let server = FakeServer(msize: 24 + 64 * 1024) { request, server in
            guard case .stat = request.message else { return [] }
            let sizes = server.requests.compactMap { if case .version(let size, _) = $0 { Int(size) } else { nil } }
            guard UInt16(truncatingIfNeeded: min(sizes.last ?? 0, 24 + 64 * 1024) - 9) > 512 else {
                return [(request.tag, .reply(.error(ename: "stat buffer too small")))]
            }
            return [(request.tag, .raw(LyingTests.frame(.stat(LyingTests.directory), request.tag)))]
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            #expect(try p.stat("/n").isDirectory)
        }
    }

    /// Also where somebody still looks at the process: at the end of the system nobody waits for that.
    @Test func whoEndsLeavesWhereHeWas() async throws {
        try await inEmu { p in
            let server = TreeServer().server
            let fd = try server.start(p)
            let (a, b) = try p.pipe()
            let pid = try p.spawn([.forkFD, .forkNS], fds: [fd, a]) { c throws(SysError) in
                try c.mount(fd, "/n")
                try c.close(fd)
                try c.chdir("/n")
                _ = try c.read(a, 1)
                return .ok
            }
            try p.close(fd)
            try p.close(a)
            let child = p.system.proc(pid)
            #expect(try inTime { child?.directory == "/n" })
            try p.write(b, "x")
            #expect(try inTime { server.seen.withLock { $0.isGone } })
            _ = try p.wait(.pid(pid))
            withExtendedLifetime(child) {}
        }
    }

    @Test func filesAreMadeWrittenChangedAndRemoved() async throws {
        try await withTree { p, tree, _ in
            try p.put("/n/new", "first")
            #expect(try p.text("/n/new") == "first")
            try p.put("/n/new", "second")
            #expect(try p.text("/n/new") == "second")
            try p.mkdir("/n/dir")
            try p.put("/n/dir/x", "x")
            #expect(code { () throws(SysError) in try p.remove("/n/dir") } == .notEmpty)
            try p.wstat("/n/dir/x", DirChange(mode: FileMode(rawValue: 0o600), length: 0))
            #expect(try p.stat("/n/dir/x").length == 0)
            #expect(try p.stat("/n/dir/x").mode.permissions == 0o600)
            try p.rename("/n/dir/x", "/n/dir/y")
            #expect(try p.names("/n/dir") == ["y"])
            try p.put("/n/dir/z", "z")
            try p.rename("/n/dir/z", "/n/dir/y")
            #expect(try p.names("/n/dir") == ["y"])
            #expect(try p.text("/n/dir/y") == "z")
            #expect(code { () throws(SysError) in try p.rename("/n/dir/y", "/n/y") } == .crossDevice)
            try p.remove("/n/dir/y")
            try p.remove("/n/dir")
            #expect(try p.names("/n") == ["new"])
        }
    }

    /// Sizes around those of a message, and reads of odd sizes.
    @Test(arguments: [(8192, 1), (8192, 100_000), (65536, 65512), (65536, 65513), (1 << 20, 300_000)])
    func dataComeAndGoWhole(msize: Int, size: Int) async throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try await withTree(TreeServer(most: msize)) { p, _, _ in
            let fd = try p.create("/n/f", .readWrite, FileMode(rawValue: 0o644))
            try p.write(fd, bytes)
            try p.seek(fd, 0)
            #expect(try p.readn(fd, size + 1) == bytes)
            for step in [1000, 4096, 70_000] {
                try p.seek(fd, 0)
                var got: [UInt8] = []
                while case let part = try p.read(fd, step), !part.isEmpty { got += part }
                #expect(got == bytes)
            }
            try p.close(fd)
        }
    }

    @Test func aLongDirectoryIsReadWhole() async throws {
        let tree = TreeServer(most: 8192)
        let names = (0..<1000).map { "file\($0)" }
        for name in names { tree.put(name, []) }
        try await withTree(tree) { p, _, _ in
            for limit in [7, 5000] {
                let got = try p.names("/n", limit: limit)
                #expect(got == names)
            }
        }
    }

    @Test func errorsAreTheServersOwn() async throws {
        let server = FakeServer { request, _ in
            switch request.message {
            case .walk(_, _, let names):
                let known = ["gone": "No such file or directory", "odd": "the moon is full"]
                return [(request.tag, .reply(.error(ename: names.first.flatMap { known[$0] } ?? "permission denied")))]
            default: return []
            }
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            #expect(code { () throws(SysError) in _ = try p.stat("/n/gone") } == .nonexist)
            #expect(code { () throws(SysError) in _ = try p.stat("/n/secret") } == .perm)
            #expect(
                thrown { () throws(SysError) in _ = try p.open("/n/odd") }?.description == "'/n/odd' the moon is full")
        }
    }

    @Test func aFailedMountChangesNothing() async throws {
        try await withTree { p, tree, _ in
            let before = p.nameSpaceScript
            let fd = try tree.server.start(p)
            let error = thrown { () throws(SysError) in try p.mount(fd, "/mnt", spec: "other") }
            #expect(error?.sentence == "no such tree")
            #expect(code { () throws(SysError) in try p.mount(fd, "/nowhere") } == .nonexist)
            #expect(p.nameSpaceScript == before)
            // The conversation goes on: another tree may be asked for.
            try p.mount(fd, "/mnt")
            #expect(try p.names("/mnt") == [])
        }
    }

    @Test func fidsAreLetGoOf() async throws {
        let tree = TreeServer()
        for n in 0..<50 { tree.put("d/f\(n)", Array("\(n)".utf8)) }
        try await withTree(tree) { p, tree, _ in
            for _ in 0..<5 {
                for n in 0..<50 { #expect(try p.text("/n/d/f\(n)") == "\(n)") }
                let names = try p.names("/n/d")
                #expect(names.count == 50)
            }
            for n in 0..<200 { #expect(code { () throws(SysError) in _ = try p.stat("/n/d/none\(n)") } == .nonexist) }
            // The root's, and a few that wait to be let go of.
            #expect(tree.fidCount < 40)
        }
    }

    @Test func severalMountsOfOneWireAreOneConversation() async throws {
        try await inEmu { p in
            let server = TreeServer().server
            let fd = try server.start(p)
            try p.mount(fd, "/n")
            try p.mount(fd, "/mnt")
            try p.put("/n/x", "seen twice")
            #expect(try p.text("/mnt/x") == "seen twice")
            let attaches = server.requests.filter { if case .attach = $0 { true } else { false } }
            #expect(attaches.count == 1)
            try p.close(fd)
            try p.unmount(nil, "/n")
            #expect(try p.text("/mnt/x") == "seen twice")
            try p.unmount(nil, "/mnt")
            #expect(try inTime { server.seen.withLock { $0.isGone } })
        }
    }
}
