import Devices
import Kernel
import KernelTestSupport
import Linux
import Testing

/// Calls as one writes them down: `openat(AT_FDCWD, "f", O_CREAT|O_RDWR, 0644) = 3`, a line each.
///
/// A result is a number, an errno's name, text in quotes, or `_` for whatever comes. `@` is the address of 4096 bytes of
/// memory, `NULL` is 0, `$BAD` is an address where nothing is. Beside Linux's calls there are some that say what is
/// there: `mode kind size nlink target cwd ls get put close same`.
struct Script {
    let guest: MemoryGuest
    private(set) var failures: [String] = []

    init(_ guest: MemoryGuest) { self.guest = guest }

    mutating func run(_ text: String) {
        for line in text.split(separator: "\n") where !line.allSatisfy({ $0 == " " }) {
            guard let (name, words, expected) = Self.parse(String(line)) else {
                failures.append("not understood: \(line)")
                continue
            }
            let got = outcome(name, words, isText: expected.first == "\"")
            if expected != "_", got != expected { failures.append("\(line)  <- \(got)") }
        }
    }

    // MARK: reading

    /// `name(words) = result`, blanks outside quotes left out.
    static func parse(_ line: String) -> (String, [String], String)? {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var name: String?
        var rest: Substring?
        for i in line.indices {
            let c = line[i]
            if c == "\"" { isQuoted.toggle() }
            if isQuoted || c != " " && c != "(" && c != "," && c != ")" {
                word.append(c)
                continue
            }
            if c == "(" { (name, word) = (word, "") }
            if c == "," || c == ")", !word.isEmpty { (words, word) = (words + [word], "") }
            if c == ")" {
                rest = line[line.index(after: i)...]
                break
            }
        }
        guard let name, let rest, let sign = rest.firstIndex(of: "=") else { return nil }
        return (name, words, String(rest[rest.index(after: sign)...].trimmed))
    }

    private static let constants: [String: Int64] = [
        "AT_FDCWD": -100, "AT_SYMLINK_NOFOLLOW": 0x100, "AT_REMOVEDIR": 0x200, "AT_EACCESS": 0x200,
        "AT_SYMLINK_FOLLOW": 0x400, "AT_EMPTY_PATH": 0x1000, "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_ACCMODE": 3,
        "O_CREAT": 0o100, "O_EXCL": 0o200, "O_TRUNC": 0o1000, "O_APPEND": 0o2000, "O_DIRECTORY": 0o200000,
        "O_NOFOLLOW": 0o400000, "O_CLOEXEC": 0o2000000, "O_PATH": 0o10000000, "O_TMPFILE": 0o20200000,
        "RENAME_NOREPLACE": 1, "RENAME_EXCHANGE": 2, "RENAME_WHITEOUT": 4, "F_OK": 0, "R_OK": 4, "W_OK": 2, "X_OK": 1,
        "S_IFREG": 0o100000, "S_IFIFO": 0o10000, "S_IFCHR": 0o20000, "S_IFDIR": 0o40000, "CLONE_NEWNS": 0x20000,
        "CLONE_NEWNET": 0x4000_0000, "MS_BIND": 4096, "MS_RDONLY": 1, "MS_REMOUNT": 32, "MNT_DETACH": 2, "NULL": 0,
        "$BAD": 8, "UTIME_NOW": 0x3fff_ffff, "UTIME_OMIT": 0x3fff_fffe,
    ]

    static let errnos: [String: Int64] = [
        "EPERM": 1, "ENOENT": 2, "EINTR": 4, "EIO": 5, "ENXIO": 6, "E2BIG": 7, "ENOEXEC": 8, "EBADF": 9, "EAGAIN": 11,
        "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EXDEV": 18, "ENODEV": 19, "ENOTDIR": 20,
        "EISDIR": 21, "EINVAL": 22, "ENOTTY": 25, "EFBIG": 27, "ENOSPC": 28, "EROFS": 30, "EMLINK": 31, "EPIPE": 32,
        "ERANGE": 34, "ENAMETOOLONG": 36, "ENOSYS": 38, "ENOTEMPTY": 39, "ELOOP": 40, "EOPNOTSUPP": 95, "ESTALE": 116,
    ]

    private static func number(_ word: String) -> UInt64 {
        if let n = constants[word] { return UInt64(bitPattern: n) }
        if word.hasPrefix("0x") { return UInt64(word.dropFirst(2), radix: 16) ?? 0 }
        if word.first == "0" { return UInt64(word, radix: 8) ?? 0 }
        return UInt64(bitPattern: Int64(word) ?? 0)
    }

    /// A word as an argument: text goes to memory, numbers may be joined by `|`. `\xHH` in text is a byte, `*N` after it
    /// repeats it.
    private func argument(_ word: String) -> UInt64 {
        if word == "@" { return guest.place([UInt8](repeating: 0, count: 4096)) }
        if word.first == "[" {
            let words = word.dropFirst().dropLast().split(separator: ";").map { Self.number(String($0)) }
            return guest.place(words.flatMap { w in (0..<8).map { UInt8(truncatingIfNeeded: w >> (8 * $0)) } })
        }
        if word.first == "\"" { return guest.place(Self.bytes(word) + [0]) }
        return word.split(separator: "|").reduce(0) { $0 | Self.number(String($1)) }
    }

    static func bytes(_ word: String) -> [UInt8] {
        let parts = word.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return [] }
        var bytes: [UInt8] = []
        var rest = parts[1]
        while let c = rest.first {
            if rest.hasPrefix("\\x"), let byte = UInt8(rest.dropFirst(2).prefix(2), radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(4)
            } else {
                bytes += Array(String(c).utf8)
                rest = rest.dropFirst()
            }
        }
        let times = parts[2].first == "*" ? Int(parts[2].dropFirst()) ?? 1 : 1
        return (0..<times).flatMap { _ in bytes }
    }

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    // MARK: running

    /// What a call of that machine is called.
    private func numbered(_ name: String) -> Int32? { Self.numbers[name] }

    private mutating func outcome(_ name: String, _ words: [String], isText: Bool) -> String {
        if let number = numbered(name) {
            let result = guest.call(number, words.map { argument($0) })
            return Self.show(result)
        }
        return describe(name, words)
    }

    static func show(_ result: Int64) -> String {
        if result == MemoryGuest.native { return "native" }
        if result < 0, let row = errnos.first(where: { $0.value == -result }) { return row.key }
        return String(result)
    }

    private func describe(_ name: String, _ words: [String]) -> String {
        let path = words.first.map { argument($0) } ?? 0
        switch name {
        case "mode", "kind", "size", "nlink", "mtime", "atime", "ino":
            let address = guest.place([UInt8](repeating: 0, count: 144))
            let result = guest.call(6, [path, address])
            guard result == 0, let s = try? guest.read(address, 144) else { return Self.show(result) }
            return Self.field(name, s)
        case "target":
            let address = guest.place([UInt8](repeating: 0, count: 4096))
            return shown(guest.call(89, [path, address, 4096]), address)
        case "cwd":
            let address = guest.place([UInt8](repeating: 0, count: 4096))
            let n = guest.call(79, [address, 4096])
            return shown(n > 0 ? n - 1 : n, address)
        case "ls": return list(path, words.count > 1 ? Self.number(words[1]) : 4096)
        case "close":
            guest.close(Int32(truncatingIfNeeded: path))
            return "0"
        case "same":
            let numbers = words.map { word in identity(word) }
            return numbers.allSatisfy { $0 == numbers[0] } ? "yes" : "no: \(numbers)"
        case "isopen": return guest.chan(Int32(truncatingIfNeeded: path))?.mode == nil ? "no" : "yes"
        case "native": return Self.show(Int64(guest.insert(nil)))
        case "put", "get": return transfer(name, words)
        case "bind": return bound(words)
        case "elf": return makeElf(words)
        case "exec": return executed(words)
        default: return "no call \(name)"
        }
    }

    private func shown(_ n: Int64, _ address: UInt64) -> String {
        guard n >= 0, let bytes = try? guest.read(address, Int(n)) else { return Self.show(n) }
        return "\"\(Self.text(bytes))\""
    }

    static func word(_ s: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(s[at + $1]) << UInt64(8 * $1) }
    }

    private static func field(_ name: String, _ s: [UInt8]) -> String {
        let mode = word(s, 24, 4)
        switch name {
        case "mode": return "0" + String(mode & 0o7777, radix: 8)
        case "kind":
            let kinds: [UInt64: String] = [0o4: "dir", 0o10: "file", 0o12: "link", 0o1: "fifo", 0o2: "char"]
            return kinds[mode >> 12] ?? "?"
        case "size": return String(word(s, 48, 8))
        case "nlink": return String(word(s, 16, 8))
        case "ino": return String(word(s, 8, 8))
        case "atime": return "\(word(s, 72, 8)).\(word(s, 80, 8))"
        default: return "\(word(s, 88, 8)).\(word(s, 96, 8))"
        }
    }

    /// The names in a directory, read with buffers of so many bytes.
    private func list(_ path: UInt64, _ size: UInt64) -> String {
        let fd = guest.call(2, [path, 0o200000, 0])
        guard fd >= 0 else { return Self.show(fd) }
        defer { guest.close(Int32(fd)) }
        let address = guest.place([UInt8](repeating: 0, count: Int(size)))
        var names: [String] = []
        while true {
            let n = guest.call(217, [UInt64(fd), address, size])
            guard n > 0, let bytes = try? guest.read(address, Int(n)) else {
                guard n == 0 else { return Self.show(n) }
                return "\"\(names.joined(separator: " "))\""
            }
            names += DirectoryEntry.all(bytes).map { Self.text($0.name) }
        }
    }

    private func transfer(_ name: String, _ words: [String]) -> String {
        let path = Self.text(Self.bytes(words[0]))
        do throws(SysError) {
            if name == "put" {
                let fd = try guest.proc.create(path, .write, FileMode(rawValue: 0o644))
                try guest.proc.write(fd, Self.bytes(words[1]))
                try guest.proc.close(fd)
                return "0"
            }
            let fd = try guest.proc.open(path)
            let bytes = try guest.proc.readn(fd, 4096)
            try guest.proc.close(fd)
            return "\"\(Self.text(bytes))\""
        } catch { return Self.show(-Int64(error.errno)) }
    }

    /// `st_dev` and `st_ino` of a name, a link itself, or of a descriptor.
    private func identity(_ word: String) -> String {
        let address = guest.place([UInt8](repeating: 0, count: 144))
        let result =
            word.first == "\""
            ? guest.call(6, [argument(word), address])
            : guest.call(262, [argument(word), guest.place(""), address, 0x1000])
        guard result == 0, let s = try? guest.read(address, 16) else { return Self.show(result) }
        return "\(Self.word(s, 0, 8)):\(Self.word(s, 8, 8))"
    }

    private func makeElf(_ words: [String]) -> String {
        let interpreter = words.count > 3 ? Self.bytes(words[3]) + [0] : nil
        let bytes = ElfFile.bytes(
            kind: UInt16(words[1]) ?? 0, machine: UInt16(words[2]) ?? 0, interpreter: interpreter)
        do throws(SysError) {
            let fd = try guest.proc.create(Self.text(Self.bytes(words[0])), .write, FileMode(rawValue: 0o644))
            try guest.proc.write(fd, bytes)
            try guest.proc.close(fd)
        } catch { return error.description }
        return "0"
    }

    /// What execve comes to: file, program interpreter, arguments, machine.
    private func executed(_ words: [String]) -> String {
        let pointers = words.dropFirst().map { argument($0) } + [0]
        let table = guest.place(pointers.flatMap { w in (0..<8).map { UInt8(truncatingIfNeeded: w >> (8 * $0)) } })
        let result = guest.call(59, [argument(words[0]), table, 0])
        guard result == 0, let found = guest.execution else { return Self.show(result) }
        let arguments = found.arguments.map { $0.isEmpty ? "\"\"" : Self.text($0) }.joined(separator: ",")
        let machine = found.program.map { "program \($0)" } ?? found.elf?.machine?.rawValue ?? "?"
        return "\"\(found.path) \(found.interpreter?.path ?? "-") \(arguments) \(machine)\""
    }

    private func bound(_ words: [String]) -> String {
        let names = words.prefix(2).map { Self.text(Self.bytes($0)) }
        var flags = MountFlags.replace
        var mask: Mask?
        for word in words.dropFirst(2) {
            switch word {
            case "after": flags.insert(.after)
            case "before": flags.insert(.before)
            case "create": flags.insert(.create)
            default: mask = try? Mask(word)
            }
        }
        do throws(SysError) { try guest.proc.bind(names[0], names[1], flags, mask: mask) } catch {
            return error.description
        }
        return "0"
    }

    /// The numbers of x86-64, written down once more.
    static let numbers: [String: Int32] = [
        "open": 2, "stat": 4, "lstat": 6, "access": 21, "execve": 59, "uname": 63, "truncate": 76, "getcwd": 79,
        "chdir": 80, "fchdir": 81, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87,
        "symlink": 88, "readlink": 89, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "umask": 95,
        "sysinfo": 99, "utime": 132, "mknod": 133, "statfs": 137, "fstatfs": 138, "mount": 165, "umount2": 166,
        "getxattr": 191, "listxattr": 194, "getdents64": 217, "utimes": 235, "openat": 257, "mkdirat": 258,
        "mknodat": 259, "fchownat": 260, "futimesat": 261, "newfstatat": 262, "unlinkat": 263, "renameat": 264,
        "linkat": 265, "symlinkat": 266, "readlinkat": 267, "fchmodat": 268, "faccessat": 269, "unshare": 272,
        "utimensat": 280, "renameat2": 316, "execveat": 322, "statx": 332, "faccessat2": 439, "fchmodat2": 452,
        "getpid": 39, "bpf": 321,
    ]
}

/// An entry of getdents64(2).
struct DirectoryEntry {
    let inode: UInt64
    let next: UInt64
    let kind: UInt8
    let name: [UInt8]

    static func all(_ bytes: [UInt8]) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        var at = 0
        while at + 19 <= bytes.count {
            let length = Int(Script.word(bytes, at + 16, 2))
            guard length >= 24, at + length <= bytes.count else { return [] }
            entries.append(
                DirectoryEntry(
                    inode: Script.word(bytes, at, 8), next: Script.word(bytes, at + 8, 8), kind: bytes[at + 18],
                    name: Array(bytes[(at + 19)..<(at + length)].prefix { $0 != 0 })))
            at += length
        }
        return entries
    }
}

extension Substring {
    /// Without the blanks around it.
    var trimmed: Substring {
        let start = drop { $0 == " " }
        return start.prefix(start.reversed().drop { $0 == " " }.count)
    }
}

/// A script that has a title, in a directory of memory that nobody else has.
struct ScriptCase: CustomTestStringConvertible, Sendable {
    let title: String
    let script: String
    var testDescription: String { title }

    func check() async throws {
        try await withSystem(Devices.deviceTable.map { $0() }) { p in
            try p.bind("#Rlinux", "/tmp", .create)
            try p.chdir("/tmp")
            p.umask = 0o022
            var script = Script(MemoryGuest(p))
            script.run(self.script)
            #expect(script.failures == [])
            script.guest.closeAll()
        }
    }
}
