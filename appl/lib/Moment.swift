import Kernel

/// A moment as a calendar shows it: the Gregorian one, before 1582 too, in some zone.
public struct Moment {
    /// Of our era; 0 and below are before it.
    public var year: Int64
    /// 1 to 12, 1 to 31.
    public var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    /// 0 to 60.
    public var second: Int
    /// 0 is Sunday.
    let weekday: Int
    /// 0 is the first of January.
    let yearday: Int
    /// Seconds east of Greenwich, and the zone's name.
    public let offset: Int64
    /// The name of the zone.
    public let zone: String

    /// Their names, January first.
    public static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    /// Their names, Sunday first.
    public static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Seconds since 1970 at which no year overflows an Int64 of nanoseconds many times over.
    public static let limit: Int64 = 1 << 55

    /// `seconds` since 1970, kept within `limit`.
    public init(_ seconds: Int64, in zone: Zone = .utc) {
        let seconds = max(-Self.limit, min(Self.limit, seconds))
        let rule = zone.rule(at: seconds)
        let local = seconds + rule.offset
        let dayNumber = local.dividedDown(by: 86400)
        let rest = Int(local - dayNumber * 86400)
        // Years begin in March here, so that the leap day is a year's last.
        let shifted = dayNumber + 719_468
        let era = shifted.dividedDown(by: 146_097)
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * ofYear + 2) / 153
        day = Int(ofYear - (153 * fromMarch + 2) / 5) + 1
        month = Int(fromMarch < 10 ? fromMarch + 3 : fromMarch - 9)
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = Int((dayNumber + 4) - (dayNumber + 4).dividedDown(by: 7) * 7)
        yearday = Int(dayNumber - Self.dayNumber(year, 1, 1))
        offset = rule.offset
        self.zone = rule.name
    }

    /// Days from 1970 to a day of the calendar.
    static func dayNumber(_ year: Int64, _ month: Int, _ day: Int) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = y.dividedDown(by: 400)
        let yearOfEra = y - era * 400
        let fromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let ofYear = (153 * fromMarch + 2) / 5 + Int64(day) - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear - 719_468
    }

    static func daysIn(_ month: Int, of year: Int64) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// As `date` prints it: `Thu Nov 21 13:58:32 UTC 2024`.
    public var description: String { text("%a %b %e %H:%M:%S %Z %Y") }

    /// What a conversion gives, and how it is filled up where nothing else is said: numbers only are.
    private struct Field {
        let text: String
        var width = 0
        var pad: Character = " "

        init(_ text: String) { self.text = text }

        init(_ number: some BinaryInteger, _ width: Int, _ pad: Character = "0") {
            (text, self.width, self.pad) = (String(number), width, pad)
        }

        /// With the flags that stand before the letter, of `-_0^#`, and a width.
        func text(_ flags: Substring, _ wanted: Int?) -> String {
            var out = text
            var fill: Character? = pad
            for flag in flags {
                switch flag {
                case "-": fill = nil
                case "_": fill = " "
                case "0": fill = "0"
                case "^": out = out.uppercased()
                case "#": out = out == out.uppercased() ? out.lowercased() : out.uppercased()
                default: break
                }
            }
            guard let fill else { return out }
            let missing = max(0, (wanted ?? width) - out.count)
            let isSigned = fill == "0" && (out.first == "-" || out.first == "+")
            let filled = String(repeating: fill, count: missing) + out.dropFirst(isSigned ? 1 : 0)
            return isSigned ? String(out.prefix(1)) + filled : filled
        }
    }

    /// The longest width that a format may ask for.
    private static let widthLimit = 1000

    /// `format` with the conversions of `date(1)` and `strftime(3)` in it. An unknown one stays as it is.
    public func text(_ format: String, nanoseconds: Int64 = 0, seconds: Int64 = 0) -> String {
        var out = ""
        var rest = format[...]
        while let c = rest.popFirst() {
            guard c == "%" else {
                out.append(c)
                continue
            }
            let start = rest
            let flags = rest.prefix { "-_0^#+".contains($0) }
            rest = rest.dropFirst(flags.count)
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            let width = digits.isEmpty ? nil : min(Int(digits) ?? .max, Self.widthLimit)
            let colons = rest.prefix { $0 == ":" }.count
            rest = rest.dropFirst(colons)
            // Other eras and digits are those that there are.
            if rest.first == "E" || rest.first == "O" { rest.removeFirst() }
            let verb = rest.popFirst()
            if verb == "N" {
                let all = String(nanoseconds).zeros(9)
                out += width.map { $0 < 9 ? String(all.prefix($0)) : all } ?? all
            } else if verb == "z", colons <= 2 {
                out += offsetText(colons)
            } else if let verb, colons == 0, let field = field(verb, seconds) {
                out += field.text(flags, width)
            } else {
                out += "%"
                rest = start
            }
        }
        return out
    }

    /// `+0200`, `+02:00`, `+02:00:00`.
    private func offsetText(_ colons: Int) -> String {
        let east = Int(abs(offset))
        var parts = [east / 3600, east / 60 % 60]
        if colons == 2 { parts.append(east % 60) }
        return (offset < 0 ? "-" : "+")
            + parts.map { String($0).zeros(2) }.joined(separator: colons > 0 ? ":" : "")
    }

    private func field(_ verb: Character, _ seconds: Int64) -> Field? {
        switch verb {
        case "%": Field("%")
        case "n": Field("\n")
        case "t": Field("\t")
        case "a": Field(String(Self.days[weekday].prefix(3)))
        case "A": Field(Self.days[weekday])
        case "b", "h": Field(String(Self.months[month - 1].prefix(3)))
        case "B": Field(Self.months[month - 1])
        case "C": Field(year.dividedDown(by: 100), 2)
        case "d": Field(day, 2)
        case "e": Field(day, 2, " ")
        case "H": Field(hour, 2)
        case "I": Field((hour + 11) % 12 + 1, 2)
        case "j": Field(yearday + 1, 3)
        case "k": Field(hour, 2, " ")
        case "l": Field((hour + 11) % 12 + 1, 2, " ")
        case "m": Field(month, 2)
        case "M": Field(minute, 2)
        case "p": Field(hour < 12 ? "AM" : "PM")
        case "P": Field(hour < 12 ? "am" : "pm")
        case "q": Field((month + 2) / 3, 1)
        case "s": Field(seconds, 1)
        case "S": Field(second, 2)
        case "u": Field(weekday == 0 ? 7 : weekday, 1)
        case "U": Field((yearday + 7 - weekday) / 7, 2)
        case "V": Field(week.number, 2)
        case "G": Field(week.year, 4)
        case "g": Field(week.year - week.year.dividedDown(by: 100) * 100, 2)
        case "w": Field(weekday, 1)
        case "W": Field((yearday + 7 - (weekday + 6) % 7) / 7, 2)
        case "y": Field(year - year.dividedDown(by: 100) * 100, 2)
        case "Y": Field(year, 1, "0")
        case "Z": Field(zone)
        case "c": Field(text("%a %b %e %H:%M:%S %Y"))
        case "D", "x": Field(text("%m/%d/%y"))
        case "F": Field(text("%Y-%m-%d"))
        case "r": Field(text("%I:%M:%S %p"))
        case "R": Field(text("%H:%M"))
        case "T", "X": Field(text("%H:%M:%S"))
        default: nil
        }
    }

    /// The week of ISO 8601: weeks begin on Monday, and the first has the year's first Thursday.
    private var week: (year: Int64, number: Int) {
        let monday = (weekday + 6) % 7
        let number = (yearday - monday + 10) / 7
        if number < 1 {
            let before = Moment(Self.dayNumber(year - 1, 12, 31) * 86400)
            return (year - 1, (before.yearday - (before.weekday + 6) % 7 + 10) / 7)
        }
        if number == 53, (Moment(Self.dayNumber(year, 12, 31) * 86400).weekday + 6) % 7 < 3 { return (year + 1, 1) }
        return (year, number)
    }

    /// Seconds since 1970 of a moment in `zone`; throws `wrong` where there is no such day or time.
    public static func seconds(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, in zone: Zone,
        or wrong: SysError
    ) throws(SysError) -> Int64 {
        guard 0...99999 ~= year, 1...12 ~= month, 1...daysIn(month, of: Int64(year)) ~= day, 0...23 ~= hour,
            0...59 ~= minute, 0...60 ~= second
        else { throw wrong }
        let local = dayNumber(Int64(year), month, day) * 86400 + Int64(hour * 3600 + minute * 60 + second)
        // The offset that holds then is that of the moment itself, which the first guess is within a day of.
        let guess = local - zone.rule(at: local).offset
        return local - zone.rule(at: guess).offset
    }
}

extension Int64 {
    /// These seconds in nanoseconds; throws `.range` beyond the year 2262.
    public func nanoseconds() throws(SysError) -> Int64 {
        let (n, overflow) = multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { throw .range }
        return n
    }

    /// These nanoseconds as whole seconds, rounded down, and what is left: 0 to 999999999. No value overflows.
    public func wholeSeconds() -> (seconds: Int64, rest: Int64) {
        let rest = self % 1_000_000_000
        return (dividedDown(by: 1_000_000_000), rest < 0 ? rest + 1_000_000_000 : rest)
    }

    /// Division that rounds towards minus infinity.
    public func dividedDown(by n: Int64) -> Int64 {
        let (q, r) = quotientAndRemainder(dividingBy: n)
        return r < 0 ? q - 1 : q
    }
}
