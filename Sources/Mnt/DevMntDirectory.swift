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
    /// The read that goes on at `offset`, sent while what came before it was looked at; the first one went `along` with
    /// the open.
    var ahead: (link: MntLink, call: MntCall, along: Bool)?
    /// Of 9P2000.L: the directory, not open, from which its files are walked to.
    var base: MntFid?
}

extension MntOpen {
    /// Files that are asked about at once.
    private static let batch = 128

    /// The first entries are on their way.
    func listing(_ call: MntCall) {
        let link = try? fid().link
        state.withLock { s in s.directory.ahead = link.map { ($0, call, true) } }
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
            let request = MntRequest(fid.link.listRequest(fid, at: d.offset), fid)
            d.ahead = (fid.link, try fid.link.start(request, .try), false)
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
        let link = fid.link
        var none = MutableRawSpan()
        let ahead = d.ahead.take()
        if let ahead, ahead.link === link {
            do throws(SysError) { return try link.waitData(ahead.call, into: &none, .wait).rest } catch {
                guard ahead.along, link.mayBeEarly(error) else { throw error }
            }
        }
        let call = try link.start(MntRequest(link.listRequest(fid, at: d.offset), fid))
        let data = try link.waitData(call, into: &none, .wait).rest
        if ahead?.link === link { link.isUnordered = true }
        return data
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
