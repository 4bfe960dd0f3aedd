import Kernel

/// Lists processes: pid, group, user, CPU time, state, size, program.
struct Ps: Command {
    static let usage: Usage = """
        ps [-r] [-o columns] [-s column] [pid ...]
        -o columns  instead of a line of /prog/N/status: some of pid, ppid, group, user, time, state, size, name, args
        -r          in reverse
        -s column   sorted by it; by pid where nothing is said
        """

    func run(_ r: Run) throws(SysError) {
        var rows = try ProcessRow.all(r)
        if !r.operands.isEmpty {
            let wanted = Set(r.operands)
            rows = rows.filter { wanted.contains(String($0.pid)) }
            for word in r.operands where !rows.contains(where: { String($0.pid) == word }) {
                try r.warn(SysError(.noProcess, subject: word))
            }
        }
        if let key = r.options.value("s") { try sort(&rows, by: key, r) }
        if r.has("r") { rows.reverse() }
        guard let columns = r.options.value("o") else {
            for row in rows { try r.out.line(row.line) }
            return
        }
        try print(rows, columns.split(whereSeparator: { ", ".contains($0) }).map(String.init), r)
    }

    private func sort(_ rows: inout [ProcessRow], by key: String, _ r: Run) throws(SysError) {
        var keyed: [(key: String, row: ProcessRow)] = []
        for row in rows { keyed.append((try row.cell(key, r), row)) }
        keyed.sort { a, b in
            if let x = Int(a.key.filter { $0 != "K" }), let y = Int(b.key.filter { $0 != "K" }), x != y { return x < y }
            return a.key != b.key ? a.key < b.key : a.row.pid < b.row.pid
        }
        rows = keyed.map(\.row)
    }

    private func print(_ rows: [ProcessRow], _ columns: [String], _ r: Run) throws(SysError) {
        var table = [columns.map { $0.uppercased() }]
        for row in rows {
            var cells: [String] = []
            for column in columns { cells.append(try row.cell(column, r)) }
            table.append(cells)
        }
        let widths = columns.indices.map { c in table.reduce(0) { max($0, $1[c].count) } }
        for cells in table {
            var line = ""
            for (c, cell) in cells.enumerated() {
                let isText = ["user", "state", "name", "args"].contains(columns[c])
                line += (c > 0 ? " " : "") + (isText ? cell.left(widths[c]) : cell.right(widths[c]))
            }
            while line.last == " " { line.removeLast() }
            try r.out.line(line)
        }
    }
}
