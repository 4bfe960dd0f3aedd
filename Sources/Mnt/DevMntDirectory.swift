import Kernel

/// How far a directory has been read: entries that have come and were not asked for yet.
struct MntDirectory: Sendable {
    /// Entries that wait, the cookie of the first one's predecessor, and where the server is to go on.
    var entries: ArraySlice<Dir> = []
    var cookie: UInt64 = 0
    var offset: UInt64 = 0
    var isAtEnd = false
}

extension MntOpen {
    /// As `Dev.readdir`. Cookies count entries: a directory of 9P2000 is read in order only, so going back is reading
    /// it anew.
    func entries(
        after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var d = state.withLock { s in
            defer { s.directory = MntDirectory() }
            return s.directory
        }
        if cookie < d.cookie { d = MntDirectory() }
        while cookie >= d.cookie + UInt64(d.entries.count), !d.isAtEnd {
            d.cookie += UInt64(d.entries.count)
            let (stats, count) = try readEntries(at: d.offset)
            d.entries = stats.map { Dir($0).numbered(caller) }[...]
            d.offset += UInt64(count)
            d.isAtEnd = count == 0
        }
        let skipped = min(Int(clamping: cookie - d.cookie), d.entries.count)
        d.entries = d.entries.dropFirst(skipped)
        d.cookie += UInt64(skipped)
        let given = d.entries.prefix(max(limit, 1)).enumerated().map { (n, dir) in
            (entry: dir, cookie: d.cookie + UInt64(n) + 1)
        }
        // What is given stays until the next is asked for: who was interrupted asks again.
        state.withLock { $0.directory = d }
        return given
    }

    /// What one read of the directory gives, and how many bytes that were.
    private func readEntries(at offset: UInt64) throws(SysError) -> ([Stat], Int) {
        let call = try link.start(.read(fid: fid.number, offset: offset, count: UInt32(most)), fid: fid)
        var none = MutableRawSpan()
        let data = try link.waitData(call, into: &none, .wait).rest
        var stats: [Stat] = []
        var at = 0
        do {
            while let stat = try Stat.next(in: data.span, at: &at) {
                if stat.name == "." || stat.name == ".." { continue }
                if let lie = MntLink.lie(in: stat) { throw link.lied(lie) }
                stats.append(stat)
            }
        } catch let error as SysError { throw error } catch { throw link.lied("directory: \(error)") }
        return (stats, data.count)
    }
}
