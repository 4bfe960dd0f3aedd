import Kernel

/// Opening, in both dialects.
extension MntLink {
    /// The most bytes of one read or write.
    var room: Int { msize - Wire.ioHeader }

    func openRequest(_ fid: UInt32, _ mode: Kernel.OpenMode) -> Tmessage {
        dialect == .linux ? .lopen(fid: fid, flags: mode.linux) : .open(fid: fid, mode: mode.wire)
    }

    /// What goes with a walk that is for an open: the open itself; for who reads, what the file is, which tells whether
    /// more than he asks for may be read; and the first entries of what is known to be a directory.
    func openRequests(_ fid: MntFid, _ mode: Kernel.OpenMode, isDirectory: Bool) -> [MntRequest] {
        var requests = [MntRequest(openRequest(fid.number, mode), fid)]
        guard mode.canRead else { return requests }
        requests.append(MntRequest(statRequest(fid), fid))
        if isDirectory { requests.append(MntRequest(listRequest(fid, at: 0), fid)) }
        return requests
    }

    func listRequest(_ fid: MntFid, at offset: UInt64) -> Tmessage {
        let count = UInt32(room)
        return dialect == .linux
            ? .readdir(fid: fid.number, offset: offset, count: count)
            : .read(fid: fid.number, offset: offset, count: count)
    }

    /// What the replies to `openRequests` make of the file that `fid` was walked to; nil where it was not opened, which
    /// is tried again then by itself.
    func opened(
        _ calls: ArraySlice<(MntCall, MntRequest)>, _ fid: MntFid, _ mode: Kernel.OpenMode, _ qid: Qid,
        _ from: MntFile, _ path: String, _ caller: Caller
    ) throws(SysError) -> MntFile? {
        var rest = calls
        guard let (first, request) = rest.popFirst() else { return nil }
        let open: MntOpen
        do throws(SysError) {
            let reply = try wait(first, orAgain: request, with: rest.map(\.0)[...])
            let (qid, iounit) = try opened(reply, isDirectory: qid.isDirectory)
            open = MntOpen(from.tree, path, qid, fid, iounit, mode)
            try open.removeOnClose(fid, mode)
        } catch {
            leave(rest.map(\.0), after: error)
            try judge(error)
            return nil
        }
        let file = MntFile(from.tree, path, open.qid, nil, open)
        guard let (stat, request) = rest.popFirst() else { return file }
        do throws(SysError) {
            open.tell(try dir(try wait(stat, orAgain: request, with: rest.map(\.0)[...]), file.name, caller))
        } catch {
            leave(rest.map(\.0), after: error)
            try judge(error)
            return file
        }
        if let (list, _) = rest.popFirst() { open.listing(list) }
        return file
    }

    /// The qid and the most bytes of one read or write that the reply to an open says.
    func opened(_ reply: Rmessage, isDirectory: Bool) throws(SysError) -> (Qid, UInt32) {
        switch reply {
        case .open(let qid, let iounit), .create(let qid, let iounit), .lopen(let qid, let iounit),
            .lcreate(let qid, let iounit):
            guard qid.isDirectory == isDirectory else { throw lied("\(reply.type): another kind of file") }
            return (qid, iounit)
        default: throw .mountRPC
        }
    }
}

extension MntFile {
    /// A copy of the fid is opened: walk and open go together.
    func opened(_ mode: Kernel.OpenMode) throws(SysError) -> MntFile {
        let from = try fid()
        let link = from.link
        try link.unsettled.settle()
        let (copy, reply) = try link.onCopy(of: from) { link.openRequest($0, mode) }
        let (now, iounit) = try link.opened(reply, isDirectory: qid.isDirectory)
        let open = MntOpen(tree, path, now, copy, iounit, mode)
        try open.removeOnClose(copy, mode)
        return MntFile(tree, path, now, from, open, origin)
    }

    /// Makes a file and opens it; or a directory, which is opened when it is read.
    func create(
        _ name: String, _ mode: Kernel.OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> MntFile {
        guard perm.isDisjoint(with: [.symlink, .device, .namedPipe, .socket]) else { throw .notSupported }
        let from = try fid()
        let link = from.link
        changes()
        let path = Self.join(path, name)
        if link.dialect == .linux, perm.contains(.directory) {
            let message = Tmessage.mkdir(
                dfid: from.number, name: name, mode: perm.linux & 0o7777, gid: caller.cred.gid.effective)
            guard case .mkdir(let qid) = try link.call(message, from) else { throw .mountRPC }
            return MntFile(tree, path, qid, nil)
        }
        let (copy, reply) = try link.onCopy(of: from) { fid in
            link.dialect == .linux
                ? .lcreate(
                    fid: fid, name: name, flags: mode.linux.union([.create, .exclusive]),
                    mode: perm.linux & 0o7777, gid: caller.cred.gid.effective)
                : .create(fid: fid, name: name, perm: perm, mode: mode.wire)
        }
        let (qid, iounit) = try link.opened(reply, isDirectory: perm.contains(.directory))
        let open = MntOpen(tree, path, qid, copy, iounit, mode)
        if !perm.contains(.directory) { open.isNew() }
        try open.removeOnClose(copy, mode)
        return MntFile(tree, path, qid, nil, open)
    }

    /// Something is about to change by way of this tree: what was told before is no longer good.
    func changes() { tree.listed.clear() }
}

extension Kernel.OpenMode {
    /// What of it is said to a 9P2000 server.
    var wire: NineP.OpenMode {
        var bits = UInt8(access)
        if contains(.truncate) { bits |= NineP.OpenMode.truncate }
        if contains(.removeOnClose) { bits |= NineP.OpenMode.removeOnClose }
        return NineP.OpenMode(rawValue: bits)
    }

    /// The same for a 9P2000.L server. It does not know to run a file, nor to remove it in the end.
    var linux: OpenFlags {
        var flags: OpenFlags = access == 1 ? .writeOnly : access == 2 ? .readWrite : []
        if contains(.truncate) { flags.insert(.truncate) }
        if contains(.append) { flags.insert(.append) }
        if contains(.nonBlocking) { flags.insert(.nonBlocking) }
        return flags
    }
}
