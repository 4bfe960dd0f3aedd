import Host
import Kernel
import Linux

/// A call of a program as a person reads it: `openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3`.
///
/// Paths are those that were copied to answer the call, not what stands there afterwards. The corresponding page is strace(1).
enum VxTrace {
    /// What an argument is.
    private enum Kind: Character {
        case path = "p", directory = "a", number = "i", address = "x", open = "o", mode = "m", clone = "c"
        case at = "t", rights = "r", socketAddress = "s", family = "f", style = "y", mount = "n"
    }

    /// The arguments of the calls that are asked about, a letter each.
    private static let shapes: [String: String] = [
        "open": "pom", "openat": "apom", "creat": "pm", "stat": "px", "lstat": "px", "newfstatat": "apxt",
        "statx": "aptxx", "access": "pr", "faccessat": "apr", "faccessat2": "aprt", "readlink": "pxi",
        "readlinkat": "apxi", "getcwd": "xi", "chdir": "p", "fchdir": "i", "umask": "m", "getdents64": "ixi",
        "mkdir": "pm", "mkdirat": "apm", "mknod": "pmx", "mknodat": "apmx", "rmdir": "p", "unlink": "p",
        "unlinkat": "apt", "rename": "pp", "renameat": "apap", "renameat2": "apapx", "link": "pp", "linkat": "apapt",
        "symlink": "pp", "symlinkat": "pap", "chmod": "pm", "fchmod": "im", "fchmodat": "apm", "fchmodat2": "apmt",
        "chown": "pii", "lchown": "pii", "fchown": "iii", "fchownat": "apiit", "utime": "px", "utimes": "px",
        "futimesat": "apx", "utimensat": "apxt", "truncate": "pi", "statfs": "px", "fstatfs": "ix", "uname": "x",
        "sysinfo": "x", "execve": "pxx", "execveat": "apxxt", "mount": "pppnx", "umount2": "px", "unshare": "c",
        "clone": "cxxxx", "fork": "", "vfork": "", "socket": "fyi", "bind": "isi", "connect": "isi", "listen": "ii",
        "sendto": "ixixsi", "setsockopt": "iiixi", "ioctl": "ixx", "fcntl": "iix", "prctl": "ixxxx",
        "getxattr": "pxxi", "lgetxattr": "pxxi", "listxattr": "pxi", "llistxattr": "pxi", "setxattr": "pxxix",
        "lsetxattr": "pxxix",
    ]

    /// The call; `texts` has what was copied, by address.
    static func text(_ call: HostTrap, _ texts: [UInt64: [UInt8]]) -> String {
        let name = VxNames.call(call.number)
        let arguments = (shapes[name] ?? "xxxxxx").enumerated().map { i, letter in
            shown(Kind(rawValue: letter) ?? .address, call.arguments[i], texts)
        }
        // What makes no file takes no mode.
        let count = name.hasPrefix("open") && !(arguments.contains { $0.contains("O_CREAT") }) ? 1 : 0
        return "\(name)(\(arguments.dropLast(count).joined(separator: ", ")))"
    }

    static func failure(_ errno: Int32, _ why: String) -> String { "= -1 \(VxNames.failure(errno)) (\(why))" }

    private static func shown(_ kind: Kind, _ word: UInt64, _ texts: [UInt64: [UInt8]]) -> String {
        let low = UInt32(truncatingIfNeeded: word)
        let int = Int32(truncatingIfNeeded: word)
        switch kind {
        case .path, .socketAddress:
            guard let bytes = texts[word] else { return hex(word) }
            return kind == .path ? quoted(bytes) : address(bytes)
        case .directory: return int == -100 ? "AT_FDCWD" : String(int)
        case .number: return String(int)
        case .address: return hex(word)
        case .mode: return "0" + String(low, radix: 8)
        case .open: return flags(low & ~3, openFlags, ["O_RDONLY", "O_WRONLY", "O_RDWR", "3"][Int(low & 3)])
        case .clone:
            return flags(
                low & ~0xff, cloneFlags, low & 0xff == 17 ? "SIGCHLD" : low & 0xff == 0 ? nil : hex(word & 0xff))
        case .at: return flags(low, atFlags)
        case .rights: return flags(low, rights, low == 0 ? "F_OK" : nil)
        case .family:
            return ["AF_UNSPEC", "AF_UNIX", "AF_INET"].indices.contains(Int(low))
                ? ["AF_UNSPEC", "AF_UNIX", "AF_INET"][Int(low)]
                : low == 10 ? "AF_INET6" : low == 16 ? "AF_NETLINK" : String(low)
        case .style:
            let base = [1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET"][low & 0xf]
            return flags(low & ~0xf, styleFlags, base ?? String(low & 0xf))
        case .mount: return flags(low, mountFlags)
        }
    }

    private static func hex(_ word: UInt64) -> String { word == 0 ? "0" : "0x" + String(word, radix: 16) }

    /// The names of the bits, what has none as a number, behind `first`.
    private static func flags(_ word: UInt32, _ names: KeyValuePairs<UInt32, String>, _ first: String? = nil) -> String
    {
        var rest = word
        var words = first.map { [$0] } ?? []
        for (bits, name) in names where rest & bits == bits {
            words.append(name)
            rest &= ~bits
        }
        if rest != 0 || words.isEmpty { words.append(hex(UInt64(rest))) }
        return words.joined(separator: "|")
    }

    private static let openFlags: KeyValuePairs<UInt32, String> = [
        0o100: "O_CREAT", 0o200: "O_EXCL", 0o400: "O_NOCTTY", 0o1000: "O_TRUNC", 0o2000: "O_APPEND",
        0o4000: "O_NONBLOCK", 0o4010000: "O_SYNC", 0o10000: "O_DSYNC", 0o20200000: "O_TMPFILE",
        0o200000: "O_DIRECTORY", 0o400000: "O_NOFOLLOW", 0o100000: "O_LARGEFILE", 0o1000000: "O_NOATIME",
        0o2000000: "O_CLOEXEC", 0o10000000: "O_PATH",
    ]
    private static let cloneFlags: KeyValuePairs<UInt32, String> = [
        0x100: "CLONE_VM", 0x200: "CLONE_FS", 0x400: "CLONE_FILES", 0x800: "CLONE_SIGHAND", 0x2000: "CLONE_PTRACE",
        0x4000: "CLONE_VFORK", 0x8000: "CLONE_PARENT", 0x1_0000: "CLONE_THREAD", 0x2_0000: "CLONE_NEWNS",
        0x4_0000: "CLONE_SYSVSEM", 0x8_0000: "CLONE_SETTLS", 0x10_0000: "CLONE_PARENT_SETTID",
        0x20_0000: "CLONE_CHILD_CLEARTID", 0x100_0000: "CLONE_CHILD_SETTID", 0x200_0000: "CLONE_NEWCGROUP",
        0x400_0000: "CLONE_NEWUTS", 0x800_0000: "CLONE_NEWIPC", 0x1000_0000: "CLONE_NEWUSER",
        0x2000_0000: "CLONE_NEWPID", 0x4000_0000: "CLONE_NEWNET",
    ]
    private static let atFlags: KeyValuePairs<UInt32, String> = [
        0x100: "AT_SYMLINK_NOFOLLOW", 0x200: "AT_REMOVEDIR", 0x400: "AT_SYMLINK_FOLLOW", 0x800: "AT_NO_AUTOMOUNT",
        0x1000: "AT_EMPTY_PATH",
    ]
    private static let rights: KeyValuePairs<UInt32, String> = [4: "R_OK", 2: "W_OK", 1: "X_OK"]
    private static let styleFlags: KeyValuePairs<UInt32, String> = [0o4000: "SOCK_NONBLOCK", 0o2000000: "SOCK_CLOEXEC"]
    private static let mountFlags: KeyValuePairs<UInt32, String> = [
        1: "MS_RDONLY", 2: "MS_NOSUID", 4: "MS_NODEV", 8: "MS_NOEXEC", 32: "MS_REMOUNT", 4096: "MS_BIND",
        8192: "MS_MOVE", 16384: "MS_REC",
    ]

    private static let textLimit = 256

    /// In quotes, as C writes it; what is too long ends in dots.
    private static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes.prefix(textLimit) {
            switch byte {
            case 0x0a: text += "\\n"
            case 0x09: text += "\\t"
            case 0x22: text += "\\\""
            case 0x5c: text += "\\\\"
            case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\"" + (bytes.count > textLimit ? "..." : "")
    }

    private static func address(_ bytes: [UInt8]) -> String {
        switch GuestAddress(bytes) {
        case .ip(let address, _): address.description
        case .path(let path): quoted(path)
        case .abstract: "@" + quoted(Array(bytes.dropFirst(3)))
        case .nobody: "AF_UNSPEC"
        case .unknown: quoted(bytes)
        }
    }
}
