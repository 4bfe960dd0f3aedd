import Glibc
import Host
import Kernel
import Testing

@testable import Vx

/// Races that hostile programs run against a call's arguments and against names: `Tests/Programs/races.c`.
@Suite(.serialized) struct RaceTests {
    /// How often; `make soak` asks for more.
    private static let count = HostEnvironment.variable("EMU_RACES") ?? "12"

    @Test(.timeLimit(.minutes(5)), arguments: ["pointers", "names", "reopen", "paths"])
    func nothingIsToBeWon(_ mode: String) throws {
        let (status, lines) = try inCell(
            "races.c", [mode, Self.count],
            inside: { (p) throws(SysError) in
                try? p.mkdir("/proc")  // where we have it too
                try p.bind("#x", "/proc")
            },
            after: { folder in
                try shell("cd \(folder.path)/in && test \"$(echo *)\" = file")
                try shell("cd \(folder.path)/hidden && test \"$(echo *)\" = 'a run'")
            })
        #expect(status == "")
        #expect(lines == (mode == "paths" ? ["execve E2BIG"] : []) + ["wrong 0"])
    }

    /// A directory, a bind of it, and a bind of that: one test suite says the same of all three.
    @Test(.timeLimit(.minutes(5)), arguments: ["/rw", "/ram"])
    func aBindIsTheDirectory(_ base: String) throws {
        var said: [[String]] = []
        // As whoever owns what is made on the host.
        let owner = Cred(user: HostEnvironment.user, uid: getuid(), gid: getgid())
        for place in [base, "/bound", "/again"] {
            let (status, lines) = try inCell(
                "suite.c", [place], masks: false, as: owner,
                inside: { (p) throws(SysError) in
                    for name in ["/bound", "/again"] { try p.mkdir(name) }
                    try p.bind("#Rram", "/ram", .create)
                    try p.bind(base, "/bound", .create)
                    try p.bind("/bound", "/again", .create)
                })
            #expect(status == "")
            #expect(lines.count > 80 && lines.contains("mkdirat(top, \"d/e\", 0700) 0"))
            said.append(lines)
        }
        #expect(said[1] == said[0])
        #expect(said[2] == said[0])
    }
}
