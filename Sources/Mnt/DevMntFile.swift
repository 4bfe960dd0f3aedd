import Kernel

/// What a Chan of the mount device refers to: a file of a server by its fid, and how it is open if it is.
final class MntFile: Sendable {
    let tree: MntTree
    /// Walked to, never opened: others may walk from it.
    let fid: MntFid
    let open: MntOpen?

    init(_ tree: MntTree, _ fid: MntFid, _ open: MntOpen? = nil) {
        self.tree = tree
        self.fid = fid
        self.open = open
    }

    private var link: MntLink { tree.link }

    /// The fid by which the file itself is asked about.
    private var own: MntFid { open?.fid ?? fid }

    // MARK: names

    /// What a walk has found.
    struct Found {
        let file: MntFile
        let qid: Qid
        let count: Int
        let stat: Dir?
    }

    /// As `Dev.walk`. For a stat the question goes along with the walk.
    func walk(
        _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Found {
        let part = fitting(names)
        let newfid = try link.newFid()
        let walk = Tmessage.walk(fid: fid.number, newfid: newfid.number, names: Array(part))
        let asks = filter.isForStat && part.count == names.count
        let calls = try link.start(asks ? [walk, .stat(fid: newfid.number)] : [walk], fid: fid, newfid: newfid)
        let qids: [Qid]
        do throws(SysError) { qids = try link.qids(calls[0]) } catch {
            for call in calls.dropFirst() { link.forget(call) }
            throw error
        }
        // The first that the kernel wants to look at; the walk may have gone on beyond it.
        let stop = qids.firstIndex { filter.contains($0) || !$0.isDirectory }
        let count = min(stop.map { $0 + 1 } ?? qids.count, qids.count)
        guard count == part.count else {
            for call in calls.dropFirst() { link.forget(call) }
            guard count > 0 else { throw .nonexist }
            let (file, qid) = try walkOnly(part.prefix(count))
            return Found(file: file, qid: qid, count: count, stat: nil)
        }
        let stat = asks ? try link.stat(calls[1], caller) : nil
        return Found(file: MntFile(tree, newfid), qid: qids[count - 1], count: count, stat: stat)
    }

    /// Walks `names`, all of them.
    private func walkOnly(_ names: ArraySlice<String>) throws(SysError) -> (MntFile, Qid) {
        let newfid = try link.newFid()
        let call = try link.start(
            .walk(fid: fid.number, newfid: newfid.number, names: Array(names)), fid: fid, newfid: newfid)
        let qids = try link.qids(call)
        guard qids.count == names.count, let last = qids.last else { throw .nonexist }
        return (MntFile(tree, newfid), last)
    }

    /// As many of `names` as one message takes.
    private func fitting(_ names: ArraySlice<String>) -> ArraySlice<String> {
        var room = link.msize - Wire.header - 10
        let count = names.prefix(Wire.mostNames).prefix { name in
            room -= name.utf8.count + 2
            return room >= 0
        }.count
        return names.prefix(max(count, 1))
    }

    func parent() throws(SysError) -> (MntFile, Qid) { try walkOnly([".."]) }

    func stat(_ caller: Caller) throws(SysError) -> Dir {
        try link.stat(try link.start(.stat(fid: own.number), fid: own), caller)
    }

    // MARK: opening

    /// A copy of the fid is opened: walk and open go together.
    func open(_ mode: Kernel.OpenMode, isDirectory: Bool) throws(SysError) -> (MntFile, Qid) {
        let newfid = try link.newFid()
        let wire = mode.wire
        let reply = try link.callOnClone(of: fid, newfid, .open(fid: newfid.number, mode: wire))
        guard case .open(let qid, let iounit) = reply else { throw .mountRPC }
        guard qid.isDirectory == isDirectory else { throw link.lied("Ropen: another kind of file") }
        newfid.isOpen = true
        return (MntFile(tree, fid, MntOpen(link, newfid, iounit, mode)), qid)
    }

    func create(
        _ name: String, _ mode: Kernel.OpenMode, _ perm: FileMode
    ) throws(SysError) -> (MntFile, Qid) {
        guard perm.isDisjoint(with: [.symlink, .device, .namedPipe, .socket]) else { throw .notSupported }
        let newfid = try link.newFid()
        let request = Tmessage.create(fid: newfid.number, name: name, perm: perm, mode: mode.wire)
        let reply = try link.callOnClone(of: fid, newfid, request)
        guard case .create(let qid, let iounit) = reply else { throw .mountRPC }
        guard qid.isDirectory == perm.contains(.directory) else { throw link.lied("Rcreate: another kind of file") }
        newfid.isOpen = true
        return (MntFile(tree, newfid, MntOpen(link, newfid, iounit, mode)), qid)
    }

    // MARK: changes

    func remove() throws(SysError) {
        let newfid = try link.newFid()
        guard case .remove = try link.callOnClone(of: fid, newfid, .remove(fid: newfid.number)) else { throw .mountRPC }
    }

    func wstat(_ change: DirChange, isDirectory: Bool) throws(SysError) {
        var stat = Stat(change)
        if let mode = change.mode {
            stat.mode = isDirectory ? mode.union(.directory) : mode.subtracting(.directory)
        }
        // It has no time of access to set; who sets both means the other.
        if change.modified != nil { stat.atime = Stat.untouched.atime }
        guard stat != .untouched else { return }
        try wstat(stat)
    }

    /// The file's data and entry are on the server's medium when this returns.
    func commit() throws(SysError) { try wstat(.untouched) }

    private func wstat(_ stat: Stat) throws(SysError) {
        guard case .wstat = try link.call(.wstat(fid: own.number, stat: stat), fid: own) else { throw .mountRPC }
    }

    /// Within a directory; from one to another 9P2000 knows no way but a copy.
    func rename(
        to newName: String, in directory: MntFile, isSame: Bool, _ how: Rename
    ) throws(SysError) {
        guard isSame else { throw .crossDevice }
        guard how != .exchange else { throw .notSupported }
        do throws(SysError) { try wstat(Stat(DirChange(name: newName))) } catch {
            guard error.code == .exist, how == .replace else { throw error }
            try directory.walkOnly([newName]).0.remove()
            try wstat(Stat(DirChange(name: newName)))
        }
    }
}

extension Kernel.OpenMode {
    /// What of it is said to a server.
    fileprivate var wire: NineP.OpenMode {
        var bits = UInt8(access)
        if contains(.truncate) { bits |= NineP.OpenMode.truncate }
        if contains(.removeOnClose) { bits |= NineP.OpenMode.removeOnClose }
        return NineP.OpenMode(rawValue: bits)
    }
}

extension MntLink {
    /// Sends a walk of no names, which makes `newfid` another name of `fid`, and `message`, which needs that, together.
    fileprivate func callOnClone(
        of fid: MntFid, _ newfid: MntFid, _ message: Tmessage
    ) throws(SysError) -> Rmessage {
        let calls = try start(
            [.walk(fid: fid.number, newfid: newfid.number, names: []), message], fid: fid, newfid: newfid)
        do throws(SysError) { _ = try qids(calls[0]) } catch {
            forget(calls[1])
            throw error
        }
        return try wait(calls[1])
    }

    fileprivate func qids(_ call: MntCall) throws(SysError) -> [Qid] {
        guard case .walk(let qids) = try wait(call) else { throw .mountRPC }
        return qids
    }

    /// The file's entry, as the caller sees owners.
    fileprivate func stat(_ call: MntCall, _ caller: Caller) throws(SysError) -> Dir {
        guard case .stat(let stat) = try wait(call) else { throw .mountRPC }
        return Dir(stat).numbered(caller)
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
}
