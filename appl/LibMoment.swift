import Kernel

/// A moment as a calendar shows it: the Gregorian one, before 1582 too, in some zone.
struct Moment {
    var year: Int64
    /// 1 to 12, 1 to 31.
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int
    /// 0 is Sunday.
    let weekday: Int
    /// 0 is the first of January.
    let yearday: Int
    /// Seconds east of Greenwich, and the zone's name.
    let offset: Int64
    let zone: String

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Seconds since 1970 at which no year overflows an Int64 of nanoseconds many times over.
    static let limit: Int64 = 1 << 55

    /// `seconds` since 1970, kept within `limit`.
    init(_ seconds: Int64, in zone: Zone = .utc) {
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
    var description: String { text("%a %b %e %H:%M:%S %Z %Y") }

    /// `format` with the conversions of `date(1)` and `strftime(3)` in it. An unknown one stays as it is.
    func text(_ format: String, nanoseconds: Int64 = 0, seconds: Int64 = 0) -> String {
        var out = ""
        var rest = format.unicodeScalars[...]
        while let c = rest.popFirst() {
            guard c == "%", let verb = rest.popFirst() else {
                out.unicodeScalars.append(c)
                continue
            }
            switch verb {
            case "%": out += "%"
            case "n": out += "\n"
            case "t": out += "\t"
            case "a": out += Self.days[weekday].prefix(3)
            case "A": out += Self.days[weekday]
            case "b", "h": out += Self.months[month - 1].prefix(3)
            case "B": out += Self.months[month - 1]
            case "C": out += String(year.dividedDown(by: 100)).zeros(2)
            case "d": out += two(day)
            case "e": out += String(day).right(2)
            case "H": out += two(hour)
            case "I": out += two((hour + 11) % 12 + 1)
            case "j": out += String(yearday + 1).zeros(3)
            case "k": out += String(hour).right(2)
            case "l": out += String((hour + 11) % 12 + 1).right(2)
            case "m": out += two(month)
            case "M": out += two(minute)
            case "N": out += String(nanoseconds).zeros(9)
            case "p": out += hour < 12 ? "AM" : "PM"
            case "q": out += String((month + 2) / 3)
            case "s": out += String(seconds)
            case "S": out += two(second)
            case "u": out += String(weekday == 0 ? 7 : weekday)
            case "U": out += two((yearday + 7 - weekday) / 7)
            case "V": out += two(week.number)
            case "G": out += String(week.year).zeros(4)
            case "g": out += two(Int(week.year - week.year.dividedDown(by: 100) * 100))
            case "w": out += String(weekday)
            case "W": out += two((yearday + 7 - (weekday + 6) % 7) / 7)
            case "y": out += two(Int(year - year.dividedDown(by: 100) * 100))
            case "Y": out += String(year)
            case "z":
                out += "\(offset < 0 ? "-" : "+")\(two(Int(abs(offset)) / 3600))\(two(Int(abs(offset)) / 60 % 60))"
            case "Z": out += zone
            case "c": out += text("%a %b %e %H:%M:%S %Y")
            case "D", "x": out += text("%m/%d/%y")
            case "F": out += text("%Y-%m-%d")
            case "r": out += text("%I:%M:%S %p")
            case "R": out += text("%H:%M")
            case "T", "X": out += text("%H:%M:%S")
            default:
                out += "%"
                out.unicodeScalars.append(verb)
            }
        }
        return out
    }

    private func two(_ n: Int) -> String { String(n).zeros(2) }

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

    /// Reads a moment, in seconds since 1970: `@seconds`, or `YYYY-MM-DD`, a blank or `T`, `HH:MM` or `HH:MM:SS`, and `Z`
    /// for Greenwich; a part that is left out behind is 0.
    static func read(_ text: String, in zone: Zone) throws(SysError) -> Int64 {
        let wrong = SysError("bad date '\(text)'")
        if text.hasPrefix("@") {
            guard let n = Int64(text.dropFirst()), abs(n) < limit else { throw wrong }
            return n
        }
        let isGreenwich = text.hasSuffix("Z")
        var words = text.dropLast(isGreenwich ? 1 : 0).split { $0 == " " || $0 == "T" }[...]
        guard let date = words.popFirst()?.split(separator: "-", omittingEmptySubsequences: false), date.count == 3
        else { throw wrong }
        let time = words.popFirst() ?? "0:0"
        let clock = time.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = (date + clock).compactMap { $0.utf8.allSatisfy { $0 > 47 && $0 < 58 } ? Int($0) : nil }
        guard words.isEmpty, 2...3 ~= clock.count, numbers.count == 3 + clock.count else { throw wrong }
        return try seconds(
            numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], clock.count == 3 ? numbers[5] : 0,
            in: isGreenwich ? .utc : zone, or: wrong)
    }

    /// Seconds since 1970 of a moment in `zone`; throws `wrong` where there is no such day or time.
    static func seconds(
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
    func nanoseconds() throws(SysError) -> Int64 {
        let (n, overflow) = multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { throw .range }
        return n
    }

    /// Division that rounds towards minus infinity.
    func dividedDown(by n: Int64) -> Int64 {
        let (q, r) = quotientAndRemainder(dividingBy: n)
        return r < 0 ? q - 1 : q
    }
}
