import CShim
import Glibc

/// Descriptors that are made to be given to programs of the host.
extension HostFiles {
    /// The offset of a descriptor's description. The corresponding POSIX call is `lseek(2)`.
    public static func offset(_ descriptor: Int32) throws(SysError) -> UInt64 {
        UInt64(try HostIO.check(lseek(descriptor, 0, SEEK_CUR)))
    }

    /// The same file opened again: a description of its own, that waits in reads and writes as programs expect it to.
    ///
    /// The file's bits are asked as at any open. The corresponding Linux page is `proc_pid_fd(5)`.
    public static func again(
        _ descriptor: Int32, _ access: Access, append: Bool = false, waits: Bool = true
    ) throws(SysError) -> HostFd {
        let flags = flags(access, append: append) | O_CLOEXEC
        let number = cshim_openat(AT_FDCWD, "/proc/self/fd/\(descriptor)", flags, 0)
        let fd = HostFd(owning: try HostIO.check(number))
        // Only now: to open a FIFO may wait.
        if waits { try setWaiting(fd.number) }
        return fd
    }

    /// Makes reads and writes of a description wait. The corresponding POSIX call is `fcntl(2)`.
    public static func setWaiting(_ descriptor: Int32) throws(SysError) {
        let flags = try HostIO.check(cshim_fcntl(descriptor, F_GETFL, 0))
        try HostIO.check(cshim_fcntl(descriptor, F_SETFL, Int(flags & ~O_NONBLOCK)))
    }

    /// Makes them throw `.wouldBlock` instead.
    public static func setImpatient(_ descriptor: Int32) throws(SysError) {
        let flags = try HostIO.check(cshim_fcntl(descriptor, F_GETFL, 0))
        try HostIO.check(cshim_fcntl(descriptor, F_SETFL, Int(flags | O_NONBLOCK)))
    }

    /// Whether they wait.
    public static func waits(_ descriptor: Int32) -> Bool { cshim_fcntl(descriptor, F_GETFL, 0) & O_NONBLOCK == 0 }

    /// The device files of the host that are the same as ours.
    public enum Device: String, Sendable { case null, zero, full, urandom }

    /// Opens one of them. Throws `.badDevice` where the host has something else by that name.
    public static func open(_ device: Device, _ access: Access) throws(SysError) -> HostFd {
        let flags = flags(access) & ~O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW
        let fd = HostFd(owning: try HostIO.check(cshim_openat(AT_FDCWD, "/dev/\(device)", flags, 0)))
        let stat = try HostStat(fd.number)
        // Numbers of the memory devices, by Linux's list of devices.
        let minor: UInt64 =
            switch device {
            case .null: 3
            case .zero: 5
            case .full: 7
            case .urandom: 9
            }
        guard stat.kind == .device, stat.rdev == 1 << 8 | minor else { throw .badDevice }
        return fd
    }
}

/// A file of the host that has no name and lives in memory.
///
/// What `memfd_create` gave counts as nobody's, so that programs can run the file, and so that `isAlone` can tell.
/// The corresponding Linux page is `memfd_create(2)`.
public struct HostMemoryFile: ~Copyable, Sendable {
    private let fd: HostFd
    public var number: Int32 { fd.number }

    /// `sealable`: nobody seals another.
    public init(sealable: Bool = false) throws(SysError) {
        fd = HostFd(owning: try HostIO.check(cshim_memfd("emu", sealable ? 1 : 0)))
    }

    /// A description of its own for a program of the host. The file's bits, which say what programs may, do not bind us.
    public func open(_ access: HostFiles.Access, append: Bool = false) throws(SysError) -> HostFd {
        do throws(SysError) { return try HostFiles.again(number, access, append: append) } catch {
            guard error.code == .perm else { throw error }
        }
        let bits = try HostStat(number).permissions
        try HostFiles.setMode(number, 0o600)
        defer { try? HostFiles.setMode(number, bits) }  // they were its bits a moment ago
        return try HostFiles.again(number, access, append: append)
    }

    /// Nobody changes it from now on.
    public func seal() throws(SysError) { try HostIO.check(cshim_seal(number)) }

    /// Whether no program has it open, nor has mapped it. False where the host does not say.
    public var isAlone: Bool {
        guard let reader = try? open(.read) else { return false }  // nothing to ask with
        return cshim_is_alone(reader.number) == 1
    }
}

extension HostStream {
    /// A pipe, of which neither end waits, with room for `room` bytes at least. Throws `.noMemory` where the host has none so
    /// large. The corresponding POSIX call is `pipe(2)`.
    public static func pipe(room: Int) throws(SysError) -> (reading: HostStream, writing: HostStream) {
        var ends: [Int32] = [-1, -1]
        try HostIO.check(cshim_pipe(&ends, 0))
        let reading = HostStream(owning: HostFd(owning: ends[0]))
        let writing = HostStream(owning: HostFd(owning: ends[1]))
        try HostFiles.setImpatient(ends[1])
        // A page more than it takes: the first may be begun in its middle.
        guard let size = Int32(exactly: room + 4096), cshim_pipe_room(ends[1], size) >= size else { throw .noMemory }
        return (reading, writing)
    }
}

extension HostFiles {
    /// Bytes that stand in a pipe.
    public static func waiting(_ descriptor: Int32) -> Int { max(0, Int(cshim_waiting(descriptor))) }
}
