import Kernel

/// A process as /prog shows it.
public struct ProcessRow {
    /// /prog/N/status, as it is: `pid group user time state sizeK name`.
    public let line: String
    /// Its number.
    public let pid: Int32
    /// Its process group.
    public let group: Int32
    private let words: [Substring]

    /// Whose it is.
    public var user: String { word(2) }
    /// Processor time.
    public var time: String { word(3) }
    /// What it does or waits for.
    public var state: String { word(4) }
    /// Memory.
    public var size: String { word(5) }
    /// The program; a name may hold blanks. The mark of a system call is not part of it.
    public var name: String {
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
    public static func all(_ r: Run) throws(SysError) -> [ProcessRow] {
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
    public func parent(_ r: Run) -> Int32? {
        (try? r.p.text(of: "/prog/\(pid)/ppid")).flatMap { Int32($0) }  // gone: it has none
    }

    /// What stands in `column`; throws where there is no such.
    public func cell(_ column: String, _ r: Run) throws(SysError) -> String {
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
