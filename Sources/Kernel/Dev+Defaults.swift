import Host

/// What a device does that says nothing else: a fixed table of files, one level deep, that never blocks.
extension Dev {
    public var mayBlock: Bool { false }

    public func start(_ system: System) {}

    public func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard spec.isEmpty else { throw .badSpec }
        return Chan(self, qid: Qid(path: 0, type: .directory))
    }

    public func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        var here = c
        var count = 0
        for name in names {
            do throws(SysError) { here = try step(here, to: name, caller) } catch {
                if count == 0 { throw error }
                break
            }
            count += 1
            // The filter speaks of the instance that the walk began in.
            if !here.qid.isDirectory || here.instance != c.instance || filter.contains(here.qid) { break }
        }
        return Walked(chan: here, count: count)
    }

    public func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        for row in table(of: c.qid) where row.name == name { return c.sibling(row.qid) }
        throw .nonexist
    }

    /// The root: right for devices of one level.
    public func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        c.sibling(Qid(path: 0, type: .directory))
    }

    public func table(of directory: Qid) -> [Dirtab] { [] }

    /// What a table's row says, owned by the caller's user.
    public func dir(_ row: Dirtab, _ caller: Caller) -> Dir {
        let now = caller.clock.now()
        return Dir(
            name: row.name, qid: row.qid, mode: row.mode, length: row.length, accessed: now, modified: now,
            owner: caller.cred.user, group: caller.cred.user, modifier: caller.cred.user,
            ownerID: caller.cred.uid.effective, groupID: caller.cred.gid.effective)
    }

    public func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        if c.qid.path == 0, c.qid.isDirectory {
            return dir(Dirtab("#\(letter)", c.qid, mode: 0o555), caller)
        }
        let up = try parent(c, caller)
        for row in table(of: up.qid) where row.qid.path == c.qid.path { return dir(row, caller) }
        throw .nonexist
    }

    public func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        return c.opened(mode)
    }

    public func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        throw .perm
    }

    public func close(_ c: Chan) {}

    public func flush(_ c: Chan, _ caller: Caller) throws(SysError) {}

    public func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        throw .perm
    }

    public func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let rows = table(of: c.qid)
        guard let first = Int(exactly: cookie), first < rows.count else { return [] }
        return rows[first...].prefix(limit).enumerated().map { (dir($1, caller), cookie + UInt64($0) + 1) }
    }

    public func readnames(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try readdir(c, after: cookie, limit: limit, caller)
    }

    public func remove(_ c: Chan, _ caller: Caller) throws(SysError) { throw .perm }

    public func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) { throw .perm }

    public func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String { throw .badArg }

    public func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError) {
        throw .notSupported
    }

    public func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError) {
        throw .notSupported
    }

    public func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        throw .notSupported
    }

    public func access(_ c: Chan, _ rights: Mask, _ caller: Caller) throws(SysError) {
        guard caller.cred.may(try stat(c, caller), rights) else { throw .perm }
    }

    public func statfs(_ c: Chan, _ caller: Caller) throws(SysError) -> FileSystemStatus {
        FileSystemStatus(blockSize: 4096, blocks: 0, free: 0, available: 0, files: 0, filesFree: 0)
    }

    public func fsync(_ c: Chan, _ caller: Caller) throws(SysError) {}

    public func fill(
        _ conduit: Conduit, from c: Chan, at offset: UInt64, _ count: Int, _ caller: Caller
    ) throws(SysError) -> Bool { false }

    public func drain(
        _ conduit: Conduit, into c: Chan, _ caller: Caller, _ how: How
    ) throws(SysError) -> Bool { false }

    public func lock(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller, _ how: How
    ) throws(SysError) {
        try FileLocks.shared.lock(c, lock, owner, how)
    }

    public func getlock(
        _ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller
    ) throws(SysError) -> LockRange? {
        FileLocks.shared.test(c, lock, owner)
    }

    public func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        events.intersection([.read, .write])
    }

    public func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? { nil }

    public func unopened(_ c: Chan) -> AnyObject? { c.auxiliary }

    public func regain(_ c: Chan, _ fd: Int32) throws(SysError) -> Chan { c }

    public func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? { try c.lentIdentity }

    public func hostPath(_ c: Chan) -> String? { nil }

    public func window(_ c: Chan) -> Window? { terminal(c)?.size }

    public func terminal(_ c: Chan) -> (any Terminal)? { nil }

    public func seekable(_ c: Chan) -> Bool { true }

    /// A read of text that was made whole: the part of `text` at `offset`.
    public func read(
        text: String, into buffer: inout MutableRawSpan, at offset: UInt64
    ) -> Int {
        read(bytes: Array(text.utf8), into: &buffer, at: offset)
    }

    /// The same for bytes.
    public func read(bytes: [UInt8], into buffer: inout MutableRawSpan, at offset: UInt64) -> Int {
        guard let start = Int(exactly: offset), start < bytes.count else { return 0 }
        return buffer.copy(bytes.span.bytes.extracting(start..<bytes.count))
    }
}
