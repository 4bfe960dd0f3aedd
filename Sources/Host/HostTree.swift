import CShim
import Glibc
import Synchronization

/// A directory of the host, and files below it by relative paths that cannot leave it.
///
/// Every path is resolved from the descriptor of the root; a symbolic link in it is never followed, and `..` is not a name.
/// So whatever is renamed or replaced meanwhile, what is reached was below the root. Where the host has no `openat2(2)`
/// the names are walked one by one, each without following links.
public final class HostTree: Sendable {
    private let root: HostFd
    /// Whether openat2 is there; unset at its first refusal.
    private let hasBeneath: Atomic<Bool>

    /// Most bytes of a path that one host call takes.
    static let callLimit = 4000

    /// `oneByOne` walks as a host without openat2 has to.
    public init(_ path: String, oneByOne: Bool = false) throws(SysError) {
        let fd = HostName.withBytes(path) { cshim_openat(AT_FDCWD, $0, HostFlag.path | O_DIRECTORY | O_CLOEXEC, 0) }
        root = HostFd(owning: try HostIO.check(fd, path))
        hasBeneath = Atomic(!oneByOne)
    }

    /// Throws where a name would lead elsewhere than to an entry of its directory.
    public static func check(name: String) throws(SysError) {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0 || $0 == 0x2F })
        else { throw .badChar }
    }

    /// Opens `path`, names joined by `/` that `check(name:)` has passed; empty for the root. Throws `.tooManyLinks` where one
    /// of the names is a symbolic link, unless it is the last and `flags` have O_PATH.
    public func open(_ path: String, _ flags: Int32) throws(SysError) -> HostFd {
        let flags = flags | O_NOFOLLOW | O_CLOEXEC
        if path.isEmpty { return HostFd(owning: try HostIO.check(cshim_openat(root.number, ".", flags, 0))) }
        guard path.utf8.count > Self.callLimit else { return try open(path[...], in: root.number, flags) }
        var (head, rest) = Self.cut(path[...])
        var here = try open(head, in: root.number, HostFlag.path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        while rest.utf8.count > Self.callLimit {
            (head, rest) = Self.cut(rest)
            here = try open(head, in: here.number, HostFlag.path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        return try open(rest, in: here.number, flags)
    }

    /// Opens a FIFO on a helper thread: waits until its other end is open, or until `call` is cancelled.
    public func openWaiting(_ path: String, _ access: HostFiles.Access, _ call: HostCall) throws(SysError) -> HostFd {
        let cut = path.utf8.lastIndex(of: 0x2F)
        let name = cut.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        return try withDirectory(cut.map { String(path[..<$0]) } ?? "") { (directory) throws(SysError) in
            let n = HostName.withBytes(name) { name in
                let flags = HostFiles.flags(access) & ~O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
                return call.run { Int(cshim_openat(directory, name, flags, 0)) }
            }
            let fd = HostFd(owning: Int32(try HostIO.check(n)))
            try HostIO.check(cshim_fcntl(fd.number, F_SETFL, Int(O_NONBLOCK)))
            return fd
        }
    }

    /// Runs `body` on the descriptor (O_PATH) of a directory.
    public func withDirectory<R: ~Copyable>(_ path: String, _ body: (Int32) throws(SysError) -> R) throws(SysError) -> R
    {
        if path.isEmpty { return try body(root.number) }
        let fd = try open(path, HostFlag.path | O_DIRECTORY)
        return try body(fd.number)
    }

    /// What `path` is; a symbolic link is itself.
    public func stat(_ path: String) throws(SysError) -> HostStat {
        // One name leads to no other directory: no descriptor is needed to be sure of that.
        if !path.utf8.contains(0x2F) { return try HostStat(root.number, path) }
        let fd = try open(path, HostFlag.path)
        return try HostStat(fd.number)
    }

    /// As many names as one call takes, and the others.
    private static func cut(_ path: Substring) -> (Substring, Substring) {
        let utf8 = path.utf8
        let end = utf8.index(utf8.startIndex, offsetBy: callLimit)
        guard let slash = utf8[..<end].lastIndex(of: 0x2F) else { return (path, "") }
        return (path[..<slash], path[utf8.index(after: slash)...])
    }

    private func open(_ path: Substring, in directory: Int32, _ flags: Int32) throws(SysError) -> HostFd {
        let resolve: UInt64 = 0x08 | 0x04 | 0x02  // RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS
        var attempts = 0
        while hasBeneath.load(ordering: .relaxed) {
            // A link as last name of an O_PATH open is the link itself: NO_SYMLINKS allows that.
            let fd = HostName.withBytes(String(path)) { cshim_openat2(directory, $0, flags, 0, resolve) }
            if fd >= 0 { return HostFd(owning: fd) }
            switch errno {
            case EINTR: continue
            case EAGAIN where attempts < 100: attempts += 1  // a rename came in between
            case ENOSYS where !isAnswered(directory), EPERM where !isAnswered(directory):
                hasBeneath.store(false, ordering: .relaxed)
            default: throw SysError(errno: errno)
            }
        }
        return try step(path, in: directory, flags)
    }

    /// Whether openat2 itself works: a filter of system calls may refuse it with EPERM, as a file may.
    private func isAnswered(_ directory: Int32) -> Bool {
        let fd = cshim_openat2(directory, ".", HostFlag.path | O_CLOEXEC, 0, 0x08)
        if fd >= 0 { close(fd) }
        return fd >= 0
    }

    private func step(_ path: Substring, in directory: Int32, _ flags: Int32) throws(SysError) -> HostFd {
        var here = try HostFiles.duplicate(directory)
        var rest = path
        while let slash = rest.utf8.firstIndex(of: 0x2F) {
            let next = try Self.enter(String(rest[..<slash]), in: here.number, HostFlag.path | O_NOFOLLOW | O_CLOEXEC)
            // A link that is to be a directory would be ENOTDIR for the host; it is a link in the way.
            let kind = try HostStat(next.number).kind
            guard kind == .directory else { throw kind == .symlink ? .tooManyLinks : .notDir }
            here = next
            rest = rest[rest.utf8.index(after: slash)...]
        }
        return try Self.enter(String(rest), in: here.number, flags)
    }

    /// Opens one name. The corresponding POSIX call is `openat(2)`.
    static func enter(_ name: String, in directory: Int32, _ flags: Int32) throws(SysError) -> HostFd {
        let fd = HostName.withBytes(name) { name in
            HostIO.retry { Int(cshim_openat(directory, name, flags, 0)) }
        }
        return HostFd(owning: Int32(try HostIO.check(fd)))
    }
}
