/// The system calls that the personality answers. Others have no row in a machine's table: `ENOSYS`.
enum SystemCall: UInt8, CaseIterable, Sendable {
    case open, openat, creat
    case stat, lstat, newfstatat, statx, access, faccessat, faccessat2, readlink, readlinkat
    case getcwd, chdir, fchdir, umask, getdents64
    case mkdir, mkdirat, mknod, mknodat, rmdir, unlink, unlinkat
    case rename, renameat, renameat2, link, linkat, symlink, symlinkat
    case chmod, fchmod, fchmodat, fchmodat2, chown, lchown, fchown, fchownat
    case utime, utimes, futimesat, utimensat, truncate
    case statfs, fstatfs, uname, sysinfo
    case execve, execveat
    case mount, umount2, unshare, prctl
    case socket, bind, connect, listen, sendto
    /// The extended attributes, which no file has.
    case setxattr, lsetxattr, fsetxattr, getxattr, lgetxattr, fgetxattr
    case listxattr, llistxattr, flistxattr, removexattr, lremovexattr, fremovexattr
}

/// The machine that a program was built for: how its calls are numbered and its structures laid out.
public enum Machine: String, Sendable {
    case x86 = "x86_64"
    case riscv = "riscv64"

    /// What call `number` is; nil for what is not there.
    func call(_ number: Int32) -> SystemCall? {
        let table = self == .x86 ? Self.x86Calls : Self.genericCalls
        guard number >= 0, Int(number) < table.count else { return nil }
        return table[Int(number)]
    }

    /// Rows as an array by number.
    static func table(_ rows: KeyValuePairs<Int, SystemCall>) -> [SystemCall?] {
        var table = [SystemCall?](repeating: nil, count: 1 + (rows.map(\.key).max() ?? 0))
        for (number, call) in rows { table[number] = call }
        return table
    }

    /// The name of call `number`; nil for one that has no row.
    public func name(of number: Int32) -> String? { call(number).map { "\($0)" } }

    /// Whether a call changes nothing, whoever answers it: an open that makes and shortens nothing, too.
    public func isQuestion(_ number: Int32, _ arguments: InlineArray<6, UInt64>) -> Bool {
        // O_CREAT, O_TRUNC, O_TMPFILE.
        let changes: UInt64 = 0o100 | 0o1000 | 0o20000000
        return switch call(number) {
        case .open: arguments[1] & changes == 0
        case .openat: arguments[2] & changes == 0
        case .stat, .lstat, .newfstatat, .statx, .access, .faccessat, .faccessat2, .readlink, .readlinkat, .statfs,
            .fstatfs,
            .chdir, .getdents64:
            true
        default: false
        }
    }

    /// The numbers of those calls, for an engine that asks for nothing else.
    public var numbers: [Int32] {
        let table = self == .x86 ? Self.x86Calls : Self.genericCalls
        return table.indices.filter { table[$0] != nil }.map { Int32($0) }
    }
}
