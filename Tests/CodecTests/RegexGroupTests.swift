import Kernel
import Testing

@testable import Codec

/// The first match and its groups, as `sed` prints them (for it a group that took no part is the empty string).
private let rows: [(pattern: String, options: Regex.Options, line: String, groups: [String])] = [
    ("(a|ab)(c|bcd)(d*)", [], "abcd", ["abcd", "a", "bcd", ""]),
    ("(a)(b)(c)", [], "abc", ["abc", "a", "b", "c"]),
    ("(a(b(c)))", [], "abc", ["abc", "abc", "bc", "c"]),
    ("((a)|(b))*", [], "ab", ["ab", "b", "a", "b"]),
    ("(a*)(b*)", [], "aabb", ["aabb", "aa", "bb"]),
    ("(a|b)*", [], "abab", ["abab", "b"]),
    ("([a-z]+) ([a-z]+)", [], "hello world", ["hello world", "hello", "world"]),
    ("(.*)(.*)", [], "ab", ["ab", "ab", ""]),
    ("(.*)b", [], "abab", ["abab", "aba"]),
    ("(x)?a", [], "a", ["a", ""]),
    ("(x)?a", [], "xa", ["xa", "x"]),
    ("(a|aa)(a|aa)(a*)", [], "aaaa", ["aaaa", "a", "a", "aa"]),
    ("(x?)(xy|y)?(z)", [], "xyz", ["xyz", "x", "y", "z"]),
    ("(ab|a)*(b|bab)?", [], "abab", ["abab", "ab", ""]),
    ("(foo|foobar)(bar)?", [], "foobar", ["foobar", "foo", "bar"]),
    ("((ab)|(cd))+", [], "abcd", ["abcd", "cd", "ab", "cd"]),
    ("(a{1,2})*", [], "aaa", ["aaa", "a"]),
    ("([0-9]+)-([0-9]+)", [], "x12-345y", ["12-345", "12", "345"]),
    ("^(.)(.*)(.)$", [], "abcde", ["abcde", "a", "bcd", "e"]),
    ("(a)|b", [], "b", ["b", ""]),
    ("(é)(.)", [], "aéß", ["éß", "é", "ß"]),
    ("\\b(f)(oo)\\b", [], "a foo", ["foo", "f", "oo"]),
    ("(a*)*", [], "b", ["", ""]),
    ("(a*)+", [], "b", ["", ""]),
    ("(a|())*", [], "a", ["a", "a", ""]),
    ("((a|b)*)*", [], "ab", ["ab", "ab", "b"]),
    ("([^,]*),([^,]*),?", [], "one,two,three", ["one,two,", "one", "two"]),
    ("(a?)(ab)?", [], "ab", ["ab", "", "ab"]),
    ("(a|b|c|d)(e|f)", [], "xdf", ["df", "d", "f"]),
    ("((((((((a))))))))b", [], "ab", ["ab", "a", "a", "a", "a", "a", "a", "a", "a"]),
    ("(.)\\1", [], "abccd", ["cc", "c"]),
    ("(a*)b\\1", [], "aabaa", ["aabaa", "aa"]),
    ("([a-z]+) \\1", [], "the the cat", ["the the", "the"]),
    ("(.)(.)\\2\\1", [], "xabbay", ["abba", "a", "b"]),
    ("(a|b)\\1", [], "abba", ["bb", "b"]),
    ("^(.*)\\n?\\1$", [], "abab", ["abab", "ab"]),
    ("(a)(b)\\2", [], "abb", ["abb", "a", "b"]),
    ("(.*)\\1", [], "ababab", ["abab", "ab"]),
    ("(a*)(\\1)", [], "aaaa", ["aaaa", "aa", "aa"]),
    ("\\(a\\)\\(b\\)", [.basic], "ab", ["ab", "a", "b"]),
    ("\\(.\\)\\1", [.basic], "xaab", ["aa", "a"]),
    ("\\(a\\|b\\)*c", [.basic], "abc", ["abc", "b"]),
    ("\\(a*\\)\\{2\\}", [.basic], "aaa", ["aaa", ""]),
    ("^\\(.*\\)/\\(.*\\)$", [.basic], "/usr/bin/ls", ["/usr/bin/ls", "/usr/bin", "ls"]),
]

@Suite struct RegexGroupTests {
    @Test(arguments: rows.indices) func groupsAreWhereTheyShouldBe(_ row: Int) throws {
        let (pattern, options, line, groups) = rows[row]
        let matcher = try Regex(pattern, options).matcher()
        let text = Array(line.utf8)
        let match = try #require(try matcher.first(in: text.span.bytes))
        let found = try matcher.groups(in: text.span.bytes, of: match)
        let texts = found.map { $0.map { String(decoding: text[$0], as: UTF8.self) } ?? "" }
        #expect(texts == groups, "\(pattern) in \(line)")
    }

    @Test func aGroupThatTookNoPartHasNoRange() throws {
        let matcher = try Regex("(a)|(b)").matcher()
        #expect(try matcher.groups(in: Array("b".utf8).span.bytes, of: 0..<1) == [0..<1, nil, 0..<1])
    }

    @Test func groupsAreCountedThroughSeveralPatterns() throws {
        let regex = try Regex(anyOf: ["(a)x", "(b)\\1y"])
        #expect(regex.groups == 2)
        let text = Array("bby".utf8)
        #expect(try regex.matcher().groups(in: text.span.bytes, of: 0..<3) == [0..<3, nil, 0..<1])
    }

    @Test func backReferencesThatTakeForeverAreStopped() throws {
        let matcher = try Regex("(a*)*(a*)*(a*)*\\1[b-z]").matcher()
        let text = [UInt8](repeating: 0x61, count: 200)
        #expect(throws: SysError("regular expression: a back-reference takes too many steps")) {
            try matcher.matches(text.span.bytes)
        }
    }

    @Test func backReferencesWorkOnLinesAndFindAll() throws {
        let matcher = try Regex("(.)\\1", .ignoreCase).matcher()
        let text = Array("abc\nxyyz aA\n\nqq".utf8)
        #expect(try matcher.nextLine(in: text.span.bytes) == 4..<11)
        #expect(try matcher.nextLine(in: text.span.bytes, from: 12) == 13..<15)
        #expect(try matcher.all(in: text.span.bytes) == [5..<7, 9..<11, 11..<13, 13..<15])
    }
}
