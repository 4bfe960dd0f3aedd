import ApplTestSupport
import Kernel
import Testing

@testable import Filters

private let numbers = (1...10).map { "\($0)\n" }.joined()
private let text = "hello world\nfoo bar foo\n\n  indented line\nlast é line\n"

/// A script on a text; each is run by the host's sed too.
private let scripts: [(script: String, input: String)] = [
    ("p", "a\nb\n"), ("2p", numbers), ("$p", numbers), ("2,4d", numbers), ("2!d", numbers), ("2,4!d", numbers),
    ("$!d", numbers),
    ("/5/,$d", numbers), ("/3/,/5/d", numbers), ("/3/,2d", numbers), ("3,2d", numbers), ("/1/,/1/d", numbers),
    ("1,/1/d", "1\n1\n2\n"),
    ("0,/1/d", "1\n1\n2\n"), ("0,/3/d", numbers), ("2,+2d", numbers), ("/[37]/,+1d", numbers), ("2,~4d", numbers),
    ("4,~4d", numbers),
    ("0~3d", numbers), ("1~3d", numbers), ("2~0d", numbers), ("5,1~3d", numbers), ("2 , 4 d", numbers),
    ("2 ! d", "1\n2\n"), ("\\,o,d", text),
    ("/FOO/Id", text), ("/foo/,/x/d", text), ("s/o/0/", text), ("s/o/0/g", text), ("s/o/0/2", text), ("s/o/0/2g", text),
    ("s/foo/<&>/g", text), ("s/\\(foo\\) \\(bar\\)/\\2 \\1/", text), ("s/x*/-/g", "abc\nxx\nbaac\n"),
    ("s/b*/x/2", "abc\n"),
    ("s/^/> /", text), ("s/$/ </", text), ("s/[aeiou]/\\U&/g", text), ("s/\\w\\+/\\u&/g", text),
    ("s/.*/\\U\\l&/", text),
    ("s/\\(.\\)\\(.*\\)/\\U\\1\\E\\2/", text), ("s/o/\\n/g", text), ("s/o/a\\\nb/", text), ("s/o/\\&\\//", text),
    ("s,o,/,", text), ("s|o\\|l|X|g", "o|l\n"),
    ("s/[/]/x/", "a/b\n"), ("s/[]/]/x/g", "a/b]\n"), ("s/\\//x/", "a/b\n"), ("s/FOO/x/Ig", text), ("s/foo/x/gp", text),
    ("s/o/x/3p", text),
    ("s/\\t/T/", "a\tb\n"), ("s/[\\t]/T/", "a\tb\n"), ("s/\\x61/X/;s/\\o142/Y/;s/\\d99/Z/", "abc\n"),
    ("s/a/\\x26\\cA/", "a\n"),
    ("s/é/e/;y/el/éL/", text), ("y/abc/xyz/", "aabbcc\n"), ("y/a\\/b/1\\n2/", "a/b\n"), ("y/\\\\n/xy/", "\\n\n"),
    ("=", "a\nb\n"), ("$=", text),
    ("n;d", numbers), ("$!n;d", "1\n2\n3\n"), ("N;P;D", "1\n2\n3\n"), ("$!N;s/\\n/,/", numbers),
    ("N;N;s/\\n/+/g", "1\n2\n3\n4\n"),
    (":a;N;$!ba;s/\\n/+/g", numbers), (":a;s/^\\(.\\{1,5\\}\\)$/ \\1/;ta", "ab\nabc\n"),
    (":x\ns/a/b/\ntx\ns/b/c/", "aaa\n"), ("/2/bend;s/^/x/;:end", "1\n2\n3\n"),
    ("/2/{s/2/two/;b};s/$/!/", "1\n2\n3\n"), ("T;s/$/!/", "a\n"), ("s/a/b/;T;s/$/!/", "a\nc\n"),
    ("s/a/x/;n;tq;s/$/no/;:q", "a\nb\n"),
    ("1!G;h;$!d", "1\n2\n3\n"), ("x;p;x", "1\n2\n"), ("x;G;l", "1\n2\n"), ("H;$!d;x;s/\\n/,/g", numbers),
    ("2{h;d};${G}", "1\n2\n3\n"), ("g", "a\n"), ("2q", numbers),
    ("2Q", numbers), ("2q5", numbers), ("2Q6", numbers), ("$!d;q", numbers), ("3,5{/4/d;s/^/x/}", numbers),
    ("{p;{p}}", "a\n"), ("1{p;p}", "a\n"), ("i\\\nnew", "a\nb\n"),
    ("2i before", numbers), ("2a after", numbers), ("a\\\n  two\\\n  lines", "a\n"), ("1a hello\\tx\\ny", "a\n"),
    ("a\\  text", "a\n"), ("$a end", "a\nb"), ("2c changed", numbers),
    ("2,4c\\\nchanged", numbers), ("2!c x", "1\n2\n3\n"), ("$!{2c x\n}", "1\n2\n3\n"),
    ("/2/,/3/c y", "1\n2\n3\n4\n2\n"), ("2{a A\ni I\nc C\n}", "1\n2\n3\n"), ("a x\nn;i y", "1\n2\n3\n"),
    ("l", "a\\b\tc\u{1}\u{7f}é\n"), ("l 10", "aaaaaaaaaaaaaaaaaaaaaaa\n"), ("l 5;d", "a\\\\\\\\\tb\n"),
    ("l 0", String(repeating: "x", count: 100) + "\n"), ("l", String(repeating: "é", count: 40) + "\n"),
    ("z;s/^$/empty/", "a\nb\n"), ("F", "a\n"), ("//d", "a\n"), ("/o/s//0/g", text), ("s/o/x/;s//y/", text),
    ("/a/{s/b/c/;s//d/}", "abb\n"), ("w /dev/stdout", "a\nb\n"),
    ("s/a/b/w /dev/stdout", "a\nc\n"), ("#n\np", "a\n"), ("#comment\np # more", "a\n"), ("p;;p;", "a\n"),
    ("p ; p", "a\n"), ("{;p;}", "a\n"), ("1{p};2{p}", "a\nb\n"), ("p", "no newline"), ("s/x/y/;N;P;D", "a"),
    ("$!N;$!D", numbers), ("$d", numbers), ("1d;$d", "only\n"), ("p", ""), ("$p", ""), ("1,3{N;N;N;p};2,3p", numbers),
    ("2,4{N;N;N;s/\\n/,/g;p};2,5s/^/x/p", numbers), ("2,3{3,5p}", numbers),
    ("s/a$/Y/M;s/^b/X/M", "a\nb\n"), ("N;s/a$/Y/M;s/^b/X/M", "a\nb\n"), ("N;s/^b/X/", "a\nb\n"),
    ("N;s/a.b/X/", "a\nb\n"), ("N;s/a[^x]b/X/", "a\nb\n"), ("N;s/a$/X/", "a\nb\n"), ("N;s/a.b/X/M", "a\nb\n"),
    ("s/\\(a\\|b\\)*c/[\\1]/", "abc\n"), ("s/\\(.\\)\\1/<\\1>/g", "aabbc\n"), ("s/a\\{2,3\\}/X/g", "aaaaa\n"),
    ("s/\\bfoo\\b/X/g", "foo foobar foo\n"), ("s/\\<./\\U&/g", text), ("s/a*/x/g", "baaac\n"),
    ("y/abc/\\n\\\\//;l", "abc\n"), ("s/[[:space:]]*$//", "a  \nb\t\n"), ("/^$/d;s/^[ \\t]*//", text),
    ("s/\\(^\\|[^0-9.]\\)\\([0-9]*\\)\\([0-9]\\{3\\}\\)/\\1\\2,\\3/g", "1234567 12345\n"),
    ("/x/I,/Y/Ip", "X\na\ny\nb\n"), ("1,2!{3,4!d}", numbers), ("bx;p;:x;s/$/./", "a\n"),
    ("s/a/b/;ta;s/$/no/;:a", "a\nc\n"), ("D", "a\nb\n"), ("s/b/\\n/;P;D", "abc\n"), ("G;G", "a\n"), ("i\\", "a\n"),
]

/// Whole calls: flags and files.
private let files = [
    "f": "1\n2\n3\n", "g": "a\nb\n", "script": "s/1/one/\n/2/d\n", "n": "#n\n2p\n", "open": "no newline", "empty": "",
]

private func c(_ arguments: String..., input: String = "") -> Call { Call(arguments, input, files) }

private let calls: [Call] = [
    c("p", "f", "g"), c("-n", "p", "f"), c("-n", "$=", "f", "g"), c("-ns", "$=;1p", "f", "g"),
    c("-s", "-n", "$p;1p", "f", "g"), c("-e", "p", "-e", "d", "f"),
    c("-f", "script", "f"), c("-f", "n", "f"), c("-n", "-f", "script", "-e", "p", "f"),
    c("-e", "i\\", "-e", "text", "f"), c("-E", "s/(1|2)+/<\\1>/", "f"),
    c("-r", "s/a|b/X/", "g"), c("s/a|b/X/", "g"), c("-E", "s|1\\|2|X|", "f"), c("-z", "s/\\n/,/g", "f"),
    c("-z", "s/^./x/mg", "f"), c("-u", "s/1/x/", "f"),
    c("-l", "5", "-n", "l", "open"), c("p", "nosuch", "f"), c("p", "nosuch"), c("-i", "s/1/one/", "f"),
    c("-i.bak", "s/1/one/", "f"), c("-i", "2q", "f"), c("-i", "2Q", "f"),
    c("-n", "-i", "1p", "f", "g"), c("-i", "$d", "f", "g"), c("-ni", "2p", "f"), c("-i", "1i top", "f"),
    c("-i", "$a end", "open"), c("-i", "w out", "f"), c("-i", "s/x/y/;1F", "f"), c("-Ei.orig", "s/(a)/<\\1>/", "g"),
    c("-i", "1,2d", "f", "g"),
    c("r g", "f"), c("2r g", "f"), c("r nosuch", "f"), c("r open", "f"), c("$r open", "open"), c("R g", "f"),
    c("R open", "f"), c("R empty", "f"), c("w out", "f"), c("w out", "f", "g"), c("/2/w out", "f"),
    c("s/2/two/w out", "f"), c("w a\nw b", "f"), c("w a\ns/1/x/w a", "f"), c("w out", "open"), c("2W out", "f"),
    c("N;W out", "f"), c("p", "-", input: "in\n"), c("F", "f", "-", input: "in\n"), c("p", "open", "f"),
    c("", "f"), c("-n", "", "f"), c("p", "empty", "f"), c("$p", "f", "empty"), c("-s", "$p", "empty", "f"),
    c("-i", "p", "empty"), c("2,3!p", "f"), c("--", "p", "f"), c("-n", "--", "p", "f"),
    c("2r /dev/stdin", "f", input: "in\n"),
    c("N", "f", "g"), c("-s", "N;s/\\n/,/", "f", "g"), c("n;d", "f", "g"), c("0,/1/d", "f", "f"),
    c("-s", "0,/1/d", "f", "f"), c("-s", "1,2d", "f", "f"), c("-s", "F", "f", "g"),
]

/// A script that is refused, and why.
private let mistakes: [(script: String, error: String)] = [
    ("k", "script:1:1: unknown command k"), ("p;p}", "script:1:4: unexpected }"), ("{p", "script:1:2: unmatched {"),
    ("s/a/b", "script:1:5: unterminated s command"),
    ("s/a", "script:1:3: unterminated s command"), ("s", "script:1:1: unterminated s command"),
    ("s/a/b\n/", "script:1:6: unterminated s command"), ("s/a/b/gg", "script:1:8: s has g twice"),
    ("s/a/b/pp", "script:1:8: s has p twice"), ("s/a/b/1g2", "script:1:8: s has two numbers"),
    ("s/a/b/0", "script:1:7: the number of s is 0"), ("s/a/b/k", "script:1:7: unknown flag k of s"),
    ("s/a/\\1/", "script:1:7: \\1 refers to no group"), ("s/\\(a/b/", "script:1:8: regular expression: unmatched \\("),
    ("/a", "script:1:2: unterminated expression"), ("/[/p", "script:1:4: unterminated expression"),
    ("y/abc/de/", "script:1:9: the two texts of y differ in length"), ("y/a", "script:1:3: unterminated y command"),
    ("y/\\q/x/", "script:1:4: unknown escape \\q in y"), ("0p", "script:1:1: line 0 is only for 0,/expression/"),
    ("0,3p", "script:1:3: line 0 is only for 0,/expression/"), ("1,2q", "script:1:4: q takes one address only"),
    ("1,p", "script:1:2: unexpected ,"), ("1,+p", "script:1:3: missing number after +"),
    ("1", "script:1:1: missing command"),
    ("p x", "script:1:2: extra characters after the command"), ("bfoo", "no label 'foo'"),
    (":", "script:1:1: : lacks a label"), (":a\n:a", "script:2:2: label 'a' is there twice"),
    ("1:a", "script:1:2: : takes no address"), ("1}", "script:1:2: } takes no address"),
    ("r", "script:1:1: missing name of a file"), ("w ", "script:1:2: missing name of a file"),
    ("a", "script:1:1: missing text"), ("e date", "script:1:1: command e is not in this emu"),
    ("s/a/b/e", "script:1:7: flag e of s is not in this emu"),
    ("99999999999999999999p", "script:1:18: number too large"), ("p\n\n  k", "script:3:3: unknown command k"),
    ("s/a//I;s//x/I", "script:1:13: flags on an empty expression"),
    ("\\", "script:1:1: bad delimiter of an expression"),
]

@Suite struct SedTests {
    @Test(.timeLimit(.minutes(1)), arguments: scripts.indices, [[], ["-n"]])
    func scriptsGiveWhatTheHostsGive(_ row: Int, _ flags: [String]) throws {
        let call = Call(flags + [scripts[row].script], scripts[row].input, [:])
        #expect(try emu("sed", Sed(), call) == host("sed", call), "sed \(flags) '\(scripts[row].script)'")
    }

    @Test(.timeLimit(.minutes(1)), arguments: calls.indices) func callsDoWhatTheHostsDo(_ row: Int) throws {
        let (mine, theirs) = (try emu("sed", Sed(), calls[row]), try host("sed", calls[row]))
        #expect(mine == theirs, "sed \(calls[row].arguments)")
        #expect(mine.err.isEmpty == theirs.err.isEmpty, "\(mine.err) and \(theirs.err)")
    }

    @Test(arguments: mistakes.indices) func whatIsWrongIsNamedWithItsPlace(_ row: Int) throws {
        let outcome = try emu("sed", Sed(), Call([mistakes[row].script], "a\n", [:]))
        #expect(outcome.err == "sed: \(mistakes[row].error)\n")
        #expect(outcome.code == 1 && outcome.out.isEmpty)
    }

    @Test func endlessScriptsAreBounded() throws {
        let call = Call([":a;s/$/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/;G;G;h;ba"], "a\n", [:])
        #expect(try emu("sed", Sed(), call).err == "sed: pattern space too large\n")
        let deep = Call([String(repeating: "{", count: 100_000)], "a\n", [:])
        #expect(try emu("sed", Sed(), deep).err == "sed: script:1:201: too many {\n")
        #expect(try emu("sed", Sed(), Call(["//p"], "a\n", [:])).err == "sed: no expression was used before\n")
    }
}
