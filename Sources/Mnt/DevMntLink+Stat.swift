import Kernel

/// What a file is, in both dialects.
extension MntLink {
    func statRequest(_ fid: MntFid) -> Tmessage {
        dialect == .linux ? .getattr(fid: fid.number, requestMask: .basic) : .stat(fid: fid.number)
    }

    /// What the reply to a statRequest says, as the caller sees owners; 9P2000.L says no name.
    func dir(_ reply: Rmessage, _ name: String, _ caller: Caller) throws(SysError) -> Dir {
        switch reply {
        case .stat(let stat): return Dir(stat).numbered(caller)
        case .getattr(let attr): return Dir(attr, name: name, caller)
        default: throw .mountRPC
        }
    }
}

extension Dir {
    /// 9P2000 has no numbers for owners: a name that is one is it, the caller's name is his number, others are nobody's.
    func numbered(_ caller: Caller) -> Dir {
        let nobody: UInt32 = 65534
        var dir = self
        dir.ownerID = owner == caller.cred.user ? caller.cred.uid.effective : UInt32(owner) ?? nobody
        dir.groupID = caller.cred.groups.contains(group) ? caller.cred.gid.effective : UInt32(group) ?? nobody
        return dir
    }

    /// 9P2000.L has no names for owners: the caller's number is his name, others are numbers.
    init(_ attr: Attr, name: String, _ caller: Caller) {
        let cred = caller.cred
        let owner = attr.uid == cred.uid.effective ? cred.user : "\(attr.uid)"
        let group = attr.gid == cred.gid.effective ? cred.groups.first ?? cred.user : "\(attr.gid)"
        let mode = FileMode(linux: attr.mode)
        self.init(
            name: name, qid: attr.qid, mode: mode, length: mode.contains(.directory) ? 0 : attr.size,
            accessed: attr.atime.nanoseconds, modified: attr.mtime.nanoseconds, changed: attr.ctime.nanoseconds,
            owner: owner, group: group, modifier: owner, ownerID: attr.uid, groupID: attr.gid,
            links: UInt32(clamping: attr.nlink), rdev: attr.rdev,
            space: attr.valid.contains(.blocks) ? attr.blocks.multipliedReportingOverflow(by: 512).partialValue : nil)
    }
}

extension MntFile {
    func wstat(_ change: DirChange, _ caller: Caller) throws(SysError) {
        let fid = try own()
        let link = fid.link
        try link.unsettled.settle()
        changes()
        tree.changed(qid)
        defer { tree.changed(qid) }
        guard link.dialect == .linux else { return try wstat(change, fid) }
        var rest = change
        rest.name = nil
        if rest != DirChange() {
            guard case .setattr = try link.call(.setattr(fid: fid.number, attr: try SetAttr(rest, caller)), fid) else {
                throw .mountRPC
            }
        }
        if let name = change.name { try rename(to: name) }
    }

    private func wstat(_ change: DirChange, _ fid: MntFid) throws(SysError) {
        var stat = Stat(change)
        if let mode = change.mode {
            stat.mode = qid.isDirectory ? mode.union(.directory) : mode.subtracting(.directory)
        }
        // It has no time of access to set; who sets both means the other.
        if change.modified != nil { stat.atime = Stat.untouched.atime }
        if stat != .untouched { try wstat(stat, fid) }
    }

    private func wstat(_ stat: Stat, _ fid: MntFid) throws(SysError) {
        guard case .wstat = try fid.link.call(.wstat(fid: fid.number, stat: stat), fid) else { throw .mountRPC }
    }

    /// The file's data and entry are on the server's medium when this returns.
    func commit() throws(SysError) {
        let fid = try own()
        guard fid.link.dialect == .linux else { return try wstat(.untouched, fid) }
        guard case .fsync = try fid.link.call(.fsync(fid: fid.number, datasync: 0), fid) else { throw .mountRPC }
    }

    func remove() throws(SysError) {
        let (link, _) = try tree.here()
        try link.unsettled.settle()
        changes()
        if link.dialect == .linux, let origin, try unlink(origin) { return }
        guard case .remove = try link.onCopy(of: try fid(), { .remove(fid: $0) }).reply else { throw .mountRPC }
    }

    /// Removes it by its name, as Linux does: no other way is as well tried in servers. False where there is none.
    private func unlink(_ origin: Origin) throws(SysError) -> Bool {
        let from = try origin.from.fid()
        guard let name = origin.names.last else { return false }
        let flags: UnlinkFlags = qid.isDirectory ? .removeDirectory : []
        let above = origin.names.dropLast()
        func message(_ fid: UInt32) -> Tmessage { .unlinkat(dirfid: fid, name: name, flags: flags) }
        do throws(SysError) {
            let reply =
                above.isEmpty
                ? try from.link.call(message(from.number), from)
                : try from.link.onCopy(of: from, at: above, message).reply
            guard case .unlinkat = reply else { throw .mountRPC }
            return true
        } catch {
            guard error.code == .notSupported || error.code == .notHere else { throw error }
            return false
        }
    }

    // MARK: other names

    /// Another name in the same directory.
    private func rename(to name: String) throws(SysError) {
        let directory = try parent()
        let (from, up) = (try fid(), try directory.fid())
        let message = Tmessage.rename(fid: from.number, dfid: up.number, name: name)
        guard case .rename = try from.link.call(message, from) else { throw .mountRPC }
    }

    /// As `Dev.rename`, of what is called `name` in `from`. 9P2000 knows no way to another directory but a copy.
    func rename(
        _ name: String, in from: MntFile, to directory: MntFile, as newName: String, _ how: Rename
    ) throws(SysError) {
        guard how != .exchange else { throw .notSupported }
        let (source, target) = (try from.fid(), try directory.fid())
        guard source.link === target.link else { throw .crossDevice }
        try source.link.unsettled.settle()
        changes()
        if source.link.dialect == .linux {
            let message = Tmessage.renameat(
                olddirfid: source.number, oldname: name, newdirfid: target.number, newname: newName)
            guard case .renameat = try source.link.call(message, source) else { throw .mountRPC }
            return
        }
        guard from.qid.path == directory.qid.path else { throw .crossDevice }
        let fid = try fid()
        do throws(SysError) { try wstat(Stat(DirChange(name: newName)), fid) } catch {
            guard error.code == .exist, how == .replace else { throw error }
            let replaced = try source.link.walk(target, [newName][...])
            guard case .remove = try source.link.call(.remove(fid: replaced.number), replaced) else { throw .mountRPC }
            try wstat(Stat(DirChange(name: newName)), fid)
        }
    }

    func readlink() throws(SysError) -> String {
        let fid = try linuxFid()
        guard case .readlink(let target) = try fid.link.call(.readlink(fid: fid.number), fid) else { throw .mountRPC }
        return target
    }

    func symlink(_ name: String, to target: String, _ caller: Caller) throws(SysError) {
        let fid = try linuxFid()
        changes()
        let message = Tmessage.symlink(
            fid: fid.number, name: name, symtgt: target, gid: caller.cred.gid.effective)
        guard case .symlink = try fid.link.call(message, fid) else { throw .mountRPC }
    }

    /// Makes `name` in this directory another name of `file`.
    func link(_ file: MntFile, _ name: String) throws(SysError) {
        let (directory, old) = (try linuxFid(), try file.fid())
        guard directory.link === old.link else { throw .crossDevice }
        changes()
        let message = Tmessage.link(dfid: directory.number, fid: old.number, name: name)
        guard case .link = try directory.link.call(message, old) else { throw .mountRPC }
    }

    /// nil where the server has no way to say.
    func statfs() throws(SysError) -> FileSystemStatus? {
        let fid = try own()
        guard fid.link.dialect == .linux else { return nil }
        guard case .statfs(let s) = try fid.link.call(.statfs(fid: fid.number), fid) else { throw .mountRPC }
        return FileSystemStatus(
            blockSize: UInt64(s.bsize), blocks: s.blocks, free: s.bfree, available: s.bavail, files: s.files,
            filesFree: s.ffree)
    }

    /// The fid, where the server can do what only 9P2000.L can say.
    private func linuxFid() throws(SysError) -> MntFid {
        let fid = try fid()
        guard fid.link.dialect == .linux else { throw .notSupported }
        return fid
    }
}

extension SetAttr {
    /// What of `change` Linux can say; its name is not.
    fileprivate init(_ change: DirChange, _ caller: Caller) throws(SysError) {
        self.init(valid: [])
        if let mode = change.mode {
            valid.insert(.mode)
            self.mode = mode.linux & 0o7777
        }
        if let length = change.length {
            valid.insert(.size)
            size = length
        }
        if let accessed = change.accessed {
            valid.formUnion([.atime, .atimeSet])
            atime = Timespec(nanoseconds: accessed)
        }
        if let modified = change.modified {
            valid.formUnion([.mtime, .mtimeSet])
            mtime = Timespec(nanoseconds: modified)
        }
        let cred = caller.cred
        if let owner = change.owner {
            guard let number = owner == cred.user ? cred.uid.effective : UInt32(owner) else { throw .unknownUser }
            valid.insert(.uid)
            uid = number
        }
        if let group = change.group {
            let own = cred.groups.contains(group) ? cred.gid.effective : UInt32(group)
            guard let number = own else { throw .unknownUser }
            valid.insert(.gid)
            gid = number
        }
    }
}
