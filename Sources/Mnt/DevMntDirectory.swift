import Kernel

/// How far a directory has been read: entries that have come and were not asked for yet.
struct MntDirectory: Sendable {
    /// Entries that wait, the cookie of the first one's predecessor, and where the server is to go on.
    var entries: ArraySlice<Dir> = []
    var cookie: UInt64 = 0
    var offset: UInt64 = 0
    var isAtEnd = false
    /// Of 9P2000.L: names that have come, whose files are still to be asked about.
    var names: ArraySlice<Dirent> = []
    /// The read that goes on at `offset`, sent while what came before it was looked at.
    var ahead: (link: MntLink, call: MntCall)?
    /// Of 9P2000.L: the directory, not open, from which its files are walked to.
    var base: MntFid?
}

extension MntOpen {
    /// Files that are asked about at once.
    private static let batch = 128

    /// The first entries are on their way.
    func listing(_ call: MntCall) {
        let link = try? fid().link
        state.withLock { s in s.directory.ahead = link.map { ($0, call) } }
    }

    /// As `Dev.readdir`. Cookies count entries: a directory of 9P2000 is read in order only, so going back is reading
    /// it anew.
    func entries(
        after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var d = state.withLock { s in
            defer { s.directory = MntDirectory() }
            return s.directory
        }
        defer {
            // What is given stays until the next is asked for: who was interrupted asks again.
            let now = d
            let other = state.withLock { s in
                defer { s.directory = now }
                return s.directory.ahead
            }
            if let other { other.link.forsake(other.call) }
        }
        if cookie < d.cookie {
            if let ahead = d.ahead { ahead.link.forsake(ahead.call) }
            d = MntDirectory()
        }
        while cookie >= d.cookie + UInt64(d.entries.count), !d.isAtEnd {
            try Thread.running.map { _ throws(SysError) in try Thread.check() }
            d.cookie += UInt64(d.entries.count)
            d.entries = []
            try more(&d, caller)
        }
        let skipped = min(Int(clamping: cookie - d.cookie), d.entries.count)
        d.entries = d.entries.dropFirst(skipped)
        d.cookie += UInt64(skipped)
        let first = d.cookie
        return d.entries.prefix(max(limit, 1)).enumerated().map { (n, dir) in
            (entry: dir, cookie: first + UInt64(n) + 1)
        }
    }

    /// The next entries.
    private func more(_ d: inout MntDirectory, _ caller: Caller) throws(SysError) {
        let fid = try fid()
        if d.names.isEmpty {
            let data = try read(&d, fid)
            guard !data.isEmpty else {
                d.isAtEnd = true
                return
            }
            do {
                if fid.link.dialect == .linux {
                    try d.takeNames(data.span)
                } else {
                    d.entries = try d.takeEntries(data.span).map { $0.numbered(caller) }[...]
                }
            } catch { throw fid.link.lied("directory: \(error)") }
            // The next read goes out now: its reply comes while these entries are looked at.
            d.ahead = (fid.link, try fid.link.start(MntRequest(fid.link.listRequest(fid, at: d.offset), fid), .try))
        }
        if !d.names.isEmpty {
            let some = d.names.prefix(Self.batch)
            d.entries = try attributes(of: some, &d.base, caller)[...]
            d.names = d.names.dropFirst(some.count)
        }
        tree.listed.add(path, Array(d.entries))
    }

    /// The data of the next read of the directory.
    private func read(_ d: inout MntDirectory, _ fid: MntFid) throws(SysError) -> [UInt8] {
        let call: MntCall
        if let ahead = d.ahead.take(), ahead.link === fid.link {
            call = ahead.call
        } else {
            call = try fid.link.start(MntRequest(fid.link.listRequest(fid, at: d.offset), fid))
        }
        var none = MutableRawSpan()
        return try fid.link.waitData(call, into: &none, .wait).rest
    }

    /// What the files of `names` are: each is walked to and asked about, all at once.
    private func attributes(
        of names: ArraySlice<Dirent>, _ base: inout MntFid?, _ caller: Caller
    ) throws(SysError) -> [Dir] {
        let (link, root) = try tree.here()
        var fids: [MntFid] = []
        var requests: [MntRequest] = []
        let isOrdered = !link.isUnordered
        let way = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }[...]
        var isNew = false
        if base?.link !== link {
            // The directory itself is walked to along with its files.
            isNew = isOrdered && link.fitting(way).count == way.count
            let fid = isNew ? try link.newFid() : try link.walk(root, way)
            base = fid
            let walk = Tmessage.walk(fid: root.number, newfid: fid.number, names: Array(way))
            if isNew { requests.append(MntRequest(walk, root, newfid: fid)) }
        }
        guard let directory = base else { return [] }
        for entry in names {
            let fid = try link.newFid()
            fids.append(fid)
            requests.append(
                MntRequest(
                    .walk(fid: directory.number, newfid: fid.number, names: [entry.name]), directory, newfid: fid))
            if isOrdered { requests.append(MntRequest(link.statRequest(fid), fid)) }
        }
        var calls = try link.start(requests)[...]
        var dirs: [Dir] = []
        defer { for call in calls { link.forget(call) } }
        if isNew, let call = calls.popFirst() {
            guard try link.qids(call).count == way.count else {
                base = nil
                throw .nonexist
            }
        }
        var walked: [(Dirent, MntFid)] = []
        for (entry, fid) in zip(names, fids) {
            guard let walk = calls.popFirst() else { break }
            let stat = isOrdered ? calls.popFirst() : nil
            do throws(SysError) {
                _ = try link.qids(walk)
                if let stat { dirs.append(try link.dir(stat, entry.name, caller)) } else { walked.append((entry, fid)) }
            } catch {
                // One that is gone by now is left out.
                if let stat { link.forget(stat) }
                try link.judge(error)
                if stat != nil, fid.isKnown { walked.append((entry, fid)) }
            }
        }
        // A server that does not keep to the order is asked once the walks are done.
        var asked: [(Dirent, MntCall)] = []
        for (entry, fid) in walked {
            asked.append((entry, try link.start(MntRequest(link.statRequest(fid), fid))))
        }
        for (entry, call) in asked {
            do throws(SysError) { dirs.append(try link.dir(call, entry.name, caller)) } catch {
                if link.isOver || MntLink.isOwn(error) { throw error }
            }
        }
        return dirs
    }
}

extension MntDirectory {
    /// Why entries cannot be.
    private struct Lie: Error, CustomStringConvertible { let description: String }

    /// The entries in the data of an Rread.
    fileprivate mutating func takeEntries(_ data: Span<UInt8>) throws -> [Dir] {
        var dirs: [Dir] = []
        var at = 0
        while let stat = try Stat.next(in: data, at: &at) {
            if stat.name == "." || stat.name == ".." { continue }
            if let lie = MntLink.lie(in: stat) { throw Lie(description: lie) }
            dirs.append(Dir(stat))
        }
        offset &+= UInt64(data.count)
        return dirs
    }

    /// The names in the data of an Rreaddir.
    fileprivate mutating func takeNames(_ data: Span<UInt8>) throws {
        var all: [Dirent] = []
        var at = 0
        while let entry = try Dirent.next(in: data, at: &at) {
            offset = entry.offset
            if entry.name != ".", entry.name != ".." { all.append(entry) }
        }
        names = all[...]
    }
}
