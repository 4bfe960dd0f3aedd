import Glibc
import Testing

@testable import Vx

/// Processes and descriptors of a view, many of them: `Tests/Programs/family.c`.
@Suite(.serialized) struct FamilyTests {
    /// How often; `make soak` asks for more.
    private static let count = getenv("EMU_FAMILY").map { String(cString: $0) } ?? "1000"

    @Test(.timeLimit(.minutes(30)), arguments: ["parent", "middle"])
    func aChildHasWhatItsParentHadThen(_ mode: String) throws {
        #expect(try inCell("family.c", [mode, Self.count]).lines == ["wrong 0"])
    }

    @Test(.timeLimit(.minutes(30))) func signalsEndNoCallThatTheyDoNotEndElsewhere() throws {
        #expect(try inCell("family.c", ["storm", Self.count]).lines == ["wrong 0"])
        #expect(try inCell("family.c", ["crowd"]).lines == ["wrong 0"])
        #expect(
            try inCell("family.c", ["ended"]).lines == ["read EINTR", "wait EINTR", "sleep EINTR", "wait ok 0"])
    }

    @Test(.timeLimit(.minutes(5))) func aShellWithoutRestartsForksManyTimes() throws {
        let script =
            "i=0; while [ $i -lt 60 ]; do (:) & (:) & echo x | cat > /dev/null; i=$((i+1)); done; wait; echo $i"
        let ran = try run(["/bin/dash", "-c", script])
        #expect(ran.output == "60\n")
        #expect(ran.status == "")
    }

    @Test(.timeLimit(.minutes(1))) func aForkBombIsHeld() throws {
        var options = VxOptions()
        options.limits.processes = 12
        #expect(try inCell("family.c", ["bomb"], options).lines == ["fork EAGAIN after 11", "again ok"])
    }

    @Test(.timeLimit(.minutes(1))) func descriptorsRunOut() throws {
        #expect(try inCell("family.c", ["descriptors"]).lines == ["open EMFILE", "pipe EMFILE", "open ok"])
    }

    @Test(.timeLimit(.minutes(1))) func aDescriptorThatIsPassedOnGivesNoMore() throws {
        #expect(
            try inCell("family.c", ["passing"]).lines == ["read text", "write EBADF", "fchmod EACCES", "again refused"])
    }
}
