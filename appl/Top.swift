import Applib
import Kernel

/// Shows processes, those that use the processor most first, again and again.
struct Top: Command {
    static let usage: Usage = """
        top [-b] [-d seconds] [-n count] [-s column]
        -b          one picture below the other, no keys; it is so where there is no terminal
        -d seconds  between two pictures (2)
        -n count    so many pictures; else until q, and 1 where there is no terminal
        -s column   sorted by cpu, time, pid, name or size
        Keys: q ends; c, t, p, n and s sort by cpu, time, pid, name, size; a blank shows a new picture.
        """

    private static let columns: [Character: String] = ["c": "cpu", "t": "time", "p": "pid", "n": "name", "s": "size"]

    private struct Row {
        let process: ProcessRow
        let seconds: Double
        let percent: Double
    }

    func run(_ r: Run) throws(SysError) {
        _ = try r.operands(0...0)
        let isLive = !r.has("b") && r.p.isTerminal(0) && r.p.isTerminal(1)
        let pause = Int64(try r.number("d", or: 2, in: 1...3600)) * 1000
        let count = try r.number("n", or: isLive ? .max : 1, in: 1...Int.max)
        var column = r.options.value("s") ?? "cpu"
        guard Self.columns.values.contains(column) else { throw SysError("no column '\(column)'") }
        // Closing it takes raw mode off, also when we are killed.
        let control = isLive ? try r.p.open("/dev/consctl", .write) : nil
        if let control { try r.p.write(control, "rawon") }
        var before: [Int32: Double] = [:]
        var then = r.p.caller.clock.monotonic()
        for n in 0..<count {
            let now = r.p.caller.clock.monotonic()
            let rows = try look(before, Double(now &- then) / 1e9, r)
            before = rows.reduce(into: [:]) { $0[$1.process.pid] = $1.seconds }
            then = now
            try show(sorted(rows, by: column), isLive, r)
            guard n < count - 1 else { break }
            if isLive {
                guard let key = try key(within: pause, r) else { continue }
                if key == "q" || key == "\u{4}" { break }
                column = Self.columns[key] ?? column
            } else {
                try r.p.sleep(milliseconds: pause)
            }
        }
        if let control {
            try r.p.write(control, "rawoff")
            try r.p.close(control)
        }
    }

    private func look(_ before: [Int32: Double], _ elapsed: Double, _ r: Run) throws(SysError) -> [Row] {
        try ProcessRow.all(r).map { process in
            let seconds = Self.seconds(process.time)
            let used = seconds - (before[process.pid] ?? (before.isEmpty ? seconds : 0))
            return Row(process: process, seconds: seconds, percent: elapsed > 0 ? max(0, used / elapsed * 100) : 0)
        }
    }

    /// `min:sec.tenth` in seconds.
    private static func seconds(_ time: String) -> Double {
        let parts = time.split(separator: ":")
        guard parts.count == 2, let minutes = Double(parts[0]), let seconds = Double(parts[1]) else { return 0 }
        return minutes * 60 + seconds
    }

    private func sorted(_ rows: [Row], by column: String) -> [Row] {
        rows.sorted { a, b in
            switch column {
            case "cpu" where a.percent != b.percent: return a.percent > b.percent
            case "time" where a.seconds != b.seconds: return a.seconds > b.seconds
            case "name" where a.process.name != b.process.name: return a.process.name < b.process.name
            case "size":
                let (x, y) = (Int(a.process.size.dropLast()) ?? 0, Int(b.process.size.dropLast()) ?? 0)
                return x != y ? x > y : a.process.pid < b.process.pid
            default: return a.process.pid < b.process.pid
            }
        }
    }

    private func show(_ rows: [Row], _ isLive: Bool, _ r: Run) throws(SysError) {
        let window = r.p.window(1)
        let height = isLive ? max(3, (window?.rows ?? 0) > 0 ? window?.rows ?? 24 : 24) : Int.max
        let width = isLive ? max(20, (window?.columns ?? 0) > 0 ? window?.columns ?? 80 : 80) : Int.max
        let clock = Moment(r.p.caller.clock.now() / 1_000_000_000, in: Zone(of: r.p)).text("%H:%M:%S")
        let ready = rows.filter { $0.process.state == "ready" }.count
        var lines = [
            "\(clock)  \(rows.count) processes, \(ready) ready",
            "     PID   GROUP       USER      TIME  CPU%      STATE   SIZE NAME",
        ]
        for row in rows.prefix(height == .max ? .max : height - 3) {
            let p = row.process
            let percent = Int(min(99999, row.percent.rounded()))
            lines.append(
                [
                    String(p.pid).right(8), String(p.group).right(7), p.user.right(10), p.time.right(9),
                    String(percent).right(5), p.state.right(10), p.size.right(6), p.name,
                ].joined(separator: " "))
        }
        if isLive { try r.out.write("\u{1b}[H\u{1b}[J") }
        for line in lines { try r.out.line(String(line.prefix(width))) }
        try r.out.flush()
    }

    /// The key that is pressed in time, if one is.
    private func key(within milliseconds: Int64, _ r: Run) throws(SysError) -> Character? {
        var list = [Proc.Poll(0, .read)]
        guard try r.p.poll(&list, milliseconds: milliseconds) > 0 else { return nil }
        let bytes = try r.p.read(0, 16)
        return bytes.first.map { Character(UnicodeScalar($0)) } ?? "q"
    }
}
