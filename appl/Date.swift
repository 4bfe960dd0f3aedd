import Kernel

/// Prints the date.
struct Date: Command {
    static let usage: Usage = """
        date [-nu] [-d date | -r file] [+format | seconds]
        -d date  that moment: @seconds, or YYYY-MM-DD HH:MM:SS
        -n       as seconds since 1970
        -r file  when the file was last changed
        -u       Greenwich time, whatever $TZ says
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(0...2)
        let zone = r.has("u") ? Zone.utc : Zone(of: r.p)
        var seconds: Int64
        var fraction: Int64 = 0
        if let text = r.options.value("d") {
            seconds = try Moment.read(text, in: zone)
        } else {
            let now = try r.options.value("r").map { (f) throws(SysError) in try r.p.stat(f).modified }
            (seconds, fraction) = split(now ?? r.p.caller.clock.now())
        }
        var format: Substring?
        for word in words {
            if word.hasPrefix("+") {
                format = word.dropFirst()
            } else {
                seconds = try Moment.read("@\(word)", in: zone)
                fraction = 0
            }
        }
        let moment = Moment(seconds, in: zone)
        if r.has("n") { return try r.out.line(String(seconds)) }
        guard let format else { return try r.out.line(moment.description) }
        try r.out.line(moment.text(String(format), nanoseconds: fraction, seconds: seconds))
    }

    private func split(_ nanoseconds: Int64) -> (Int64, Int64) {
        let seconds = nanoseconds.dividedDown(by: 1_000_000_000)
        return (seconds, nanoseconds - seconds * 1_000_000_000)
    }
}
