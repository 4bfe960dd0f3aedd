import Kernel

/// A date as people write it: `2024-05-06 07:08`, `6 May 2024`, `May 6 07:08:09 UTC 2024`, `07:08 tomorrow`, `2 days ago`,
/// `next monday`, `@1700000000.5`.
///
/// What is not said is now's; the time of a day that is named is midnight. Steps in years, months and days keep the
/// clock's time, and come before those in hours, minutes and seconds.
public struct When {
    private enum Word {
        case number(Int64, digits: Int, sign: Character?)
        case name(String)
        case mark(Character)
    }

    private let wrong: SysError
    private let now: Moment
    private var words: ArraySlice<Word>
    private var date: (year: Int64?, month: Int, day: Int)?
    private var time: (hour: Int, minute: Int, second: Int)?
    private var nanoseconds: Int64?
    private var offset: Int64?
    private var weekday: (ordinal: Int64, day: Int)?
    /// Steps in each unit: months, days, seconds.
    private var months: Int64 = 0
    private var days: Int64 = 0
    private var seconds: Int64 = 0

    /// Beyond that no step leads anywhere.
    private static let limit: Int64 = 1 << 40

    /// Nanoseconds since 1970. `now` is in those, too.
    public static func read(_ text: String, now: Int64, in zone: Zone) throws(SysError) -> Int64 {
        let wrong = SysError("bad date '\(text)'")
        guard text.utf8.count <= 1000 else { throw wrong }
        if text.hasPrefix("@") {
            let parts = text.dropFirst().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard let seconds = Int64(parts[0]), seconds.magnitude < Moment.limit else { throw wrong }
            let fraction = parts.count > 1 ? Self.fraction(parts[1]) : 0
            guard let fraction else { throw wrong }
            let whole = try seconds.nanoseconds()
            let (sum, overflow) = whole.addingReportingOverflow(parts[0].hasPrefix("-") ? -fraction : fraction)
            if overflow { throw .range }
            return sum
        }
        let (at, rest) = now.wholeSeconds()
        var when = When(try Self.words(text, wrong), Moment(at, in: zone), wrong)
        guard !when.words.isEmpty else { throw wrong }
        while let word = when.words.popFirst() { try when.take(word) }
        return try when.moment(rest, zone)
    }

    private init(_ words: [Word], _ now: Moment, _ wrong: SysError) {
        self.words = words[...]
        self.now = now
        self.wrong = wrong
    }

    /// Digits behind a point as nanoseconds; nil where there are none.
    private static func fraction(_ digits: Substring) -> Int64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        let nine = digits.prefix(9)
        return Int64(nine + String(repeating: "0", count: 9 - nine.count))
    }

    /// Numbers, a sign right before one being its own; names in small letters; other marks. Blanks and commas separate.
    private static func words(_ text: String, _ wrong: SysError) throws(SysError) -> [Word] {
        var words: [Word] = []
        var rest = text[...]
        var sign: Character?
        while let c = rest.first {
            if c.isASCII, c.isNumber {
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(digits.count)
                guard digits.count <= 15, let n = Int64(digits) else { throw wrong }
                words.append(.number(n, digits: digits.count, sign: sign))
                sign = nil
                continue
            }
            // Blanks may stand between a sign and its number.
            if let mark = sign, c != " ", c != "\t" {
                words.append(.mark(mark))
                sign = nil
            }
            if c.isASCII, c.isLetter {
                let name = rest.prefix { $0.isASCII && $0.isLetter }
                rest = rest.dropFirst(name.count)
                // The T between a date and a time is no word of its own.
                if name.lowercased() != "t" { words.append(.name(name.lowercased())) }
                continue
            }
            rest.removeFirst()
            if c == "+" || c == "-" { sign = c } else if c != " ", c != "\t", c != "," { words.append(.mark(c)) }
        }
        guard sign == nil else { throw wrong }
        return words
    }

    private mutating func take(_ word: Word) throws(SysError) {
        switch word {
        case .name(let name): try take(name)
        case .number(let n, let digits, let sign):
            switch words.first {
            case .mark(":") where sign == nil: try takeTime(n)
            case .mark("/") where sign == nil: try takeSlashes(n, digits)
            case .number(let month, _, "-") where sign == nil: try takeDashes(n, digits, month)
            case .name(let name):
                if sign == nil, let month = Self.month(name) { return try takeDay(n, month) }
                if sign == nil, name == "am" || name == "pm" { return try takeTime(n) }
                guard try takeStep(sign == "-" ? -n : n, name) else { throw wrong }
            default:
                if sign != nil, time != nil, offset == nil { return takeOffset(n, digits, sign) }
                try takeBare(n, digits, sign)
            }
        case .mark: throw wrong
        }
    }

    /// A number that nothing goes with: a year behind a day and month, or all of a date.
    private mutating func takeBare(_ n: Int64, _ digits: Int, _ sign: Character?) throws(SysError) {
        guard sign == nil else { throw wrong }
        if let known = date, known.year == nil, digits == 4 {
            date = (n, known.month, known.day)
        } else if digits == 8, date == nil {
            date = (n / 10000, Int(n / 100 % 100), Int(n % 100))
        } else if digits == 4, date != nil, time == nil {
            time = (Int(n / 100), Int(n % 100), 0)
        } else {
            throw wrong
        }
    }

    private mutating func take(_ name: String) throws(SysError) {
        switch name {
        case "now", "today": return
        case "tomorrow": days += 1
        case "yesterday": days -= 1
        case "midnight": time = (0, 0, 0)
        case "noon": time = (12, 0, 0)
        case "utc", "gmt", "z", "ut": offset = 0
        case let zone where time != nil && offset == nil && Self.zones[zone] != nil:
            offset = Self.zones[zone].map { $0 * 60 }
        case "next", "last", "this":
            let step: Int64 = name == "next" ? 1 : name == "last" ? -1 : 0
            guard case .name(let what)? = words.first else { throw wrong }
            if let day = Self.weekday(what) {
                words.removeFirst()
                weekday = (step, day)
            } else {
                guard try takeStep(step, what) else { throw wrong }
            }
        default:
            if let month = Self.month(name) {
                guard case .number(let day, _, nil)? = words.popFirst() else { throw wrong }
                date = (nil, month, Int(day))
            } else if let day = Self.weekday(name) {
                weekday = (0, day)
            } else {
                words = [.name(name)] + words
                guard try takeStep(1, name) else { throw wrong }
            }
        }
    }

    /// Minutes east of Greenwich of zones that are written by their letters, behind a time.
    private static let zones: [String: Int64] = [
        "nst": -210, "ndt": -150, "ast": -240, "adt": -180, "est": -300, "edt": -240, "cst": -360, "cdt": -300,
        "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "brt": -180,
        "art": -180, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120, "eet": 120,
        "eest": 180, "cat": 120, "sast": 120, "eat": 180, "msk": 180, "ist": 330, "sgt": 480, "kst": 540, "jst": 540,
        "nzst": 720, "nzdt": 780,
    ]

    private mutating func takeDay(_ day: Int64, _ month: Int) throws(SysError) {
        words.removeFirst()
        guard date == nil, day < 32 else { throw wrong }
        date = (nil, month, Int(day))
    }

    /// `2024-05-06`.
    private mutating func takeDashes(_ year: Int64, _ digits: Int, _ month: Int64) throws(SysError) {
        words.removeFirst()
        guard date == nil, digits >= 3, case .number(let day, _, "-")? = words.popFirst(), month < 13, day < 32 else {
            throw wrong
        }
        date = (year, Int(month), Int(day))
    }

    /// `5/6/2024`, `5/6`, `2024/5/6`.
    private mutating func takeSlashes(_ first: Int64, _ digits: Int) throws(SysError) {
        words.removeFirst()
        guard date == nil, case .number(let second, _, nil)? = words.popFirst(), second < 10000 else { throw wrong }
        var third: Int64?
        if case .mark("/")? = words.first {
            words.removeFirst()
            guard case .number(let n, _, nil)? = words.popFirst() else { throw wrong }
            third = n
        }
        if digits >= 4, let day = third, second < 13, day < 32 {
            date = (first, Int(second), Int(day))
        } else {
            guard first < 13, second < 32 else { throw wrong }
            date = (third, Int(first), Int(second))
        }
    }

    /// `07:08`, `07:08:09.5`, `7:08 pm`, `7pm`.
    private mutating func takeTime(_ first: Int64) throws(SysError) {
        guard time == nil, first < 24 else { throw wrong }
        var parts: [Int64] = []
        while parts.count < 2, case .mark(":")? = words.first {
            words.removeFirst()
            guard case .number(let n, _, nil)? = words.popFirst(), n <= 60 else { throw wrong }
            parts.append(n)
        }
        if parts.count == 2, case .mark(".")? = words.first {
            words.removeFirst()
            guard case .number(let n, let digits, nil)? = words.popFirst() else { throw wrong }
            nanoseconds = Self.fraction(String(n).zeros(digits)[...])
        }
        var hour = first
        if case .name(let name)? = words.first, name == "am" || name == "pm" {
            words.removeFirst()
            guard 1...12 ~= hour else { throw wrong }
            hour = hour % 12 + (name == "pm" ? 12 : 0)
        }
        time = (Int(hour), Int(parts.first ?? 0), Int(parts.count > 1 ? parts[1] : 0))
    }

    /// `+02:00`, `+0200`, `-5`, behind a time.
    private mutating func takeOffset(_ n: Int64, _ digits: Int, _ sign: Character?) {
        var (hours, minutes) = digits > 2 ? (n / 100, n % 100) : (n, 0)
        if case .mark(":")? = words.first, case .number(let m, _, nil)? = words.dropFirst().first {
            words = words.dropFirst(2)
            minutes = m
        }
        hours = min(hours, 24)
        offset = (hours * 3600 + min(minutes, 59) * 60) * (sign == "-" ? -1 : 1)
    }

    /// `days`, or `days ago`, that many; false where the next word is no unit.
    private mutating func takeStep(_ count: Int64, _ name: String) throws(SysError) -> Bool {
        let unit = name.hasSuffix("s") ? String(name.dropLast()) : name
        let known = ["year", "month", "fortnight", "week", "day", "hour", "minute", "min", "second", "sec"]
        guard known.contains(unit), count.magnitude < UInt64(Self.limit) else { return false }
        words.removeFirst()
        var n = count
        if case .name("ago")? = words.first {
            words.removeFirst()
            n = -n
        }
        switch unit {
        case "year": months += n * 12
        case "month": months += n
        case "fortnight": days += n * 14
        case "week": days += n * 7
        case "day": days += n
        case "hour": seconds += n * 3600
        case "minute", "min": seconds += n * 60
        default: seconds += n
        }
        guard max(months.magnitude, days.magnitude, seconds.magnitude) < UInt64(Self.limit) else { throw .range }
        return true
    }

    private static func month(_ name: String) -> Int? {
        guard name.count >= 3 else { return nil }
        return Moment.months.firstIndex { $0.lowercased().hasPrefix(name) }.map { $0 + 1 }
    }

    private static func weekday(_ name: String) -> Int? {
        guard name.count >= 3 else { return nil }
        return Moment.days.firstIndex { $0.lowercased().hasPrefix(name) }
    }

    /// All that was said, put together.
    private func moment(_ rest: Int64, _ zone: Zone) throws(SysError) -> Int64 {
        let isDay = date != nil || weekday != nil
        let clock = time ?? (isDay ? (0, 0, 0) : (now.hour, now.minute, now.second))
        let fraction = nanoseconds ?? (time != nil || isDay ? 0 : rest)
        let year = date.map { $0.year ?? now.year } ?? now.year
        let (month, day) = date.map { ($0.month, $0.day) } ?? (now.month, now.day)
        guard 0...99999 ~= year, 1...12 ~= month, 1...Moment.daysIn(month, of: year) ~= day,
            0...59 ~= clock.1, 0...60 ~= clock.2
        else { throw wrong }
        let count = year * 12 + Int64(month - 1) + months
        let first = count.dividedDown(by: 12)
        guard 0...99999 ~= first else { throw .range }
        // A day that the month does not have runs over into the next.
        var number = Moment.dayNumber(first, Int(count - first * 12) + 1, 1) + Int64(day - 1) + days
        // A date says which day it is.
        if let weekday, date == nil {
            let today = Int((number + 4) - (number + 4).dividedDown(by: 7) * 7)
            number += Int64((weekday.day - today + 7) % 7)
            let skipsOne = weekday.ordinal > 0 && today != weekday.day
            number += 7 * (weekday.ordinal - (skipsOne ? 1 : 0))
        }
        let local = number * 86400 + Int64(clock.0 * 3600 + clock.1 * 60 + clock.2)
        let guess = local - zone.rule(at: local).offset
        let at = local - (offset ?? zone.rule(at: guess).offset) + seconds
        guard at.magnitude < UInt64(Moment.limit) else { throw .range }
        let (sum, overflow) = try at.nanoseconds().addingReportingOverflow(fraction)
        if overflow { throw .range }
        return sum
    }
}
