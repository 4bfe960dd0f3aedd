import ApplTestSupport
import Kernel
import Testing

@testable import Appl
@testable import Applib
@testable import Filters

/// What programs for files and processes do that no tool of a host can be compared with.
@Suite(.timeLimit(.minutes(1))) struct FileToolTests {
    @Test(arguments: [["-r", "a", "a"], ["-r", "a/", "a/b"], ["-a", ".", "a"], ["-r", "a", "a/b/c"]])
    func aDirectoryIsNotCopiedIntoItselfAndNothingIsLeftOfTheTry(_ arguments: [String]) throws {
        let files = ["a/f": "x", "a/b/g": "y"]
        let outcome = try emu("cp", Cp(), Call(arguments, "", files))
        #expect(outcome.code == 1 && outcome.err.contains("into itself"), "\(outcome)")
        #expect(outcome.files == files)
    }

    @Test(arguments: [(["a", "a"], "same file"), (["a", "a/b/new"], "into itself"), (["a/f", "./a/f"], "same file")])
    func aMoveToWhereItIsIsRefused(_ arguments: [String], _ why: String) throws {
        let files = ["a/f": "x", "a/b/g": "y"]
        let outcome = try emu("mv", Mv(), Call(["-T"] + arguments, "", files))
        #expect(outcome.code == 1 && outcome.err.contains(why), "\(outcome)")
        #expect(outcome.files == files)
    }

    @Test(arguments: [
        ("-l", 10), ("-g", 9), ("-o", 9), ("-go", 8), ("-li", 11), ("-lis", 12), ("-le", 8), ("-l1", 10), ("-lm", 11),
    ]) func theLongFormHasTheColumnsThatWereAskedFor(_ flags: String, _ columns: Int) throws {
        let outcome = try emu("ls", Ls(), Call(flags, "f", files: ["f": "x"]))
        #expect(outcome.out.split(whereSeparator: \.isWhitespace).count == columns, "\(outcome)")
    }

    @Test(arguments: [("-lh", 3 << 20, "3.0M"), ("-lh", 1500, "1.5K"), ("-lh", 7, "7"), ("-l", 1500, "1500")])
    func sizesAreForPeopleWhereTheyAskForIt(_ flags: String, _ size: Int, _ shown: String) throws {
        let file = ["f": String(repeating: "x", count: size)]
        let outcome = try emu("ls", Ls(), Call([flags, "f"], "", file))
        #expect(outcome.out.split(separator: " ").contains(Substring(shown)), "\(outcome.out)")
    }

    /// An archive of these entries, as text of bytes below 128.
    private static func archive(_ entries: [(name: String, kind: TarHeader.Kind, text: String)]) throws -> String {
        var bytes: [UInt8] = []
        for entry in entries {
            var h = TarHeader()
            h.name = entry.name
            h.kind = entry.kind
            h.mode = entry.kind == .directory ? 0o755 : 0o644
            if entry.kind == .file { h.size = UInt64(entry.text.utf8.count) } else { h.target = entry.text }
            bytes += try h.blocks()
            if entry.kind == .file { bytes += entry.text.utf8 }
            TarHeader.pad(&bytes)
        }
        return String(decoding: bytes + [UInt8](repeating: 0, count: 1024), as: UTF8.self)
    }

    @Test(
        arguments: [
            [("../out", .file, "x")], [("a/../../out", .file, "x")], [("/../out", .file, "x")],
            [("..", .directory, "")],
            [("d", .symlink, "/mnt"), ("d/out", .file, "x")], [("d", .symlink, ".."), ("d/sub", .directory, "")],
            [("d", .symlink, "/mnt"), ("in", .link, "d/in")], [("in", .link, "../mnt/in")],
            [("in", .link, "#Rio/in")], [("/\u{301}/../../out", .file, "x")],
            [("d", .symlink, "/mnt"), ("d", .directory, "")], [("d", .symlink, "/mnt"), ("d/l", .symlink, "x")],
        ] as [[(name: String, kind: TarHeader.Kind, text: String)]])
    func anArchiveDoesNotLeadOutOfTheDirectory(_ entries: [(name: String, kind: TarHeader.Kind, text: String)]) throws {
        let outcome = try emu("tar", Tar(), Call(["-x"], Self.archive(entries), [:]))
        #expect(outcome.code != 0, "\(outcome)")
        #expect(outcome.files.keys.allSatisfy { $0 == "d" }, "\(outcome)")
    }

    @Test func aNameOfAnArchiveIsNoDevice() throws {
        let archive = try Self.archive([("#Rio/out2", .file, "x")])
        let outcome = try emu("tar", Tar(), Call(["-x"], archive, [:]))
        #expect(outcome.code == 0 && outcome.files == ["#Rio/out2": "x"], "\(outcome)")
    }

    @Test func aLinkOfAnArchiveToItselfAndOneToNothingRemoveNoFile() throws {
        let archive = try Self.archive([("f", .link, "f"), ("g", .link, "none"), ("h", .file, "h")])
        let outcome = try emu("tar", Tar(), Call(["-x"], archive, ["f": "1", "g": "2"]))
        #expect(outcome.files == ["f": "1", "g": "2", "h": "h"], "\(outcome)")
    }

    @Test(
        arguments: [
            ("cp", Cp(), ["-lf", "f", "f"]), ("cp", Cp(), ["-sf", "f", "f"]), ("cp", Cp(), ["-rlf", "d", "."]),
            ("ln", Ln(), ["-sf", "f", "f"]),
        ] as [(String, any Program, [String])])
    func aFileIsNotLostToItsOwnName(_ name: String, _ program: any Program, _ arguments: [String]) throws {
        let files = ["f": "x", "d/g": "y"]
        let outcome = try emu(name, program, Call(arguments, "", files))
        #expect(outcome.code != 0 && outcome.files == files, "\(outcome)")
    }

    @Test func aMergeMayWriteToItsInput() throws {
        let outcome = try emu("sort", Sort(), Call("-m", "-o", "a", "a", "b", files: ["a": "1\n3\n", "b": "2\n"]))
        #expect(outcome.files == ["a": "1\n2\n3\n", "b": "2\n"], "\(outcome)")
    }

    @Test func aFullDiskSpoilsOneEntryOfAnArchive() throws {
        let archive = try Self.archive([("big", .file, String(repeating: "x", count: 400_000)), ("small", .file, "y")])
        let account = Account(limits: [.memory: 600_000])
        let outcome = try emu("tar", Tar(), Call(["-x"], archive, [:]), account: account)
        #expect(outcome.code == 1 && outcome.err == "tar: '/tmp/big' no space left on device\n", "\(outcome.err)")
        #expect(outcome.files["small"] == "y")
        #expect(outcome.files["big"]?.utf8.count ?? 0 < 400_000)
    }

    @Test func aFullDiskLeavesWhatWasToBeEdited() throws {
        let files = ["f": String(repeating: "x\n", count: 30_000)]
        let account = Account(limits: [.memory: 100_000])
        let outcome = try emu("sed", Sed(), Call(["-i", "s/x/yy/", "f"], "", files), account: account)
        #expect(outcome.code == 1 && outcome.files == files, "\(outcome.code) \(outcome.err) \(outcome.files.keys)")
    }

    @Test(arguments: [("a", "a/\u{301}b", "a/\u{301}b"), ("\u{600}", "\u{600}/b", "\u{600}/b")])
    func namesOfAnArchiveAreCutByBytes(_ wanted: String, _ name: String, _ made: String) throws {
        let archive = try Self.archive([(wanted, .directory, ""), (name, .file, "x")])
        let outcome = try emu("tar", Tar(), Call(["-x", wanted], archive, [:]))
        #expect(outcome.code == 0 && outcome.files == [made: "x"], "\(outcome)")
        let listed = try emu("tar", Tar(), Call(["-t"], archive, [:]))
        #expect(listed.out == "\(wanted)/\n\(name)\n", "\(listed)")
    }

    @Test func partsOfNamesAreTakenOffAndLeftOut() throws {
        let archive = try Self.archive([
            ("a", .directory, ""), ("a/b", .directory, ""), ("a/b/one", .file, "1"), ("a/two", .file, "2"),
            ("a/link", .link, "a/b/one"), ("a/tmp/x", .file, "3"),
        ])
        let arguments = ["-x", "--strip-components=1", "--exclude", "tmp"]
        let outcome = try emu("tar", Tar(), Call(arguments, archive, [:]))
        #expect(outcome.code == 0 && outcome.files == ["b/one": "1", "two": "2", "link": "1"], "\(outcome)")
    }

    @Test(arguments: [
        ["%99999999999999999999d", "1"], ["%*d", "99999999999", "1"], ["%.999999999f", "1"], ["%", ""],
        ["%-+ #0'", "x"],
        ["%a", "1"], ["%n", "1"], ["%.*f", "-99999999999", "1"], ["%q", "x"], ["%5", "x"],
        ["%*d", "-9223372036854775808", "1"], ["%.*s", "-9223372036854775808", "1"],
        ["%d", "0xffffffffffffffffffffffffffffffffffffffffffff"],
    ]) func aFormatThatAsksForTooMuchIsRefused(_ arguments: [String]) throws {
        let outcome = try emu("printf", Printf(), Call(arguments, "", [:]))
        #expect(outcome.code != 0 && outcome.out.utf8.count < 100, "\(outcome)")
    }

    @Test(arguments: [
        ("%.3f", "1e-999999999999999999999", "0.000"), ("%g", "1e999999999999999999999", "inf"), ("%.0f", "9.5", "10"),
        ("%.2f", "-0.001", "-0.00"), ("%g", "0.00001234565", "1.23456e-05"), ("%.3g", "999.5", "1e+03"),
        ("%f", "-inf", "-inf"), ("%5.1f|", "0.05", "  0.0|"), ("%e", "0", "0.000000e+00"), ("%.1f", "0.25", "0.2"),
        ("%.1f", "0.35", "0.4"), ("%.20f", "0.1", "0.10000000000000000000"), ("%.0e", "9.6e10", "1e+11"),
    ]) func numbersWithFractionsAreTakenExactly(_ format: String, _ number: String, _ text: String) throws {
        let outcome = try emu("printf", Printf(), Call([format, number], "", [:]))
        #expect(outcome.out == text, "\(outcome)")
    }

    @Test(arguments: [
        (["-o", "pid,name=WHAT"], "PID WHAT"), (["-f"], "USER"), (["-l"], "STATE"),
        (["-o", "name=", "-o", "pid"], " "),
    ]) func aTableOfProcessesHasItsTitles(_ arguments: [String], _ title: String) throws {
        let outcome = try emu("ps", Ps(), Call(arguments, "", [:]))
        #expect(outcome.code == 0 && outcome.out.hasPrefix(title), "\(outcome)")
    }
}
