import Kernel
import Library
import KernelTestSupport
import Testing

/// What a union shows, where it creates, and what unmount takes away.
@Suite(.timeLimit(.minutes(1))) struct BindTests {
    /// Three directories with a file of their own and one that all have, whose text tells whose it is.
    private func withThree<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            for d in ["a", "b", "c"] {
                try p.mkdir("/\(d)")
                try p.put("/\(d)/\(d)", d)
                try p.put("/\(d)/x", d)
            }
            return try body(p)
        }
    }

    /// What is mounted inside a server is kept, for when it is mounted again; the server is not.
    @Test(arguments: [false, true]) func whatIsTakenOffIsLetGoThoughSomethingIsMountedInIt(replaced: Bool) async throws
    {
        try await withThree { p in
            weak var kept: Marker?
            do {
                let root = try #require(p.system.device("m")).attach("", p.caller)
                let marker = Marker()
                root.auxiliary = marker
                kept = marker
                try p.mount(root, "/a", .create, source: "m")
            }
            try p.mkdir("/a/d")
            try p.bind("/b", "/a/d")
            try p.mkdir("/b/e")
            try p.bind("/c", "/a/d/e")
            #expect(try p.stat("/a/d/e/c").name == "c")
            #expect(kept != nil)
            if replaced { try p.bind("/c", "/a") } else { try p.unmount(nil, "/a") }
            #expect(kept == nil)
            try p.bind("#m", "/a")
            #expect(try p.stat("/a/d/b").name == "b")
        }
    }

    private final class Marker: Sendable {}

    struct Row: Sendable {
        let script: String
        /// What /a shows then, whose /a/x is, and where a new file in /a appears; nil: it is refused.
        let names: [String]
        let x: String
        let made: String?

        init(_ script: String, _ names: [String], _ x: String, _ made: String?) {
            self.script = script
            self.names = names
            self.x = x
            self.made = made
        }
    }

    static let rows = [
        Row("", ["a", "x"], "a", "a"),
        Row("bind /b /a", ["b", "x"], "b", "b"),
        Row("bind -b /b /a", ["b", "x", "a"], "b", nil),
        Row("bind -a /b /a", ["a", "x", "b"], "a", nil),
        Row("bind -bc /b /a", ["b", "x", "a"], "b", "b"),
        Row("bind -ac /b /a", ["a", "x", "b"], "a", "b"),
        Row("bind -b /b /a\nbind -b /c /a", ["c", "x", "b", "a"], "c", nil),
        Row("bind -a /b /a\nbind -ac /c /a", ["a", "x", "b", "c"], "a", "c"),
        Row("bind -ac /b /a\nbind -bc /c /a", ["c", "x", "a", "b"], "c", "c"),
        Row("bind -a /b /a\nbind /c /a", ["c", "x"], "c", "c"),
        // The directory itself becomes a member that creates.
        Row("bind -a /b /a\nbind -c /a /a", ["a", "x", "b"], "a", "a"),
        Row("bind -b /b /a\nunmount /a", ["a", "x"], "a", "a"),
        Row("bind -b /b /a\nbind -bc /c /a\nunmount /c /a", ["b", "x", "a"], "b", nil),
        Row("bind -b /b /a\nbind -bc /c /a\nunmount /b /a", ["c", "x", "a"], "c", "c"),
        // Of what stands there twice, the first goes.
        Row("bind -b /b /a\nbind -ac /b /a\nunmount /b /a", ["a", "x", "b"], "a", "b"),
        Row("bind -b /b /a\nbind -ac /b /a\nunmount /b /a\nunmount /b /a", ["a", "x"], "a", "a"),
        // A union bound elsewhere is there as it was then; another's members come with it.
        Row("bind -a /c /b\nbind -a /b /a", ["a", "x", "b", "c"], "a", nil),
        Row("bind -a /c /b\nbind -a /b /a\nunmount /b", ["a", "x", "b", "c"], "a", nil),
        Row("bind /b/x /a/x", ["a", "x"], "b", "a"),
        Row("bind /b/x /a/x\nunmount /a/x", ["a", "x"], "a", "a"),
        Row("bind /b/x /a/x\nbind /c/x /a/x", ["a", "x"], "c", "a"),
        Row("bind /b/x /a/x\nbind -b /c /a", ["c", "x", "a"], "c", nil),
        Row("bind /a /a", ["a", "x"], "a", "a"),
    ]

    @Test(arguments: rows) func aUnionShows(_ row: Row) async throws {
        try await withThree { p in
            try NameSpaceFile(name: "row", text: row.script).apply(to: p)
            #expect(try p.names("/a") == row.names, "\(row.script)")
            #expect(try p.text("/a/x") == row.x, "\(row.script)")
            let error = thrown { () throws(SysError) in try p.put("/a/new", "") }
            guard let made = row.made else {
                #expect(error?.code == .noCreate, "\(row.script)")
                return
            }
            #expect(error == nil, "\(row.script)")
            try p.pctl(.forkNS)
            while thrown({ () throws(SysError) in try p.unmount(nil, "/a") }) == nil {}
            for d in ["a", "b", "c"] {
                let has = try p.names("/\(d)").contains("new")
                #expect(has == (d == made), "\(row.script): \(d)")
            }
        }
    }

    @Test(arguments: [
        ("bind /none /a", "'/none' file does not exist"), ("bind /a /none", "'/none' file does not exist"),
        ("bind /a/x /b", "inconsistent mount"), ("bind /a /b/x", "inconsistent mount"),
        ("bind -a /a/x /b/x", "inconsistent mount"), ("unmount /a", "not mounted"),
        ("bind -a /b /a\nunmount /c /a", "not in union"), ("bind '#q' /a", "unknown device in # filename"),
        ("bind '' /a", "file name syntax"),
    ]) func whatCannotBeBoundChangesNothing(_ script: String, _ sentence: String) async throws {
        try await withThree { p in
            let before = p.nameSpaceScript
            let error = thrown { () throws(SysError) in try NameSpaceFile(name: "row", text: script).apply(to: p) }
            #expect(error?.description.hasSuffix(sentence) == true, "\(script): \(error?.description ?? "no error")")
            if !script.contains("\n") { #expect(p.nameSpaceScript == before) }
        }
    }

    @Test func whoIsInsideStaysWhenItIsUnmountedButForItsRoot() async throws {
        try await withThree { p in
            try p.bind("#m", "/a")
            try p.put("/a/inside", "here")
            try p.mkdir("/a/deep")
            try p.put("/a/deep/file", "deep")
            try p.chdir("/a/deep")
            let fd = try p.open("/a/inside")
            try p.unmount(nil, "/a")
            #expect(try p.names("/a") == ["a", "x"])
            #expect(try p.text("file") == "deep")
            try p.chdir("/b")
            try p.bind("#m", "/b")
            #expect(try p.names(".") == ["inside", "deep"])
            try p.unmount(nil, "/b")
            #expect(try p.names(".") == ["b", "x"])
            #expect(try p.read(fd) == Array("here".utf8))
            try p.chdir("..")
            #expect(try p.names(".") == ["a", "b", "c"])
        }
    }

    @Test func aThousandMountsAreFoundAndLeave() async throws {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            for i in 0..<1000 { try p.mkdir("/\(i)") }
            try p.put("/f", "x")
            for i in 0..<1000 { try p.bind("/", "/\(i)") }
            #expect(try p.text("/17/999/4/f") == "x")
            #expect(p.nameSpaceScript.split(separator: "\n").count >= 1000)
            for i in 0..<1000 { try p.unmount("/", "/\(i)") }
            #expect(try p.names("/17") == [])
        }
    }

    @Test func oneDirectoryWithAThousandMembers() async throws {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            try p.mkdir("/u")
            for i in 0..<1000 {
                try p.mkdir("/\(i)")
                try p.put("/\(i)/\(i)", "\(i)")
                try p.bind("/\(i)", "/u", .after)
            }
            #expect(try p.names("/u", limit: 10).count == 1000)
            #expect(try p.text("/u/999") == "999")
            for i in 0..<1000 { try p.unmount("/\(i)", "/u") }
            #expect(try p.names("/u") == [])
        }
    }
}
