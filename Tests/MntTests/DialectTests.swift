import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

@Suite(.timeLimit(.minutes(1))) struct DialectTests {
    @Test func aServerOfLinuxTellsWhatLinuxHas() async throws {
        let tree = TreeServer(.linux)
        tree.put("a/file", Array("hello".utf8))
        try await withTree(tree) { p, _, _ in
            #expect(try p.text("/n/a/file") == "hello")
            let dir = try p.stat("/n/a/file")
            #expect(dir.name == "file" && dir.length == 5 && dir.owner == "glenda" && dir.ownerID == 1000)
            #expect(dir.modified == 2_000_000_003 && dir.groupID == 7 && dir.space == 512)
            try p.symlink("file", "/n/a/link")
            #expect(try p.readlink("/n/a/link") == "file")
            #expect(try p.text("/n/a/link") == "hello")
            #expect(try p.stat("/n/a/link", follow: false).mode.contains(.symlink))
            try p.link("/n/a/file", "/n/a/other")
            #expect(try p.text("/n/a/other") == "hello")
            let names = try p.names("/n/a")
            #expect(names == ["file", "link", "other"])
            try p.mkdir("/n/b")
            try p.put("/n/b/x", "moved")
            try p.rename("/n/b/x", "/n/a/x")
            #expect(try p.text("/n/a/x") == "moved")
            try p.rename("/n/a/x", "/n/a/file")
            #expect(try p.text("/n/a/file") == "moved")
            try p.wstat("/n/a/file", DirChange(name: "new", mode: FileMode(rawValue: 0o600), length: 2))
            #expect(try p.text("/n/a/new") == "mo")
            #expect(try p.stat("/n/a/new").mode.permissions == 0o600)
            try p.remove("/n/a/new")
            #expect(code { () throws(SysError) in _ = try p.stat("/n/a/new") } == .nonexist)
            let fd = try p.create("/n/c", .write, FileMode(rawValue: 0o644))
            try p.write(fd, "x")
            try p.fsync(fd)
            try p.close(fd)
        }
    }

    /// By its name, which more servers get right than a Tremove; by its fid where the server knows no other way.
    @Test(arguments: [true, false]) func whatIsToBeRemovedInTheEndIs(byName: Bool) async throws {
        let tree = TreeServer(.linux, .init(knowsUnlinkat: byName))
        tree.put("a/old", Array("x".utf8))
        try await withTree(tree) { p, tree, server in
            let old = try p.open("/n/a/old", [.readWrite, .removeOnClose])
            let new = try p.create("/n/a/new", [.readWrite, .removeOnClose], FileMode(rawValue: 0o600))
            try p.write(new, "scratch")
            #expect(try p.names("/n/a").sorted() == ["new", "old"])
            try p.close(old)
            #expect(try inTime { (try? p.names("/n/a")) == ["new"] })
            try p.close(new)
            #expect(try inTime { (try? p.names("/n/a")) == [] })
            #expect(tree.count(of: .Tremove) == (byName ? 0 : 2))
            #expect(try inTime { (try? p.stat("/n/none")) == nil && tree.fidCount < 8 })
        }
    }

    @Test func aLongDirectoryOfLinuxIsReadWhole() async throws {
        let tree = TreeServer(.linux)
        let names = (0..<700).map { "file\($0)" }
        for name in names { tree.put(name, Array(name.utf8)) }
        try await withTree(tree) { p, tree, server in
            for limit in [7, 5000] {
                let got = try p.names("/n", limit: limit)
                #expect(got == names)
            }
            let before = server.rounds
            let fd = try p.open("/n")
            var dirs: [Dir] = []
            while case let some = try p.dirread(fd), !some.isEmpty { dirs += some }
            try p.close(fd)
            #expect(dirs.map(\.length) == names.map { UInt64($0.utf8.count) })
            #expect(server.rounds - before < 150)
            // Fids are let go of with what is asked next.
            #expect(try inTime { (try? p.stat("/n/none")) == nil && tree.fidCount < 40 })
        }
    }

    /// What is asked for, what the server knows, and what is spoken or said.
    @Test(arguments: [
        (Dialect?.none, Dialect.plan9, ""), (nil, .linux, ""), (.plan9, .plan9, ""), (.linux, .linux, ""),
        (.plan9, .linux, "the server does not speak 9P2000"),
        (.linux, .plan9, "the server does not speak 9P2000.L"),
    ])
    func whatBothKnowIsSpoken(asked: Dialect?, known: Dialect, error: String) async throws {
        try await inEmu { p in
            let tree = TreeServer(known)
            tree.put("x", Array("y".utf8))
            let fd = try tree.server.start(p)
            let thrown = thrown { () throws(SysError) in
                try p.mount(fd, "/n", options: ServerOptions(dialect: asked))
            }
            #expect(thrown?.sentence ?? "" == error)
            if error.isEmpty { #expect(try p.text("/n/x") == "y") }
        }
    }
}
