import Kernel

/// A time zone: as POSIX writes it in `TZ`, `UTC0`, `CET-1CEST,M3.5.0,M10.5.0/3`; or as a zone file tells it, which has what
/// was so in earlier years too.
///
/// The corresponding POSIX page is chapter 8 of the base definitions, environment variables.
public struct Zone: Sendable {
    /// What holds for a part of the year.
    public struct Rule: Sendable {
        /// `CEST`, say.
        public let name: String
        /// Seconds east of Greenwich.
        public let offset: Int64
    }

    /// A day of a year, and seconds into it.
    private struct Change: Sendable {
        enum Day {
            /// `Jn`: 1 to 365, the leap day never counted.
            case julian(Int)
            /// `n`: 0 to 365.
            case yearday(Int)
            /// `Mm.w.d`: weekday d of week w of month m; week 5 is the last.
            case week(month: Int, week: Int, weekday: Int)
        }
        let day: Day
        let time: Int64

        /// Seconds since 1970, by the local clock.
        func moment(_ year: Int64) -> Int64 {
            let first = Moment.dayNumber(year, 1, 1)
            let number: Int64
            switch day {
            case .julian(let n): number = first + Int64(n) - 1 + (Moment.daysIn(2, of: year) == 29 && n > 59 ? 1 : 0)
            case .yearday(let n): number = first + Int64(n)
            case .week(let month, let week, let weekday):
                let start = Moment.dayNumber(year, month, 1)
                let startsOn = (start + 4) - (start + 4).dividedDown(by: 7) * 7
                var day = (Int64(weekday) - startsOn + 7) % 7 + Int64(week - 1) * 7
                if day >= Int64(Moment.daysIn(month, of: year)) { day -= 7 }
                number = start + day
            }
            return number * 86400 + time
        }
    }

    private let standard: Rule
    /// From when on what held, in order, as a zone file tells it: `standard` is what held before that.
    private var history: [(from: Int64, rule: Rule)] = []
    /// What holds from the last of these moments on, where the file says it: one zone, of POSIX's form.
    private var future: [Zone] = []
    private var summer: (rule: Rule, from: Change, to: Change)?

    /// Greenwich.
    public static let utc = Zone(standard: Rule(name: "UTC", offset: 0))

    private init(standard: Rule) { self.standard = standard }

    /// Where zone files are looked for: what the host gave at the start, then what is shown of it.
    private static let directories = ["/lib/zoneinfo", "/usr/share/zoneinfo"]
    /// Bytes of a zone file that are looked at; real ones have a few thousand.
    private static let fileLimit = 1 << 18

    /// The zone of the process: `$TZ`, else Greenwich. It is Greenwich too where the value is neither a rule nor names a
    /// zone file; that is told on descriptor 2.
    public init(of p: Proc) {
        var text = p.environment["TZ"].map { String(decoding: $0.value, as: UTF8.self) } ?? ""
        if text.hasPrefix(":") { text.removeFirst() }
        if text.isEmpty {
            self = .utc
        } else if let zone = Zone(text) ?? Zone(named: text, p) {
            self = zone
        } else {
            self = .utc
            // Nobody may be left to tell it to.
            try? p.write(2, "\(p.name): no time zone '\(text)': it is taken for UTC\n")
        }
    }

    /// Reads the file of a name such as `Europe/Berlin`, or of a path; nil where none is a zone file.
    private init?(named name: String, _ p: Proc) {
        guard name.utf8.count <= 255, !pathNames(name).contains("..") else { return nil }
        for path in isRooted(name) ? [name] : Self.directories.map({ "\($0)/\(name)" }) {
            // What is not there or cannot be read is no zone; the caller says so.
            guard let dir = try? p.stat(path), dir.isRegular, let fd = try? p.open(path) else { continue }
            defer { try? p.close(fd) }  // it was read: nothing is lost
            if let bytes = try? p.readn(fd, Self.fileLimit), let zone = Zone(file: bytes) {
                self = zone
                return
            }
        }
        return nil
    }

    /// Reads a zone file of the format of RFC 8536, with times of 8 bytes where it has those; nil where it is none.
    public init?(file bytes: [UInt8]) {
        var part = ZoneFile(bytes[...], wide: false)
        if let first = part, first.version >= 2 { part = ZoneFile(first.rest, wide: true) }
        guard let part, let first = part.rules.first else { return nil }
        self.init(standard: first)
        history = part.changes.map { ($0.from, part.rules[$0.rule]) }
        guard part.version >= 2, !part.footer.isEmpty else { return }
        guard let zone = Zone(part.footer) else { return nil }
        future = [zone]
    }

    /// Reads `text`; nil where it is not of this form.
    public init?(_ text: String) {
        var scanner = Scanner(text.utf8[...])
        guard let name = scanner.name(), let west = scanner.time() else { return nil }
        self.init(standard: Rule(name: name, offset: -west))
        guard !scanner.rest.isEmpty else { return }
        guard let second = scanner.name() else { return nil }
        var offset = standard.offset + 3600
        if let c = scanner.rest.first, c != UInt8(ascii: ",") {
            guard let west = scanner.time() else { return nil }
            offset = -west
        }
        if scanner.rest.isEmpty { scanner = Scanner(",M3.2.0,M11.1.0".utf8[...]) }
        guard let from = scanner.change(), let to = scanner.change(), scanner.rest.isEmpty else { return nil }
        summer = (Rule(name: second, offset: offset), from, to)
    }

    /// The rule that holds at `seconds` since 1970.
    public func rule(at seconds: Int64) -> Rule {
        if seconds >= history.last?.from ?? .min {
            if let future = future.first { return future.rule(at: seconds) }
            if let last = history.last { return last.rule }
        } else {
            // The last one that has begun.
            var (low, high) = (0, history.count)
            while low < high {
                let middle = (low + high) / 2
                if history[middle].from <= seconds { low = middle + 1 } else { high = middle }
            }
            return low == 0 ? standard : history[low - 1].rule
        }
        guard let summer else { return standard }
        let year = Moment(seconds + standard.offset).year
        let from = summer.from.moment(year) - standard.offset
        let to = summer.to.moment(year) - summer.rule.offset
        let isSummer = from < to ? from <= seconds && seconds < to : seconds < to || from <= seconds
        return isSummer ? summer.rule : standard
    }

    private struct Scanner {
        var rest: Substring.UTF8View

        init(_ rest: Substring.UTF8View) { self.rest = rest }

        private mutating func take(_ c: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: c) else { return false }
            rest.removeFirst()
            return true
        }

        /// At least three letters, or anything in angle brackets.
        mutating func name() -> String? {
            if take("<") {
                let name = rest.prefix { $0 != UInt8(ascii: ">") }
                rest = rest[name.endIndex...]
                return take(">") && !name.isEmpty ? String(Substring(name)) : nil
            }
            let name = rest.prefix { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 }
            rest = rest[name.endIndex...]
            return name.count >= 3 ? String(Substring(name)) : nil
        }

        private mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            rest = rest[digits.endIndex...]
            guard let n = Int(Substring(digits)), range.contains(n) else { return nil }
            return n
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time() -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(0...167) else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] where take(":") {
                guard let n = number(0...59) else { return nil }
                seconds += n * unit
            }
            return Int64(isNegative ? -seconds : seconds)
        }

        mutating func change() -> Change? {
            guard take(",") else { return nil }
            let day: Change.Day
            if take("J") {
                guard let n = number(1...365) else { return nil }
                day = .julian(n)
            } else if take("M") {
                guard let month = number(1...12), take("."), let week = number(1...5), take("."),
                    let weekday = number(0...6)
                else { return nil }
                day = .week(month: month, week: week, weekday: weekday)
            } else {
                guard let n = number(0...365) else { return nil }
                day = .yearday(n)
            }
            guard take("/") else { return Change(day: day, time: 7200) }
            guard let time = time() else { return nil }
            return Change(day: day, time: time)
        }
    }
}
