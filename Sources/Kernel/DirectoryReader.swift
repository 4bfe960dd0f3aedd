/// Reading a directory, unions included: each name once, the first member that has it wins, as `walk` finds it; and
/// where something is mounted on an entry, the entry tells of that.
///
/// Lives in the Chan, under its lock only while it is taken out and put back; one reader at a time uses it.
struct DirectoryReader: Sendable {
    /// Members that are still to be read, each open.
    private var members: [Chan]
    private var cookie: UInt64 = 0
    /// Names given so far; nil where there is one member, which has no name twice.
    private var seen: Set<FileName>?
    /// Packed entries that did not fit into the last byte read.
    private var pending: [UInt8] = []

    init(_ members: [Chan]) {
        self.members = members
        seen = members.count > 1 ? [] : nil
    }

    /// The next entries, at most `limit`; empty at the end.
    mutating func next(_ limit: Int, _ table: MountTable, _ caller: Caller) throws(SysError) -> [Dir] {
        var out: [Dir] = []
        while out.isEmpty, let c = members.first {
            let batch = try c.dev.readdir(c, after: cookie, limit: limit, caller)
            guard let last = batch.last else {
                members.removeFirst()
                cookie = 0
                continue
            }
            cookie = last.cookie
            for (entry, _) in batch where seen?.insert(FileName(entry.name)).inserted ?? true {
                var dir = entry
                dir.type = c.dev.letter
                dir.instance = c.instance
                out.append(table.hasKeys(in: c.instance) ? table.seen(dir, caller) : dir)
            }
        }
        return out
    }

    /// Whole packed entries, as a 9P2000 read of a directory gives them. Throws `.countTooSmall` where not one fits.
    mutating func read(
        into buffer: inout MutableRawSpan, _ table: MountTable, _ caller: Caller
    ) throws(SysError) -> Int {
        if pending.isEmpty {
            for dir in try next(64, table, caller) { dir.pack(into: &pending) }
        }
        var end = 0
        while end + 2 <= pending.count {
            let size = 2 + Int(pending[end]) + Int(pending[end + 1]) << 8
            if end + size > buffer.byteCount { break }
            end += size
        }
        guard end > 0 || pending.isEmpty else { throw .countTooSmall }
        buffer.copy(pending.span.bytes.extracting(0..<end))
        pending.removeFirst(end)
        return end
    }
}

extension MountTable {
    /// What is seen where the directory entry `bare` is: the root of what is mounted on it, by the entry's name.
    fileprivate func seen(_ bare: Dir, _ caller: Caller) -> Dir {
        let head = self[MountKey(instance: bare.instance, path: bare.qid.path)]
        // What cannot be told, because its server is gone, leaves the entry as it is.
        guard let root = head?.members.first?.root, var dir = try? root.dev.stat(root, caller) else { return bare }
        dir.name = bare.name
        return dir.served(by: root)
    }
}
