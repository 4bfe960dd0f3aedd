import Applib
import Kernel

/// Prints processes as a tree: who made whom.
struct Pstree: Command {
    static let usage: Usage = """
        pstree [-a] [pid ...]
        -a  the arguments too
        """

    func run(_ r: Run) throws(SysError) {
        let all = try ProcessRow.all(r)
        let pids = Set(all.map(\.pid))
        var children: [Int32: [ProcessRow]] = [:]
        var tops: [ProcessRow] = []
        for row in all {
            // What has no parent that can be seen stands at the top.
            if let parent = row.parent(r), parent != row.pid, pids.contains(parent) {
                children[parent, default: []].append(row)
            } else {
                tops.append(row)
            }
        }
        if !r.operands.isEmpty {
            tops = []
            for word in r.operands {
                try r.going(on: word) { () throws(SysError) in
                    guard let row = all.first(where: { String($0.pid) == word }) else { throw .noProcess }
                    tops.append(row)
                }
            }
        }
        for top in tops { try print(top, children, r) }
    }

    private func print(_ top: ProcessRow, _ children: [Int32: [ProcessRow]], _ r: Run) throws(SysError) {
        var todo = [(row: top, lead: "", branch: "")]
        while let (row, lead, branch) = todo.popLast() {
            let name = r.has("a") ? try row.cell("args", r) : row.name
            try r.out.line("\(String(row.pid).right(8)) \(lead)\(branch)\(name)")
            let below = lead + (branch.isEmpty ? "" : branch == "├─" ? "│ " : "  ")
            let rows = children[row.pid] ?? []
            for (i, child) in rows.enumerated().reversed() {
                todo.append((child, below, i == rows.count - 1 ? "└─" : "├─"))
            }
        }
    }
}
