import Testing

@testable import Applib

@Suite struct MomentTests {
    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00 4 001"), (951_782_400, "2000-02-29 00:00:00 2 060"),
            (1_700_000_000, "2023-11-14 22:13:20 2 318"), (-1, "1969-12-31 23:59:59 3 365"),
            (-2_203_891_200, "1900-03-01 00:00:00 4 060"), (253_402_300_799, "9999-12-31 23:59:59 5 365"),
            (-62_135_596_800, "1-01-01 00:00:00 1 001"),
        ] as [(Int64, String)]) func secondsBecomeADate(_ seconds: Int64, _ text: String)
    {
        #expect(Moment(seconds).text("%Y-%m-%d %H:%M:%S %w %j") == text)
    }

    @Test func aDateBecomesItsSecondsAgain() throws {
        for seconds in stride(from: Int64(-3_000_000_000), to: 9_000_000_000, by: 86_399 * 97) {
            let text = Moment(seconds).text("%Y-%m-%dT%H:%M:%SZ")
            #expect(try When.read(text, now: 0, in: .utc) == seconds * 1_000_000_000)
        }
    }

    @Test(arguments: [
        "", "@", "@x", "2024", "2024-02", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-01 24:00", "2024-01-01 1",
        "2024-01-01 00:60", "2024-01-01 00:00:00 x", "-2024-01-01", "2024-01-0x", "@99999999999999999999",
        "2024-01-01T00:00Q", "99999999999999999999-01-01",
    ]) func whatIsNoDateIsRefused(_ text: String) {
        #expect(throws: (any Error).self) { try When.read(text, now: 0, in: .utc) }
    }

    @Test(
        arguments: [
            ("UTC0", 1_700_000_000, "UTC +0000"), ("EST5", 1_700_000_000, "EST -0500"),
            ("IST-5:30", 1_700_000_000, "IST +0530"), ("<+1245>-12:45", 0, "+1245 +1245"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_711_846_799, "CET +0100"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_711_846_800, "CEST +0200"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_729_990_799, "CEST +0200"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_729_990_800, "CET +0100"),
            ("EST5EDT", 1_720_000_000, "EDT -0400"), ("EST5EDT,J60,J300", 1_700_000_000, "EST -0500"),
            ("EST5EDT,59,299", 1_709_272_000, "EDT -0400"),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_704_067_200, "AEDT +1100"),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_720_000_000, "AEST +1000"),
        ] as [(String, Int64, String)]) func aZoneHasItsRules(_ zone: String, _ seconds: Int64, _ text: String) throws
    {
        let zone = try #require(Zone(zone))
        #expect(Moment(seconds, in: zone).text("%Z %z") == text)
    }

    @Test(arguments: ["", "U", "UTC", "UTC0,", "CET-1CEST,M13.1.0,M1.1.0", "CET-1CEST,M3.5.0", "<x", "A1B", "UTC999"])
    func whatIsNoZoneIsNone(_ text: String) {
        #expect(Zone(text) == nil)
    }

    /// A zone file of the second format: TST, four hours east, and from 1000000000 on NEW, or `footer`.
    private static func file(_ footer: String) -> [UInt8] {
        func header(_ counts: [UInt8]) -> [UInt8] {
            Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + counts.flatMap { [0, 0, 0, $0] }
        }
        let first = header([0, 0, 0, 0, 1, 4]) + [0, 0, 0, 0, 0, 0] + Array("TST\0".utf8)
        let change: [UInt8] = [0, 0, 0, 0, 0x3b, 0x9a, 0xca, 0, 1]
        let rules: [UInt8] = [0, 0, 0x38, 0x40, 0, 0, 0, 0, 0x1c, 0x20, 0, 4]
        return first + header([0, 0, 0, 1, 2, 8]) + change + rules + Array("TST\0NEW\0\n\(footer)\n".utf8)
    }

    @Test(
        arguments: [
            ("", 0, "TST +0400"), ("", 999_999_999, "TST +0400"), ("", 1_000_000_000, "NEW +0200"),
            ("", 1_720_000_000, "NEW +0200"), ("NEW-2NST,M3.5.0,M10.5.0/3", 1_720_000_000, "NST +0300"),
            ("NEW-2NST,M3.5.0,M10.5.0/3", 1_730_000_000, "NEW +0200"), ("NEW-2NST,M3.5.0,M10.5.0/3", 0, "TST +0400"),
        ] as [(String, Int64, String)])
    func aZoneFileHasItsHistory(_ footer: String, _ seconds: Int64, _ text: String) throws {
        let zone = try #require(Zone(file: Self.file(footer)))
        #expect(Moment(seconds, in: zone).text("%Z %z") == text)
    }

    @Test func aZoneFileThatIsCutOrSpoiltIsNoneOrAnother() {
        let whole = Self.file("NEW-2")
        for count in 0..<whole.count - 7 { #expect(Zone(file: Array(whole[..<count])) == nil, "\(count) bytes") }
        for place in whole.indices {
            for byte in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                var bytes = whole
                bytes[place] = byte
                guard let zone = Zone(file: bytes) else { continue }
                // Whatever it says now, it is answered.
                for seconds in [Int64.min / 4, -1, 1_000_000_000, Int64.max / 4] {
                    #expect(zone.rule(at: seconds).offset.magnitude <= 26 * 3600)
                }
            }
        }
        #expect(Zone(file: Self.file("nonsense")) == nil)
    }

    @Test(arguments: [
        ("2021-01-03", "53 2020"), ("2021-01-04", "01 2021"), ("2024-12-30", "01 2025"), ("2020-12-31", "53 2020"),
        ("2016-01-01", "53 2015"), ("2024-06-15", "24 2024"),
    ]) func weeksAreThoseOfISO8601(_ date: String, _ week: String) throws {
        #expect(Moment(try When.read(date, now: 0, in: .utc) / 1_000_000_000).text("%V %G") == week)
    }

    /// Wednesday, 15 May 2024, 10:20:30.5.
    private static let now: Int64 = 1_715_768_430_500_000_000

    @Test(arguments: [
        ("now", "2024-05-15 10:20:30.5"), ("tomorrow", "2024-05-16 10:20:30.5"), ("yesterday", "2024-05-14 10:20:30.5"),
        ("2 days ago", "2024-05-13 10:20:30.5"), ("+1 week", "2024-05-22 10:20:30.5"),
        ("-1 month", "2024-04-15 10:20:30.5"), ("1 year 2 hours ago", "2025-05-15 08:20:30.5"),
        ("next monday", "2024-05-20 00:00:00.0"), ("monday", "2024-05-20 00:00:00.0"),
        ("wednesday", "2024-05-15 00:00:00.0"), ("next wednesday", "2024-05-22 00:00:00.0"),
        ("last wed", "2024-05-08 00:00:00.0"), ("last friday", "2024-05-10 00:00:00.0"),
        ("next year", "2025-05-15 10:20:30.5"), ("7:08 tomorrow", "2024-05-16 07:08:00.0"),
        ("7pm", "2024-05-15 19:00:00.0"), ("12:30 am", "2024-05-15 00:30:00.0"), ("noon", "2024-05-15 12:00:00.0"),
        ("6 Jun 2023", "2023-06-06 00:00:00.0"), ("Jun 6, 2023 1:02:03", "2023-06-06 01:02:03.0"),
        ("Tue Jun  6 01:02:03 UTC 2023", "2023-06-06 01:02:03.0"), ("6/7", "2024-06-07 00:00:00.0"),
        ("6/7/2023", "2023-06-07 00:00:00.0"), ("20230607", "2023-06-07 00:00:00.0"),
        ("2023-01-31 +1 month", "2023-03-03 00:00:00.0"), ("2024-01-01T01:02:03.25+02:00", "2023-12-31 23:02:03.25"),
        ("2024-01-01 01:02 -0130", "2024-01-01 02:32:00.0"), ("@1.5", "1970-01-01 00:00:01.5"),
        ("@-1.5", "1969-12-31 23:59:58.5"), ("3 fortnights ago", "2024-04-03 10:20:30.5"),
    ]) func datesAreReadAsPeopleWriteThem(_ text: String, _ expected: String) throws {
        let at = try When.read(text, now: Self.now, in: .utc)
        let seconds = at.dividedDown(by: 1_000_000_000)
        var shown = Moment(seconds).text("%Y-%m-%d %H:%M:%S.%N", nanoseconds: at - seconds * 1_000_000_000)
        while shown.hasSuffix("0"), !shown.hasSuffix(".0") { shown.removeLast() }
        #expect(shown == expected)
    }

    @Test(arguments: [
        "next", "ago", "2 bananas", "1:2:3:4", "13pm", "5/6/7/8", "+", "tomorrow tomorrowish", "99999999999999999 days",
        "999999999999999 days", "1 Jan 1 Jan", "31 Feb 2024", "@1.x", "@1.", "@-9223372036854775808", "10:99", "-", "/",
        ":", "+5", "jan",
    ]) func whatIsNoDateOfPeopleIsRefusedToo(_ text: String) {
        #expect(throws: (any Error).self) { try When.read(text, now: Self.now, in: .utc) }
    }

    @Test(arguments: [
        ("%-d %_d %d", "5  5 05"), ("%^a %^B %#p", "SUN MAY am"), ("%3N %N", "500 500000000"),
        ("%10Y|%_10Y", "0000002024|      2024"),
        ("%:z %::z", "+00:00 +00:00:00"), ("%P %Ey %Od", "am 24 05"), ("%5d%%%Q%", "00005%%Q%"), ("%-j", "126"),
    ]) func flagsAndWidthsFillUp(_ format: String, _ text: String) {
        #expect(Moment(1_714_867_200).text(format, nanoseconds: 500_000_000) == text)
    }
}
