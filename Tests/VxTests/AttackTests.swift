import Devices
import Glibc
import Host
import Kernel
import KernelTestSupport
import Linux
import Testing

@testable import Vx

/// What hostile programs try: `Tests/Programs/attack.c`, in a name space that has a read-only directory, one to write to,
/// one that a mask hides, and nothing of what stands beside them on the host. Compiled with gcc, which must be there.
@Suite(.serialized) struct AttackTests {
    /// Runs the program in one of its modes and gives what it said, line by line.
    private func attack(_ words: String...) throws -> (status: String, lines: [String]) {
        let folder = try Folder()
        let path = folder.path
        let source = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Programs/attack.c"
        try shell("cd \(path) && gcc -O1 -w -pthread -o attack \(source) && mkdir in out rw hidden && chmod 777 rw")
        try shell("cd \(path) && printf text > in/file && cp in/file hidden/a && printf secret > out/secret")
        try shell("cd \(path) && touch made && chmod 666 made && chmod 644 in/file")
        var grants = HostGrants()
        // Whatever goes wrong, nothing of the host is written to but the folder.
        grants.trees["*"] = .init("/", [.read, .execute])
        grants.trees["in"] = .init("\(path)/in", [.read, .execute])
        grants.trees["rw"] = .init("\(path)/rw")
        grants.trees["hidden"] = .init("\(path)/hidden")
        grants.trees["attack"] = .init("\(path)/attack", [.read, .execute])
        grants.trees["made"] = .init("\(path)/made")
        let status = try inSystem(Devices.deviceTable.map { $0() }, grants: grants) { (p) throws(SysError) -> String in
            try p.bind("#Rroot", "/", [.before, .create])
            for name in ["usr", "bin", "lib", "lib64"] {
                try? p.mkdir("/\(name)")  // where we have it too
                try p.bind("#U*/\(name)", "/\(name)", .replace)
            }
            for name in ["in", "rw", "hidden"] {
                try p.mkdir("/\(name)")
                try p.bind("#U\(name)", "/\(name)", name == "rw" ? .create : .replace)
            }
            try p.close(try p.create("/attack", .write, FileMode(rawValue: 0o755)))
            try p.bind("#Uattack", "/attack", .replace)
            let pid = try p.spawn(.forkFD) { (p) throws(SysError) in
                _ = try p.open("#c/null", .read)
                _ = try p.open("#Umade", .write)
                _ = try p.dup(1, 2)
                try p.bind("/hidden", "/hidden", .replace, mask: [])
                return try Vx(LinuxCalls()).run(p, "/attack", ["/attack"] + words, VxOptions())
            }
            return try p.wait(.pid(pid)).status.text
        }
        // Whatever it was told, nothing has changed.
        #expect(try folder.text("in/file") == "text")
        #expect(try folder.permissions("in/file") == 0o644)
        return (status, try folder.text("made").split(separator: "\n").map(String.init))
    }

    @Test(.timeLimit(.minutes(1))) func whatIsNotKnownIsRefused() throws {
        let (status, lines) = try attack("refused")
        #expect(status == "")
        let refused = lines.dropLast()
        #expect(lines.last == "process still itself ok")
        #expect(refused.count == 17)
        for line in refused { #expect(!line.hasSuffix(" ok"), "\(line)") }
    }

    @Test(.timeLimit(.minutes(1))) func anotherWayIntoTheKernelEndsTheProgram() throws {
        #expect(try attack("int80").status == "159")
    }

    @Test(.timeLimit(.minutes(1))) func aDirectoryLeadsNowhereElse() throws {
        let (status, lines) = try attack("directories")
        #expect(status == "")
        #expect(
            lines == [
                "open 1", "../out/secret 0", "../../out/secret 0", "../../../../../../etc/shadow 0",
                "openat(in, \"file\", O_RDONLY) ok",
                "openat(in, \"file\", O_WRONLY) EACCES", "mkdirat(in, \"made\", 0755) EACCES",
                "fchmod(in, 0777) EACCES",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func whatIsReadOnlyStaysSo() throws {
        let (status, lines) = try attack("readonly")
        #expect(status == "")
        #expect(lines.count == 20)
        for line in lines { #expect(!line.hasSuffix(" ok"), "\(line)") }
    }

    @Test(.timeLimit(.minutes(1))) func aPathIsReadOnce() throws {
        #expect(try attack("race").lines == ["opened 1 leaks 0"])
    }

    @Test(.timeLimit(.minutes(1))) func aSignalInterruptsNothingThatWasDone() throws {
        #expect(try attack("storm").lines == ["wrong 0"])
    }

    @Test(.timeLimit(.minutes(1))) func aChildHasWhatItsParentHadThen() throws {
        #expect(try attack("family").lines == ["wrong 0"])
    }

    @Test(.timeLimit(.minutes(1))) func threadsOpenFilesAndBecomePrograms() throws {
        #expect(try attack("threads").lines == ["wrong 0", "from a thread"])
    }

    @Test(.timeLimit(.minutes(1))) func argumentsMayLeadAnywhere() throws {
        let (status, lines) = try attack("pointers")
        #expect(status == "")
        #expect(
            lines.map { $0.split(separator: " ").last ?? "" } == [
                "EFAULT", "ENAMETOOLONG", "ok", "EFAULT", "EFAULT", "EFAULT", "EFAULT", "EMFILE", "ok",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func nobodyOutsideIsThere() throws {
        let (_, lines) = try attack("kill", String(getpid()))
        #expect(lines == ["kill(outside, 0) ESRCH", "kill(-outside, 0) ESRCH", "init ok", "parent 1"])
    }
}
