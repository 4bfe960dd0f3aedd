import Kernel

/// One call on its way to an answer: who asks, what for, and the files that he sees.
struct Request {
    let guest: any Guest
    let proc: Proc
    let tree: Subtree
    let how: How
    private let arguments: InlineArray<6, UInt64>

    init(_ guest: any Guest, _ call: Call, _ how: How) {
        self.guest = guest
        proc = guest.proc
        tree = Subtree(of: proc)
        self.how = how
        arguments = call.arguments
    }

    // MARK: arguments

    /// The bits of an argument.
    func word(_ n: Int) -> UInt64 { arguments[n] }
    /// An argument that the program gave as an int: the upper half means nothing.
    func int(_ n: Int) -> Int32 { Int32(truncatingIfNeeded: arguments[n]) }
    func unsigned(_ n: Int) -> UInt32 { UInt32(truncatingIfNeeded: arguments[n]) }

    /// Bytes of a path with its NUL, as Linux takes them.
    static let pathLimit = 4096

    /// Throws `.badArg` where `flags` has others than these.
    func check(_ flags: Int32, _ known: Int32) throws(SysError) {
        guard flags & ~known == 0 else { throw .badArg }
    }

    // MARK: calls

    func answer(_ call: SystemCall) throws(SysError) -> Answer {
        switch call {
        case .open: try open(try name(0), unsigned(1), unsigned(2))
        case .openat: try open(try name(1, at: 0), unsigned(2), unsigned(3))
        case .creat: try open(try name(0), Self.creat, unsigned(1))
        case .stat: try stat(try name(0), word(1))
        case .lstat: try stat(try name(0), word(1), follow: false)
        case .newfstatat: try newfstatat()
        case .statx: try statx()
        case .access: try access(try name(0), int(1))
        case .faccessat: try faccessat(0)
        case .faccessat2: try faccessat(int(3))
        case .readlink: try readlink(try name(0), word(1), int(2))
        case .readlinkat: try readlink(try name(1, at: 0, orFile: true), word(2), int(3))
        case .getcwd: try getcwd(word(0), word(1))
        case .chdir: try chdir { () throws(SysError) in try find(try name(0)) }
        case .fchdir: try fchdir(int(0))
        case .umask: .value(UInt64(umask(unsigned(0))))
        case .getdents64: try getdents(int(0), word(1), unsigned(2))
        case .statfs: try statfs(try find(try name(0)), word(1))
        case .fstatfs: try fstatfs()
        case .setxattr, .lsetxattr, .fsetxattr, .getxattr, .lgetxattr, .fgetxattr, .listxattr, .llistxattr,
            .flistxattr, .removexattr, .lremovexattr, .fremovexattr:
            throw .notSupported
        default: try change(call)
        }
    }

    /// O_CREAT, O_WRONLY and O_TRUNC: what creat(2) is for.
    private static let creat: UInt32 = 0o1101

    private func umask(_ mask: UInt32) -> UInt32 {
        let before = proc.umask
        proc.umask = mask
        return before
    }

    private func fstatfs() throws(SysError) -> Answer {
        guard let c = try guest.file(int(0)).chan else { return .native }
        return try statfs(c, word(1))
    }
}
