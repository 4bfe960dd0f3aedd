import ApplTestSupport
import Kernel
import Testing

@testable import Appl
@testable import Applib

/// A server that lists a directory `d`, where there is a symbolic link to `/mnt`: as if it had been put there since.
private final class LieDev: Dev {
    let letter: Character = "L"
    let name = "lie"
    let instance = Instance.new()

    func table(of directory: Qid) -> [Dirtab] {
        directory.path == 0 ? [Dirtab("d", Qid(path: 1, type: .symlink), mode: 0o777)] : []
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        guard cookie == 0 else { return [] }
        let row = Dirtab("d", Qid(path: 1, type: .directory), mode: 0o777)
        return [(dir(row, caller), 1)]
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int { 0 }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String { "/mnt" }
}

/// No walk leaves its tree by a link that has taken a directory's place.
@Suite(.timeLimit(.minutes(1))) struct LieTests {
    @Test(
        arguments: [
            ("find", Find(), ["#L"]), ("du", Du(), ["-a", "#L"]), ("chmod", Chmod(), ["-vR", "700", "#L"]),
            ("rm", Rm(), ["-rv", "#L"]), ("cp", Cp(), ["-r", "#L", "copy"]), ("tar", Tar(), ["-cvf", "archive", "#L"]),
        ] as [(String, any Program, [String])])
    func aLinkIsNotFollowedOutOfTheTree(_ name: String, _ program: any Program, _ arguments: [String]) throws {
        let outcome = try emu(name, program, Call(arguments, "secret", [:]), devices: [LieDev()])
        #expect(outcome.code != 0, "\(outcome)")
        #expect(outcome.err.contains("another file has taken its place"), "\(outcome)")
        // /mnt has the three files of the call.
        for text in [outcome.out, outcome.err] + Array(outcome.files.keys) + Array(outcome.files.values) {
            #expect(!text.contains("d/in") && !text.contains("secret"), "\(outcome)")
        }
    }
}
