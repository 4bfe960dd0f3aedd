/// System calls that take a name: open, create, remove, stat, links, directories.
///
/// Each resolves the name with a snapshot of the name space, checks the path's mask, and asks the device.
extension Proc {
    /// What a name is resolved with.
    func namec(for purpose: WalkPurpose = .walk) -> (Namec, dot: Chan) {
        if state.withLock({ $0.lostDot != nil }) { narrowDirectory() }
        return namecAsIs(for: purpose)
    }

    /// The same, also where the current directory is still to be found anew.
    func namecAsIs(for purpose: WalkPurpose = .walk) -> (Namec, dot: Chan) {
        let (pgrp, root, dot, caller) = state.withLock { ($0.pgrp, $0.root, $0.dot, $0.caller) }
        let (table, noDevices) = pgrp.state.withLock { ($0.table, $0.noDevices) }
        return (
            Namec(table: table, noDevices: noDevices, root: root, system: system, caller: caller, for: purpose), dot
        )
    }

    /// The Chan that `path` names, not open.
    func find(_ path: String, _ intent: Intent = .access) throws(SysError) -> (Chan, Caller) {
        var (namec, dot) = namec()
        return (try namec.resolve(path, from: dot, intent), namec.caller)
    }

    func findParent(_ path: String) throws(SysError) -> (Chan, String, Caller) {
        var (namec, dot) = namec()
        let (parent, name) = try namec.resolveParent(path, from: dot)
        return (parent, name, namec.caller)
    }

    /// Opens and gives the lowest free descriptor. The corresponding Plan 9 call is `open(2)`.
    public func open(_ path: String, _ mode: OpenMode = .read, _ how: How = .wait) throws(SysError) -> Int32 {
        let c = try openChan(path, mode, how)
        return try files.insert(c, closeOnExec: mode.contains(.closeOnExec))
    }

    /// How often a name is looked up again when another file has taken it between walk and open.
    private static let attempts = 8

    /// The open Chan of `path`, in no descriptor table.
    public func openChan(_ path: String, _ mode: OpenMode = .read, _ how: How = .wait) throws(SysError) -> Chan {
        var attempt = 1
        while true {
            try enter()
            // Of what has to be a directory an open may find too late that it is none.
            var (namec, dot) = namec(for: Namec.namesDirectory(path) ? .walk : .open(mode))
            let caller = namec.caller
            let c = try namec.resolve(path, from: dot, .access)
            if namec.hasOpened(c) {
                c.hangups = nameSpace.hangups
                return c
            }
            do throws(SysError) { return try open(c, mode, caller, how) } catch {
                guard error.code == .stale, attempt < Self.attempts else { throw error.about(path) }
                attempt += 1
            }
        }
    }

    /// Opens a Chan that `find` gave.
    func open(_ c: consuming Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        try nameSpace.open(c, mode, caller, how)
    }

    /// Makes a file, or truncates the one that is there (unless `.exclusive`), and opens it; or makes a directory.
    /// `perm` loses the bits of umask. The corresponding Plan 9 call is `create(2)`.
    public func create(_ path: String, _ mode: OpenMode = .write, _ perm: FileMode) throws(SysError) -> Int32 {
        let c = try createChan(path, mode, perm)
        return try files.insert(c, closeOnExec: mode.contains(.closeOnExec))
    }

    /// The open Chan of a file that was made or truncated, in no descriptor table.
    public func createChan(_ path: String, _ mode: OpenMode, _ perm: FileMode) throws(SysError) -> Chan {
        let isNew = mode.contains(.exclusive) || perm.contains(.directory)
        var attempt = 1
        while true {
            try enter()
            do throws(SysError) { return try createOnce(path, mode, perm, isNew) } catch {
                // Somebody else has made it, or another file has taken its name, since it was looked for.
                let isRace = error.code == .exist && !isNew || error.code == .stale
                guard isRace, attempt < Self.attempts else { throw error.about(path) }
                attempt += 1
            }
        }
    }

    private func createOnce(
        _ path: String, _ mode: OpenMode, _ perm: FileMode, _ isNew: Bool
    ) throws(SysError) -> Chan {
        let (parent, name, caller) = try findParent(path)
        var found: Chan?
        do throws(SysError) { found = try find(path).0 } catch {
            guard error.code == .nonexist else { throw error }
        }
        if let found {
            guard !isNew else { throw .exist }
            return try open(found, mode.union(.truncate), caller, .wait)
        }
        guard perm.contains(.directory) || !Namec.namesDirectory(path) else { throw .isDir }
        let bits = FileMode(rawValue: perm.rawValue & ~umask)
        return try nameSpace.create(in: Self.creatable(parent), name, mode, bits, caller)
    }

    /// The directory of a union where new files go: the first that was bound with the create flag.
    static func creatable(_ directory: Chan) throws(SysError) -> Chan {
        guard let union = directory.union else { return directory }
        guard let entry = union.head.members.first(where: { $0.flags.contains(.create) }) else { throw .noCreate }
        let c = union.member(entry)
        c.union = nil
        return c
    }

    /// What the host calls the file; nil where it is none of the host's.
    public func hostPath(_ path: String) throws(SysError) -> String? {
        try enter()
        let c = try find(path).0
        return c.dev.hostPath(c)
    }

    /// Makes an empty directory. The corresponding POSIX call is `mkdir(2)`.
    public func mkdir(_ path: String, _ perm: UInt32 = 0o777) throws(SysError) {
        _ = try createChan(path, .read, FileMode(rawValue: perm & 0o777 | FileMode.directory.rawValue))
    }

    /// Removes a file or an empty directory. What something is mounted on is in use.
    /// The corresponding Plan 9 call is `remove(2)`.
    public func remove(_ path: String) throws(SysError) {
        try enter()
        let (c, caller) = try find(path, .bare)
        do throws(SysError) {
            try checkChangeable(c)
            guard c.mask.contains(.write) else { throw .perm }
            try c.dev.remove(c, caller)
        } catch {
            throw error.with(subject: path)
        }
        if let node = c.node { node.up?.removed(node.name) }
    }

    private func checkChangeable(_ c: Chan) throws(SysError) { try nameSpace.table.checkChangeable(c) }

    /// What a file is. The corresponding Plan 9 call is `stat(2)`; `follow` false is `lstat(2)`.
    public func stat(_ path: String, follow: Bool = true) throws(SysError) -> Dir {
        try enter()
        var (namec, dot) = namec(for: .stat)
        let c = try namec.resolve(path, from: dot, follow ? .access : .noFollow)
        if let told = namec.stat(of: c) { return told.served(by: c) }
        do throws(SysError) { return try c.dev.stat(c, namec.caller).served(by: c) } catch { throw error.about(path) }
    }

    /// Changes a file's name, mode, times, length or owner. The corresponding Plan 9 call is `wstat(2)`.
    public func wstat(_ path: String, _ change: DirChange, follow: Bool = true) throws(SysError) {
        try enter()
        let (c, caller) = try find(path, follow ? .access : .noFollow)
        do throws(SysError) { try wstat(c, change, caller) } catch { throw error.about(path) }
    }

    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        guard c.mask.contains(.write) else { throw .perm }
        if let name = change.name { try Namec.check(newName: name) }
        try c.dev.wstat(c, change, caller)
        if let name = change.name, let node = c.node, let up = node.up, node.covered == nil {
            up.moved(node.name, to: up, as: name)
        }
    }

    // MARK: links and renaming

    /// Where a symbolic link leads. The corresponding POSIX call is `readlink(2)`.
    public func readlink(_ path: String) throws(SysError) -> String {
        try enter()
        let (c, caller) = try find(path, .noFollow)
        do throws(SysError) {
            guard c.qid.isSymlink else { throw .badArg }
            return try c.dev.readlink(c, caller)
        } catch { throw error.about(path) }
    }

    /// Makes a symbolic link. The corresponding POSIX call is `symlink(2)`.
    public func symlink(_ target: String, _ path: String) throws(SysError) {
        try enter()
        let (parent, name, caller) = try findParent(path)
        do throws(SysError) {
            guard !target.isEmpty, !target.utf8.contains(0) else { throw .badArg }
            guard target.utf8.count <= 4095 else { throw .nameTooLong }
            let directory = try Self.creatable(parent)
            guard directory.mask.isSuperset(of: [.write, .execute]) else { throw .perm }
            guard !Namec.namesDirectory(path) else { throw .notDir }
            try directory.dev.symlink(directory, name, to: target, caller)
        } catch { throw error.about(path) }
    }

    /// Gives a file another name, in the same mount. The corresponding POSIX call is `link(2)`.
    public func link(_ old: String, _ new: String) throws(SysError) {
        try enter()
        let (file, caller) = try find(old, .noFollow)
        let (parent, name, _) = try findParent(new)
        do throws(SysError) {
            let directory = try Self.creatable(parent)
            guard directory.mask.isSuperset(of: [.write, .execute]) else { throw .perm }
            guard !Namec.namesDirectory(new) else { throw .notDir }
            try Self.checkSameMount(file, directory)
            try directory.dev.link(file, directory, name, caller)
        } catch { throw error.about(new) }
    }

    /// Moves a file within its mount. The corresponding POSIX call is `renameat2(2)`.
    public func rename(_ old: String, _ new: String, _ how: Rename = .replace) throws(SysError) {
        try enter()
        let (file, caller) = try find(old, .bare)
        let (from, oldName, _) = try findParent(old)
        let (to, newName, _) = try findParent(new)
        do throws(SysError) {
            let source = from.union == nil ? from : try Self.holder(of: file, in: from)
            let target = try Self.creatable(to)
            for c in [source, target] where !c.mask.isSuperset(of: [.write, .execute]) { throw .perm }
            guard file.isDirectory || !Namec.namesDirectory(new) else { throw .notDir }
            try checkChangeable(file)
            try Self.checkSameMount(file, target)
            // What comes back has the rights of the directory that it was in.
            if how == .exchange { try Self.checkSameMount(target, source) }
            if let replaced = try replaced(new) {
                guard how != .noReplace else { throw .exist }
                if how == .exchange { try Self.checkSameMount(replaced, source) }
                guard replaced.key != file.key else { return }
                try checkChangeable(replaced)
                guard file.node.map({ !target.isBelow($0) }) ?? true else { throw .badArg }
            } else if how == .exchange {
                throw .nonexist
            }
            if let node = file.node, target.isBelow(node) { throw .badArg }
            try file.dev.rename(file, oldName, in: source, to: target, as: newName, how, caller)
            if let a = source.node, let b = target.node {
                a.moved(oldName, to: b, as: newName, exchanged: how == .exchange)
            }
        } catch { throw error.about(new) }
    }

    /// The bare file that a rename to `path` replaces; nil where there is none.
    private func replaced(_ path: String) throws(SysError) -> Chan? {
        do throws(SysError) { return try find(path, .bare).0 } catch {
            guard error.code == .nonexist else { throw error }
            return nil
        }
    }

    /// A file may not gain rights by a new name: same server, same mount entry, and no right there that it lacks here.
    static func checkSameMount(_ file: Chan, _ directory: Chan) throws(SysError) {
        guard file.instance == directory.instance, file.dev === directory.dev,
            file.node?.nearestMount === directory.node?.nearestMount, file.mask.isSuperset(of: directory.mask)
        else { throw .crossDevice }
    }

    /// The member of a union in which the bare `file` was found.
    static func holder(of file: Chan, in directory: Chan) throws(SysError) -> Chan {
        guard let union = directory.union, let up = file.node?.up else { return directory }
        for member in union.members where member.node === up { return member }
        throw .notInUnion
    }

    // MARK: where a process is

    /// Changes the current directory. The corresponding Plan 9 call is `chdir(2)`.
    public func chdir(_ path: String) throws(SysError) {
        try enter()
        try go { () throws(SysError) in
            let (c, _) = try find(path)
            guard c.isDirectory else { throw SysError(.notDir, subject: path) }
            guard c.mask.contains(.execute) else { throw SysError(.perm, subject: path) }
            return c
        }
    }

    /// Makes the directory that `find` gives the current one. What it gives was found while this runs, so that a mask which
    /// is laid meanwhile counts.
    public func go(to find: () throws(SysError) -> Chan) throws(SysError) {
        let (space, masks) = nameSpaceAndMasks
        let found = try find()
        guard found.isDirectory else { throw .notDir }
        // An open one would stay open as long as the process is here.
        let c = found.mode == nil ? found : found.clone()
        let before = state.withLock { s -> Chan in
            defer { (s.dot, s.lostDot) = (c, nil) }
            return s.dot
        }
        withExtendedLifetime(before) {}
        if space.maskCount != masks { narrowDirectory() }
    }

    /// The current directory, as a mask that was laid since leaves it.
    public var dot: Chan {
        if state.withLock({ $0.lostDot != nil }) { narrowDirectory() }
        return state.withLock { $0.dot }
    }

    /// The name space, and how many masks were laid on it: one that is laid while a directory is found and not yet kept
    /// does not reach it.
    var nameSpaceAndMasks: (Pgrp, UInt64) {
        let space = nameSpace
        return (space, space.maskCount)
    }
}

extension Pgrp {
    /// Opens a Chan that was found in this name space.
    func open(_ c: consuming Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard c.mask.isSuperset(of: mode.needs) else { throw .perm }
        if c.isDirectory {
            guard !mode.canWrite, !mode.contains(.truncate), mode.access != 3 else { throw .isDir }
        }
        // A root that is shared by all who walk from it is never opened itself.
        let own = isKnownUniquelyReferenced(&c) ? c : c.clone()
        own.hangups = hangups
        return try own.whileCalled { () throws(SysError) in
            let opened = try own.dev.open(own, mode, caller, how)
            if opened !== own { opened.adoptPlace(of: own) }
            return opened
        }
    }

    /// Makes `name` in a directory that was found in this name space, and opens it.
    func create(
        in directory: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        guard directory.mask.isSuperset(of: [.write, .execute]) else { throw .perm }
        guard perm.contains(.directory) || directory.mask.isSuperset(of: mode.needs) else { throw .perm }
        let made = try directory.dev.create(directory, name, mode, perm, caller)
        made.mask = directory.mask
        made.node = directory.node?.child(name)
        made.hangups = hangups
        return made
    }
}

extension MountTable {
    /// Throws where the name space forbids taking away the bare `c`: something is mounted there, or a seal keeps it.
    func checkChangeable(_ c: Chan) throws(SysError) {
        guard let head = self[c.key] else { return }
        guard head.members.isEmpty else { throw .inUse }
        guard head.sealMask.contains(.write) else { throw .perm }
    }
}

extension Dir {
    /// Says which device and which of its trees the file is from.
    func served(by c: Chan) -> Dir {
        var dir = self
        dir.type = c.dev.letter
        dir.instance = c.instance
        return dir
    }
}

extension Chan {
    /// Others may hold it from here on. The first call comes before any other can.
    func share() {
        if !isShared { isShared = true }
    }

    /// A device has opened `c` as this Chan; one that is in use already keeps its own place and rights.
    func adoptPlace(of c: Chan) {
        guard !isShared else { return }
        if node == nil { (node, hangups) = (c.node, c.hangups) }
        mask.formIntersection(c.mask)
        if union == nil { union = c.union }
    }

    func isBelow(_ other: PathNode) -> Bool { node?.descends(from: other) ?? false }
}
