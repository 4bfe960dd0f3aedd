import Testing

@testable import Appl

@Suite struct UsageTests {
    private static let usage: Usage = """
        head [-qv] [-n count] [file ...]
        -n count  how many lines
        -q        no names
        -v        names
        -count    the same as -n count
        """

    struct Row: Sendable {
        let arguments: [String]
        let given: String
        let operands: [String]

        init(_ arguments: String, _ given: String, _ operands: String) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.given = given
            self.operands = operands.split(separator: " ").map(String.init)
        }
    }

    static let rows = [
        Row("", "", ""), Row("a b", "", "a b"), Row("-q a", "q", "a"), Row("-qv a", "qv", "a"),
        Row("-n 5 a", "n=5", "a"), Row("-n5 a", "n=5", "a"), Row("-qn5", "qn=5", ""), Row("-qn 5 -v x", "qvn=5", "x"),
        Row("-7 a", "n=7", "a"), Row("-n 1 -n 2", "n=2", ""), Row("-- -q", "", "-q"), Row("a -q", "", "a -q"),
        Row("- -q", "", "- -q"), Row("-n -q a", "n=-q", "a"),
    ]

    @Test(arguments: rows) func takesFlagsOffTheFront(_ row: Row) throws {
        guard case .options(let options) = Self.usage.parse(row.arguments[...]) else {
            Issue.record("\(row.arguments) is refused")
            return
        }
        var given = "qv".filter { options.has($0) }
        if let n = options.value("n") { given += "n=\(n)" }
        #expect(given == row.given)
        #expect(options.operands == row.operands)
    }

    @Test(arguments: [
        (["-z"], "unknown flag -z"), (["-qz"], "unknown flag -z"), (["--colour"], "unknown flag --colour"),
        (["-n"], "flag -n takes a value"), (["-qn"], "flag -n takes a value"),
    ]) func refusesWhatWasNotDeclared(_ arguments: [String], _ why: String) {
        guard case .wrong(let said) = Self.usage.parse(arguments[...]) else {
            Issue.record("\(arguments) is taken")
            return
        }
        #expect(said == why)
    }

    @Test(arguments: [["-h"], ["--help"], ["-qh"], ["-n", "1", "-h", "x"]])
    func helpIsAskedForByAnyOfItsNames(_ arguments: [String]) {
        guard case .help = Self.usage.parse(arguments[...]) else {
            Issue.record("\(arguments) gives no help")
            return
        }
    }

    @Test func theLastOfFlagsThatExcludeEachOtherCounts() {
        guard case .options(let options) = Self.usage.parse(["-q", "-v", "-q"]) else {
            Issue.record("refused")
            return
        }
        #expect(options.last(of: "qv") == "q")
    }

    @Test func helpIsTheSynopsisAndTheFlags() {
        #expect(Self.usage.synopsis == "usage: head [-qv] [-n count] [file ...]")
        #expect(Self.usage.help.hasPrefix(Self.usage.synopsis + "\n  -n count  how many lines\n"))
    }
}
