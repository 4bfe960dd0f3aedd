import Host
import Kernel

extension Request {
    /// What the file is that `name` means.
    private func status(_ name: Name, follow: Bool) throws(SysError) -> FileStatus {
        let c: Chan
        var told: Dir?
        if name.isEmpty {
            c = name.from
        } else {
            (c, told) = try tree.find(name.text, from: name.from, follow: follow, for: .stat, how)
        }
        return try status(c, told)
    }

    private func status(_ c: Chan, _ told: Dir? = nil) throws(SysError) -> FileStatus {
        let dir: Dir
        if let told { dir = told } else { dir = try tree.stat(c, how) }
        return FileStatus(dir: dir, identity: try guest.identity(c, dir))
    }

    /// The corresponding Linux call is `stat(2)`.
    func stat(_ name: Name, _ address: UInt64, follow: Bool = true) throws(SysError) -> Answer {
        try guest.write(try status(name, follow: follow).layout(guest.machine), address)
        return .value(0)
    }

    /// Whether flags of a call say that the last link is followed, and an empty path is the descriptor.
    private func flags(
        _ n: Int, _ known: Int32 = Flag.noFollow | Flag.noAutomount | Flag.emptyPath
    ) throws(SysError) -> (follow: Bool, orFile: Bool) {
        let flags = int(n)
        try check(flags, known)
        return (flags & Flag.noFollow == 0, flags & Flag.emptyPath != 0)
    }

    func newfstatat() throws(SysError) -> Answer {
        let flags = try flags(3)
        guard let name = try named(1, at: 0, flags.orFile) else { return .native }
        return try stat(name, word(2), follow: flags.follow)
    }

    /// The name, or nil where the call means a descriptor that we know nothing of: the engine's own call tells of that.
    private func named(_ n: Int, at fd: Int, _ orFile: Bool) throws(SysError) -> Name? {
        do throws(SysError) { return try name(n, at: fd, orFile: orFile) } catch {
            guard error.code == .notHere else { throw error }
            return nil
        }
    }

    /// The corresponding Linux call is `statx(2)`.
    func statx() throws(SysError) -> Answer {
        let known = Flag.noFollow | Flag.noAutomount | Flag.emptyPath | Flag.statxSync
        let flags = try flags(2, known)
        guard int(2) & Flag.statxSync != Flag.statxSync, unsigned(3) >> 31 == 0 else { throw .badArg }
        guard let name = try named(1, at: 0, flags.orFile) else { return .native }
        try guest.write(try status(name, follow: flags.follow).extended, word(4))
        return .value(0)
    }

    func faccessat(_ flags: Int32) throws(SysError) -> Answer {
        try check(flags, Flag.noFollow | Flag.effectiveAccess | Flag.emptyPath)
        let name = try name(1, at: 0, orFile: flags & Flag.emptyPath != 0)
        return try access(name, int(2), follow: flags & Flag.noFollow == 0)
    }

    // MARK: file systems

    /// `struct statfs` of 64-bit machines. The corresponding Linux page is `statfs(2)`.
    func statfs(_ c: Chan, _ address: UInt64) throws(SysError) -> Answer {
        let room = try tree.statfs(c, how)
        var out = Layout()
        out.put(Self.kind(c))
        let unit = max(1, room.blockSize)
        out.put(unit)
        for n in [room.blocks, room.free, room.available, room.files, room.filesFree] { out.put(n) }
        out.put(UInt64(c.instance))
        out.put(UInt64(Name.nameLimit))
        out.put(unit)
        // ST_RDONLY where the path's mask lets nobody write, ST_NOSUID, ST_NODEV, and ST_VALID.
        out.put(UInt64(0x26 | (c.mask.contains(.write) ? 0 : 1)))
        out.fill(to: 120)
        try guest.write(out.bytes, address)
        return .value(0)
    }

    /// `f_type`: what programs would see on a Linux of its own.
    private static func kind(_ c: Chan) -> UInt64 {
        switch c.dev.letter {
        case "R", "/": 0x0102_1994  // TMPFS_MAGIC
        case "x": 0x9fa0  // PROC_SUPER_MAGIC
        case "U": 0xef53  // EXT4_SUPER_MAGIC
        default: 0x0102_1997  // V9FS_MAGIC
        }
    }
}
