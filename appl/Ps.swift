import Applib
import Kernel

/// Lists processes: pid, group, user, CPU time, state, size, program.
struct Ps: Command {
    static let usage: Usage = """
        ps [-Aaeflr] [-o columns] [-p pids] [-s column] [-U users] [pid ...]
        -A, -a, -e  all that /prog lists; that is the standard
        -f          user, pid, ppid, time, args
        -l          state, user, pid, ppid, group, size, time, name
        -o columns  instead of a line of /prog/N/status: some of pid, ppid, group, user, time, state, size, name, args;
                    column=TITLE for another title than its own
        -p pids     only these
        -r          in reverse
        -s column   sorted by it; by pid where nothing is said
        -U, -u users  only theirs
        """

    private struct Column {
        let name: String
        let title: String
    }

    func run(_ r: Run) throws(SysError) {
        var rows = try ProcessRow.all(r)
        let pids = r.operands + r.options.values("p").flatMap(Self.words)
        if !pids.isEmpty {
            let wanted = Set(pids)
            rows = rows.filter { wanted.contains(String($0.pid)) }
            for word in pids where !rows.contains(where: { String($0.pid) == word }) {
                try r.warn(SysError(.noProcess, subject: word))
            }
        }
        if r.has("U") {
            let users = Set(r.options.values("U").flatMap(Self.words))
            rows = rows.filter { users.contains($0.user) }
        }
        if let key = r.options.value("s") { try sort(&rows, by: key, r) }
        if r.has("r") { rows.reverse() }
        let columns =
            switch r.options.last(of: "flo") {
            case "f": Self.columns("user,pid,ppid,time,args")
            case "l": Self.columns("state,user,pid,ppid,group,size,time,name")
            case "o": r.options.values("o").flatMap(Self.columns)
            default: [] as [Column]
            }
        guard columns.isEmpty else { return try print(rows, columns, r) }
        for row in rows { try r.out.line(row.line) }
    }

    private static func words(_ list: String) -> [String] {
        list.split(whereSeparator: { ", ".contains($0) }).map(String.init)
    }

    /// What stands behind a `=` is the title, to the end.
    private static func columns(_ list: String) -> [Column] {
        guard let equals = list.firstIndex(of: "=") else {
            return words(list).map { Column(name: $0, title: $0.uppercased()) }
        }
        let names = words(String(list[..<equals]))
        return names.dropLast().map { Column(name: $0, title: $0.uppercased()) }
            + names.suffix(1).map { Column(name: $0, title: String(list[list.index(after: equals)...])) }
    }

    private func sort(_ rows: inout [ProcessRow], by key: String, _ r: Run) throws(SysError) {
        var keyed: [(key: String, row: ProcessRow)] = []
        for row in rows { keyed.append((try row.cell(key, r), row)) }
        keyed.sort { a, b in
            if let x = Self.number(a.key), let y = Self.number(b.key), x != y { return x < y }
            return a.key != b.key ? a.key < b.key : a.row.pid < b.row.pid
        }
        rows = keyed.map(\.row)
    }

    /// A number, a size such as `512K` or a time such as `1:02.3`.
    private static func number(_ key: String) -> Double? {
        let parts = key.hasSuffix("K") ? [key.dropLast()] : key.split(separator: ":")
        let numbers = parts.compactMap { Double($0) }
        return numbers.count == parts.count && !parts.isEmpty ? numbers.reduce(0) { $0 * 60 + $1 } : nil
    }

    private func print(_ rows: [ProcessRow], _ columns: [Column], _ r: Run) throws(SysError) {
        let titles = columns.map(\.title)
        // Without any title there is no line for them.
        var table = titles.allSatisfy(\.isEmpty) ? [] : [titles]
        for row in rows {
            var cells: [String] = []
            for column in columns { cells.append(try row.cell(column.name, r)) }
            table.append(cells)
        }
        let widths = columns.indices.map { c in table.reduce(0) { max($0, $1[c].count) } }
        for cells in table {
            var line = ""
            for (c, cell) in cells.enumerated() {
                let isText = ["user", "state", "stat", "name", "comm", "args", "cmd"].contains(columns[c].name)
                line += (c > 0 ? " " : "") + (isText ? cell.left(widths[c]) : cell.right(widths[c]))
            }
            while line.last == " " { line.removeLast() }
            try r.out.line(line)
        }
    }
}
