import Applib
import Kernel

/// Removes files, and with -r directories and all below them.
struct Rm: Command {
    static let usage: Usage = """
        rm [-IRdfirv] file ...
        -d, --dir            an empty directory too
        -f, --force          what is not there is no error; do not ask
        -I                   ask once, before more than three files or directories and all below them
        -i                   ask before each
        -R, -r, --recursive  directories and all below them
        -v, --verbose        tell of each that is removed
        """

    func run(_ r: Run) throws(SysError) {
        guard !r.operands.isEmpty || r.has("f") else { throw r.misuse("too few operands") }
        if r.options.last(of: "Iif") == "I", r.has("R") || r.operands.count > 3 {
            let count = r.operands.count == 1 ? "1 argument" : "\(r.operands.count) arguments"
            guard try r.ask("remove \(count)\(r.has("R") ? " recursively" : "")") else { return }
        }
        for name in r.operands {
            try r.going(on: name) { () throws(SysError) in
                let last = lastName(name)
                guard last != ".", last != "..", last != "/" else { throw SysError("refusing to remove '\(name)'") }
                let dir: Dir
                do throws(SysError) { dir = try r.p.stat(name, follow: false) } catch {
                    guard r.has("f"), error.code == .nonexist else { throw error }
                    return
                }
                if dir.isDirectory, r.has("R") { return try removeTree(name, r) }
                guard !dir.isDirectory || r.has("d") else { throw SysError.isDir }
                try remove(name, dir, r)
            }
        }
    }

    private func remove(_ path: String, _ dir: Dir, _ r: Run) throws(SysError) {
        guard try r.confirm("remove \(dir.isDirectory ? "directory " : "")'\(path)'") else { return }
        try r.p.remove(path)
        if r.has("v") { try r.out.line(dir.isDirectory ? "removed directory '\(path)'" : "removed '\(path)'") }
    }

    private func removeTree(_ name: String, _ r: Run) throws(SysError) {
        var tree = Tree(r.p, name, order: nil)
        var isAtEnd = false
        while !isAtEnd {
            try r.going(on: name) { () throws(SysError) in
                guard let step = try tree.next() else { return isAtEnd = true }
                switch step.visit {
                case .file, .leave: try remove(step.path, step.dir, r)
                case .enter: if !(try r.confirm("descend into directory '\(step.path)'")) { tree.skip() }
                }
            }
        }
    }
}
