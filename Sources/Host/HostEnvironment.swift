import CShim
import Glibc

/// What a starting process finds on its host: variables, user, directories, whole small files.
public enum HostEnvironment {
    /// A variable of the host's environment. The corresponding POSIX call is `getenv(3)`.
    public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The name of the user who runs us, or the number where the host has no name for it.
    public static var user: String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var space = [CChar](repeating: 0, count: 16384)
        return space.withUnsafeMutableBufferPointer { space in
            guard getpwuid_r(getuid(), &entry, space.baseAddress!, space.count, &found) == 0, found != nil,
                let name = entry.pw_name
            else { return String(getuid()) }
            return String(cString: name)
        }
    }

    /// The numbers of the user who runs us.
    public static var ids: (user: UInt32, group: UInt32) { (getuid(), getgid()) }

    /// The absolute path of the current directory; nil where it has none. The corresponding POSIX call is `getcwd(3)`.
    public static var directory: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }

    /// The absolute path of `path` with its links resolved; it must exist.
    /// The corresponding POSIX call is `realpath(3)`.
    public static func realPath(_ path: String) throws(SysError) -> String {
        guard let real = realpath(path, nil) else { throw SysError(errno: errno, subject: path) }
        defer { free(real) }
        return String(cString: real)
    }

    public static func isDirectory(_ path: String) -> Bool {
        var s = stat()
        return stat(path, &s) == 0 && s.st_mode & S_IFMT == S_IFDIR
    }

    public static func isFile(_ path: String) -> Bool {
        var s = stat()
        return stat(path, &s) == 0 && s.st_mode & S_IFMT == S_IFREG
    }

    /// Makes a directory, and those above it that are missing, with `mode`. One that is there is left as it is.
    public static func makeDirectory(_ path: String, _ mode: UInt32) throws(SysError) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectory(String(path[..<slash]), mode)
        }
        if mkdir(path, mode) < 0, errno != EEXIST { throw SysError(errno: errno, subject: path) }
    }

    /// A whole file, at most `limit` bytes. Throws `.fileTooBig` beyond that.
    public static func readFile(_ path: String, limit: Int = 16 << 20) throws(SysError) -> [UInt8] {
        let fd = HostFd(owning: try HostIO.check(cshim_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), path))
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(65536, limit + 1))
        while true {
            var span = chunk.mutableSpan
            var raw = span.mutableBytes
            let n: Int
            do throws(SysError) { n = try HostIO.read(fd.number, into: &raw) } catch { throw error.about(path) }
            if n == 0 { return bytes }
            guard bytes.count + n <= limit else { throw SysError(.fileTooBig, subject: path) }
            bytes += chunk[..<n]
        }
    }

    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Writes to the host's descriptor 2, for what is said before there is a console.
    public static func complain(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = try? HostIO.write(2, bytes.span.bytes)  // nobody is left to tell
    }

    /// Opens /dev/null at 0, 1 and 2 where nothing is open there, so that no file of ours is taken for one of them.
    public static func fillStandardDescriptors() {
        var fd: Int32 = 0
        while (0...2).contains(fd) { fd = cshim_openat(AT_FDCWD, "/dev/null", O_RDWR, 0) }
        if fd > 2 { close(fd) }
    }

    /// Ends this process of the host. The corresponding POSIX call is `exit(3)`.
    public static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    /// Lets as many descriptors be open as the host allows. The corresponding POSIX call is `setrlimit(2)`.
    public static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
