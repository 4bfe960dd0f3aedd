import Kernel

/// A walk over a file and all that is below it, a directory before its files and once more after them. It holds the
/// names of the directories it is in, no descriptor, and recurses nowhere: a deep tree cannot exhaust a stack. Where no
/// links are followed, it enters none that was put in the place of a directory meanwhile.
///
/// A directory that stands on its own path already (a name space may hold such loops) is not entered.
public struct Tree {
    /// A file, or a directory before what is in it, or after it.
    public enum Visit { case file, enter, leave }

    /// What comes next on the walk.
    public struct Step {
        /// The root's path, and the names below it.
        public let path: String
        /// What it is; for `leave`, as it was when it was entered.
        public let dir: Dir
        /// Which visit it is.
        public let visit: Visit
        /// Names below the walk's root.
        public let depth: Int
    }

    private struct Level {
        let path: String
        let dir: Dir
        var entries: ArraySlice<Dir>
    }

    private let p: Proc
    private let follow: Bool
    private let followRoot: Bool
    private let order: (@Sendable (Dir, Dir) -> Bool)?
    private var root: String?
    private var levels: [Level] = []
    private var ancestors: Set<FileIdentity> = []
    private var entered: Step?

    /// `follow`: symbolic links are what they lead to; `followRoot`: the root, where that is another matter. `order`: of the names in a directory; by name
    /// where nothing is said, and none where it is nil.
    public init(
        _ p: Proc, _ root: String, follow: Bool = false, followRoot: Bool? = nil,
        order: (@Sendable (Dir, Dir) -> Bool)? = { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    ) {
        self.p = p
        self.root = root
        self.follow = follow
        self.followRoot = followRoot ?? follow
        self.order = order
    }

    /// The next step; nil at the end. Throws, with its subject, where something cannot be looked at or entered; the
    /// step after that goes on behind it.
    public mutating func next() throws(SysError) -> Step? {
        if let start = root.take() {
            let dir = try look(start, followRoot)
            return step(start, dir, 0)
        }
        if let directory = entered.take() { try enter(directory) }
        guard let level = levels.indices.last else { return nil }
        guard let entry = levels[level].entries.popFirst() else {
            let done = levels.removeLast()
            ancestors.remove(done.dir.identity)
            return Step(path: done.path, dir: done.dir, visit: .leave, depth: level)
        }
        let path = join(levels[level].path, entry.name)
        // Where a link leads, only `stat` tells.
        return step(path, entry.qid.isSymlink && follow ? try look(path, true) : entry, level + 1)
    }

    /// The next step that there is: what cannot be looked at or entered is warned of and left out.
    public mutating func next(warning r: Run, quietly: Bool = false) throws(SysError) -> Step? {
        while true {
            try Thread.check()
            do throws(SysError) { return try next() } catch { try r.warn(error, quietly: quietly) }
        }
    }

    /// What `path` is; a symbolic link that leads nowhere is itself.
    private func look(_ path: String, _ follow: Bool) throws(SysError) -> Dir {
        do throws(SysError) { return try p.stat(path, follow: follow) } catch {
            guard follow, error.code == .nonexist, let link = try? p.stat(path, follow: false) else { throw error }
            return link
        }
    }

    /// Leaves out what is below the directory that was just given: no `leave` comes for it.
    public mutating func skip() { entered = nil }

    private mutating func step(_ path: String, _ dir: Dir, _ depth: Int) -> Step {
        let step = Step(path: path, dir: dir, visit: dir.isDirectory ? .enter : .file, depth: depth)
        if dir.isDirectory { entered = step }
        return step
    }

    private mutating func enter(_ step: Step) throws(SysError) {
        do throws(SysError) {
            let fd = try p.open(step.path)
            defer { try? p.close(fd) }  // it was only read
            let dir = try p.fstat(fd)
            // A symbolic link may have taken its place since it was listed. Where another tree is mounted, the listing
            // tells of what is below that: a look at the name alone follows no link.
            if !(step.depth == 0 ? followRoot : follow), dir.identity != step.dir.identity {
                guard try p.stat(step.path, follow: false).identity == dir.identity else {
                    throw SysError("another file has taken its place")
                }
            }
            guard ancestors.insert(dir.identity).inserted else { throw SysError("directory loop") }
            var entries: [Dir]
            do throws(SysError) { entries = try p.entries(fd) } catch {
                ancestors.remove(dir.identity)
                throw error
            }
            if let order { entries.sort(by: order) }
            levels.append(Level(path: step.path, dir: dir, entries: entries[...]))
        } catch { throw error.about(step.path) }
    }
}

/// `name` below `directory`.
public func join(_ directory: String, _ name: String) -> String {
    directory.utf8.last == UInt8(ascii: "/") ? directory + name : directory + "/" + name
}

/// Whether a path begins at the root. A combining mark behind a slash hides no slash, here and below.
public func isRooted(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

/// A path without a slash at its end.
public func withoutSlash(_ path: String) -> String {
    path.utf8.last == UInt8(ascii: "/") ? String(Substring(path.utf8.dropLast())) : path
}

/// Whether `path` is `directory`, or a name below it.
public func isWithin(_ path: String, _ directory: String) -> Bool {
    let rest = path.utf8.dropFirst(directory.utf8.count)
    return path.utf8.starts(with: directory.utf8) && (rest.isEmpty || rest.first == UInt8(ascii: "/"))
}

/// The names in a path, cut where the kernel cuts them: by byte.
public func pathNames(_ path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
}

/// The last name of a path, `/` for the root. The corresponding POSIX page is `basename(1)`.
public func lastName(_ path: String) -> String {
    let trimmed = path.utf8.reversed().drop { $0 == UInt8(ascii: "/") }
    guard !trimmed.isEmpty else { return path.isEmpty ? "" : "/" }
    return String(decoding: trimmed.prefix { $0 != UInt8(ascii: "/") }.reversed(), as: UTF8.self)
}

/// What stands before the last name of a path. The corresponding POSIX page is `dirname(1)`.
public func parentName(_ path: String) -> String {
    let slash = UInt8(ascii: "/")
    var rest = Array(path.utf8)[...]
    while rest.count > 1, rest.last == slash { rest.removeLast() }
    guard let cut = rest.lastIndex(of: slash) else { return "." }
    rest = rest[..<cut]
    while rest.last == slash { rest.removeLast() }
    return rest.isEmpty ? "/" : String(decoding: rest, as: UTF8.self)
}

extension Proc {
    /// All entries of the open directory `fd`.
    public func entries(_ fd: Int32) throws(SysError) -> [Dir] {
        var all: [Dir] = []
        while true {
            let some = try dirread(fd, limit: 1024)
            if some.isEmpty { return all }
            all += some
        }
    }

    /// All entries of a directory.
    public func entries(of path: String) throws(SysError) -> [Dir] {
        let fd = try open(path)
        defer { try? close(fd) }  // it was only read
        do throws(SysError) { return try entries(fd) } catch { throw error.about(path) }
    }

    /// A small file, whole, without the newline at its end.
    public func text(of path: String, limit: Int = 1 << 20) throws(SysError) -> String {
        let fd = try open(path)
        defer { try? close(fd) }  // it was only read
        var bytes = try readn(fd, limit)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
