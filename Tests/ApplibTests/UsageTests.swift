import Testing

@testable import Applib

@Suite struct UsageTests {
    private static let usage: Usage = """
        head [-qv] [-n count] [file ...]
        -n, --lines count      how many lines
        -q, --quiet            no names
        -v                     names
        -w[when], --when[=when]  maybe
        --only names           nothing else
        -count                 the same as -n count
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
        Row("-7 a", "n=7", "a"), Row("-n 1 -n 2", "n=2", ""), Row("-- -q", "", "-q"), Row("a -q", "q", "a"),
        Row("- -q", "q", "-"), Row("-n -q a", "n=-q", "a"), Row("a -n 3 b -- -v c", "n=3", "a b -v c"),
        Row("--quiet a", "q", "a"), Row("a --lines 3", "n=3", "a"), Row("--lines=3 a", "n=3", "a"),
        Row("-w a", "w=", "a"), Row("-wauto a", "w=auto", "a"), Row("--when a", "w=", "a"),
        Row("--when=auto", "w=auto", ""),
        Row("--only=a,b", "only=a,b", ""),
    ]

    @Test(arguments: rows) func takesFlagsFromAmongTheOperands(_ row: Row) throws {
        guard case .options(let options) = Self.usage.parse(row.arguments[...]) else {
            Issue.record("\(row.arguments) is refused")
            return
        }
        var given = "qv".filter { options.has($0) }
        for name in ["n", "w", "only"] {
            if let value = options.value(name) { given += "\(name)=\(value)" }
        }
        #expect(given == row.given)
        #expect(options.operands == row.operands)
    }

    @Test func theFirstOperandEndsTheFlagsOfAProgramThatRunsAnother() {
        guard case .options(let options) = Self.usage.parse(["-q", "a", "-v", "--no-such"], early: true) else {
            Issue.record("refused")
            return
        }
        #expect(options.has("q") && !options.has("v"))
        #expect(options.operands == ["a", "-v", "--no-such"])
    }

    @Test(arguments: [
        (["-z"], "unknown flag -z"), (["-qz"], "unknown flag -z"), (["--colour"], "unknown flag --colour"),
        (["-n"], "flag -n takes a value"), (["-qn"], "flag -n takes a value"),
        (["-qh"], "unknown flag -h"), (["--lines"], "flag --lines takes a value"), (["--n=3"], "unknown flag --n"),
        (["--quiet=1"], "flag --quiet takes no value"), (["a", "-z"], "unknown flag -z"),
        (["-n", "1", "-h", "x"], "unknown flag -h"), (["-h", "x"], "unknown flag -h"),
    ]) func refusesWhatWasNotDeclared(_ arguments: [String], _ why: String) {
        guard case .wrong(let said) = Self.usage.parse(arguments[...]) else {
            Issue.record("\(arguments) is taken")
            return
        }
        #expect(said == why)
    }

    @Test(arguments: [["-h"], ["--help"], ["-q", "--help"], ["-n", "1", "--help", "x"]])
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
        #expect(Self.usage.help.hasPrefix(Self.usage.synopsis + "\n  -n, --lines count      how many lines\n"))
    }
}
