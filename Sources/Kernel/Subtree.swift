/// A directory of a process's name space and all that is found below it, for whoever serves it to others.
///
/// Mounts and unions are crossed as they are at each call; of what is above the directory nothing can be reached: its
/// `..` is itself, and symbolic links stay inside. Rights are those of the paths, and of `mask`, which counts
/// everywhere. Files are Chans here, found by `walk` from `root`; calls on an open one go to its device. With `.try` each
/// call throws `.wouldBlock`, having changed nothing, where a device has to be asked that may wait.
/// Immutable but for the name space, which is the process's own.
public final class Subtree: Sendable {
    public let system: System
    public let caller: Caller
    public let mask: Mask
    private let space: Pgrp
    /// The directory before what is mounted on it is seen; nothing is above its node.
    public let top: Chan

    /// Throws what a walk to `path` throws, and `.notDir`.
    public init(_ path: String, mask: Mask = .all, of p: Proc) throws(SysError) {
        let (namec, dot) = p.namec()
        var walker = namec
        let found = try walker.resolve(path, from: dot, .access)
        guard found.isDirectory else { throw SysError(.notDir, subject: path) }
        space = p.nameSpace
        system = p.system
        caller = namec.caller
        top = Self.top(namec.bare(found))
        // What symbolic links on the path have taken away is taken away for good.
        self.mask = found.mask == namec.cross(top).mask ? mask : mask.intersection(found.mask)
    }

    /// All that a process sees. A `#` is a character like others here.
    public init(of p: Proc) {
        (space, caller, top) = p.state.withLock { ($0.pgrp, $0.caller, $0.root) }
        system = p.system
        mask = .all
    }

    private init(_ tree: Subtree, top: Chan, _ caller: Caller) {
        system = tree.system
        self.caller = caller
        mask = tree.mask
        space = tree.space
        self.top = top
    }

    private static func top(_ bare: Chan) -> Chan {
        let top = bare.clone()
        top.union = nil
        top.node = PathNode()
        return top
    }

    /// The tree that begins in directory `c` of this one.
    public func below(_ c: Chan) throws(SysError) -> Subtree {
        guard c.isDirectory else { throw .notDir }
        return Subtree(self, top: Self.top(namec(.try).bare(c)), caller)
    }

    /// The same tree, for one who asks many things in one moment.
    public func during(_ moment: Moment) -> Subtree {
        let caller = Caller(
            cred: caller.cred, clock: caller.clock, account: caller.account, moment: moment, pid: caller.pid)
        return Subtree(self, top: top, caller)
    }

    private func namec(_ how: How, for purpose: WalkPurpose = .walk) -> Namec {
        var namec = Namec(
            table: space.table, noDevices: true, root: top, system: system, caller: caller, for: purpose)
        namec.limit = mask
        namec.knowsDevices = false
        namec.how = how
        return namec
    }

    // MARK: names

    /// The directory itself.
    public func root() throws(SysError) -> Chan {
        var namec = namec(.try)
        return try namec.walk(from: top, [], .access, "/")
    }

    /// Whether `c` is the directory itself, or what is mounted on it.
    public func isRoot(_ c: Chan) -> Bool {
        var node = c.node
        while let covered = node?.covered { node = covered.node }
        return node === top.node
    }

    /// What `name` is in directory `c`; `..` leads up, at the root to itself. A symbolic link is followed or is itself.
    public func walk(_ c: Chan, _ name: String, follow: Bool, _ how: How) throws(SysError) -> Chan {
        var namec = namec(how)
        guard c.isDirectory else { throw .notDir }
        if name == "." { return try namec.walk(from: c, [], .access, name) }
        if name != ".." { try Namec.check(newName: name) }
        return try namec.walk(from: c, [name], follow ? .access : .noFollow, name)
    }

    /// The file that `path` names from directory `c`, and what it is where the walk, which was for `stat`, has told. `c` may be
    /// open. Throws what a process's calls throw, and `.wouldBlock`.
    public func find(
        _ path: String, from c: Chan, follow: Bool = true, for purpose: WalkPurpose = .walk, _ how: How
    ) throws(SysError) -> (chan: Chan, stat: Dir?) {
        var namec = namec(how, for: purpose)
        let found = try namec.resolve(path, from: c, follow ? .access : .noFollow)
        return (found, namec.stat(of: found)?.served(by: found))
    }

    /// The file that is mounted on where `path` is the target of a mount, links followed.
    public func mountPoint(_ path: String, from c: Chan, _ how: How) throws(SysError) -> Chan {
        var namec = namec(how)
        return try namec.resolve(path, from: c, .mountPoint)
    }

    /// The same file; where there is none, the directory in which `create` can make it, and its name there. A symbolic link
    /// that leads to nothing yet is followed to there.
    public func findNew(
        _ path: String, from c: Chan, follow: Bool, _ how: How
    ) throws(SysError) -> (found: Chan?, directory: Chan, name: String) {
        var namec = namec(how)
        return try namec.resolveNew(path, from: c, follow: follow)
    }

    /// How often a name is looked up again when another file has taken it between walk and open.
    private static let attempts = 8

    /// Opens the file that `path` names from directory `c`. A symbolic link that is not followed cannot be opened: throws
    /// `.tooManyLinks`.
    public func open(
        _ path: String, from c: Chan, follow: Bool = true, _ mode: OpenMode, _ how: How
    ) throws(SysError) -> Chan {
        var attempt = 1
        while true {
            // Of what has to be a directory an open may find too late that it is none.
            var namec = namec(how, for: Namec.namesDirectory(path) ? .walk : .open(mode))
            let found = try namec.resolve(path, from: c, follow ? .access : .noFollow)
            guard !found.qid.isSymlink else { throw .tooManyLinks }
            if namec.hasOpened(found) {
                found.hangups = space.hangups
                return found
            }
            do throws(SysError) { return try open(found, mode, how) } catch {
                guard error.code == .stale, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// Throws `.perm` where the path's mask, or the file's own bits, give not all of `rights`.
    public func access(_ c: Chan, _ rights: Mask, _ how: How) throws(SysError) {
        guard c.mask.isSuperset(of: rights) else { throw .perm }
        guard !rights.isEmpty else { return }
        try c.checkQuick(how)
        try c.dev.access(c, rights, caller)
    }

    /// What a file is. Its name is the one by which it is found here, `/` at the root.
    public func stat(_ c: Chan, _ how: How) throws(SysError) -> Dir {
        try c.checkQuick(how)
        var dir = try c.dev.stat(c, caller).served(by: c)
        if isRoot(c) { dir.name = "/" } else if c.node?.covered != nil { dir.name = c.node?.name ?? dir.name }
        return dir
    }

    public func readlink(_ c: Chan, _ how: How) throws(SysError) -> String {
        guard c.qid.isSymlink else { throw .badArg }
        try c.checkQuick(how)
        return try c.dev.readlink(c, caller)
    }

    public func statfs(_ c: Chan, _ how: How) throws(SysError) -> FileSystemStatus {
        try c.checkQuick(how)
        return try c.dev.statfs(c, caller)
    }

    // MARK: open files

    /// Opens another Chan of the same file. Throws `.perm`, `.isDir`.
    public func open(_ c: Chan, _ mode: OpenMode, _ how: How) throws(SysError) -> Chan {
        try c.checkQuick(how)
        return try space.open(c, mode, caller, how)
    }

    /// Makes `name` in directory `c` and gives it open. Throws `.exist`.
    public func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ how: How
    ) throws(SysError) -> Chan {
        let directory = try free(name, in: c, how)
        return try space.create(in: directory, name, mode, perm, caller)
    }

    /// The directory in which `name`, which `c` does not have, can be made.
    private func free(_ name: String, in c: Chan, _ how: How) throws(SysError) -> Chan {
        guard c.isDirectory else { throw .notDir }
        try Namec.check(newName: name)
        var directory = c
        if c.union != nil {
            guard try existing(name, in: c, how) == nil else { throw .exist }
            directory = try Proc.creatable(c).clone()
            directory.mask.formIntersection(mask)
        }
        guard directory.mask.isSuperset(of: [.write, .execute]) else { throw .perm }
        try directory.checkQuick(how)
        return directory
    }

    /// The bare file of that name; nil where there is none.
    private func existing(_ name: String, in c: Chan, _ how: How) throws(SysError) -> Chan? {
        var namec = namec(how)
        do throws(SysError) { return try namec.walk(from: c, [name], .bare, name) } catch {
            guard error.code == .nonexist else { throw error }
            return nil
        }
    }

    /// As `Dev.read`, on what `open` gave.
    public func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How
    ) throws(SysError) -> Int {
        try c.checkQuick(how)
        return try c.whileCalled { () throws(SysError) in
            try c.dev.read(c, into: &buffer, at: offset, caller, how)
        }
    }

    /// As `Dev.fill`, on what `open` gave.
    public func fill(
        _ conduit: Conduit, from c: Chan, at offset: UInt64, _ count: Int, _ how: How
    ) throws(SysError) -> Bool {
        try c.checkQuick(how)
        return try c.whileCalled { () throws(SysError) in try c.dev.fill(conduit, from: c, at: offset, count, caller) }
    }

    /// As `Dev.write`, on what `open` gave.
    public func write(_ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ how: How) throws(SysError) -> Int {
        try c.checkQuick(how)
        return try c.whileCalled { () throws(SysError) in try c.dev.write(c, bytes, at: offset, caller, how) }
    }

    /// Which of `events` are there now for what `open` gave; registers `waiter` for the others, and for a hangup.
    public func poll(_ c: Chan, _ events: PollEvents, at offset: UInt64, _ waiter: Waiter) -> PollEvents {
        if let hangups = c.hangups { waiter.stand(on: hangups.forced) }
        c.offset = offset
        return c.poll(events, waiter)
    }

    /// What a delayed write has left to say, of what is about to be closed.
    public func flush(_ c: Chan, _ how: How) throws(SysError) {
        try c.checkQuick(how)
        try c.whileCalled { () throws(SysError) in try c.dev.flush(c, caller) }
    }

    public func fsync(_ c: Chan, _ how: How) throws(SysError) {
        try c.checkQuick(how)
        try c.whileCalled { () throws(SysError) in try c.dev.fsync(c, caller) }
    }

    /// As `Dev.lock`, of one who does not wait. Throws `.badUseFd` where it is not open for what is to be locked, and
    /// `.notSupported` for a Chan that programs here have, too: it does not end with the client.
    public func lock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ how: How) throws(SysError) {
        try c.checkQuick(how)
        guard !c.isShared else { throw .notSupported }
        try c.lock(lock, owner, caller, .try)
    }

    /// As `Dev.getlock`.
    public func getlock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ how: How) throws(SysError) -> LockRange? {
        try c.checkQuick(how)
        return try c.getlock(lock, owner, caller)
    }

    /// The entries of the open directory `c` from the start.
    public func entries(of c: Chan, _ how: How) throws(SysError) -> DirectoryReader {
        try c.checkQuick(how)
        for member in c.union?.members ?? [] { try member.checkQuick(how) }
        return DirectoryReader(try c.openMembers(caller))
    }

    /// The next of these, each with the cookie that goes on after it; empty at the end. With `namesOnly` the device may leave
    /// out what is no name, kind or inode.
    public func next(
        _ reader: inout DirectoryReader, limit: Int, namesOnly: Bool = false, _ how: How
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let table = space.table
        if how == .try, reader.mayBlock(table) { throw .wouldBlock }
        return try reader.nextWithCookies(limit, table, caller, namesOnly: namesOnly)
    }

    /// Goes on after the entry of `c` that was given with `cookie`.
    public func resume(
        _ reader: inout DirectoryReader, of c: Chan, after cookie: UInt64, _ how: How
    ) throws(SysError) {
        let table = space.table
        if how == .try, reader.mayBlock(table) { throw .wouldBlock }
        try reader.resume(after: cookie, of: c, table, caller)
    }

    /// Up to `limit` entries of the open directory `c` after `cookie` (0: from the start), each with the cookie that goes on
    /// after it; empty at the end; `namesOnly` as in `next`. What was read before is kept with `c`, so that to go on costs
    /// nothing.
    public func entries(
        of c: Chan, after cookie: UInt64, limit: Int, namesOnly: Bool = false, _ how: How
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try c.checkQuick(how)
        for member in c.union?.members ?? [] { try member.checkQuick(how) }
        return try c.withDirectory(caller) { (reader) throws(SysError) in
            try resume(&reader, of: c, after: cookie, how)
            return try next(&reader, limit: limit, namesOnly: namesOnly, how)
        }
    }

    // MARK: changes

    /// Removes the file that `c` is. What something is mounted on is in use; the root stays.
    public func remove(_ c: Chan, _ how: How) throws(SysError) {
        let bare = try changeable(c, how)
        guard bare.mask.intersection(mask).contains(.write) else { throw .perm }
        try bare.checkQuick(how)
        try bare.dev.remove(bare, caller)
        if let node = bare.node { node.up?.removed(node.name) }
    }

    /// The file before what is mounted on it is seen, where the name space lets it be taken away.
    private func changeable(_ c: Chan, _ how: How) throws(SysError) -> Chan {
        let namec = namec(how)
        let bare = namec.bare(c)
        guard bare.node !== top.node else { throw .inUse }
        try namec.table.checkChangeable(bare)
        return bare
    }

    /// Changes what `stat` tells: all that is asked for, or nothing. Throws as `wstat(5)`.
    public func wstat(_ c: Chan, _ change: DirChange, _ how: How) throws(SysError) {
        guard c.mask.contains(.write) else { throw .perm }
        try c.checkQuick(how)
        guard let name = change.name else { return try c.dev.wstat(c, change, caller) }
        try Namec.check(newName: name)
        _ = try changeable(c, how)
        try c.dev.wstat(c, change, caller)
        if let node = c.node, let up = node.up { up.moved(node.name, to: up, as: name) }
    }

    public func symlink(_ c: Chan, _ name: String, to target: String, _ how: How) throws(SysError) {
        guard !target.isEmpty, !target.utf8.contains(0) else { throw .badArg }
        guard target.utf8.count <= 4095 else { throw .nameTooLong }
        let directory = try free(name, in: c, how)
        try directory.dev.symlink(directory, name, to: target, caller)
    }

    /// Gives `file` another name, in the same mount.
    public func link(_ file: Chan, _ c: Chan, _ name: String, _ how: How) throws(SysError) {
        let directory = try free(name, in: c, how)
        try Proc.checkSameMount(file, directory)
        try directory.dev.link(file, directory, name, caller)
    }

    /// Moves `file` to directory `c` within its mount; `kind` says what becomes of a file that has that name there. The
    /// corresponding Linux call is `renameat2(2)`.
    public func rename(
        _ file: Chan, to c: Chan, as newName: String, _ how: How, _ kind: Rename = .replace
    ) throws(SysError) {
        guard c.isDirectory else { throw .notDir }
        try Namec.check(newName: newName)
        let namec = namec(how)
        let bare = try changeable(file, how)
        guard let node = bare.node, let up = node.up else { throw .inUse }
        try bare.checkQuick(how)
        let above = namec.cross(try namec.parent(bare))
        let source = above.union == nil ? above : try Proc.holder(of: bare, in: above)
        let target = c.union == nil ? c : try Proc.creatable(c)
        for d in [source, target] where !d.mask.intersection(mask).isSuperset(of: [.write, .execute]) { throw .perm }
        try Proc.checkSameMount(bare, target)
        // What comes back has the rights of the directory that it was in.
        if kind == .exchange { try Proc.checkSameMount(target, source) }
        if let replaced = try existing(newName, in: c, how) {
            guard kind != .noReplace else { throw .exist }
            if kind == .exchange { try Proc.checkSameMount(replaced, source) }
            guard replaced.key != bare.key else { return }
            try namec.table.checkChangeable(replaced)
            if let there = replaced.node, source.isBelow(there) { throw kind == .exchange ? .badArg : .notEmpty }
        } else if kind == .exchange {
            throw .nonexist
        }
        if target.isBelow(node) { throw .badArg }
        let name = node.name
        try bare.dev.rename(bare, name, in: source, to: target, as: newName, kind, caller)
        if let there = target.node { up.moved(name, to: there, as: newName, exchanged: kind == .exchange) }
    }
}
