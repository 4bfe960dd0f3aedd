import Kernel
import Testing

@testable import Applib

/// What programs read out of the words they are given.
@Suite struct WordsTests {
    @Test(
        arguments: [
            ("644", 0o755, false, 0o644), ("0", 0o777, false, 0), ("u+x", 0o644, false, 0o744),
            ("go-r", 0o644, false, 0o600),
            ("a=r", 0o777, false, 0o444), ("+x", 0o644, false, 0o755), ("+w", 0o444, false, 0o644),
            ("u=rwx,go=rx", 0, false, 0o755),
            ("X", 0, false, nil), ("+X", 0o644, false, 0o644), ("+X", 0o644, true, 0o755), ("a+X", 0o744, false, 0o755),
            ("g=u", 0o750, false, 0o770), ("o=g-w", 0o770, false, 0o775), ("=", 0o777, false, 0),
            ("u+", 0o600, false, 0o600),
            ("888", 0, false, nil), ("17777", 0, false, nil), ("", 0, false, nil), ("u", 0, false, nil),
            ("q+x", 0, false, nil),
            ("u+y", 0, false, nil), ("u+x,", 0, false, nil),
        ] as [(String, UInt32, Bool, UInt32?)]) func aModeIsANumberOrAChange(
            _ text: String, _ before: UInt32, _ isDirectory: Bool, _ after: UInt32?
        ) throws
    {
        let change = try? ModeChange(text)  // nil is what a bad one is to give
        let mode = change?.apply(to: FileMode(rawValue: before), isDirectory: isDirectory, umask: 0o022)
        #expect(mode?.permissions == after)
    }

    @Test func aModeKeepsTheKindOfTheFile() throws {
        let directory = FileMode(rawValue: FileMode.directory.rawValue | 0o700)
        let mode = try ModeChange("a+rx").apply(to: directory, isDirectory: true, umask: 0)
        #expect(mode.contains(.directory))
        #expect(try ModeChange("+al").apply(to: [], isDirectory: false, umask: 0) == [.append, .exclusive])
    }

    @Test(
        arguments: [
            ("1", [1...1]), ("1,3", [1...1, 3...3]), ("3,1", [1...1, 3...3]), ("2-4,3-6", [2...6]),
            ("1,2", [1...1, 2...2]),
            ("-3", [1...3]), ("5-", [5...Int.max]), ("5-,7", [5...Int.max]), ("1 3", [1...1, 3...3]),
            ("0", nil), ("3-1", nil), ("-", nil), ("", nil), ("1,", nil), ("a", nil), ("1-2-3", nil), ("+1", nil),
            ("99999999999999999999", nil),
        ] as [(String, [ClosedRange<Int>]?)]) func aListIsRanges(_ text: String, _ ranges: [ClosedRange<Int>]?)
    {
        #expect((try? Ranges(text))?.ranges == ranges)  // nil is what a bad one is to give
    }

    @Test(
        arguments: [
            ("10", 10, false), ("-5", 5, true), ("+5", 5, false), ("2K", 2048, false), ("1b", 512, false),
            ("1M", 1 << 20, false), ("2kB", 2000, false), ("3MiB", 3 << 20, false), ("1GB", 1_000_000_000, false),
            ("1E", 1 << 60, false),
            ("99999999999999999999", .max, false), ("9999999999999999G", .max, false),
        ] as [(String, Int, Bool)]) func anAmountCountsFromOneEnd(_ text: String, _ count: Int, _ isFromOther: Bool)
        throws
    {
        let amount = try Amount(text)
        #expect(amount.count == count)
        #expect(amount.isFromOther == isFromOther)
    }

    @Test(arguments: ["", "-", "x", "1x", "--1", "1.5", "K", "1Q", "1KX", "1bB"]) func whatIsNoAmountIsRefused(
        _ text: String
    ) {
        #expect(throws: (any Error).self) { try Amount(text) }
    }

    @Test(
        arguments: [
            (0, "0"), (1023, "1023"), (1024, "1.0K"), (1025, "1.1K"), (10239, "10K"), (10240, "10K"), (10241, "11K"),
            (1 << 20, "1.0M"), (1_048_577, "1.1M"), (.max, "16E"),
        ] as [(UInt64, String)]) func sizesAreRoundedUp(_ bytes: UInt64, _ text: String)
    { #expect(brief(bytes) == text) }

    @Test(arguments: [
        ("a", "a"), ("/a/b", "b"), ("a/", "a"), ("a///", "a"), ("/", "/"), ("//", "/"), ("", ""), ("a/b/", "b"),
    ]) func theLastNameOfAPath(_ path: String, _ name: String) { #expect(lastName(path) == name) }

    @Test func bytesAreFoundAndCountedAtEveryDistance() {
        for n in 0..<200 {
            // A byte beside the wanted one differs in its lowest bit: what carries between lanes would take it for a hit.
            var bytes = [UInt8](repeating: 6, count: 200)
            bytes[n] = 7
            #expect(bytes.span.firstIndex(of: 7) == n)
            #expect(bytes.span.lastIndex(of: 7) == n)
            #expect(bytes.span.extracting(0..<n).lastIndex(of: 7) == nil)
            #expect(bytes.firstIndex(of: 7, in: 0..<n) == nil)
            for i in 0..<n { bytes[i] = 7 }
            #expect(bytes.span.count(of: 7) == n + 1)
        }
        let many = [UInt8](repeating: 7, count: 20_000)
        #expect(many.span.count(of: 7) == 20_000)
    }
}
