import Kernel

/// Copies files and trees: what `cp`, and `mv` from one mount to another, have in common.
public struct Copier {
    /// What a copy is.
    public enum Kind { case contents, link, symlink }

    let r: Run
    /// What becomes of a file.
    public var kind = Kind.contents
    /// Directories and all below them.
    public var isRecursive = false
    /// Owner, permissions and times are the original's.
    public var preserves = false
    /// Names of one file become names of one copy.
    public var keepsNames = false
    /// Symbolic links below an operand are what they lead to, and so are operands.
    public var follows = false
    /// An operand that is a symbolic link is what it leads to.
    public var followsOperands = true
    /// What cannot be opened for writing is removed first.
    public var forces = false
    /// What is there is removed first.
    public var removes = false
    /// Of a directory that another server than the operand's serves, only the directory.
    public var staysOnServer = false
    /// Those of `nif` that say what becomes of a file that is there; none where that was asked before.
    public var deciding = ""
    /// Where a file with several names was copied to.
    private var copies: [FileIdentity: String] = [:]

    /// A copier that does as cp does without flags, for the program of `r`.
    public init(_ r: Run) { self.r = r }

    /// Copies `source` to be `target`. Failures below a directory are told one by one.
    public mutating func copy(_ source: String, to target: String) throws(SysError) {
        var tree = Tree(r.p, source, follow: follows, followRoot: followsOperands)
        var made: FileIdentity?
        var isFirst = true
        var server: (Character, UInt32)?
        while true {
            let wasFirst = isFirst
            do throws(SysError) {
                guard let step = try tree.next() else { return }
                isFirst = false
                let below = step.path.utf8.dropFirst(source.utf8.count).drop { $0 == UInt8(ascii: "/") }
                let to = step.depth == 0 ? target : join(target, String(decoding: below, as: UTF8.self))
                switch step.visit {
                case .file:
                    if step.dir.qid.isSymlink, step.depth == 0 ? followsOperands : follows {
                        throw SysError(.nonexist, subject: step.path)
                    }
                    if try r.mayReplace(to, by: step.dir, deciding) { try copyFile(step.path, step.dir, to: to) }
                case .enter:
                    guard isRecursive else { throw SysError(.isDir, subject: step.path) }
                    guard step.dir.identity != made, step.depth > 0 || !r.isInside(target, step.dir) else {
                        tree.skip()
                        throw SysError("cannot copy a directory into itself", subject: source)
                    }
                    do throws(SysError) { try makeDirectory(to, step.dir) } catch {
                        tree.skip()
                        throw error
                    }
                    if step.depth == 0 { made = try r.p.stat(to).identity }
                    let place = (step.dir.type, step.dir.instance)
                    if let server, staysOnServer, place != server { tree.skip() }
                    if server == nil { server = place }
                    try tell(step.path, to)
                case .leave: try finish(to, step.dir)
                }
            } catch {
                // Where the root itself fails there is nothing to go on with.
                if wasFirst { throw error }
                try r.warn(error)
                isFirst = false
            }
        }
    }

    private func makeDirectory(_ path: String, _ dir: Dir) throws(SysError) {
        do throws(SysError) {
            // Files are to be made in it, whatever the original's permissions.
            try r.p.mkdir(path, dir.mode.permissions | 0o700)
        } catch {
            guard error.code == .exist, try r.p.stat(path).isDirectory else { throw error }
        }
    }

    /// The directory's own permissions and times, once all is in it.
    private func finish(_ path: String, _ dir: Dir) throws(SysError) {
        if preserves { return try preserve(path, dir) }
        guard dir.mode.permissions & 0o700 != 0o700 else { return }
        try r.p.wstat(path, DirChange(mode: FileMode(rawValue: dir.mode.rawValue & ~r.p.umask)))
    }

    /// Gives `path` what `original` has. An owner that we may not give is left, without the rights that went with it.
    private func preserve(_ path: String, _ original: Dir) throws(SysError) {
        let there = try r.p.stat(path, follow: false)
        var mode = original.mode
        if there.owner != original.owner || there.group != original.group {
            let change = DirChange(owner: original.owner, group: original.group)
            do throws(SysError) { try r.p.wstat(path, change, follow: false) } catch {
                mode.subtract([.setuid, .setgid])
            }
        }
        var change = DirChange(accessed: original.accessed, modified: original.modified)
        if !original.qid.isSymlink { change.mode = mode }
        try r.p.wstat(path, change, follow: false)
    }

    private mutating func copyFile(_ source: String, _ dir: Dir, to target: String) throws(SysError) {
        let isShared = keepsNames && dir.links > 1
        if isShared, let copy = copies[dir.identity] {
            // It may have been the target that was copied to before.
            if try r.p.stat(copy, follow: false).identity == (try? r.p.stat(target, follow: false))?.identity { return }
            try makeRoom(target)
            try r.p.link(copy, target)
        } else if kind == .contents {
            try copyContents(source, dir, to: target)
        } else {
            if forces {
                // What is not there is nobody's name yet.
                if let there = try? r.p.stat(target, follow: false), there.identity == dir.identity {
                    throw isSame(source, target)
                }
                try makeRoom(target)
            }
            if kind == .link {
                try r.p.link(source, target)
            } else {
                guard isRooted(source) || parentName(target) == "." else {
                    throw SysError("a relative symbolic link can be made in the current directory only")
                }
                try r.p.symlink(source, target)
            }
        }
        if isShared { copies[dir.identity] = target }
        try tell(source, target)
    }

    private func makeRoom(_ target: String) throws(SysError) {
        guard let there = try? r.p.stat(target, follow: false) else { return }  // absent: there is room
        guard !there.isDirectory else { throw SysError(.isDir, subject: target) }
        try r.p.remove(target)
    }

    private func copyContents(_ source: String, _ dir: Dir, to target: String) throws(SysError) {
        if dir.qid.isSymlink {
            let leads = try r.p.readlink(source)
            if let there = try? r.p.stat(target, follow: false) {  // absent: nothing to remove
                guard there.identity != dir.identity else { throw isSame(source, target) }
                try makeRoom(target)
            }
            try r.p.symlink(leads, target)
            if preserves { try preserve(target, dir) }
            return
        }
        guard !isRecursive || dir.mode.isDisjoint(with: [.namedPipe, .socket, .device]) else {
            throw SysError("neither a file nor a directory: not copied", subject: source)
        }
        let from = try r.open(source)
        defer { try? r.p.close(from) }  // it was only read
        let original = try r.p.fstat(from)
        // What is not there is nobody's name yet.
        if let there = try? r.p.stat(target) {
            guard there.identity != original.identity else { throw isSame(source, target) }
            guard !there.isDirectory else { throw SysError(.isDir, subject: target) }
        }
        if removes { try makeRoom(target) }
        let to = try create(target, original)
        do throws(SysError) { try pour(from, to, original.length, source) } catch {
            try? r.p.close(to)  // what went wrong first is what is told
            throw error.about(target)
        }
        do throws(SysError) { try r.p.close(to) } catch { throw error.about(target) }
        if preserves { try preserve(target, original) }
    }

    private func isSame(_ source: String, _ target: String) -> SysError {
        SysError("is the same file as '\(target)'", subject: source)
    }

    private func create(_ target: String, _ original: Dir) throws(SysError) -> Int32 {
        let mode = FileMode(rawValue: original.mode.permissions)
        do throws(SysError) { return try r.p.create(target, .write, mode) } catch {
            guard forces, error.code == .perm || error.code == .textBusy else { throw error }
            try r.p.remove(target)
            return try r.p.create(target, .write, mode)
        }
    }

    /// Copies all that is left of `from` to `to`.
    private func pour(_ from: Int32, _ to: Int32, _ length: UInt64, _ name: String) throws(SysError) {
        var progress = Progress(r, name, total: length)
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while true {
            let n = try r.p.fill(&block, 0..<block.count, from: from)
            guard n > 0 else { break }
            try r.p.writeAll(to, block.span.bytes.extracting(0..<n))
            progress.add(n)
        }
        progress.end()
    }

    private func tell(_ source: String, _ target: String) throws(SysError) {
        if r.has("v") { try r.out.line("'\(source)' -> '\(target)'") }
    }
}

/// How far a long copy is, on one line of a terminal that is written over; with -v only.
public struct Progress {
    private let r: Run
    private let name: String
    private let total: UInt64
    private let isShown: Bool
    private var done: UInt64 = 0
    private var next: UInt64
    private var isOnLine = false

    /// Nanoseconds between two looks at the line.
    private static let pace: UInt64 = 200_000_000

    /// `total`: bytes in all; 0 where nobody knows. `isAsked`: shown even where nobody is at a terminal.
    public init(_ r: Run, _ name: String, total: UInt64, isAsked: Bool = false) {
        self.r = r
        self.name = name
        self.total = total
        isShown = isAsked || r.has("v") && r.p.isTerminal(2)
        next = isShown ? r.p.caller.clock.monotonic() + Self.pace : 0
    }

    /// So many bytes more are copied.
    public mutating func add(_ bytes: Int) {
        guard isShown else { return }
        done += UInt64(bytes)
        let now = r.p.caller.clock.monotonic()
        guard now >= next else { return }
        next = now + Self.pace
        var line = "\r\(name): \(brief(done))"
        if total > 0 { line += " of \(brief(total)), \(min(100, done * 100 / total))%" }
        isOnLine = true
        try? r.p.write(2, line + "\u{1b}[K")  // a picture that cannot be drawn stops no copy
    }

    /// Takes the line away.
    public func end() {
        if isOnLine { try? r.p.write(2, "\r\u{1b}[K") }  // as above
    }
}
