import Applib
import Kernel

/// Prints the date.
struct Date: Command {
    static let usage: Usage = """
        date [-Rnu] [-I[precision]] [-d date | -r file] [+format | seconds]
        -d, --date date         that moment: @seconds, 2024-05-06 07:08, tomorrow, 2 days ago, next monday
        -I[precision], --iso-8601[=precision]  as 2024-05-06; with hours, minutes, seconds or ns the time too
        -n                      as seconds since 1970
        -R, --rfc-email         as Mon, 06 May 2024 07:08:09 +0000
        -r, --reference file    when the file was last changed
        --rfc-3339 precision    as 2024-05-06 07:08:09+00:00; precision is date, seconds or ns
        -u, --utc, --universal  Greenwich time, whatever $TZ says
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(0...2)
        let zone = r.has("u") ? Zone.utc : Zone(of: r.p)
        let now = r.p.caller.clock.now()
        var nanoseconds = now
        var format = try standard(r)
        if let text = r.options.value("d") {
            nanoseconds = try When.read(text, now: now, in: zone)
        } else if let file = r.options.value("r") {
            nanoseconds = try r.p.stat(file).modified
        }
        for word in words {
            if word.hasPrefix("+") {
                guard format == nil else { throw r.misuse("one format is enough") }
                format = String(word.dropFirst())
            } else {
                nanoseconds = try When.read("@\(word)", now: now, in: zone)
            }
        }
        let (seconds, rest) = nanoseconds.wholeSeconds()
        if r.has("n") { return try r.out.line(String(seconds)) }
        let moment = Moment(seconds, in: zone)
        try r.out.line(format.map { moment.text($0, nanoseconds: rest, seconds: seconds) } ?? moment.description)
    }

    /// The format that a flag stands for.
    private func standard(_ r: Run) throws(SysError) -> String? {
        if r.has("R") { return "%a, %d %b %Y %H:%M:%S %z" }
        if let precision = r.options.value("rfc-3339") {
            let times = ["date": "", "seconds": " %H:%M:%S%:z", "ns": " %H:%M:%S.%N%:z"]
            guard let time = times[precision] else { throw r.misuse("--rfc-3339: bad precision '\(precision)'") }
            return "%Y-%m-%d" + time
        }
        guard let precision = r.options.value("I") else { return nil }
        let times = [
            "": "", "date": "", "hours": "T%H%:z", "minutes": "T%H:%M%:z", "seconds": "T%H:%M:%S%:z",
            "ns": "T%H:%M:%S,%N%:z",
        ]
        guard let time = times[precision] else { throw r.misuse("-I: bad precision '\(precision)'") }
        return "%Y-%m-%d" + time
    }
}
