import Applib
import Kernel

/// Gives files other names.
struct Ln: Command {
    static let usage: Usage = """
        ln [-LPTfinrsv] file ... target | -t directory file ...
        -f, --force                what has the name is removed first
        -i, --interactive          the same, but ask before
        -L, --logical              another name of what a symbolic link leads to
        -n, --no-dereference       a target that is a symbolic link is a name, not the directory that it leads to
        -P, --physical             another name of the symbolic link itself; it always is, but for -L
        -r, --relative             with -s: as the file is reached from where the link is
        -s, --symbolic             symbolic links
        -T, --no-target-directory  the target is a name, not a directory to make names in
        -t, --target-directory directory  make the names there
        -v, --verbose              tell of each
        """

    /// One operand is linked to here.
    static func arrange(_ arguments: [String]) -> [String] {
        guard case .options(let options) = usage.parse(arguments[...]), options.operands.count == 1, !options.has("t")
        else { return arguments }
        return ["-t", "."] + arguments
    }

    func run(_ r: Run) throws(SysError) {
        let isSymbolic = r.has("s")
        guard isSymbolic || !r.has("r") else { throw r.misuse("-r goes with -s") }
        try r.eachTarget(follow: !r.has("n")) { (given, name) throws(SysError) in
            let file = r.has("r") ? try relative(given, name, r) : given
            let source = isSymbolic ? file : try self.source(file, r)
            if let there = try? r.p.stat(name, follow: false) {  // absent: nothing to remove
                guard try replaces(name, r) else { return }
                guard !there.isDirectory else { throw SysError(.isDir, subject: name) }
                // A symbolic link may lead to what is not there.
                let leads =
                    isSymbolic && source.utf8.first != UInt8(ascii: "/") ? join(parentName(name), source) : source
                let old = isSymbolic ? try? r.p.stat(leads, follow: false) : try r.p.stat(leads, follow: false)
                if old?.identity == there.identity {
                    throw SysError("is the same file as '\(name)'", subject: file)
                }
                try r.p.remove(name)
            }
            if isSymbolic { try r.p.symlink(file, name) } else { try r.p.link(source, name) }
            if r.has("v") { try r.out.line("'\(name)' \(isSymbolic ? "->" : "=>") '\(file)'") }
        }
    }

    /// Whether what has the name is to go; throws where nobody said so.
    private func replaces(_ name: String, _ r: Run) throws(SysError) -> Bool {
        switch r.options.last(of: "fi") {
        case "f": return true
        case "i": return try r.ask("replace '\(name)'")
        default: throw SysError(.exist, subject: name)
        }
    }

    /// `file` as it is reached from the directory of `name`.
    private func relative(_ file: String, _ name: String, _ r: Run) throws(SysError) -> String {
        let directory = try RealPath.of(parentName(name), .any, r.p)
        // The file itself may be a symbolic link, which is what is meant.
        let above = try RealPath.of(parentName(file), .any, r.p)
        return RealPath.relative(join(above, lastName(file)), to: directory)
    }

    /// With -L what `file` leads to, at the end.
    private func source(_ file: String, _ r: Run) throws(SysError) -> String {
        guard r.options.last(of: "LP") == "L" else { return file }
        var path = file
        for _ in 0..<40 {
            guard try r.p.stat(path, follow: false).qid.isSymlink else { return path }
            let leads = try r.p.readlink(path)
            path = isRooted(leads) ? leads : join(parentName(path), leads)
        }
        throw SysError("too many symbolic links", subject: file)
    }
}
