import Host
import Kernel
import Testing

@testable import Vx

/// What is told of a view's calls and files.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TraceTests {
    /// What is said while a program of `Tests/Programs` runs in one of its modes.
    private func told(
        _ source: String, _ words: [String], network: Bool = false, set: (inout VxOptions) -> Void
    ) throws -> [String] {
        let lines = Lock<[String]>([])
        var options = VxOptions()
        set(&options)
        options.say = { line in lines.withLock { $0.append(line) } }
        _ = try inCell(
            source, words, options,
            inside: { (p) throws(SysError) in
                try p.bind("#Rram", "/ram", .create)
                try? p.mkdir("/proc")  // where we have it too
                try p.bind("#x", "/proc")
                if network { try p.bind("#I", "/net") }
            })
        return lines.withLock { $0 }
    }

    @Test(arguments: [
        (
            "named.c", ["path"],
            [
                #"2 openat(AT_FDCWD, "/in/file", O_RDONLY|O_CLOEXEC|O_PATH) = 3"#,
                #"2 newfstatat(AT_FDCWD, "/in/file", 0x"#,
                #"2 openat(AT_FDCWD, "/proc/self/fd/3", O_WRONLY) = -1 EACCES (permission denied)"#,
                #"2 openat(3, "x", O_RDONLY) = -1 ENOTDIR (not a directory)"#,
                "2 fchmod(3, 0777) = -1 EACCES (permission denied)",
                #"2 symlink("/in/file", "/ram/link") = 0"#, "= program /attack",
            ]
        ),
        (
            "named.c", ["space"],
            [
                #"2 mkdir("/ram/a", 0755) = 0"#, #"2 openat(AT_FDCWD, "/ram/a/f", O_WRONLY|O_CREAT, 0644) = 3"#,
                "2 clone(SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID, ", " = 3", "3 unshare(CLONE_NEWNS) = 0",
                #"3 mount("/ram/a", "/ram/b", 0, MS_BIND, 0) = 0"#, #"3 access("/ram/b/f", F_OK) = 0"#,
                #"2 access("/ram/b/f", F_OK) = -1 ENOENT ("#, #"4 umount2("/ram/b", "#,
            ]
        ),
        (
            "sockets.c", ["paths", "/ram"],
            [
                #"2 chdir("/ram") = 0"#, #"2 bind(3, "deep/../deep/./s", 110) = 0"#,
                #"2 connect(4, "deep/s", 110) = -1 ECONNREFUSED (connection refused)"#, "2 listen(3, 3) = 0",
                #"2 rename("deep/s", "moved") = 0"#, #""d2", 110) = 4"#,
            ]
        ),
        (
            "sockets.c", ["internet"],
            [
                "2 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 3",
                "2 bind(3, 192.0.2.1!0, 16) = -1 EACCES (permission denied)", "2 bind(3, 0.0.0.0!0, 16) = 0",
                "2 connect(", "127.0.0.1!", "2 socket(AF_NETLINK, SOCK_RAW, 0) = -1 EAFNOSUPPORT (",
                "2 setsockopt(", "2 refused setsockopt, 2 times",
            ]
        ),
        (
            "attack.c", ["refused"],
            [
                "2 bpf(0, 0, 0, ", ") = -1 ENOSYS (not in this emu)", "2 ioctl(0, 0x5412, 0x",
                "2 unshare(CLONE_NEWUSER) = -1 EPERM (not owner)", "2 clone(SIGCHLD|CLONE_NEWUSER, ",
                "2 refused io_uring_setup, 1 times",
            ]
        ),
    ])
    func callsAreToldAsOneWritesThem(_ source: String, _ words: [String], _ parts: [String]) throws {
        let lines = try told(source, words, network: source == "sockets.c") { $0.traces = true }
        for part in parts {
            #expect(lines.contains { $0.contains(part) }, "\(part)\n\(lines.joined(separator: "\n"))")
        }
    }

    @Test func aFileIsServedInOneOfSeveralWays() throws {
        let lines = try told("attack.c", ["directories"]) { $0.explains = true }
        #expect(lines.contains("2 /in: directory, read here"))
        #expect(lines.contains("2 /in/file: descriptor that #U lends"))
        // What runs it reads it.
        #expect(lines.contains("2 /attack: descriptor that #U lends"))
    }

    @Test func whatHasNoNameIsANumber() {
        #expect(VxNames.call(0) == "read")
        #expect(VxNames.call(257) == "openat")
        #expect(VxNames.call(452) == "fchmodat2")
        #expect(VxNames.call(-1) == "call -1")
        #expect(VxNames.call(350) == "call 350")
        #expect(VxNames.failure(2) == "ENOENT")
        #expect(VxNames.failure(111) == "ECONNREFUSED")
        #expect(VxNames.failure(41) == "errno 41")
        #expect(VxNames.failure(0) == "errno 0")
    }
}
