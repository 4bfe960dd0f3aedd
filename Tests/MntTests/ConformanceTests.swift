import Kernel
import Testing

@Suite("A server keeps the rules of 9P")
struct ConformanceTests {
    @Test("of framing", .timeLimit(.minutes(1)), arguments: framingCases)
    func framing(_ rule: Case) throws { try play(rule) }

    @Test("of versions and attaching", .timeLimit(.minutes(1)), arguments: versionCases)
    func version(_ rule: Case) throws { try play(rule) }

    @Test("of fids and walks", .timeLimit(.minutes(1)), arguments: walkCases)
    func walks(_ rule: Case) throws { try play(rule) }

    private func play(_ rule: Case) throws {
        try inServed { p in try rule.run(p.serve()) }
    }
}
