import Codec
import Host
import Kernel
import Testing

private let rows: [(pattern: String, options: Regex.Options, error: String)] = [
    ("(a", [], "unmatched ("),
    ("((a)", [], "unmatched ("),
    ("a(b|", [], "unmatched ("),
    ("\\(a", .basic, "unmatched \\("),
    ("a\\)", .basic, "unmatched \\)"),
    ("[a", [], "unmatched ["),
    ("[", [], "unmatched ["),
    ("[]", [], "unmatched ["),
    ("[^]", [], "unmatched ["),
    ("[a-", [], "unmatched ["),
    ("[[:alpha:]", [], "unmatched ["),
    ("[[:alpha", [], "unmatched [:"),
    ("[[.a]", [], "unmatched [."),
    ("[[=a", [], "unmatched [="),
    ("[z-a]", [], "range z-a runs backwards"),
    ("[a-c-e]", [], "range a-c is followed by another -"),
    ("[[:digit:]-z]", [], "a class cannot begin a range"),
    ("[a-[:digit:]]", [], "a class cannot end a range"),
    ("[[:foo:]]", [], "unknown class [:foo:]"),
    ("[[::]]", [], "unknown class [::]"),
    ("[[.ch.]]", [], "collating element [.ch.] is not known"),
    ("[[=ch=]]", [], "equivalence class [=ch=] is not known"),
    ("[:space:]", [], "a class is written [[:space:]], not [:space:]"),
    ("a\\", [], "trailing backslash"),
    ("\\", .basic, "trailing backslash"),
    ("\\d", [], "unknown escape \\d"),
    ("\\0", [], "unknown escape \\0"),
    ("\\1", [], "\\1 refers to no group before it"),
    ("(a)\\2", [], "\\2 refers to no group before it"),
    ("(a\\1)", [], "\\1 refers to no group before it"),
    ("a{2,1}", [], "{2,1} counts down"),
    ("a{32768}", [], "a count is larger than 32767"),
    ("a{99999999999999999999}", [], "a count is larger than 32767"),
    ("a\\{2", .basic, "unmatched \\{"),
    ("a\\{x\\}", .basic, "invalid content of \\{\\}"),
    ("a\\{1,2x\\}", .basic, "invalid content of \\{\\}"),
    ("\\{1\\}", .basic, "nothing to repeat before \\{"),
    ("(a{1000}){1000}", [], "too large"),
    ("\\w{30000}", [], "too large"),
    ("((a{100}){100}){100}", [], "too large"),
    ("a{2}{2}{2}", [], "nested too deeply"),
]

@Suite struct RegexErrorTests {
    @Test(arguments: rows.indices) func whatIsWrongIsNamed(_ row: Int) {
        let (pattern, options, error) = rows[row]
        #expect(throws: SysError("regular expression: " + error), "\(pattern)") { _ = try Regex(pattern, options) }
    }

    @Test func nestingIsBounded() throws {
        let deep = { (n: Int) in String(repeating: "(", count: n) + "a" + String(repeating: ")", count: n) }
        #expect(try Regex(deep(23)).groups == 23)
        #expect(throws: SysError("regular expression: nested too deeply")) { _ = try Regex(deep(24)) }
        #expect(throws: SysError("regular expression: nested too deeply")) { _ = try Regex(deep(30_000)) }
        #expect(throws: SysError("regular expression: nested too deeply")) {
            _ = try Regex(String(repeating: "(", count: 60_000))
        }
    }

    /// Programs run on small stacks.
    @Test(.timeLimit(.minutes(1))) func theDeepestExpressionsFitTheStackOfAProgram() {
        let parker = Parker()
        let failures = Lock<[SysError]>([])
        let started = HostThread.start {
            let open = String(repeating: "(a|b{2}", count: 23)
            let close = String(repeating: "){0,2}{1}", count: 23)
            for options: Regex.Options in [[], .ignoreCase] {
                do throws(SysError) {
                    _ = try Regex(
                        String(repeating: "(", count: 23) + "a" + String(repeating: ")*{1}{1}", count: 23), options)
                    _ = try Regex(open + close, options)
                } catch {
                    failures.withLock { $0.append(error) }
                }
            }
            parker.unpark()
        }
        #expect(started)
        _ = parker.park(until: nil)
        // Two to the power of 49 is refused, and nothing else is.
        #expect(failures.withLock { $0 } == Array(repeating: SysError("regular expression: too large"), count: 2))
    }

    @Test func lengthAndGroupsAreBounded() throws {
        _ = try Regex(String(repeating: "a", count: 65536))
        #expect(throws: SysError("regular expression: longer than 65536 characters")) {
            _ = try Regex(String(repeating: "a", count: 65537))
        }
        #expect(throws: SysError("regular expression: more than 1000 groups")) {
            _ = try Regex(String(repeating: "(a)", count: 1001))
        }
    }

    @Test func stackedStarsAreOneStar() throws {
        let matcher = try Regex("a" + String(repeating: "*+?", count: 20_000)).matcher()
        #expect(try matcher.first(in: Array("aaab".utf8).span.bytes) == 0..<3)
    }

    @Test func emptyRepetitionsDoNotMultiply() throws {
        let matcher = try Regex("((){10}){100}a{0}{32767}b").matcher()
        #expect(try matcher.first(in: Array("ab".utf8).span.bytes) == 1..<2)
    }
}
