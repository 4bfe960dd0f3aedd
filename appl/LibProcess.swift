import Kernel

/// A process as /prog shows it.
struct ProcessRow {
    /// /prog/N/status, as it is: `pid group user time state sizeK name`.
    let line: String
    let pid: Int32
    let group: Int32
    private let words: [Substring]

    var user: String { word(2) }
    var time: String { word(3) }
    var state: String { word(4) }
    var size: String { word(5) }
    /// The program; a name may hold blanks. The mark of a system call is not part of it.
    var name: String {
        let name = words.dropFirst(6).joined(separator: " ")
        return name.hasSuffix("[$Sys]") ? String(name.dropLast(6)) : name
    }

    private func word(_ n: Int) -> String { n < words.count ? String(words[n]) : "" }

    private init?(_ text: String) {
        line = text
        words = text.split(separator: " ")
        guard words.count > 6, let pid = Int32(words[0]), let group = Int32(words[1]) else { return nil }
        self.pid = pid
        self.group = group
    }

    /// All that /prog lists, by pid.
    static func all(_ r: Run) throws(SysError) -> [ProcessRow] {
        let pids = try r.p.entries(of: "/prog").compactMap { Int32($0.name) }.sorted()
        var rows: [ProcessRow] = []
        for pid in pids {
            // A process may have ended since, and some may not be looked at.
            guard let text = try? r.p.text(of: "/prog/\(pid)/status"), let row = ProcessRow(text) else { continue }
            rows.append(row)
        }
        return rows
    }

    /// The parent, where /prog tells.
    func parent(_ r: Run) -> Int32? {
        (try? r.p.text(of: "/prog/\(pid)/ppid")).flatMap { Int32($0) }  // gone: it has none
    }

    /// What stands in `column`; throws where there is no such.
    func cell(_ column: String, _ r: Run) throws(SysError) -> String {
        switch column {
        case "pid": return String(pid)
        case "ppid": return parent(r).map(String.init) ?? "-"
        case "group", "pgid": return String(group)
        case "user": return user
        case "time", "cpu": return time
        case "state", "stat": return state
        case "size", "vsz": return size
        case "name", "comm": return name
        case "args", "cmd": return (try? r.p.text(of: "/prog/\(pid)/args")) ?? "-"  // gone: nothing to show
        default: throw SysError("no column '\(column)'")
        }
    }
}
