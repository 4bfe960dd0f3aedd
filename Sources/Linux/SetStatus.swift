import Host
import Kernel

/// Calls that change what `stat` tells.
extension Request {
    func setStatus(_ call: SystemCall) throws(SysError) -> Answer {
        switch call {
        case .chmod: try chmod(try find(try name(0)), unsigned(1))
        case .fchmod: try chmod(try file(int(0)), unsigned(1))
        case .fchmodat: try chmod(try find(try name(1, at: 0)), unsigned(2))
        case .fchmodat2: try chmod(try find(3), unsigned(2))
        case .chown: try chown(try find(try name(0)), unsigned(1), unsigned(2))
        case .lchown: try chown(try find(try name(0), follow: false), unsigned(1), unsigned(2))
        case .fchown: try chown(try file(int(0)), unsigned(1), unsigned(2))
        case .fchownat: try chown(try find(4), unsigned(2), unsigned(3))
        case .utime: try utime()
        case .utimes: try setTimes(try find(try name(0)), try microseconds(1))
        case .futimesat: try futimesat()
        case .utimensat: try utimensat()
        case .truncate: try truncate(try find(try name(0)), Int64(bitPattern: word(1)))
        default: try other(call)
        }
    }

    /// The file of argument 1, from the directory of argument 0, as the flags of argument `flags` say.
    private func find(_ flags: Int) throws(SysError) -> Chan {
        let flags = int(flags)
        try check(flags, Flag.noFollow | Flag.emptyPath)
        return try find(try name(1, at: 0, orFile: flags & Flag.emptyPath != 0), follow: flags & Flag.noFollow == 0)
    }

    /// The file that a descriptor is open on. One that has no name here keeps what it has.
    private func file(_ fd: Int32) throws(SysError) -> Chan {
        let file = try guest.file(fd)
        guard !file.isNameOnly else { throw .badFd }
        guard let c = file.chan else { throw .notSupported }
        return c
    }

    /// The corresponding Linux call is `chmod(2)`.
    private func chmod(_ c: Chan, _ mode: UInt32) throws(SysError) -> Answer {
        guard !c.qid.isSymlink else { throw .notSupported }
        // The kinds that Plan 9's files have stay with them.
        let kind = FileMode(rawValue: UInt32(c.qid.type.rawValue) << 24)
        try tree.wstat(c, DirChange(mode: FileMode(linux: mode & 0o7777).union(kind)), how)
        return .value(0)
    }

    /// The number that leaves an owner as he is.
    private static let same = UInt32.max

    /// The corresponding Linux call is `chown(2)`.
    private func chown(_ c: Chan, _ user: UInt32, _ group: UInt32) throws(SysError) -> Answer {
        let cred = tree.caller.cred
        var change = DirChange()
        if user != Self.same { change.owner = user == cred.uid.effective ? cred.user : String(user) }
        if group != Self.same { change.group = group == cred.gid.effective ? cred.user : String(group) }
        guard change != DirChange() else { return .value(0) }
        // A server that has names only knows who is meant by what it has told.
        let dir = try tree.stat(c, how)
        if user == dir.ownerID { change.owner = nil }
        if group == dir.groupID { change.group = nil }
        guard change != DirChange() else { return .value(0) }
        try tree.wstat(c, change, how)
        return .value(0)
    }

    /// The corresponding Linux call is `truncate(2)`.
    private func truncate(_ c: Chan, _ length: Int64) throws(SysError) -> Answer {
        guard length >= 0 else { throw .badArg }
        guard !c.isDirectory else { throw .isDir }
        try tree.wstat(c, DirChange(length: UInt64(length)), how)
        return .value(0)
    }

    // MARK: times

    /// A time to set: one that is given, the present one, or none.
    private enum Moment {
        case at(Int64), now, same
    }

    private typealias Times = (accessed: Moment, modified: Moment)

    private func setTimes(_ c: Chan, _ times: Times) throws(SysError) -> Answer {
        let now = tree.caller.clock.now()
        let values = [times.accessed, times.modified].map { time -> Int64? in
            switch time {
            case .at(let time): time
            case .now: now
            case .same: nil
            }
        }
        guard values[0] != nil || values[1] != nil else { return .value(0) }
        try tree.wstat(c, DirChange(accessed: values[0], modified: values[1]), how)
        return .value(0)
    }

    /// Signed words from the program's memory.
    private func words(_ n: Int, _ count: Int) throws(SysError) -> [Int64] {
        let bytes = try guest.read(word(n), count * 8)
        guard bytes.count == count * 8 else { throw .fault }
        var words = [UInt64](repeating: 0, count: count)
        for (i, byte) in bytes.enumerated() { words[i / 8] |= UInt64(byte) << UInt64(i % 8 * 8) }
        return words.map { Int64(bitPattern: $0) }
    }

    /// Two of `struct timeval`; the present time where there are none.
    private func microseconds(_ n: Int) throws(SysError) -> Times {
        guard word(n) != 0 else { return (.now, .now) }
        let w = try words(n, 4)
        guard (0..<1_000_000).contains(w[1]), (0..<1_000_000).contains(w[3]) else { throw .badArg }
        return (.at(LinuxTime.join(w[0], w[1] * 1000)), .at(LinuxTime.join(w[2], w[3] * 1000)))
    }

    /// `struct utimbuf`, seconds. The corresponding Linux call is `utime(2)`.
    private func utime() throws(SysError) -> Answer {
        let c = try find(try name(0))
        guard word(1) != 0 else { return try setTimes(c, (.now, .now)) }
        let w = try words(1, 2)
        return try setTimes(c, (.at(LinuxTime.join(w[0], 0)), .at(LinuxTime.join(w[1], 0))))
    }

    private func futimesat() throws(SysError) -> Answer {
        let c = word(1) == 0 ? try file(int(0)) : try find(try name(1, at: 0))
        return try setTimes(c, try microseconds(2))
    }

    /// UTIME_NOW and UTIME_OMIT.
    private static let now: Int64 = 0x3fff_ffff
    private static let omit: Int64 = 0x3fff_fffe

    /// The corresponding Linux call is `utimensat(2)`.
    private func utimensat() throws(SysError) -> Answer {
        var times: Times = (.now, .now)
        if word(2) != 0 {
            let w = try words(2, 4)
            times = (try Self.moment(w[0], w[1]), try Self.moment(w[2], w[3]))
        }
        if word(1) == 0 {
            guard int(3) == 0 else { throw .badArg }
            return try setTimes(try file(int(0)), times)
        }
        return try setTimes(try find(3), times)
    }

    private static func moment(_ seconds: Int64, _ nanoseconds: Int64) throws(SysError) -> Moment {
        switch nanoseconds {
        case now: return .now
        case omit: return .same
        case 0..<1_000_000_000: return .at(LinuxTime.join(seconds, nanoseconds))
        default: throw .badArg
        }
    }
}
