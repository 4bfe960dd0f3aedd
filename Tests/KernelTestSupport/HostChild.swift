import Glibc
import Host
import Kernel

/// A program of the host, started with the descriptors it is given as its first three; the others it has not.
public final class HostChild {
    public let pid: pid_t
    private var status: Int32?

    /// `input`, `output` and `errors` are lent: the caller's they stay. Those that are nil are /dev/null.
    public init(
        _ words: String..., input: Int32? = nil, output: Int32? = nil, errors: Int32? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (n, fd) in [input, output, errors].enumerated() {
            if let fd {
                posix_spawn_file_actions_adddup2(&actions, fd, Int32(n))
            } else {
                posix_spawn_file_actions_addopen(&actions, Int32(n), "/dev/null", O_RDWR, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var child = pid_t()
        let failure = posix_spawnp(&child, words[0], &actions, &attributes, arguments, environ)
        guard failure == 0 else { throw SysError("\(words[0]) does not start: errno \(failure)") }
        pid = child
    }

    deinit {
        guard status == nil else { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Whether it waits for something: the state in the host's /proc, see `proc_pid_stat(5)`.
    public var sleeps: Bool {
        guard let text = try? HostEnvironment.readFile("/proc/\(pid)/stat", limit: 4096) else { return false }
        // `PID (NAME) STATE ...`, and the name may hold anything.
        guard let name = text.lastIndex(of: UInt8(ascii: ")")), name + 2 < text.count else { return false }
        return text[name + 2] == UInt8(ascii: "S")
    }

    public func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for its end: the exit status, 128 and the number where a signal ended it.
    public func end() -> Int32 {
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
        status = raw
        return raw & 0x7f == 0 ? raw >> 8 & 0xff : 128 + raw & 0x7f
    }
}

/// Runs a program to its end.
public func runHost(
    _ words: String, input: Int32? = nil, output: Int32? = nil, errors: Int32? = nil
) throws -> Int32 {
    try HostChild("sh", "-c", words, input: input, output: output, errors: errors).end()
}

extension Proc {
    /// The host's descriptor for one of ours. Throws where it has none.
    public func lend(_ fd: Int32) throws(SysError) -> Int32 {
        let c = try fildes(fd)
        guard let number = try c.dev.lend(c, caller) else { throw SysError("\(c.path) is not lent") }
        return number
    }

    /// `count` bytes at most, as text.
    public func get(_ fd: Int32, _ count: Int = 4096) throws(SysError) -> String {
        String(decoding: try read(fd, count), as: UTF8.self)
    }
}
