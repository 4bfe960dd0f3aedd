import Kernel

/// Gives files other names.
struct Ln: Command {
    static let usage: Usage = """
        ln [-fnsv] file ... target
        -f  what has the name is removed first
        -n  a target that is a symbolic link is a name, not the directory that it leads to
        -s  symbolic links
        -v  tell of each
        """

    func run(_ r: Run) throws(SysError) {
        guard let first = r.operands.first else { throw r.misuse("too few operands") }
        // One operand is linked to here.
        let last = r.operands.count == 1 ? "." : r.operands[r.operands.count - 1]
        let isInto = (try? r.p.stat(last, follow: !r.has("n")))?.isDirectory ?? false  // absent: no directory
        guard isInto || r.operands.count == 2 else { throw SysError(.notDir, subject: last) }
        let files = r.operands.count == 1 ? [first] : r.operands.dropLast()
        for file in files {
            let name = isInto ? join(last, lastName(file)) : last
            try r.going(on: name) { () throws(SysError) in
                if r.has("f"), let there = try? r.p.stat(name, follow: false) {  // absent: nothing to remove
                    guard !there.isDirectory else { throw SysError.isDir }
                    if !r.has("s"), try r.p.stat(file, follow: false).identity == there.identity {
                        throw SysError("is the same file as '\(name)'", subject: file)
                    }
                    try r.p.remove(name)
                }
                if r.has("s") { try r.p.symlink(file, name) } else { try r.p.link(file, name) }
                if r.has("v") { try r.out.line("'\(name)' \(r.has("s") ? "->" : "=>") '\(file)'") }
            }
        }
    }
}
