import Kernel
import KernelTestSupport
import Testing

/// Files that are programs, and programs that become others.
@Suite(.timeLimit(.minutes(1))) struct ExecTests {
    /// Becomes itself with one argument less, then ends with the name it was called by and what is left.
    private struct Again: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            guard let count = args.dropFirst().first.flatMap({ Int($0) }), count > 0 else {
                return Status("\(args[0]) \(p.name) \(Thread.hasRoom)")
            }
            _ = try p.exec("/again", ["again", "\(count - 1)"])
            return "passed over"
        }
    }

    private struct Fails: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            do throws(SysError) { return try p.exec("/nothing", []) } catch { return Status("stayed: \(error)") }
        }
    }

    private func withPrograms<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        let programs = [
            ProgramEntry(name: "Again", path: "/again") { Again() },
            ProgramEntry(name: "Fails", path: "/fails") { Fails() },
        ]
        return try await withSystem([MemDev()], programs: programs) { p in
            try p.put("/again", "#!program Again\n", 0o755)
            try p.put("/fails", "#!program Fails\n", 0o755)
            try p.put("/script", "#!/again 2\n", 0o755)
            try p.put("/text", "some text", 0o755)
            try p.put("/loop", "#!/loop\n", 0o755)
            try p.put("/long", "#!" + String(repeating: "x", count: 600), 0o755)
            try p.mkdir("/d")
            return try body(p)
        }
    }

    @Test func aProgramBecomesAnotherWithoutEnd() async throws {
        try await withPrograms { p in
            for count in [0, 1, 20_000] {
                _ = try p.spawn { c throws(SysError) in try c.exec("/again", ["first", "\(count)"]) }
                #expect(try p.wait().status == Status("\(count == 0 ? "first first" : "again again") true"))
            }
            // Two in a row, where no program runs: each gives its status.
            _ = try p.spawn { c throws(SysError) in
                Status(try c.exec("/again", ["one"]).text + ", " + c.exec("/again", ["two"]).text)
            }
            #expect(try p.wait().status == "one one true, two two true")
        }
    }

    @Test func aProgramThatOnlyBecomesItselfCanBeKilled() async throws {
        try await withPrograms { p in
            let pid = try p.spawn { c throws(SysError) in try c.exec("/again", ["again", "\(Int.max)"]) }
            try p.sleep(milliseconds: 20)
            p.system.proc(pid)?.kill()
            #expect(try p.wait().status == "killed")
        }
    }

    @Test(arguments: [
        ("/nothing", "'/nothing' file does not exist"), ("/d", "'/d' permission denied"),
        ("/text", "'/text' exec header invalid"), ("/long", "'/long' exec header invalid"),
        ("/loop", "'/loop' too many symbolic links"), ("/fails", "stayed: '/nothing' file does not exist"),
        ("/script", "again again true"),
    ]) func aFileRunsOrSaysWhyNot(_ path: String, _ status: String) async throws {
        try await withPrograms { p in
            _ = try p.spawn { c throws(SysError) in try c.exec(path, [path]) }
            #expect(try p.wait().status.text == status)
        }
    }

    @Test func whatIsIgnoredStaysSo() async throws {
        try await withPrograms { p in
            _ = try p.spawn { c throws(SysError) in
                c.onNote(.ignore)
                c.post(Note("hangup"))
                return try c.exec("/again", ["again", "3"])
            }
            #expect(try p.wait().status == "again again true")
        }
    }
}
