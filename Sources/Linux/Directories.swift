import Host
import Kernel

extension Request {
    /// The corresponding Linux call is `getcwd(2)`.
    func getcwd(_ address: UInt64, _ size: UInt64) throws(SysError) -> Answer {
        let dot = proc.dot
        guard dot.isThere else { throw .nonexist }
        let path = HostName.bytes(dot.path) + [0]
        guard path.count <= size else { throw .range }
        try guest.write(path, address)
        return .value(UInt64(path.count))
    }

    /// The corresponding Linux call is `chdir(2)`.
    func chdir(_ find: () throws(SysError) -> Chan) throws(SysError) -> Answer {
        try proc.go { () throws(SysError) in
            let c = try find()
            guard c.isDirectory else { throw .notDir }
            try tree.access(c, .execute, how)
            return c
        }
        return .value(0)
    }

    func fchdir(_ fd: Int32) throws(SysError) -> Answer {
        let file = try guest.file(fd)
        return try chdir { () throws(SysError) in
            guard let c = file.chan else { throw .notDir }
            return c
        }
    }

    // MARK: reading

    /// Bytes of an entry before its name, and of the longest.
    private static let entryHead = 19
    private static let entryLimit = 280

    /// Where a program stands in a directory: before `.`, before `..`, and then two more than the cookie of what it has.
    private enum Position {
        static let dot: UInt64 = 0
        static let dotDot: UInt64 = 1
        static let first: UInt64 = 2
        /// The host's offsets have a sign.
        static let limit = UInt64(Int64.max)

        static func after(_ cookie: UInt64) -> UInt64 { cookie > limit - first ? limit : cookie + first }
    }

    /// Whole entries, as many as fit. The corresponding Linux call is `getdents64(2)`.
    func getdents(_ fd: Int32, _ address: UInt64, _ count: UInt32) throws(SysError) -> Answer {
        let file = try guest.file(fd)
        guard let c = file.chan, c.isDirectory else { throw .notDir }
        guard c.mode?.canRead ?? false else { throw .badFd }
        let start = try file.position
        let (bytes, end) = try entries(c, after: start, Int(min(count, 1 << 20)))
        guard !bytes.isEmpty else { return .value(0) }
        try guest.write(bytes, address)
        if end != start { try file.setPosition(end) }
        return .value(UInt64(bytes.count))
    }

    /// Throws `.badArg` where not one entry fits.
    private func entries(
        _ c: Chan, after start: UInt64, _ room: Int
    ) throws(SysError) -> (bytes: [UInt8], position: UInt64) {
        var out = Layout()
        var position = start
        var fits = true
        while fits, position < Position.first {
            let isDot = position == Position.dot
            var number = isDot ? nil : guest.inodeAbove(c)
            if number == nil {
                let there = isDot ? c : try above(c)
                number = try guest.identity(there, try tree.stat(there, how)).inode
            }
            fits = Self.add(isDot ? [0x2e] : [0x2e, 0x2e], .directory, number ?? 0, position + 1, &out, room)
            if fits { position += 1 }
        }
        // Only as many are asked for as fit, however long their names are: a directory is not read twice.
        var isEnd = !fits
        while !isEnd {
            let some = max(1, (room - out.bytes.count) / Self.entryLimit)
            if some < 8, !out.bytes.isEmpty { break }
            let batch = try tree.entries(of: c, after: position - Position.first, limit: some, namesOnly: true, how)
            isEnd = batch.isEmpty
            for (entry, cookie) in batch {
                let next = Position.after(cookie)
                let name = HostName.bytes(entry.name)
                if !name.isEmpty, name.count <= Name.nameLimit {
                    let number = FileIdentity(entry).inode
                    fits = Self.add(name, entry.mode, number, next, &out, room)
                    guard fits else {
                        isEnd = true
                        break
                    }
                }
                position = next
            }
        }
        guard fits || !out.bytes.isEmpty else { throw .badArg }
        return (out.bytes, position)
    }

    /// The directory above, as `..` leads there.
    private func above(_ c: Chan) throws(SysError) -> Chan {
        // Where somebody has moved it away there is no way up that could be told of.
        do throws(SysError) { return try tree.walk(c, "..", follow: true, how) } catch {
            guard error.code == .nonexist else { throw error }
            return c
        }
    }

    /// Adds one entry: inode, position after it, length, kind, name. False where it does not fit.
    private static func add(
        _ name: [UInt8], _ mode: FileMode, _ inode: UInt64, _ next: UInt64, _ out: inout Layout, _ room: Int
    ) -> Bool {
        let length = (entryHead + name.count + 1 + 7) & ~7
        guard out.bytes.count + length <= room else { return false }
        let end = out.bytes.count + length
        out.put(inode)
        out.put(next)
        out.put(UInt16(truncatingIfNeeded: length))
        out.put(Dirent.type(mode))
        out.put(name)
        out.fill(to: end)
        return true
    }
}

extension FileIdentity {
    /// The numbers of a file that no engine has given others: the host's own, or those that we know it by.
    public init(_ dir: Dir) {
        if let inode = dir.inode {
            self.init(device: inode.device, inode: inode.number)
        } else {
            // A minor number without a device, as Linux gives to what is on none; 0 is no inode.
            let minor = UInt64(dir.instance)
            self.init(device: minor & 0xff | (minor & 0xfffff00) << 12, inode: dir.qid.path &+ 1)
        }
    }
}
