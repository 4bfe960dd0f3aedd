import ApplTestSupport
import Kernel
import Testing

@testable import Filters

/// What diff tells of trouble.
@Suite(.timeLimit(.minutes(1))) struct DiffTests {
    @Test(arguments: [
        (["nope", "f"], "diff: 'nope' file does not exist\n"),
        (["-N", "nope", "none"], "diff: 'nope' file does not exist\n"),
        (["-e", "empty", "open"], "diff: 'open' no newline at the end of the file\n"),
    ]) func troubleIsToldAndIsTwo(_ arguments: [String], _ said: String) throws {
        let outcome = try emu("diff", Diff(), Call(arguments, "", ["f": "x\n", "empty": "", "open": "x"]))
        #expect(outcome.code == 2)
        #expect(outcome.err == said)
    }
}

/// Sorting by chance, which no host does alike.
@Suite(.timeLimit(.minutes(1))) struct SortRandomTests {
    @Test func equalLinesStandTogether() throws {
        let lines = (0..<50).flatMap { n in [n, n + 1, n] }.map { "\($0)\n" }.joined()
        let outcome = try emu("sort", Sort(), Call("-R", input: lines))
        let sorted = outcome.out.split(separator: "\n")
        #expect(sorted.count == 150 && outcome.code == 0)
        var runs: [Substring] = []
        for line in sorted where runs.last != line { runs.append(line) }
        #expect(runs.count == Set(runs).count)
        #expect(runs != runs.sorted())
    }
}
