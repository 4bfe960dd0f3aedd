import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Devices

@Suite(.timeLimit(.minutes(1))) struct DevEnvTests {
    private func withEnv<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), DevEnv()]) { p in
            try p.mkdir("/env")
            try p.bind("#e", "/env", .create)
            return try body(p)
        }
    }

    @Test func aVariableIsAFile() async throws {
        try await withEnv { p in
            try p.put("/env/x", "one")
            #expect(p.environment["x"]?.value == Array("one".utf8))
            try p.environment.set("y", Array("two".utf8), 5_000_000_000)
            #expect(try p.text("/env/y") == "two")
            let stat = try p.stat("/env/y")
            #expect(stat.length == 3 && stat.modified == 5_000_000_000 && stat.mode.rawValue == 0o666)
            #expect(stat.owner == "glenda")
            #expect(try p.names("/env") == ["x", "y"])
            try p.put("/env/x", "")
            #expect(p.environment["x"]?.value == [])
            try p.remove("/env/x")
            #expect(p.environment["x"] == nil)
            #expect(code { () throws(SysError) in try p.open("/env/x") } == .nonexist)
        }
    }

    /// Writes at offsets, and the value afterwards.
    static let writes: [(writes: [(UInt64, String)], value: String)] = [
        ([(0, "abc"), (1, "x")], "axc"), ([(0, "abc"), (3, "def")], "abcdef"), ([(0, "abc"), (2, "xyz")], "abxyz"),
        ([(2, "x")], "\0\0x"), ([(0, "abc"), (0, "")], "abc"),
    ]

    @Test(arguments: writes.indices) func writesGoWhereTheyBelong(_ i: Int) async throws {
        try await withEnv { p in
            let fd = try p.create("/env/x", .readWrite, FileMode(rawValue: 0o666))
            for (offset, text) in Self.writes[i].writes {
                _ = try p.pwrite(fd, Array(text.utf8).span.bytes, at: offset)
            }
            #expect(try p.text("/env/x") == Self.writes[i].value)
        }
    }

    @Test func lengthAndAppend() async throws {
        try await withEnv { p in
            try p.put("/env/x", "abcdef")
            for (length, text) in [(3, "abc"), (5, "abc\0\0"), (0, "")] {
                try p.wstat("/env/x", DirChange(length: UInt64(length)))
                #expect(try p.text("/env/x") == text)
            }
            let fd = try p.open("/env/x", .write.union(.append))
            try p.put("/env/x", "12")
            try p.write(fd, "3")
            #expect(try p.text("/env/x") == "123")
            #expect(code { () throws(SysError) in try p.wstat("/env/x", DirChange(name: "y")) } == .perm)
        }
    }

    @Test func theLimitsHold() async throws {
        try await withEnv { p in
            let fd = try p.create("/env/x", .readWrite, FileMode(rawValue: 0o666))
            let byte: [UInt8] = [1]
            for offset in [UInt64(Egrp.valueLimit), 1 << 40, .max] {
                #expect(code { () throws(SysError) in try p.pwrite(fd, byte.span.bytes, at: offset) } == .noEnv)
            }
            #expect(code { () throws(SysError) in try p.fwstat(fd, DirChange(length: .max)) } == .noEnv)
            let large = [UInt8](repeating: 1, count: Egrp.valueLimit)
            var made = 0
            while code({ () throws(SysError) in try p.environment.set("v\(made)", large, 0) }) == nil, made < 100 {
                made += 1
            }
            #expect(made == Egrp.totalLimit / Egrp.valueLimit)
            try p.remove("/env/v0")
            try p.environment.set("w", large, 0)
            #expect(code { () throws(SysError) in try p.mkdir("/env/d") } == .perm)
        }
    }

    @Test func groupsAreApartAsTheFlagsSay() async throws {
        // Flags, what the child sees, what the parent sees after the child's write.
        let cases: [(ProcFlags, String, String)] = [([], "one", "two"), (.forkEnv, "one", "one"), (.newEnv, "", "one")]
        for (flags, seen, after) in cases {
            try await withEnv { p in
                try p.put("/env/x", "one")
                _ = try p.spawn(flags) { (p) throws(SysError) in
                    let before = code { () throws(SysError) in try p.stat("/env/x") } == nil ? try p.text("/env/x") : ""
                    try p.put("/env/x", "two")
                    return Status(before)
                }
                #expect(try p.wait().status == Status(seen))
                #expect(try p.text("/env/x") == after)
            }
        }
    }

    @Test func anOpenVariableStaysInItsGroupAndIsNoOther() async throws {
        try await withEnv { p in
            try p.put("/env/x", "one")
            let fd = try p.open("/env/x")
            try p.pctl(.newEnv)
            #expect(try p.read(fd, 10) == Array("one".utf8))
            let own = try p.create("/env/x", .write.union(.removeOnClose), FileMode(rawValue: 0o666))
            try p.remove("/env/x")
            try p.put("/env/x", "new")
            #expect(code { () throws(SysError) in try p.write(own, "lost") } == .nonexist)
            try p.close(own)
            #expect(try p.text("/env/x") == "new")
        }
    }

    @Test func aListingGoesOnAfterRemovals() async throws {
        try await withEnv { p in
            for i in 0..<300 { try p.environment.set("v\(i)", [], 0) }
            let fd = try p.open("/env")
            var seen: [String] = []
            while case let some = try p.dirread(fd, limit: 10), !some.isEmpty {
                seen += some.map(\.name)
                try p.remove("/env/\(some[0].name)")
            }
            #expect(Set(seen).count == 300 && seen.count == 300)
            #expect(try p.names("/env").count == 270)
        }
    }
}
