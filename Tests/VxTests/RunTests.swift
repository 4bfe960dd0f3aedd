import Host
import Kernel
import Testing

@testable import Vx

/// Programs of the host run as they are.
@Suite struct RunTests {
    @Test(.timeLimit(.minutes(1))) func aProgramRuns() throws {
        let ran = try run(["/bin/echo", "hi"])
        #expect(ran.output == "hi\n")
        #expect(ran.status == "")
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("exit 3", "", "3"), ("kill -TERM $$", "", "143"), ("kill -KILL $$", "", "137"),
            ("/bin/echo one | /bin/cat", "one\n", ""), ("(exit 5); echo $?", "5\n", ""),
            ("for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true || exit 1; done; echo $i", "10\n", ""),
            ("trap 'echo caught' INT; kill -INT $$", "caught\n", ""), ("cat", "some input", ""),
            ("(sleep 0; echo behind) & wait; echo done", "behind\ndone\n", ""),
            ("nosuchprogram", "/bin/bash: line 1: nosuchprogram: command not found\n", "127"),
        ] as [(String, String, String)])
    func aShellRunsOthers(_ line: String, _ output: String, _ status: String) throws {
        let ran = try run(["/bin/bash", "-c", line], input: "some input")
        #expect(ran.output == output)
        #expect(ran.status == status)
    }
}
