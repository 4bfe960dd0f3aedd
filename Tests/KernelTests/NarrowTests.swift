import Kernel
import Library
import KernelTestSupport
import Testing

/// `Proc.narrow`: what it leaves, whichever way a file is found.
@Suite(.timeLimit(.minutes(1))) struct NarrowTests {
    /// A root with /home and /usr on other devices, /n/me bound from inside /home, and a file in each.
    private func withTree<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), MemDev("h"), MemDev("u")]) { p in
            for name in ["/home", "/usr", "/n", "/n/me", "/n/mnt"] { try p.mkdir(name) }
            try p.bind("#h", "/home", .create)
            try p.bind("#u", "/usr", .create)
            try p.mkdir("/home/me")
            try p.mkdir("/home/me/t")
            for file in ["/f", "/home/f", "/home/me/f", "/home/me/t/f", "/usr/f"] { try p.put(file, "x") }
            try p.bind("/home/me", "/n/me", .create)
            return try body(p)
        }
    }

    struct Row: Sendable {
        let rules: [(String, String)]
        /// Paths and the rights that are left of them.
        let rights: [(String, String)]

        init(_ rules: [(String, String)], _ rights: [(String, String)]) {
            self.rules = rules
            self.rights = rights
        }
    }

    static let rows = [
        Row(
            [("/home", "rx")],
            [
                ("/home", "rx"), ("/home/me/t/f", "rx"), ("/n/me", "rx"), ("/n/me/t/f", "rx"), ("/usr/f", "rwx"),
                ("/f", "rwx"),
            ]),
        Row(
            [("/", "rx"), ("/home/me/t", "rwx")],
            [("/f", "rx"), ("/home/f", "rx"), ("/usr/f", "rx"), ("/home/me/t/f", "rwx"), ("/n/me/t/f", "rwx")]),
        Row([("/home/me/t", "rw"), ("/", "rx")], [("/home/me/f", "rx"), ("/home/me/t", "rw"), ("/n/me/t", "rw")]),
        Row([("/home/me", "x")], [("/home/f", "rwx"), ("/home/me/f", "x"), ("/n/me/f", "x")]),
        Row([("/usr/f", "r")], [("/usr", "rwx"), ("/usr/f", "r")]),
        Row([("/n", "rx")], [("/n/me/f", "rx"), ("/home/me/f", "rwx")]),
        Row([("/home", "rx"), ("/home", "wx")], [("/home", "x"), ("/n/me", "x")]),
        Row([("/n/../home/./me", "rx")], [("/home/me", "rx"), ("/home", "rwx")]),
    ]

    @Test(arguments: rows) func theRulesHoldByEveryName(_ row: Row) async throws {
        try await withTree { p in
            try p.narrow(row.rules.map { .init($0.0, try Mask($0.1)) })
            for (path, rights) in row.rights {
                #expect(try p.whence(path).mask.description == rights, "\(path) after \(row.rules)")
            }
        }
    }

    @Test func noRightComesBack() async throws {
        try await withTree { p in
            try p.narrow([.init("/", [.read, .execute]), .init("/home/me", .all)])
            let why = { (path: String, mask: Mask) -> String in
                do throws(SysError) { try p.narrow([.init(path, mask)]) } catch { return error.description }
                return ""
            }
            #expect(why("/usr", [.read, .write]) == "'/usr' cannot widen rx to rw: permission denied")
            #expect(why("/nosuch", .read) == "'/nosuch' file does not exist")
            #expect(try p.whence("/home/me").mask == .all)
            try p.unmount(nil, "/home/me")
            #expect(try p.whence("/home/me").mask == [.read, .execute])
            try p.unmount(nil, "/home")
            #expect(try p.whence("/home").mask == [.read, .execute])
            #expect(code { () throws(SysError) in try p.bind("#h", "/home") } == .noAttach)
            try p.pctl(.forkNS)
            #expect(try p.whence("/f").mask == [.read, .execute])
        }
    }

    @Test func whatIsHiddenIsNarrowedToo() async throws {
        try await withTree { p in
            // /home/me is seen at /n/mnt, and then something else: taking that off brings no right back.
            try p.bind("/home/me", "/n/mnt", .create)
            try p.bind("/usr", "/n", .create)
            try p.narrow([.init("/", [.read, .execute])])
            try p.unmount(nil, "/n")
            #expect(try p.whence("/n/mnt/f").mask == [.read, .execute])
        }
    }

    @Test func theCurrentDirectoryIsNarrowed() async throws {
        try await withTree { p in
            try p.chdir("/home/me")
            try p.narrow([.init("/home", [.read, .execute])])
            #expect(try p.whence("f").mask == [.read, .execute])
            #expect(code { () throws(SysError) in _ = try p.create("g", .write, FileMode(rawValue: 0o666)) } == .perm)
        }
    }

    /// The one who lays the mask gets a note while it looks for the directory of another, or its own.
    @Test func aDirectoryThatCouldNotBeFoundAnewIsFoundAtTheNextName() async throws {
        let busy = BusyDev()
        try await withSystem([MemDev(), busy]) { p in
            try p.mkdir("/b")
            try p.bind("#b", "/b")
            try p.chdir("/b/d")
            busy.interruptions.withLock { $0 = 2 }
            try p.bind("/b", "/b", mask: [.read, .execute])
            // Once more it is not found: nothing may be done from there.
            #expect(thrown { () throws(SysError) in _ = try p.open(".") }?.code == .perm)
            #expect(try p.whence(".").mask == [.read, .execute])
            #expect(p.directory == "/b/d")
        }
    }

    @Test func namesThatBeginWithAMarkAreBelow() async throws {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            try p.mkdir("/d")
            try p.mkdir("/d/\u{301}m")
            try p.bind("#m", "/d/\u{301}m", .create)
            try p.narrow([.init("/d", [.read, .execute])])
            #expect(thrown { () throws(SysError) in try p.put("/d/\u{301}m/f", "x") }?.code == .perm)
        }
    }

    /// What was found on the way to the current directory had the rights of before.
    @Test(arguments: ["/home", "/home/me", "/n/me", "/home/me/t", "/n/me/t", "/"])
    func whoStandsBelowWhatIsSealedHasNoWayAround(_ directory: String) async throws {
        try await withTree { p in
            try p.bind("/home/me", "/home/me", mask: [.read, .execute])
            try p.bind("/usr", "/", [.after, .create])
            try p.chdir(directory)
            try p.bind("/.", "/.", mask: .write)
            for path in [".", "..", "../..", "f", "../f", "t/../f"] {
                let mask = (try? p.whence(path))?.mask ?? []
                #expect(!mask.contains(.read) && !mask.contains(.execute), "\(path) in \(directory): \(mask)")
                #expect(thrown { () throws(SysError) in try p.open(path) } != nil, "\(path) in \(directory)")
            }
        }
    }

    @Test func theScriptOfTheNameSpaceMakesTheSameOne() async throws {
        try await withTree { p in
            let paths = ["/", "/home", "/home/me/f", "/home/me/t/f", "/n/me/f", "/n/me/t/f", "/usr/f"]
            let made = Lock(("", [Mask]()))
            _ = try p.spawn(.forkNS) { (p) throws(SysError) in
                try p.narrow([.init("/", [.read, .execute]), .init("/home/me/t", .all), .init("/usr", .execute)])
                let masks = try paths.map { (path) throws(SysError) in try p.whence(path).mask }
                let script = p.nameSpaceScript
                made.withLock { $0 = (script, masks) }
                return .ok
            }
            #expect(try p.wait().status == .ok)
            let (script, masks) = made.withLock { $0 }
            // The mounts are there; what is to be made again is the rest.
            let rest = script.split(separator: "\n").filter { !$0.contains("#") }.joined(separator: "\n")
            try NameSpaceFile(name: "script", text: rest).apply(to: p)
            #expect(try paths.map { try p.whence($0).mask } == masks)
        }
    }
}

/// Directories named `d`, one in the other; so many of the next steps are ended by a note.
private final class BusyDev: Dev {
    let letter: Character = "b"
    let name = "busy"
    let instance = Instance.new()
    let interruptions = Lock(0)

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        try interruptions.withLock { (n) throws(SysError) in
            guard n > 0 else { return }
            n -= 1
            throw .interrupted
        }
        guard name == "d" else { throw .nonexist }
        return c.sibling(Qid(path: c.qid.path + 1, type: .directory))
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int { 0 }
}
