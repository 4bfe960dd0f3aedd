import ApplTestSupport
import Kernel
import Testing

@testable import Filters

private let poem = """
    The quick brown fox
    jumps over the lazy dog.

    A second paragraph, with foo and
    another foo; and food.
    THE END

    """

private let lines = (1...40).map { "line \($0)" }.joined(separator: "\n") + "\n"

private let files = [
    "a.txt": poem, "b.txt": "foo\nbar\nbaz\nfoo bar\n", "empty": "", "open": "no newline at the end foo",
    "dir/one": "foo in one\n", "dir/two": "nothing\n", "dir/sub/three": "x\nfoo in three\ny\n",
    "patterns": "fox\nlazy\n", "binary": "one\nfoo\0bar\nfoo\n", "é": "naïve café\nÉCOLE\n", "lines": lines,
]

private func c(_ arguments: String..., input: String = "") -> Call { Call(arguments, input, files) }

/// Each is run by the host's grep too, and must give the same bytes and status.
private let calls: [Call] = [
    c("foo", "a.txt"), c("foo", "a.txt", "b.txt"), c("foo", input: poem), c("foo", "-", input: poem),
    c("nothing like it", "a.txt"), c("foo", "nosuch"), c("foo", "nosuch", "b.txt"), c("-s", "foo", "nosuch", "b.txt"),
    c("-q", "foo", "b.txt"), c("-q", "foo", "nosuch", "b.txt"), c("-q", "zzz", "b.txt"), c("-sq", "zzz", "nosuch"),
    c("-c", "foo", "a.txt"), c("-c", "foo", "a.txt", "b.txt", "empty"), c("-vc", "foo", "a.txt"),
    c("-c", "zzz", "a.txt"),
    c("-l", "foo", "a.txt", "b.txt", "empty"), c("-L", "foo", "a.txt", "b.txt", "empty"),
    c("-lv", "foo", "b.txt", "empty"),
    c("-L", "zzz", "a.txt"), c("-n", "foo", "a.txt"), c("-nH", "foo", "a.txt"), c("-h", "foo", "a.txt", "b.txt"),
    c("-Hn", "foo", input: poem), c("-b", "foo", "a.txt"), c("-nb", "foo", "a.txt"), c("-o", "fo*", "a.txt"),
    c("-on", "fo*", "a.txt"), c("-ob", "o", "a.txt"), c("-oi", "the", "a.txt"), c("-o", "x*", "a.txt"),
    c("-ov", "foo", "a.txt"),
    c("-v", "foo", "a.txt"), c("-vn", "foo", "a.txt", "b.txt"), c("-i", "the", "a.txt"), c("-y", "the", "a.txt"),
    c("-w", "foo", "a.txt"), c("-x", "foo", "b.txt"), c("-wo", "foo", "a.txt"), c("-xv", "foo", "b.txt"),
    c("-ix", "the end", "a.txt"),
    c("-E", "fox|dog", "a.txt"), c("-E", "(f|l)[aeo]+", "a.txt"), c("fox|dog", "a.txt"), c("fox\\|dog", "a.txt"),
    c("-F", "o.", "a.txt"), c("-F", "dog.", "a.txt"), c("-F", "foo\nfox", "a.txt"), c("-E", "a{2,}|o{2}", "a.txt"),
    c("-e", "fox", "-e", "lazy", "a.txt"), c("-f", "patterns", "a.txt"), c("-f", "patterns", "-e", "END", "a.txt"),
    c("-f", "-", "a.txt", input: "quick\nfood\n"), c("-f", "empty", "a.txt"), c("-vf", "empty", "b.txt"),
    c("", "b.txt"),
    c("-e", "", "b.txt"), c("-m", "1", "foo", "a.txt"), c("-m2", "o", "a.txt", "b.txt"), c("-m", "0", "foo", "a.txt"),
    c("-m1", "-c", "foo", "a.txt"), c("-vm", "2", "foo", "a.txt"), c("-A1", "fox", "a.txt"), c("-B1", "lazy", "a.txt"),
    c("-C1", "second", "a.txt"), c("-1", "second", "a.txt"), c("-n", "-C", "2", "line 1$", "lines"),
    c("-nC2", "line [159]$", "lines"), c("-nA3", "line .*5", "lines"), c("-nB3", "line .*5", "lines"),
    c("-nC1", "5", "lines", "a.txt"),
    c("-A1", "foo", "a.txt", "b.txt"), c("-c", "-C2", "foo", "a.txt"), c("-m2", "-A3", "line", "lines"),
    c("-m2", "-A3", "5", "lines"),
    c("-nv", "-C1", "line [0-9]*[02468]$", "lines"), c("-nvB1", "line [1-3]", "lines"), c("-oA1", "foo", "b.txt"),
    c("foo", "open"), c("-v", "foo", "open"), c("-vc", "zzz", "open"), c("-c", "foo", "open"), c("-on", "foo", "open"),
    c("-r", "foo", "dir"), c("-rh", "three", "dir"), c("-rc", "three", "dir/sub"), c("-rl", "foo", "dir/sub", "b.txt"),
    c("-rn", "foo", "dir/sub/three"), c("-rL", "foo", "dir/two"), c("-r", "zzz", "dir"), c("-r", "bar"),
    c("-rl", "foo", "."), c("foo", "dir"),
    c("-s", "foo", "dir"),
    c("-c", "foo", "binary"), c("-a", "foo", "binary"), c("-l", "foo", "binary"), c("-an", "foo", "binary"),
    c("foo", "binary"),
    c("é", "é"), c("-i", "école", "é"), c("-o", "caf.", "é"), c("-w", "caf", "é"), c("-w", "café", "é"),
    c("-E", "[[:upper:]]{5}", "é"),
    c("-E", "(a", "a.txt"), c("[a", "a.txt"), c("-m", "x", "foo", "a.txt"),
    c("-z", "foo", input: "a\nfoo\0bar\0foo\0"),
    c("-zc", "^bar$", input: "a\nfoo\0bar\0foo\0"), c("-E", "(.)\\1", "a.txt"), c("\\(.\\)\\1", "a.txt"),
    c("-n", "^$", "a.txt"),
    c("-c", "$", "a.txt"), c("--", "-x", input: "a -x b\n"), c("-e", "-x", input: "a -x b\n"),
    c("-xF", "", input: "\na\n"),
    c("-w", "", input: "a b\n\n"), c("-G", "a\\+b*", input: "aab+\n"), c("-A", "-1", "x", "a.txt"),
    c("-C", "1", "-A", "0", "second", "a.txt"),
    c("-L", "foo", "b.txt"), c("-lc", "foo", "a.txt", "b.txt"), c("-no", "b", input: "abc\nbcb\n"),
]

@Suite struct GrepTests {
    @Test(.timeLimit(.minutes(1)), arguments: calls.indices) func printsAndEndsAsTheHostsDoes(_ row: Int) throws {
        var (mine, theirs) = (try emu("grep", Grep(), calls[row]), try host("grep", calls[row]))
        if calls[row].arguments[0].hasPrefix("-r") {
            // The host takes the files of a directory as they come.
            mine.out = mine.out.split(separator: "\n").sorted().joined(separator: "\n")
            theirs.out = theirs.out.split(separator: "\n").sorted().joined(separator: "\n")
        }
        #expect(mine == theirs, "grep \(calls[row].arguments)")
        // Trouble is told exactly where the host tells it.
        #expect(mine.err.isEmpty == theirs.err.isEmpty, "\(mine.err) and \(theirs.err)")
    }

    /// Blocks of 128 kilobytes end in the middle of what is selected, before it and after it.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [["-nC2", "7777"], ["-vc", "7"], ["-nB5", "9.99$"], ["-bo", "12.45"], ["-vnA1", "[0-8]"]])
    func blocksLeaveNoTrace(_ arguments: [String]) throws {
        let text =
            (0..<60_000).map { "row \($0 &* 7919 % 100_003)\n" }.joined() + String(repeating: "x", count: 300_000)
            + "7777y\nlast"
        let call = Call(arguments, text, [:])
        let (mine, theirs) = (try emu("grep", Grep(), call), try host("grep", call))
        #expect(mine.out.utf8.count == theirs.out.utf8.count)
        #expect((mine == theirs) == true, "grep \(arguments)")
    }

    @Test func helpAndMistakesAreTold() throws {
        #expect(try emu("grep", Grep(), c("--help")).out.hasPrefix("usage: grep ["))
        #expect(try emu("grep", Grep(), c()).err.hasPrefix("grep: no pattern\nusage: grep ["))
        #expect(try emu("grep", Grep(), c("-Q")).err.hasPrefix("grep: unknown flag -Q\n"))
        #expect(try emu("grep", Grep(), c("-E", "(a", "a.txt")).err == "grep: regular expression: unmatched (\n")
        #expect(try emu("grep", Grep(), c("a", "nosuch")).err == "grep: 'nosuch' file does not exist\n")
        #expect(try emu("grep", Grep(), c("foo", "binary")).err == "grep: binary: binary file matches\n")
    }
}
