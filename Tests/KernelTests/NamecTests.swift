import Host
import KernelTestSupport
import Testing

@testable import Kernel

/// How names are resolved.
@Suite(.timeLimit(.minutes(1))) struct NamecTests {
    /// `/a/b/c/f`, `/x/y`, links, and a second device with `/d/g`.
    private func withTree<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            for path in ["/a", "/a/b", "/a/b/c", "/x", "/x/y", "/mnt", "#m/d", "#m/d/e"] { try p.mkdir(path) }
            for path in ["/a/b/c/f", "/x/y/f", "/f", "#m/g", "#m/d/g"] { try p.put(path, path) }
            let links = [
                ("b/c", "/a/rel"), ("/x/y", "/a/abs"), ("../x", "/a/up"), ("loop", "/loop"), ("/ping", "/pong"),
                ("/pong", "/ping"), ("nowhere", "/dangling"), ("f", "/a/b/c/file"), ("missing/f", "/a/broken"),
                ("/mnt/d", "/tomount"), ("..", "#m/d/parent"),
            ]
            for (target, path) in links { try p.symlink(target, path) }
            return try body(p)
        }
    }

    /// Current directory, name, and the path of what is found, or why nothing is.
    static let names: [(String, String, String)] = [
        ("/", "/a/b/c/f", "/a/b/c/f"), ("/", "a//b/./c/f", "/a/b/c/f"), ("/a/b", "c/f", "/a/b/c/f"),
        ("/a", ".", "/a"), ("/a", "/", "/"), ("/", "..", "/"), ("/a/b", "../../..", "/"),
        ("/a/b", "../b/c/../../../x", "/x"), ("/", "/a/rel/f", "/a/b/c/f"), ("/", "/a/rel", "/a/b/c"),
        ("/", "/a/rel/..", "/a/b"), ("/", "/a/abs/f", "/x/y/f"), ("/", "/a/up/y", "/x/y"),
        ("/a/rel", "file", "/a/b/c/f"), ("/", "#m/d/g", "#m/d/g"), ("/", "#m", "#m"), ("/", "#m/..", "#m"),
        ("/", "#m/d/parent/d", "#m/d"),
        ("/", "", "'' file name syntax"), ("/", "/nothing", "'/nothing' file does not exist"),
        ("/", "/a/n/x/y", "'/a/n' file does not exist"), ("/", "/a//n/x/", "'/a//n' file does not exist"),
        ("/", "/a/./n/./x", "'/a/./n' file does not exist"), ("/a", "n/x", "'n' file does not exist"),
        ("/", "/f/x/y", "'/f/x' not a directory"), ("/", "/a/b/../n/x", "'/a/b/../n' file does not exist"),
        ("/", "/loop", "'/loop' too many symbolic links"), ("/", "/ping/x", "'/ping' too many symbolic links"),
        ("/", "/dangling", "'/dangling' file does not exist"),
        ("/", "/a/broken/x/y", "'/a/broken' file does not exist"),
        ("/", "/a/rel/n/x", "'/a/rel/n' file does not exist"), ("/", "#q/x", "'#q/x' unknown device in # filename"),
        ("/", "#", "'#' unknown device in # filename"), ("/", "/a\0b", "'/a\0b' bad character in file name"),
    ]

    @Test(arguments: names.indices) func aNameLeadsWhereItShould(_ i: Int) async throws {
        let (dot, name, expected) = Self.names[i]
        try await withTree { p in
            try p.chdir(dot)
            var found = ""
            do throws(SysError) { found = try p.find(name).0.path } catch { found = error.description }
            #expect(found == expected)
            if name.hasSuffix("rel") { #expect(try p.stat(name, follow: false).qid.isSymlink) }
        }
    }

    /// What a call that makes or changes a name says of a bad one.
    @Test func errorsNameTheFailingElement() async throws {
        try await withTree { p in
            let cases: [(String, () throws(SysError) -> Void)] = [
                ("'/a/n' file does not exist", { () throws(SysError) in try p.put("/a/n/x/f", "") }),
                ("'/f' not a directory", { () throws(SysError) in try p.put("/f/x", "") }),
                ("'/a/b' file already exists", { () throws(SysError) in try p.mkdir("/a/b") }),
                ("'/' file already exists", { () throws(SysError) in try p.mkdir("/") }),
                ("'/a' file is a directory", { () throws(SysError) in _ = try p.open("/a", .write) }),
                ("'/a/b' directory not empty", { () throws(SysError) in try p.remove("/a/b") }),
                ("'/n' file does not exist", { () throws(SysError) in try p.remove("/n/x") }),
                ("'/f' not a directory", { () throws(SysError) in try p.chdir("/f") }),
                ("'/n' file does not exist", { () throws(SysError) in try p.bind("/n/x", "/mnt") }),
                ("'/mnt/n' file does not exist", { () throws(SysError) in try p.bind("/a", "/mnt/n") }),
                ("'/mnt' not mounted", { () throws(SysError) in try p.unmount(nil, "/mnt") }),
            ]
            for (expected, body) in cases { #expect(thrown(body)?.description == expected) }
        }
    }

    @Test func namesAreAsLongAsTheyMayBe() async throws {
        try await withTree { p in
            for (character, count, works) in [
                ("n", 255, true), ("n", 1020, true), ("n", 1021, false), ("\u{e4}", 510, true), ("\u{e4}", 511, false),
                ("\u{1f600}", 255, true), ("\u{1f600}", 256, false),
            ] {
                let name = String(repeating: character, count: count)
                let error = code { () throws(SysError) in try p.put("/a/" + name, "x") }
                #expect(error == (works ? nil : .nameTooLong))
                guard works else { continue }
                let (text, stat) = (try p.text("/a/" + name), try p.stat("/a/" + name))
                #expect(text == "x" && stat.name == name)
            }
            let long = String(repeating: "/a/..", count: 20_000)
            #expect(code { () throws(SysError) in try p.stat(long) } == .nameTooLong)
            let target = String(repeating: "x", count: 5000)
            #expect(code { () throws(SysError) in try p.symlink(target, "/l") } == .nameTooLong)
        }
    }

    @Test func aThousandDirectoriesDeep() async throws {
        try await withTree { p in
            try p.chdir("/x")
            for _ in 0..<1000 {
                try p.mkdir("d")
                try p.chdir("d")
            }
            try p.put("f", "deep")
            let deep = "/x" + String(repeating: "/d", count: 1000)
            #expect(p.directory == deep)
            try p.chdir("/")
            #expect(try p.text(deep + "/f") == "deep")
            #expect(try p.text(deep + String(repeating: "/..", count: 1000) + "/y/f") == "/x/y/f")
        }
    }

    /// Each `b` is crossed by the same mount: long chains are let go without recursion.
    @Test func aMountNestedThousandsOfTimes() async throws {
        try await withTree { p in
            try p.bind("/a", "/a/b")
            let path = "/a" + String(repeating: "/b", count: 30_000)
            try p.chdir(path)
            #expect(p.directory == path)
            try p.chdir("/")
            #expect(try p.stat(path + "/rel", follow: false).qid.isSymlink)
        }
    }

    @Test func fortyLinksAreFollowedAndNoMore() async throws {
        try await withTree { p in
            try p.symlink("/a", "/l0")
            for i in 1..<42 { try p.symlink("l\(i - 1)", "/l\(i)") }
            #expect(try p.find("/l39").0.path == "/a")
            #expect(
                thrown { () throws(SysError) in try p.stat("/l40/b") }?.description
                    == "'/l40' too many symbolic links")
        }
    }

    @Test func upIsThePlaceThatWasMountedOn() async throws {
        try await withTree { p in
            try p.bind("#m", "/mnt")
            for (dot, name, expected) in [
                ("/mnt/d", "..", "/mnt"), ("/mnt/d", "../..", "/"), ("/mnt", "..", "/"),
                ("/mnt/d/e", "../../g", "/mnt/g"), ("/tomount", "..", "/mnt"), ("/mnt/d/parent", ".", "/mnt"),
            ] {
                try p.chdir(dot)
                #expect(try p.find(name).0.path == expected)
            }
            // Something else is mounted there: the way up stays in what was.
            try p.chdir("/mnt/d")
            try p.bind("/a", "/mnt")
            #expect(p.directory == "/mnt/d")
            #expect(try p.names("..").sorted() == ["d", "g"])
            try p.chdir("/mnt")
            #expect(try p.names(".").contains("b"))
        }
    }

    @Test func whoIsMovedOutOfAMountDoesNotFindTheWayOut() async throws {
        try await withTree { p in
            // All that the child has is what is below /a/b.
            let pid = try p.spawn { (p) throws(SysError) in
                try p.chdir("/a/b")
                try p.pctl([.newNS, .noDevices])
                try p.mkdir("/mnt")
                try p.bind("/c", "/mnt")
                try p.mkdir("/mnt/in")
                try p.mkdir("/mnt/in/deep")
                try p.chdir("/mnt/in/deep")
                var seen = [try p.names("../../..").sorted().joined(separator: " ")]
                p.onNote(.handle { _ in true })
                _ = thrown { () throws(SysError) in try p.sleep(milliseconds: 100_000) }
                for path in ["..", "../..", "../../y", "."] {
                    seen.append(thrown { () throws(SysError) in try p.names(path) }?.sentence ?? "seen")
                }
                return Status(seen.joined(separator: "; "))
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            try p.rename("/a/b/c/in/deep", "/x/deep")
            p.system.proc(pid)?.post(Note("go"))
            let gone = "file does not exist"
            let status = try p.wait().status
            #expect(status == Status("c mnt; \(gone); \(gone); \(gone); seen"))
        }
    }

    @Test func aRenameMovesThoseWhoAreThere() async throws {
        try await withTree { p in
            try p.chdir("/a/b/c")
            let fd = try p.open("f")
            try p.rename("/a/b", "/x/z")
            #expect(p.directory == "/x/z/c")
            #expect(try p.fd2path(fd) == "/x/z/c/f")
            #expect(try p.names("../..").sorted() == ["y", "z"])
            try p.rename("/x", "/a/x")
            #expect(p.directory == "/a/x/z/c")
            try p.wstat("/a/x", DirChange(name: "w"))
            try p.wstat("/a/w", DirChange(name: "w"))
            #expect(p.directory == "/a/w/z/c")
        }
    }

    @Test func anExchangeMovesBoth() async throws {
        try await withTree { p in
            let one = try p.open("/a/b/c/f")
            let two = try p.open("/x/y/f")
            try p.rename("/a/b", "/x/y", .exchange)
            #expect(try p.fd2path(one) == "/x/y/c/f" && p.fd2path(two) == "/a/b/f")
            #expect(try p.text("/x/y/c/f") == "/a/b/c/f" && p.text("/a/b/f") == "/x/y/f")
            try p.rename("/a/b/f", "/x/y/c/f", .exchange)
            #expect(try p.fd2path(one) == "/a/b/f" && p.fd2path(two) == "/x/y/c/f")
        }
    }

    /// Neither of two files may gain rights by it.
    @Test func anExchangeWidensNothing() async throws {
        try await withTree { p in
            _ = try p.spawn(.forkNS) { (p) throws(SysError) in
                try p.bind("/x", "/x", mask: [.write, .execute])
                let one = thrown { () throws(SysError) in try p.rename("/a/b/c/f", "/x/y/f", .exchange) }
                let two = thrown { () throws(SysError) in try p.rename("/x/y/f", "/a/b/c/f", .exchange) }
                let read = thrown { () throws(SysError) in try p.text("/x/y/f") }
                return Status("\(one?.sentence ?? ""), \(two?.sentence ?? ""), \(read?.sentence ?? "")")
            }
            #expect(try p.wait().status == "cross-device link, cross-device link, permission denied")
            #expect(try p.text("/a/b/c/f") == "/a/b/c/f")
        }
    }

    @Test func aRemovedNameIsAnotherWhenItComesBack() async throws {
        try await withTree { p in
            try p.mkdir("/x/d")
            try p.chdir("/x/d")
            try p.remove("/x/d")
            try p.mkdir("/x/d")
            try p.rename("/x/d", "/x/e")
            #expect(p.directory == "/x/d")
            #expect(code { () throws(SysError) in try p.names(".") } == .nonexist)
        }
    }

    @Test func hashNamesAreRefusedWithoutDevices() async throws {
        try await withTree { p in
            _ = try p.spawn(.forkNS) { (p) throws(SysError) in
                try p.bind("#m", "/mnt")
                try p.pctl(.noDevices)
                let error = thrown { () throws(SysError) in try p.open("#m/g") }
                return Status("\(try p.text("/mnt/g")) \(error?.description ?? "")")
            }
            #expect(try p.wait().status == "#m/g '#m/g' mount/attach disallowed")
            #expect(try p.text("#m/g") == "#m/g")
        }
    }

    @Test func twoWhoMakeOneFileBothSucceed() async throws {
        try await withTree { p in
            for round in 0..<50 {
                for _ in 0..<4 {
                    _ = try p.spawn { (p) throws(SysError) in
                        try p.close(try p.create("/x/new\(round)", .write, FileMode(rawValue: 0o644)))
                        return .ok
                    }
                }
                for _ in 0..<4 { #expect(try p.wait().status == .ok) }
                let exclusive = { () throws(SysError) in
                    try p.create("/x/new\(round)", .write.union(.exclusive), FileMode(rawValue: 0o644))
                }
                #expect(code(exclusive) == .exist)
            }
        }
    }

    @Test func aNameThatEndsInASlashIsADirectorys() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "x")
            try p.mkdir("/d/")
            try p.symlink("d", "/l")
            for name in ["/f/", "/f//", "/f/."] {
                #expect(code { () throws(SysError) in try p.open(name) } == .notDir)
                #expect(code { () throws(SysError) in try p.stat(name) } == .notDir)
                #expect(code { () throws(SysError) in try p.remove(name) } == .notDir)
                #expect(code { () throws(SysError) in try p.put(name, "y") } == .notDir)
                #expect(code { () throws(SysError) in try p.rename("/f", name) } == .notDir)
                #expect(code { () throws(SysError) in try p.link("/f", "/g/") } == .notDir)
            }
            #expect(code { () throws(SysError) in try p.put("/new/", "y") } == .isDir)
            #expect(try p.stat("/l/", follow: false).isDirectory)
            #expect(code { () throws(SysError) in try p.remove("/l/") } == .notDir)
            try p.rename("/d/", "/e/")
            try p.remove("/e/")
            #expect(try p.names("/") == ["f", "l"])
        }
    }

    @Test func renamesToldInAnotherOrderMakeNoCircle() async throws {
        // What two processes do at once: /a to /b/a and back, then /b to /a/b, and the first is told last.
        let top = PathNode()
        let (a, b) = (top.child("a"), top.child("b"))
        top.moved("b", to: a, as: "b")
        top.moved("a", to: b, as: "a")
        a.moved("b", to: b, as: "c", exchanged: true)
        for node in [a, b] { #expect(node.path.utf8.count < 20) }
        #expect(!(a.descends(from: b) && b.descends(from: a)))
    }

    @Test func anExchangeWithWhatIsNotThereIsRefused() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "x")
            #expect(thrown { () throws(SysError) in try p.rename("/f", "/g", .exchange) } != nil)
            try p.mkdir("/a")
            try p.mkdir("/b")
            try p.put("/a/f", "x")
            // What would come back from /b may be read in /a, and not where it is.
            try p.bind("/b", "/b", mask: [.write, .execute])
            #expect(code { () throws(SysError) in try p.rename("/a/f", "/b/n", .exchange) } == .crossDevice)
        }
    }
}
