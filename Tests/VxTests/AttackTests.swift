import Glibc
import Testing

/// What hostile programs try: `Tests/Programs/attack.c`.
@Suite(.serialized) struct AttackTests {
    private func attack(_ words: String...) throws -> (status: String, lines: [String]) {
        try inCell("attack.c", words)
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
