import Kernel
import Testing

@Suite("A server keeps the rules of 9P")
struct ConformanceTests {
    @Test("of framing", .timeLimit(.minutes(1)), arguments: framingCases)
    func framing(_ rule: Case) async throws { try await play(rule) }

    @Test("of versions and attaching", .timeLimit(.minutes(1)), arguments: versionCases)
    func version(_ rule: Case) async throws { try await play(rule) }

    @Test("of fids and walks", .timeLimit(.minutes(1)), arguments: walkCases)
    func walks(_ rule: Case) async throws { try await play(rule) }

    @Test("of opening, creating and removing", .timeLimit(.minutes(1)), arguments: openCases)
    func open(_ rule: Case) async throws { try await play(rule) }

    @Test("of reading and writing", .timeLimit(.minutes(1)), arguments: transferCases)
    func transfer(_ rule: Case) async throws { try await play(rule) }

    @Test("of stat and wstat", .timeLimit(.minutes(1)), arguments: statCases)
    func stat(_ rule: Case) async throws { try await play(rule) }

    @Test("of flushing and of many requests", .timeLimit(.minutes(1)), arguments: flushCases)
    func flush(_ rule: Case) async throws { try await play(rule) }

    @Test("of 9P2000.L", .timeLimit(.minutes(1)), arguments: linuxCases)
    func linux(_ rule: Case) async throws { try await play(rule) }

    @Test("of 9P2000.L, where they are the same", .timeLimit(.minutes(1)), arguments: twinCases)
    func twins(_ rule: Case) async throws { try await play(rule) }

    @Test("of which there are 150 at least, in both dialects")
    func count() {
        #expect(allCases.count >= 150)
        #expect(Set(allCases.map(\.description)).count == allCases.count, "two have one name")
    }

    private func play(_ rule: Case) async throws {
        try await serving { p in try rule.run(p.serve()) }
    }
}
