/// Reading a directory, unions included: each name once, the first member that has it wins, as `walk` finds it; and
/// where something is mounted on an entry, the entry tells of that.
///
/// A process's lives in the Chan, under its lock only while it is taken out and put back; one reader at a time uses it.
public struct DirectoryReader: Sendable {
    /// Members that are still to be read, each open.
    private var members: [Chan]
    private var cookie: UInt64 = 0
    /// The cookie after which nothing more came, where there is one member.
    private var end: UInt64?
    /// Names given so far; nil where there is one member, which has no name twice.
    private var seen: Set<FileName>?
    /// How many those are: an entry's cookie where there are several members.
    private var given: UInt64 = 0
    /// Entries that did not fit into the last byte read.
    private var pending: ArraySlice<Dir> = []

    init(_ members: [Chan]) {
        self.members = members
        seen = members.count > 1 ? [] : nil
    }

    /// The next entries, at most `limit`; empty at the end.
    mutating func next(_ limit: Int, _ table: MountTable, _ caller: Caller) throws(SysError) -> [Dir] {
        try nextWithCookies(limit, table, caller).map { $0.entry }
    }

    /// The same, each with the cookie that goes on after it. With `namesOnly` what `Dev.readnames` gives: what is mounted on an
    /// entry has its name and its kind, and is not looked at.
    mutating func nextWithCookies(
        _ limit: Int, _ table: MountTable, _ caller: Caller, namesOnly: Bool = false
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var out: [(entry: Dir, cookie: UInt64)] = []
        while out.isEmpty, let c = members.first {
            let isMounted = !namesOnly && table.hasKeys(in: c.instance)
            let batch =
                namesOnly
                ? try c.dev.readnames(c, after: cookie, limit: limit, caller)
                : try c.dev.readdir(c, after: cookie, limit: limit, caller)
            guard let last = batch.last else {
                end = cookie
                members.removeFirst()
                cookie = 0
                continue
            }
            cookie = last.cookie
            for (entry, cookie) in batch where seen?.insert(FileName(entry.name)).inserted ?? true {
                var dir = entry
                dir.type = c.dev.letter
                dir.instance = c.instance
                if isMounted { dir = table.seen(dir, caller) }
                given += 1
                out.append((dir, seen == nil ? cookie : given))
            }
        }
        return out
    }

    /// Whether a device has to be asked that may wait: one of these, or one of what is mounted on an entry.
    func mayBlock(_ table: MountTable) -> Bool {
        members.contains { c in
            c.dev.mayBlock || table.hasKeys(in: c.instance) && table.mayBlock(mountedIn: c.instance)
        }
    }

    /// Goes on after the entry that was given with `cookie`. A union is read anew up to there, where it has gone past.
    mutating func resume(
        after cookie: UInt64, of directory: Chan, _ table: MountTable, _ caller: Caller
    ) throws(SysError) {
        guard seen != nil else {
            if members.isEmpty, cookie == end { return }
            if members.isEmpty { self = DirectoryReader(try directory.openMembers(caller)) }
            self.cookie = cookie
            return
        }
        if cookie < given { self = DirectoryReader(try directory.openMembers(caller)) }
        while given < cookie {
            let left = Int(clamping: min(cookie - given, 64))
            // A device gives no more than it is asked for, so this never goes past.
            if try nextWithCookies(left, table, caller).isEmpty { break }
        }
    }

    /// Whole packed entries, as a 9P2000 read of a directory gives them. Throws `.countTooSmall` where not one fits.
    mutating func read(
        into buffer: inout MutableRawSpan, _ table: MountTable, _ caller: Caller
    ) throws(SysError) -> Int {
        if pending.isEmpty { pending = try next(64, table, caller)[...] }
        var end = 0
        while let dir = pending.first, Stat(dir).pack(into: &buffer, at: &end) { pending.removeFirst() }
        guard end > 0 || pending.isEmpty else { throw .countTooSmall }
        return end
    }
}

extension MountTable {
    /// Whether something is mounted on files of that instance whose device may wait.
    fileprivate func mayBlock(mountedIn instance: UInt32) -> Bool {
        heads.contains { $0.instance == instance && $1.members.first?.root?.dev.mayBlock ?? false }
    }

    /// What is seen where the directory entry `bare` is: the root of what is mounted on it, by the entry's name.
    fileprivate func seen(_ bare: Dir, _ caller: Caller) -> Dir {
        let head = self[MountKey(instance: bare.instance, path: bare.qid.path)]
        // What cannot be told, because its server is gone, leaves the entry as it is.
        guard let root = head?.members.first?.root, var dir = try? root.dev.stat(root, caller) else { return bare }
        dir.name = bare.name
        return dir.served(by: root)
    }
}
