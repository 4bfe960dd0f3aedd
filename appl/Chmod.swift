import Applib
import Kernel

/// Changes permissions.
struct Chmod: Command {
    static let usage: Usage = """
        chmod [-Rcfv] mode file ... | --reference file file ...
        -c, --changes          tell of each that changes
        -f, --silent, --quiet  say nothing of what fails
        -R, --recursive        directories and all below them
        -v, --verbose          tell of each
        --reference file       the mode of that file
        """

    /// A mode such as `-w` looks like flags; behind an empty clause it does not.
    static func arrange(_ arguments: [String]) -> [String] {
        var words = arguments
        let mode = words.firstIndex {
            $0 == "--" || $0.first == "-" && "rwxXstugoal,+=01234567".contains($0.dropFirst().prefix(1)) && $0.count > 1
        }
        if let mode, words[mode] != "--" { words[mode] = "+," + words[mode] }
        return words
    }

    func run(_ r: Run) throws(SysError) {
        let pattern = r.options.value("reference")
        let words = try r.operands((pattern == nil ? 2 : 1)...Int.max)
        let mode = try pattern.map { (f) throws(SysError) in String(try r.p.stat(f).mode.bits, radix: 8) }
        let change = try ModeChange(mode ?? words[0])
        for name in mode == nil ? words.dropFirst() : words[...] {
            guard r.has("R") else {
                try attempt(name, r) { () throws(SysError) in try set(name, try r.p.stat(name), change, r, follow: true)
                }
                continue
            }
            var tree = Tree(r.p, name)
            var isAtEnd = false
            while !isAtEnd {
                try attempt(name, r) { () throws(SysError) in
                    guard let step = try tree.next() else { return isAtEnd = true }
                    if step.visit != .leave, !step.dir.qid.isSymlink {
                        try set(step.path, step.dir, change, r, follow: false)
                    }
                }
            }
        }
    }

    private func attempt(_ name: String, _ r: Run, _ body: () throws(SysError) -> Void) throws(SysError) {
        try r.going(on: name, quietly: r.has("f"), body)
    }

    /// `follow` false: a symbolic link that has come to be at `path` is not what it leads to.
    private func set(_ path: String, _ dir: Dir, _ change: ModeChange, _ r: Run, follow: Bool) throws(SysError) {
        let mode = change.apply(to: dir.mode, isDirectory: dir.isDirectory, umask: r.p.umask)
        if mode != dir.mode {
            do throws(SysError) { try r.p.wstat(path, DirChange(mode: mode), follow: follow) } catch {
                throw error.about(path)
            }
        }
        guard r.has("v") || r.has("c") && mode != dir.mode else { return }
        func text(_ mode: FileMode) -> String { "\(String(mode.bits, radix: 8).zeros(4)) (\(mode.rights))" }
        try r.out.line(
            mode == dir.mode
                ? "mode of '\(path)' retained as \(text(mode))"
                : "mode of '\(path)' changed from \(text(dir.mode)) to \(text(mode))")
    }
}
