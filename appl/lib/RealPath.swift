import Kernel

/// How a path is made into the one without symbolic links, `.` and `..`.
public enum RealPath {
    /// Which of its names must be there.
    public enum Names: Sendable { case all, allButLast, any }

    /// Most links that are followed on the way.
    private static let linkLimit = 40

    /// The path of what `path` leads to; a last name that is missing, or any, as `names` allows, is kept as it is.
    public static func of(_ path: String, _ names: Names, _ p: Proc) throws(SysError) -> String {
        guard !path.isEmpty else { throw SysError(.nonexist, subject: path) }
        if path.hasPrefix("#") { return try p.whence(path).path }
        // Names still to walk, the next one last.
        var rest: [String] = (isRooted(path) ? [] : pathNames(p.directory)) + pathNames(path)
        rest.reverse()
        // A blank at the end asks for a directory.
        let wantsDirectory = path.hasSuffix("/") || path.hasSuffix("/.")
        var done: [String] = []
        var links = 0
        var isThere = true
        while let name = rest.popLast() {
            try Thread.check()
            if name == "." || name.isEmpty { continue }
            if name == ".." {
                _ = done.popLast()
                continue
            }
            let here = "/" + (done + [name]).joined(separator: "/")
            done.append(name)
            if !isThere, names == .any { continue }
            let dir: Dir
            do throws(SysError) { dir = try p.stat(here, follow: false) } catch {
                guard error.code == .nonexist, names == .any || names == .allButLast && rest.isEmpty else {
                    throw error
                }
                isThere = false
                continue
            }
            if dir.qid.isSymlink {
                links += 1
                guard links <= linkLimit else { throw SysError(.tooManyLinks, subject: path) }
                let target = try p.readlink(here)
                done.removeLast()
                if isRooted(target) { done = [] }
                rest += pathNames(target).reversed()
            } else if !dir.isDirectory, !rest.isEmpty || wantsDirectory {
                guard names == .any else { throw SysError(.notDir, subject: path) }
                isThere = false
            }
        }
        return "/" + done.joined(separator: "/")
    }

    /// `path` as it is reached from the directory `base`; both are real.
    public static func relative(_ path: String, to base: String) -> String {
        let (names, from) = (pathNames(path), pathNames(base))
        let same = zip(names, from).prefix { $0 == $1 }.count
        let steps = [String](repeating: "..", count: from.count - same) + names[same...]
        return steps.isEmpty ? "." : steps.joined(separator: "/")
    }
}
