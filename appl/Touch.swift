import Applib
import Kernel

/// Makes files, or sets their times.
struct Touch: Command {
    static let usage: Usage = """
        touch [-achm] [-d date | -r file | -t stamp] file ...
        -a                    the time of the last access
        -c, --no-create       make no file
        -d, --date date       that time, as date(1) takes it; with -r, from the times of the file
        -h, --no-dereference  a symbolic link's own times; makes no file
        -m                    the time of the last change
        -r, --reference file  the times of that file
        -t stamp              [[CC]YY]MMDDhhmm[.ss]
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(1...Int.max)
        var times: (accessed: Int64, modified: Int64)
        let now = r.p.caller.clock.now()
        times = (now, now)
        if let file = r.options.value("r") {
            let dir = try r.p.stat(file)
            times = (dir.accessed, dir.modified)
            if let text = r.options.value("d") {
                let zone = Zone(of: r.p)
                times.accessed = try When.read(text, now: dir.accessed, in: zone)
                times.modified = try When.read(text, now: dir.modified, in: zone)
            }
        } else if let text = r.options.value("d") {
            let time = try When.read(text, now: now, in: Zone(of: r.p))
            times = (time, time)
        } else if let text = r.options.value("t") {
            let time = try stamp(text, now, Zone(of: r.p)).nanoseconds()
            times = (time, time)
        }
        let both = r.has("a") == r.has("m")
        let change = DirChange(
            accessed: both || r.has("a") ? times.accessed : nil, modified: both || r.has("m") ? times.modified : nil)
        for name in names {
            try r.going(on: name) { () throws(SysError) in
                do throws(SysError) { try r.p.wstat(name, change, follow: !r.has("h")) } catch {
                    guard error.code == .nonexist, !r.has("h") || r.has("c") else { throw error }
                    if r.has("c") { return }
                    try r.p.close(try r.p.create(name, .write, FileMode(rawValue: 0o666)))
                    try r.p.wstat(name, change)
                }
            }
        }
    }

    /// `[[CC]YY]MMDDhhmm[.ss]`; years 69 to 99 are of the last century.
    private func stamp(_ text: String, _ now: Int64, _ zone: Zone) throws(SysError) -> Int64 {
        let wrong = SysError("bad date '\(text)'")
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let digits = parts[0].utf8.map { Int($0) - 48 }
        guard parts.count <= 2, [8, 10, 12].contains(digits.count), digits.allSatisfy({ 0...9 ~= $0 }) else {
            throw wrong
        }
        let pairs = stride(from: 0, to: digits.count, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
        var second = 0
        if parts.count == 2 {
            guard parts[1].count == 2, let n = Int(parts[1]), n >= 0 else { throw wrong }
            second = n
        }
        var year = Int(Moment(now / 1_000_000_000, in: zone).year)
        if pairs.count == 5 { year = pairs[0] + (pairs[0] < 69 ? 2000 : 1900) }
        if pairs.count == 6 { year = pairs[0] * 100 + pairs[1] }
        let last = pairs.suffix(4).map { $0 }
        return try Moment.seconds(year, last[0], last[1], last[2], last[3], second, in: zone, or: wrong)
    }
}
