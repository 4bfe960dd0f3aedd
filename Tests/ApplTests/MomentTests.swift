import Testing

@testable import Appl

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
            #expect(try Moment.read(text, in: .utc) == seconds)
        }
    }

    @Test(arguments: [
        "", "@", "@x", "2024", "2024-02", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-01 24:00", "2024-01-01 1",
        "2024-01-01 00:60", "2024-01-01 00:00:00 x", "-2024-01-01", "2024-01-0x", "@99999999999999999999",
        "2024-01-01T00:00Q", "99999999999999999999-01-01",
    ]) func whatIsNoDateIsRefused(_ text: String) {
        #expect(throws: (any Error).self) { try Moment.read(text, in: .utc) }
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

    @Test(arguments: [
        ("2021-01-03", "53 2020"), ("2021-01-04", "01 2021"), ("2024-12-30", "01 2025"), ("2020-12-31", "53 2020"),
        ("2016-01-01", "53 2015"), ("2024-06-15", "24 2024"),
    ]) func weeksAreThoseOfISO8601(_ date: String, _ week: String) throws {
        #expect(Moment(try Moment.read(date, in: .utc)).text("%V %G") == week)
    }
}
