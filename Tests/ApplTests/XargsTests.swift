import ApplTestSupport
import Kernel
import Testing

@testable import Appl
@testable import Applib

/// What xargs makes of its input, and how much of that it holds.
@Suite(.timeLimit(.minutes(1))) struct XargsTests {
    /// Prints its arguments, a line each.
    private struct Each: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            for word in args.dropFirst() { try p.write(1, "<\(word)>") }
            try p.write(1, "\n")
            return .ok
        }
    }

    private func xargs(_ arguments: [String], _ input: String) throws -> Outcome {
        let each = ProgramEntry(name: "Each", path: "/bin/each") { Each() }
        return try emu("xargs", Xargs(), Call(["-a", "/mnt/in"] + arguments, input, [:]), programs: [each])
    }

    @Test(
        arguments: [
            ([], "a b\n", "<a><b>\n"), ([], " a\tb  c ", "<a><b><c>\n"), ([], "", "\n"), ([], "\n \n", "\n"),
            ([], "'a b' \"c'd\" e\\ f g\\\nh", "<a b><c'd><e f><g\nh>\n"), ([], "'' x\"\"y", "<><xy>\n"),
            ([], "a\\", "<a>\n"),
            (["-n1"], "a b\nc", "<a>\n<b>\n<c>\n"), (["-L1"], "a b \nc\n\nd", "<a><b><c>\n<d>\n"),
            (["-0"], "a b\0'c\0\0d", "<a b><'c><><d>\n"), (["-d,"], "a,b\n,", "<a><b\n>\n"),
            (["-E", "x"], "a x b", "<a>\n"), (["-n2", "-E", "x"], "a b c x d", "<a><b>\n<c>\n"),
            (["-r"], " \n", ""), (["-d", "\\n"], "a b\n\nc", "<a b><><c>\n"),
        ] as [([String], String, String)])
    func wordsAreArguments(_ flags: [String], _ input: String, _ out: String) throws {
        let outcome = try xargs(flags + ["each"], input)
        #expect(outcome.out == out && outcome.code == 0, "\(outcome)")
    }

    @Test(
        arguments: [
            ("  a  b \n\n'c' d\\ne\n \nf", "<1:a  b >\n<1:c dne>\n<1:f>\n"), ("a\nx\nb", "<1:a>\n<1:x>\n<1:b>\n"),
        ] as [(String, String)]) func aLineTakesThePlaceOfAWord(_ input: String, _ out: String) throws
    {
        let outcome = try xargs(["-I", "{}", "each", "1:{}"], input)
        #expect(outcome.out == out && outcome.code == 0, "\(outcome)")
    }

    @Test(arguments: ["'a\nb'", "\"a", "a 'b"]) func aQuoteEndsOnItsLine(_ input: String) throws {
        let outcome = try xargs(["each"], input)
        #expect(outcome.code == 1 && outcome.err.contains("unmatched"), "\(outcome)")
    }

    @Test(arguments: [[], ["-0"], ["-I", "x"], ["-d", ","]])
    func aWordThatNoCommandTakesEndsItAtOnce(_ flags: [String]) throws {
        let outcome = try xargs(flags + ["each"], String(repeating: "x", count: 6 << 20))
        #expect(outcome.code == 1 && outcome.err == "xargs: argument line too long\n", "\(outcome.code) \(outcome.err)")
    }

    @Test func aLineMayHaveManyWords() throws {
        let outcome = try xargs(["-n", "100000", "-s", "1000000", "each"], String(repeating: "a ", count: 300_000))
        #expect(
            outcome.code == 0
                && outcome.out == String(repeating: String(repeating: "<a>", count: 100_000) + "\n", count: 3))
    }
}
