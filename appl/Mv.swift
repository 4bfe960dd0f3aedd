import Applib
import Kernel

/// Moves files: by another name within a mount, by a copy from one mount to another.
struct Mv: Command {
    static let usage: Usage = """
        mv [-Tfinuv] file ... target | -t directory file ...
        -f, --force                do not ask
        -i, --interactive          ask before a file is replaced
        -n, --no-clobber           replace nothing
        -T, --no-target-directory  the target is a name, not a directory to move into
        -t, --target-directory directory  move into that
        -u, --update               replace older files only
        -v, --verbose              tell of each; on a terminal, how far a long copy is
        """

    func run(_ r: Run) throws(SysError) {
        var copier = Copier(r)
        copier.isRecursive = true
        copier.preserves = true
        copier.keepsNames = true
        copier.followsOperands = false
        copier.forces = true
        try r.eachTarget { (source, target) throws(SysError) in
            let dir = try r.p.stat(source, follow: false)
            guard try r.mayReplace(target, by: dir, "nif") else { return }
            if dir.isDirectory, r.isInside(target, dir) {
                throw SysError("cannot move a directory into itself", subject: source)
            }
            // Absent: the name is free.
            if let there = try? r.p.stat(target, follow: false), there.identity == dir.identity {
                throw SysError("is the same file as '\(target)'", subject: source)
            }
            do throws(SysError) {
                try r.p.rename(source, target)
                if r.has("v") { try r.out.line("renamed '\(source)' -> '\(target)'") }
            } catch {
                guard error.code == .crossDevice || error.code == .notSupported else { throw error }
                try move(source, target, &copier, r)
            }
        }
    }

    /// A copy, and the end of the original where nothing of it failed.
    private func move(_ source: String, _ target: String, _ copier: inout Copier, _ r: Run) throws(SysError) {
        // A directory takes no other's place as long as there is something in it.
        let there = try? r.p.stat(target, follow: false)  // absent: the name is free
        if there?.isDirectory ?? false { try r.p.remove(target) }
        let before = r.status
        r.status = .ok
        do throws(SysError) { try copier.copy(source, to: target) } catch {
            // A part of a file is none; a tree stays, as far as it came. What went wrong first is what is told.
            if there == nil { try? r.p.remove(target) }
            throw error
        }
        let copied = r.status
        if !before.isOK { r.status = before }
        guard copied.isOK else { return }
        var tree = Tree(r.p, source, order: nil)
        while let step = try tree.next() {
            if step.visit != .enter { try r.p.remove(step.path) }
        }
    }
}
