import ApplTestSupport
import Kernel
import Testing

@testable import Appl
@testable import Applib
@testable import Filters

/// Files that no medium has, but a server may tell of: `huge` is as long and as old as numbers go, `bad` cannot be read.
final class OddDev: Dev {
    let letter: Character = "o"
    let name = "odd"
    let instance = Instance.new()

    func table(of directory: Qid) -> [Dirtab] {
        [
            Dirtab("bad", Qid(path: 1), length: 4096, mode: 0o444),
            Dirtab("huge", Qid(path: 2), length: .max, mode: 0o444),
        ]
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        guard let row = table(of: c.qid).first(where: { $0.qid.path == c.qid.path }) else {
            return dir(Dirtab("#o", c.qid, mode: 0o555), caller)
        }
        return oldest(dir(row, caller))
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let rows = table(of: c.qid)
        guard cookie < rows.count else { return [] }
        return [(oldest(dir(rows[Int(cookie)], caller)), cookie + 1)]
    }

    private func oldest(_ dir: Dir) -> Dir {
        var dir = dir
        (dir.accessed, dir.modified, dir.changed) = (.min, .min, .min)
        return dir
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        if c.qid.path == 1, offset < 4096 { throw .io }
        return 0
    }
}

/// What is at the ends of the numbers, and what fails on the way, ends no program but by its own words.
@Suite(.timeLimit(.minutes(1))) struct OddTests {
    private static let programs: [String: any Program] = [
        "date": Date(), "dd": Dd(), "diff": Diff(), "du": Du(), "find": Find(), "ls": Ls(), "md5sum": Md5sum(),
        "stat": Stat(), "tail": Tail(), "touch": Touch(), "uniq": Uniq(), "wc": Wc(),
    ]

    private static func run(_ line: String, _ input: String = "", _ files: [String: String] = [:]) throws -> Outcome {
        let words = line.split(separator: " ").map { String($0).replacing("~", with: " ") }
        return try emu(
            words[0], try #require(programs[words[0]]), Call(Array(words.dropFirst()), input, files),
            devices: [OddDev()])
    }

    @Test(arguments: [
        ("date -u -d @-9223372036.8 +%s.%N", "-9223372037.200000000\n"),
        ("date -u -d @9223372036.8 +%s.%N", "9223372036.800000000\n"),
        ("date -u -r #o/huge +%Y-%N", "1677-145224192\n"), ("date -u -r #o/huge -n", "-9223372037\n"),
        ("stat -c %Y #o/huge", "-9223372037\n"), ("stat -c %b #o/huge", "36028797018963968\n"),
        ("stat -c %y #o/huge", "1677-09-21 00:12:43.145224192 +0000\n"),
        ("stat -c %.3X #o/huge", "-9223372037.145\n"),
        ("find #o/huge -printf %T@~%k~%b", "-9223372037.1452241920 18014398509481984 36028797018963968"),
        ("find #o/huge -size +1G", "#o/huge\n"),
        ("find #o/huge -mtime +120000 -mtime -300000 -cmin +170000000", "#o/huge\n"),
        ("find #o/huge -mtime -120000", ""),
        ("du #o/huge", "18014398509481984\t#o/huge\n"),
        ("du -bc #o/huge", "18446744073709551615\t#o/huge\n18446744073709551615\ttotal\n"),
        ("du -m #o/huge", "17592186044416\t#o/huge\n"), ("ls -s #o/huge", "18014398509481984 #o/huge\n"),
        ("tail #o/huge", ""), ("tail -c 5 #o/huge", ""),
        (
            "wc -l #o/huge #o/huge",
            "                   0 #o/huge\n                   0 #o/huge\n                   0 total\n"
        ),
        ("uniq -f 9223372036854775807", "a b\n"), ("uniq -f 1", "a b\nc d\n"),
    ]) func theEndsOfTheNumbersAreNumbers(_ line: String, _ out: String) throws {
        let outcome = try Self.run(line, "a b\nc d\n")
        #expect(outcome.out == out && outcome.code == 0, "\(outcome)")
    }

    @Test func whatCannotBeReadFailsACheckAndNoMore() throws {
        let list = "d41d8cd98f00b204e9800998ecf8427e  #o/bad\nd41d8cd98f00b204e9800998ecf8427e  f\n"
        let outcome = try Self.run("md5sum -c", list, ["f": ""])
        #expect(outcome.out == "#o/bad: FAILED open or read\nf: OK\n" && outcome.code == 1, "\(outcome)")
        #expect(outcome.err == "md5sum: '#o/bad' i/o error\n", "\(outcome)")
    }

    @Test func whatCannotBeReadIsNotFollowed() throws {
        let outcome = try Self.run("tail -f -s 0.05 #o/bad")
        #expect(outcome.code == 1 && outcome.err == "tail: '#o/bad' i/o error\n", "\(outcome)")
    }

    @Test(arguments: [
        "touch -t 230001010000 f", "date -d @9223372036.9", "date -d @-9223372036.9", "touch -d @9223372037 f",
    ]) func aTimeBeyondTheNumbersIsRefused(_ line: String) throws {
        let outcome = try Self.run(line)
        #expect(outcome.code == 1 && outcome.out.isEmpty && outcome.files.isEmpty, "\(outcome)")
    }

    @Test(arguments: [("ls -lego", " -9223372037 #o/huge\n"), ("ls -lgo", " Sep 21  1677 #o/huge\n")])
    func filesOfLongAgoAreListed(_ line: String, _ end: String) throws {
        let outcome = try Self.run(line + " #o/huge")
        #expect(outcome.out.hasSuffix(end), "\(outcome)")
    }

    @Test func filesOfLongAgoHaveTitles() throws {
        let outcome = try Self.run("diff -u #o/huge f", "", ["f": "x\n"])
        #expect(outcome.out.hasPrefix("--- #o/huge\t1677-09-21 00:12:43.145224192 +0000\n"), "\(outcome)")
    }

    @Test(arguments: [("", "0+8 records in\n0+0 records out\n"), (" obs=1024", "0+8 records in\n0+0 records out\n")])
    func whatCannotBeReadIsPassedOver(_ flags: String, _ records: String) throws {
        let outcome = try Self.run("dd if=#o/bad of=f conv=noerror status=noxfer" + flags)
        #expect(outcome.err.hasSuffix(records) && outcome.files == ["f": ""], "\(outcome)")
    }

    @Test(arguments: ["-true", "-a", "-o", ","]) func anExpressionMayBeLong(_ word: String) throws {
        let joined = word == "-true" ? ["-true"] : [word, "-true"]
        let words = [".", "-true"] + Array(repeating: joined, count: 20_000).flatMap { $0 }
        let outcome = try emu("find", Find(), Call(words, "", [:]))
        #expect(outcome == Outcome(out: ".\n"), "\(outcome)")
    }

    @Test(arguments: ["(", "!"]) func anExpressionMayNotBeDeep(_ word: String) throws {
        let outcome = try emu("find", Find(), Call(["."] + Array(repeating: word, count: 20_000), "", [:]))
        #expect(outcome.code == Run.misused.code && outcome.err.hasPrefix("find: expression too deep\n"), "\(outcome)")
    }
}
