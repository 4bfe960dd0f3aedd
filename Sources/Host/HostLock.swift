import CShim
import Glibc

/// Advisory locks on ranges of host files, as other programs see them: of the open file, whoever has its descriptor.
///
/// The corresponding Linux page is `fcntl(2)`, with F_OFD_SETLK.
public enum HostLock {
    public enum Kind: Sendable { case read, write, unlock }

    /// Locks or unlocks; `.max` has no end. False where another program has it.
    public static func set(_ descriptor: Int32, _ kind: Kind, _ range: Range<UInt64>) throws(SysError) -> Bool {
        guard let (type, start, length) = words(kind, range) else { return true }
        if HostIO.retry({ Int(cshim_lock(descriptor, 0, type, start, length)) }) >= 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw SysError(errno: errno) }
        return false
    }

    /// Waits until it is locked; on a helper, whose `call` ends the wait.
    public static func wait(
        _ descriptor: Int32, _ kind: Kind, _ range: Range<UInt64>, _ call: HostCall
    ) throws(SysError) {
        guard let (type, start, length) = words(kind, range) else { return }
        try HostIO.check(call.run { Int(cshim_lock(descriptor, 1, type, start, length)) })
    }

    /// The lock of another program that is in the way, and the process that has it: 0 where it is no process's.
    public static func test(
        _ descriptor: Int32, _ kind: Kind, _ range: Range<UInt64>
    ) throws(SysError) -> (isWrite: Bool, range: Range<UInt64>, process: UInt32)? {
        guard var (type, start, length) = words(kind, range) else { return nil }
        var process: Int32 = 0
        try HostIO.check(HostIO.retry { Int(cshim_testlock(descriptor, &type, &start, &length, &process)) })
        guard type != Int16(F_UNLCK) else { return nil }
        let first = UInt64(clamping: start)
        let end = length == 0 ? .max : first + UInt64(clamping: length)
        return (type == Int16(F_WRLCK), first..<max(first, end), UInt32(clamping: process))
    }

    /// As the host takes it, whose offsets are signed; nil for what lies beyond them.
    private static func words(_ kind: Kind, _ range: Range<UInt64>) -> (type: Int16, start: Int64, length: Int64)? {
        guard let start = Int64(exactly: range.lowerBound), !range.isEmpty else { return nil }
        let type =
            switch kind {
            case .read: F_RDLCK
            case .write: F_WRLCK
            case .unlock: F_UNLCK
            }
        return (Int16(type), start, Int64(exactly: range.upperBound).map { $0 - start } ?? 0)
    }
}
