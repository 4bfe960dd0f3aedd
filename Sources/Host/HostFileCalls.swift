import CShim
import Glibc

/// Calls that change files or their names, on borrowed descriptors and single names. A name is never followed as a link.
public enum HostFiles {
    /// Flags of an open that gives a file's place and stat, and no more.
    public static let nameOnly = HostFlag.path
    /// The same, of a directory.
    public static let directoryOnly = HostFlag.path | O_DIRECTORY
    /// Flags of a directory that is to be read.
    public static let directory = O_RDONLY | O_DIRECTORY

    public enum Access: Sendable { case read, write, readWrite }

    /// Flags of an open that does not wait and takes no terminal.
    public static func flags(_ access: Access, append: Bool = false) -> Int32 {
        let bits =
            switch access {
            case .read: O_RDONLY
            case .write: O_WRONLY
            case .readWrite: O_RDWR
            }
        return bits | O_NONBLOCK | O_NOCTTY | (append ? O_APPEND : 0)
    }
}

extension HostFiles {
    /// Opens `name` of a directory, without following it. The corresponding POSIX call is `openat(2)`.
    public static func open(_ name: String, in directory: Int32, _ flags: Int32) throws(SysError) -> HostFd {
        try HostTree.enter(name, in: directory, flags | O_NOFOLLOW | O_CLOEXEC)
    }

    /// Makes a new file and opens it; throws `.exist` where the name is taken. It has `mode`, whatever the host's umask is.
    public static func create(
        _ name: String, in directory: Int32, _ flags: Int32, _ mode: UInt32
    ) throws(SysError) -> HostFd {
        let all = flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let n = HostName.withBytes(name) { name in
            HostIO.retry { Int(cshim_openat(directory, name, all, mode)) }
        }
        let fd = HostFd(owning: Int32(try HostIO.check(n)))
        if try HostStat(fd.number).permissions != mode { try HostIO.check(fchmod(fd.number, mode)) }
        return fd
    }

    /// Makes a FIFO, or a socket file that nobody answers at, and gives a descriptor that only names it. The corresponding
    /// POSIX call is `mknodat(2)`.
    public static func makeNode(
        _ name: String, in directory: Int32, isFifo: Bool, _ mode: UInt32
    ) throws(SysError) -> HostFd {
        let type = isFifo ? Glibc.S_IFIFO : S_IFSOCK
        try HostIO.check(HostName.withBytes(name) { mknodat(directory, $0, type | mode, 0) })
        let fd = try open(name, in: directory, nameOnly)
        guard try HostStat(fd.number).kind == (isFifo ? .pipe : .socket) else { throw .stale }
        // By its descriptor: another file may have taken the name.
        if try HostStat(fd.number).permissions != mode { try HostIO.check(chmod("/proc/self/fd/\(fd.number)", mode)) }
        return fd
    }

    /// Makes a directory with `mode` and gives its descriptor. The corresponding POSIX call is `mkdirat(2)`.
    public static func makeDirectory(
        _ name: String, in directory: Int32, _ mode: UInt32
    ) throws(SysError) -> HostFd {
        try HostIO.check(HostName.withBytes(name) { mkdirat(directory, $0, mode) })
        let fd = try open(name, in: directory, O_RDONLY | O_DIRECTORY)
        // A group bit that the host lets directories inherit stays.
        let now = try HostStat(fd.number).permissions
        if now & 0o1777 != mode & 0o1777 { try HostIO.check(fchmod(fd.number, mode | now & 0o2000)) }
        return fd
    }

    /// The corresponding POSIX call is `unlinkat(2)`.
    public static func remove(_ name: String, in directory: Int32, isDirectory: Bool) throws(SysError) {
        let flags = isDirectory ? AT_REMOVEDIR : 0
        do throws(SysError) {
            try HostIO.check(HostName.withBytes(name) { unlinkat(directory, $0, flags) })
        } catch {
            // POSIX leaves the choice between two errnos.
            throw isDirectory && error.code == .exist ? .notEmpty : error
        }
    }

    public enum Rename: UInt32, Sendable {
        case replace = 0
        /// RENAME_NOREPLACE, RENAME_EXCHANGE.
        case noReplace = 1
        case exchange = 2
    }

    /// The corresponding Linux call is `renameat2(2)`.
    public static func rename(
        _ name: String, in from: Int32, to: Int32, as newName: String, _ how: Rename
    ) throws(SysError) {
        let result = HostName.withBytes(name) { old in
            HostName.withBytes(newName) { new in cshim_rename(from, old, to, new, how.rawValue) }
        }
        try HostIO.check(result)
    }

    /// Another name for a file; a symbolic link is linked itself. The corresponding POSIX call is `linkat(2)`.
    public static func link(_ name: String, in from: Int32, to: Int32, as newName: String) throws(SysError) {
        let result = HostName.withBytes(name) { old in
            HostName.withBytes(newName) { new in linkat(from, old, to, new, 0) }
        }
        try HostIO.check(result)
    }

    /// The corresponding POSIX call is `symlinkat(2)`.
    public static func symlink(_ target: String, _ name: String, in directory: Int32) throws(SysError) {
        let result = HostName.withBytes(target) { target in
            HostName.withBytes(name) { symlinkat(target, directory, $0) }
        }
        try HostIO.check(result)
    }

    /// What a symbolic link, open with O_PATH, holds. The corresponding POSIX call is `readlinkat(2)`.
    public static func readlink(_ descriptor: Int32) throws(SysError) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = bytes.withUnsafeMutableBytes { b in
            b.bindMemory(to: CChar.self).baseAddress.map { readlinkat(descriptor, "", $0, b.count) } ?? -1
        }
        return HostName.text(Array(bytes[..<(try HostIO.check(n))]))
    }

    /// Changes the twelve permission bits, of O_PATH descriptors too. The corresponding POSIX call is `fchmod(2)`.
    public static func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SysError) {
        try HostIO.check(cshim_chmod(descriptor, mode))
    }

    /// Sets times in nanoseconds since 1970; nil leaves one as it is. The corresponding POSIX call is `utimensat(2)`.
    public static func setTimes(_ descriptor: Int32, accessed: Int64?, modified: Int64?) throws(SysError) {
        try setTimes("", in: descriptor, accessed: accessed, modified: modified)
    }

    /// The same of a name in a directory, a symbolic link itself.
    public static func setTimes(
        _ name: String, in directory: Int32, accessed: Int64?, modified: Int64?
    ) throws(SysError) {
        let times = [accessed, modified].map { time -> timespec in
            // UTIME_OMIT
            guard let time else { return timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2) }
            let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
            return timespec(
                tv_sec: Int(rest < 0 ? seconds - 1 : seconds), tv_nsec: Int(rest < 0 ? rest + 1_000_000_000 : rest))
        }
        let how = name.isEmpty ? HostFlag.emptyPath : AT_SYMLINK_NOFOLLOW
        try HostIO.check(HostName.withBytes(name) { utimensat(directory, $0, times, how) })
    }

    /// Changes owner and group; nil leaves one as it is. The corresponding POSIX call is `fchownat(2)`.
    public static func setOwner(_ descriptor: Int32, user: UInt32?, group: UInt32?) throws(SysError) {
        try HostIO.check(fchownat(descriptor, "", user ?? .max, group ?? .max, HostFlag.emptyPath))
    }

    /// The corresponding POSIX call is `ftruncate(2)`.
    public static func setLength(_ descriptor: Int32, _ length: UInt64) throws(SysError) {
        guard let length = off_t(exactly: length) else { throw .fileTooBig }
        try HostIO.check(HostIO.retry { Int(ftruncate(descriptor, length)) })
    }

    /// Whether we may read (4), write (2) and execute (1) the file; works on O_PATH descriptors. The corresponding Linux call
    /// is `faccessat2(2)`.
    public static func may(_ descriptor: Int32, _ rights: UInt8) -> Bool {
        if cshim_access(descriptor, Int32(rights)) == 0 { return true }
        guard errno == ENOSYS, let s = try? HostStat(descriptor) else { return false }  // an old host: any bit will do
        return (s.permissions >> 6 | s.permissions >> 3 | s.permissions) & UInt32(rights) == UInt32(rights)
    }

    /// The corresponding POSIX call is `fsync(2)`.
    public static func sync(_ descriptor: Int32) throws(SysError) {
        try HostIO.check(HostIO.retry { Int(fsync(descriptor)) })
    }

    /// What closing would report of delayed writes, without closing.
    public static func flush(_ descriptor: Int32) throws(SysError) {
        let copy = try duplicate(descriptor).release()
        // A copy is closed whatever close says; EINTR tells nothing of the file.
        if close(copy) < 0, errno != EINTR { throw SysError(errno: errno) }
    }

    /// Another descriptor of the same open file. The corresponding POSIX call is `fcntl(2)`.
    public static func duplicate(_ descriptor: Int32) throws(SysError) -> HostFd {
        HostFd(owning: try HostIO.check(cshim_fcntl(descriptor, F_DUPFD_CLOEXEC, 0)))
    }

    /// Whether the descriptor names a file and nothing more: O_PATH.
    public static func isNameOnly(_ descriptor: Int32) throws(SysError) -> Bool {
        try HostIO.check(cshim_fcntl(descriptor, F_GETFL, 0)) & HostFlag.path != 0
    }

    /// What a descriptor was opened for. The corresponding POSIX call is `fcntl(2)`.
    public static func access(_ descriptor: Int32) throws(SysError) -> Access {
        switch try HostIO.check(cshim_fcntl(descriptor, F_GETFL, 0)) & O_ACCMODE {
        case O_RDONLY: .read
        case O_WRONLY: .write
        default: .readWrite
        }
    }

    /// Moves the descriptor's own offset. The corresponding POSIX call is `lseek(2)`.
    public static func seek(_ descriptor: Int32, to offset: UInt64) throws(SysError) {
        guard let offset = off_t(exactly: offset) else { throw .badArg }
        try HostIO.check(lseek(descriptor, offset, SEEK_SET))
    }

    /// Room in the file system of a file. The corresponding POSIX call is `fstatvfs(3)`.
    public static func room(
        _ descriptor: Int32
    ) throws(SysError) -> (
        blockSize: UInt64, blocks: UInt64, free: UInt64, available: UInt64, files: UInt64, filesFree: UInt64
    ) {
        var s = statvfs()
        try HostIO.check(fstatvfs(descriptor, &s))
        return (
            UInt64(s.f_frsize), UInt64(s.f_blocks), UInt64(s.f_bfree), UInt64(s.f_bavail), UInt64(s.f_files),
            UInt64(s.f_ffree)
        )
    }
}
