import Kernel

/// What a Chan of the mount device refers to: a file of a server by its path in the tree, the fid that stands for it, and
/// how it is open if it is.
///
/// The fid is got when it is needed: a walk has it, what a listing has told of is walked to at its first use, and where
/// the conversation was begun anew it is walked to again.
final class MntFile: Sendable {
    let tree: MntTree
    /// From the tree's root, without a slash in front; empty at the root.
    let path: String
    let qid: Qid
    let open: MntOpen?
    /// Walked to, never opened: others may walk from it.
    private let known: Lock<MntFid?>

    init(_ tree: MntTree, _ path: String, _ qid: Qid, _ fid: MntFid?, _ open: MntOpen? = nil) {
        self.tree = tree
        self.path = path
        self.qid = qid
        self.open = open
        known = Lock(fid)
    }

    /// The fid from which others are walked to.
    func fid() throws(SysError) -> MntFid {
        let (link, root) = try tree.here()
        if path.isEmpty { return root }
        if let fid = known.withLock({ $0 }), fid.link === link { return fid }
        let fid = try link.walk(root, path)
        let before = known.withLock { k -> MntFid? in
            defer { k = fid }
            return k
        }
        return withExtendedLifetime(before) { fid }
    }

    /// The fid by which the file itself is asked about.
    func own() throws(SysError) -> MntFid {
        if let open { return try open.fid() }
        return try fid()
    }

    var name: String { path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? "/" }

    /// `name` below `directory`.
    static func join(_ directory: String, _ name: String) -> String {
        directory.isEmpty ? name : "\(directory)/\(name)"
    }

    // MARK: names

    /// What a walk has found.
    struct Found {
        let file: MntFile
        let count: Int
        var stat: Dir?
        /// How it was opened, where the walk was for that.
        var mode: Kernel.OpenMode?
    }

    /// As `Dev.walk`. What the walk is for goes along with it in one write; where that fails nothing is said of it, and it
    /// is asked for again.
    func walk(
        _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Found {
        if let told = told(names, filter) { return told }
        let from = try fid()
        let link = from.link
        try link.unsettled.settle()
        let part = link.fitting(names)
        let newfid = try link.newFid()
        let whole = part.reduce(path) { Self.join($0, $1) }
        var requests = [
            MntRequest(.walk(fid: from.number, newfid: newfid.number, names: Array(part)), from, newfid: newfid)
        ]
        let may = part.count == names.count && !link.isUnordered
        let isForStat = may && filter.isForStat
        // What something is mounted on is not opened: that could change it.
        let mode = may && filter.isEmpty ? filter.openMode : nil
        if isForStat { requests.append(MntRequest(link.statRequest(newfid), newfid)) }
        if let mode {
            requests += link.openRequests(newfid, mode, isDirectory: tree.listed.take(whole, stays: true)?.isDirectory)
        }
        let calls = try link.start(requests)
        let qids: [Qid]
        do throws(SysError) { qids = try link.qids(calls[0]) } catch {
            for call in calls.dropFirst() { link.forget(call) }
            throw error
        }
        // The first that the kernel wants to look at; the walk may have gone on beyond it.
        let stop = qids.firstIndex { filter.contains($0) || !$0.isDirectory }
        let count = stop.map { $0 + 1 } ?? qids.count
        guard count == part.count, let qid = qids.last else {
            for call in calls.dropFirst() { link.forget(call) }
            guard count > 0 else { throw .nonexist }
            let path = part.prefix(count).reduce(path) { Self.join($0, $1) }
            let prefix = try link.walk(from, part.prefix(count))
            return Found(file: MntFile(tree, path, qids[count - 1], prefix), count: count)
        }
        if let mode, let open = try link.opened(calls.dropFirst(), newfid, mode, qid, self, whole, caller) {
            return Found(file: open, count: count, stat: nil, mode: mode)
        }
        var found = Found(file: MntFile(tree, whole, qid, newfid), count: count)
        if isForStat {
            do throws(SysError) { found.stat = try link.dir(calls[1], found.file.name, caller) } catch {
                try link.judge(error)
            }
        }
        return found
    }

    /// What a listing has said a moment ago.
    private func told(_ names: ArraySlice<String>, _ filter: MountFilter) -> Found? {
        guard filter.isForStat, filter.isEmpty else { return nil }
        let whole = names.reduce(path) { Self.join($0, $1) }
        guard let dir = tree.listed.take(whole), !dir.qid.isSymlink else { return nil }
        return Found(file: MntFile(tree, whole, dir.qid, nil), count: names.count, stat: dir)
    }

    func parent() throws(SysError) -> MntFile {
        let names = path.utf8.split(separator: UInt8(ascii: "/")).dropLast().map { String(Substring($0)) }
        let above = names.joined(separator: "/")
        // No way leads up from what is no directory.
        guard qid.isDirectory else {
            let (link, root) = try tree.here()
            guard !names.isEmpty else { return MntFile(tree, "", tree.qid, root) }
            let newfid = try link.newFid()
            let call = try link.start(
                MntRequest(.walk(fid: root.number, newfid: newfid.number, names: names), root, newfid: newfid))
            let qids = try link.qids(call)
            guard qids.count == names.count, let qid = qids.last else { throw .nonexist }
            return MntFile(tree, above, qid, newfid)
        }
        let from = try fid()
        let newfid = try from.link.newFid()
        let call = try from.link.start(
            MntRequest(.walk(fid: from.number, newfid: newfid.number, names: [".."]), from, newfid: newfid))
        guard let qid = try from.link.qids(call).last else { throw .nonexist }
        return MntFile(tree, above, qid, newfid)
    }

    func stat(_ caller: Caller) throws(SysError) -> Dir {
        if let dir = open?.told() { return dir }
        let fid = try own()
        try fid.link.unsettled.settle()
        return try fid.link.dir(try fid.link.start(MntRequest(fid.link.statRequest(fid), fid)), name, caller)
    }
}

extension MntLink {
    /// As many of `names` as one message takes, at least one.
    func fitting(_ names: ArraySlice<String>) -> ArraySlice<String> {
        var room = msize - Wire.header - 10
        let count = names.prefix(Wire.mostNames).prefix { name in
            room -= name.utf8.count + 2
            return room >= 0
        }.count
        return names.prefix(max(count, 1))
    }

    /// The fid of the file at `path` below `fid`.
    func walk(_ fid: MntFid, _ path: String) throws(SysError) -> MntFid {
        let names = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        return try walk(fid, names[...])
    }

    /// The same for any number of names, all of which must be there. No names make a copy.
    func walk(_ fid: MntFid, _ names: ArraySlice<String>) throws(SysError) -> MntFid {
        var here = fid
        var rest = names
        repeat {
            let part = rest.isEmpty ? rest : fitting(rest)
            let newfid = try newFid()
            let call = try start(
                MntRequest(.walk(fid: here.number, newfid: newfid.number, names: Array(part)), here, newfid: newfid))
            guard try qids(call).count == part.count else { throw .nonexist }
            here = newfid
            rest = rest.dropFirst(part.count)
        } while !rest.isEmpty
        return here
    }

    func qids(_ call: MntCall) throws(SysError) -> [Qid] {
        guard case .walk(let qids) = try wait(call) else { throw .mountRPC }
        return qids
    }

    /// Sends a walk of no names, which makes `newfid` another name of `fid`, and `message`, which needs that, together.
    func callOnClone(of fid: MntFid, _ newfid: MntFid, _ message: Tmessage) throws(SysError) -> Rmessage {
        let clone = MntRequest(.walk(fid: fid.number, newfid: newfid.number, names: []), fid, newfid: newfid)
        if isUnordered {
            _ = try qids(try start(clone))
            return try call(message, newfid)
        }
        let calls = try start([clone, MntRequest(message, newfid)])
        do throws(SysError) { _ = try qids(calls[0]) } catch {
            forget(calls[1])
            throw error
        }
        do throws(SysError) { return try wait(calls[1]) } catch {
            try judge(error)
            guard isUnordered else { throw error }
            return try call(message, newfid)
        }
    }

    /// A request that was sent along with the walk to its fid has failed. Throws what ends the caller's wait, and notes
    /// where a server does not do things in the order in which they come: then it has not known the fid.
    func judge(_ error: SysError) throws(SysError) {
        if isOver { throw error }
        switch error.code {
        case .interrupted, .killed, .hungup, .timedOut, .mountRPC: throw error
        case .other where dialect == .plan9: if error.sentence.contains("fid") { isUnordered = true }
        case .other, .io, .badFd, .badArg: if dialect == .linux { isUnordered = true }
        default: break
        }
    }
}
