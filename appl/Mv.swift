import Kernel

/// Moves files: by another name within a mount, by a copy from one mount to another.
struct Mv: Command {
    static let usage: Usage = """
        mv [-finv] file ... target
        -f  do not ask
        -i  ask before a file is replaced
        -n  replace nothing
        -v  tell of each; on a terminal, how far a long copy is
        """

    func run(_ r: Run) throws(SysError) {
        let copier = Copier(r: r, isRecursive: true, preserves: true, keepsLinks: true, forces: true)
        try r.eachTarget { (source, target) throws(SysError) in
            do throws(SysError) {
                try r.p.rename(source, target)
                if r.has("v") { try r.out.line("renamed '\(source)' -> '\(target)'") }
            } catch {
                guard error.code == .crossDevice || error.code == .notSupported else { throw error }
                try move(source, target, copier, r)
            }
        }
    }

    /// A copy, and the end of the original where nothing of it failed.
    private func move(_ source: String, _ target: String, _ copier: Copier, _ r: Run) throws(SysError) {
        // A directory takes no other's place as long as there is something in it.
        if let there = try? r.p.stat(target, follow: false), there.isDirectory {  // absent: the name is free
            try r.p.remove(target)
        }
        let before = r.status
        r.status = .ok
        try copier.copy(source, to: target)
        let copied = r.status
        if !before.isOK { r.status = before }
        guard copied.isOK else { return }
        var tree = Tree(r.p, source, order: nil)
        while let step = try tree.next() {
            if step.visit != .enter { try r.p.remove(step.path) }
        }
    }
}
