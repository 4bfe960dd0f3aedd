import Host
import Kernel

/// Calls that make, remove, move and change files of the host.
///
/// Each works on the descriptor of a directory and one name in it, checked just before to be the file that was walked to.
extension DevFs {
    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        guard perm.isDisjoint(with: [.append, .exclusive, .temporary]) else { throw .notSupported }
        let place = try place(c)
        let tree = place.tree
        let epoch = tree.now
        let path = FsFile.join(tree.path(place.file), [name])
        let open = try change(c, [name], caller) { (directory) throws(SysError) in
            let fd: HostFd
            if perm.contains(.directory) {
                fd = try HostFiles.makeDirectory(name, in: directory, perm.hostBits)
            } else if !perm.isDisjoint(with: [.socket, .namedPipe]) {
                let isFifo = perm.contains(.namedPipe)
                fd = try HostFiles.makeNode(name, in: directory, isFifo: isFifo, perm.hostBits)
            } else {
                fd = try HostFiles.create(name, in: directory, HostFiles.flags(mode), perm.hostBits)
            }
            let stat = try HostStat(fd.number)
            let file = FsFile(path, kind: stat.kind, epoch: epoch)
            return (FsOpen(FsPlace(tree, file), FsFound(fd: fd, stat: stat)), Qid(stat))
        }
        return c.sibling(open.1, auxiliary: open.0).opened(mode)
    }

    /// Runs `body` on the descriptor of directory `c`, in which `names` are about to be made, removed or replaced.
    private func change<R>(
        _ c: Chan, _ names: [String], _ caller: Caller, _ body: (_ directory: Int32) throws(SysError) -> R
    ) throws(SysError) -> R {
        for name in names { try HostTree.check(name: name) }
        let place = try place(c)
        return try place.tree.withDirectory(place.file, c.qid) { (directory) throws(SysError) in
            try check([.write, .execute], c.qid, try HostStat(directory), caller)
            return try body(directory)
        }
    }

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        defer { caller.moment?.forget() }
        let place = try place(c)
        try place.tree.withParent(place.file, c.qid) { (directory, name) throws(SysError) in
            try check([.write, .execute], c.qid, try HostStat(directory), caller)
            try HostFiles.remove(name, in: directory, isDirectory: c.isDirectory)
        }
    }

    /// Removes a file that was opened to be removed, if it still has its name.
    func removeOpen(_ c: Chan) throws(SysError) {
        let place = try place(c)
        try place.tree.withParent(place.file, c.qid) { (directory, name) throws(SysError) in
            try HostFiles.remove(name, in: directory, isDirectory: c.isDirectory)
        }
    }

    func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError) {
        try change(c, [name], caller) { (directory) throws(SysError) in
            try HostFiles.symlink(target, name, in: directory)
        }
    }

    func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError) {
        let place = try place(file)
        try change(c, [name], caller) { (to) throws(SysError) in
            try place.tree.withParent(place.file, file.qid) { (from, old) throws(SysError) in
                try HostFiles.link(old, in: from, to: to, as: name)
            }
        }
    }

    func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        defer { caller.moment?.forget() }
        let tree = try place(file).tree
        let (old, new) = (tree.path(try place(from).file), tree.path(try place(to).file))
        let hostHow: HostFiles.Rename =
            switch how {
            case .replace: .replace
            case .noReplace: .noReplace
            case .exchange: .exchange
            }
        try change(from, [name, newName], caller) { (source) throws(SysError) in
            try change(to, [], caller) { (target) throws(SysError) in
                guard try HostStat(source, name).identity == file.qid.path else { throw .stale }
                try HostFiles.rename(name, in: source, to: target, as: newName, hostHow)
            }
        }
        tree.renamed(FsFile.join(old, [name]), to: FsFile.join(new, [newName]), exchanged: how == .exchange)
    }

    /// All that is asked for, or nothing: what is likely to be refused comes before what cannot be taken back, which is
    /// the length. An open file is changed by its descriptor, whatever has become of its name.
    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        defer { caller.moment?.forget() }
        let place = try place(c)
        let tree = place.tree
        if let mode = change.mode {
            guard mode.contains(.directory) == c.isDirectory else { throw .badArg }
            guard mode.isDisjoint(with: [.append, .exclusive, .temporary]) else { throw .notSupported }
        }
        let user = try change.owner.map { (name) throws(SysError) in try Self.id(HostUsers.id(user: name)) }
        let group = try change.group.map { (name) throws(SysError) in try Self.id(HostUsers.id(group: name)) }
        if let open = c.auxiliary as? FsOpen {
            return try apply(change, user, group, to: c, open.number, try HostStat(open.number), caller)
        }
        let found = try tree.open(place.file, c.qid, HostFiles.nameOnly, caller)
        try apply(change, user, group, to: c, found.fd.number, found.stat, caller)
    }

    private func apply(
        _ change: DirChange, _ user: UInt32?, _ group: UInt32?, to c: Chan, _ fd: Int32, _ now: HostStat,
        _ caller: Caller
    ) throws(SysError) {
        let place = try place(c)
        let isOwner = caller.cred.uid.effective == now.userID || caller.cred.uid.effective == HostUsers.own
        if change.length != nil { try check(.write, c.qid, now, caller) }
        if change.mode != nil || change.accessed != nil || change.modified != nil || user != nil || group != nil {
            guard isOwner else { throw .notOwner }
        }
        let name = place.name
        if let newName = change.name { try rename(c, place, newName, caller) }
        do throws(SysError) {
            if user != nil || group != nil { try HostFiles.setOwner(fd, user: user, group: group) }
            // What is to be cut must be open to that still.
            if let length = change.length { try setLength(c, place, length, caller) }
            if let mode = change.mode { try HostFiles.setMode(fd, mode.hostBits) }
            if change.accessed != nil || change.modified != nil {
                try HostFiles.setTimes(fd, accessed: change.accessed, modified: change.modified)
            }
        } catch {
            // What is reported is why it was not done, whatever comes of taking it back.
            if change.name != nil { try? rename(c, place, name, caller) }
            if user != nil || group != nil { try? HostFiles.setOwner(fd, user: now.userID, group: now.groupID) }
            throw error
        }
    }

    private static func id(_ id: UInt32?) throws(SysError) -> UInt32 {
        guard let id else { throw .unknownUser }
        return id
    }

    private func rename(_ c: Chan, _ place: FsPlace, _ name: String, _ caller: Caller) throws(SysError) {
        try HostTree.check(name: name)
        let old = place.tree.path(place.file)
        let (above, oldName) = FsFile.split(old)
        guard name != oldName else { return }
        try place.tree.withParent(place.file, c.qid) { (directory, now) throws(SysError) in
            try check([.write, .execute], c.qid, try HostStat(directory), caller)
            try HostFiles.rename(now, in: directory, to: directory, as: name, .noReplace)
        }
        place.tree.renamed(old, to: FsFile.join(above, [name]), exchanged: false)
    }

    private func setLength(_ c: Chan, _ place: FsPlace, _ length: UInt64, _ caller: Caller) throws(SysError) {
        guard !c.isDirectory else { throw length == 0 ? .isDir : .badArg }
        if c.mode?.canWrite == true, let open = c.auxiliary as? FsOpen {
            return try HostFiles.setLength(open.number, length)
        }
        guard place.file.kind == .regular else { throw .badArg }
        let found = try place.tree.open(place.file, c.qid, HostFiles.flags(OpenMode.write), caller)
        try HostFiles.setLength(found.fd.number, length)
    }
}
