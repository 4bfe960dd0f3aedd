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
    /// From where it was found, and by which names; nil where it was found by none.
    let origin: Origin?
    /// Walked to, never opened: others may walk from it.
    private let known: Lock<MntFid?>

    struct Origin {
        let from: MntFile
        /// At least one.
        let names: ArraySlice<String>

        init?(_ from: MntFile, _ names: ArraySlice<String>) {
            if names.isEmpty { return nil }
            (self.from, self.names) = (from, names)
        }
    }

    init(
        _ tree: MntTree, _ path: String, _ qid: Qid, _ fid: MntFid?, _ open: MntOpen? = nil, _ origin: Origin? = nil
    ) {
        self.tree = tree
        self.path = path
        self.qid = qid
        self.open = open
        self.origin = origin
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
    /// is asked for again. Where a server `isUnordered` it goes behind it, and where it `walksSingly` one name is walked.
    func walk(
        _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller, isSingle: Bool = false
    ) throws(SysError) -> Found {
        if let told = told(names, filter) { return told }
        let from = try fid()
        let link = from.link
        try link.unsettled.settle()
        let part = isSingle || link.walksSingly ? names.prefix(1) : link.fitting(names)
        let newfid = try link.newFid()
        let whole = part.reduce(path) { Self.join($0, $1) }
        let isForStat = part.count == names.count && filter.isForStat
        // What something is mounted on is not opened: that could change it.
        let mode = part.count == names.count && filter.isEmpty ? filter.openMode : nil
        let isTogether = !link.isUnordered
        var purpose: [MntRequest] = []
        if isForStat { purpose = [MntRequest(link.statRequest(newfid), newfid)] }
        if let mode {
            let isDirectory = isTogether && tree.listed.take(whole, stays: true)?.isDirectory == true
            purpose = link.openRequests(newfid, mode, isDirectory: isDirectory)
        }
        let walk = Tmessage.walk(fid: from.number, newfid: newfid.number, names: Array(part))
        var calls = try link.start([MntRequest(walk, from, newfid: newfid)] + (isTogether ? purpose : []))[...]
        let qids: [Qid]
        do throws(SysError) { qids = try link.qids(calls.removeFirst(), with: calls) } catch {
            link.leave(calls, after: error)
            guard part.count > 1 else { throw error }
            return try walkSingly(names, filter, caller, unless: error)
        }
        guard Self.areTold(qids) else {
            for call in calls { link.forget(call) }
            link.walksSingly = true
            return try self.walk(names, filter, caller)
        }
        // The first that the kernel wants to look at; the walk may have gone on beyond it.
        let stop = qids.firstIndex { filter.contains($0) || !$0.isDirectory }
        let count = stop.map { $0 + 1 } ?? qids.count
        guard count == part.count, let qid = qids.last else {
            for call in calls { link.forget(call) }
            guard count > 0 else { throw .nonexist }
            let path = part.prefix(count).reduce(path) { Self.join($0, $1) }
            let prefix = try link.walk(from, part.prefix(count))
            let origin = Origin(self, part.prefix(count))
            return Found(file: MntFile(tree, path, qids[count - 1], prefix, nil, origin), count: count)
        }
        if !isTogether, !purpose.isEmpty { calls = try link.start(purpose)[...] }
        let replies = zip(calls, purpose)
        if let mode, let open = try link.opened(Array(replies)[...], newfid, mode, qid, self, whole, caller) {
            return Found(file: open, count: count, stat: nil, mode: mode)
        }
        var found = Found(file: MntFile(tree, whole, qid, newfid, nil, Origin(self, part)), count: count)
        if isForStat, let (call, request) = replies.first(where: { _ in true }) {
            do throws(SysError) {
                found.stat = try link.dir(try link.wait(call, orAgain: request), found.file.name, caller)
            } catch { try link.judge(error) }
        }
        return found
    }

    /// Whether these can be the qids of files one below the other. There are servers that say the last one's for each.
    private static func areTold(_ qids: [Qid]) -> Bool {
        zip(qids, qids.dropFirst()).allSatisfy { ($0.isDirectory || $0.isSymlink) && $0.path != $1.path }
    }

    /// A walk of several names has failed with `error`, as it should where not even the first is there. There are servers
    /// that let it fail wherever it ends.
    private func walkSingly(
        _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller, unless error: SysError
    ) throws(SysError) -> Found {
        let link = try fid().link
        try link.judge(error)
        let found: Found
        do throws(SysError) { found = try walk(names, filter, caller, isSingle: true) } catch let second {
            try link.judge(second)
            throw error
        }
        link.walksSingly = true
        return found
    }

    /// What a listing has said a moment ago.
    private func told(_ names: ArraySlice<String>, _ filter: MountFilter) -> Found? {
        guard filter.isForStat, filter.isEmpty else { return nil }
        let whole = names.reduce(path) { Self.join($0, $1) }
        guard let dir = tree.listed.take(whole), !dir.qid.isSymlink else { return nil }
        return Found(
            file: MntFile(tree, whole, dir.qid, nil, nil, Origin(self, names)), count: names.count, stat: dir)
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
        return try fid.link.dir(try fid.link.call(fid.link.statRequest(fid), fid), name, caller)
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

    func qids(_ call: MntCall, with rest: ArraySlice<MntCall> = []) throws(SysError) -> [Qid] {
        guard case .walk(let qids) = try wait(call, with: rest) else { throw .mountRPC }
        return qids
    }
}
