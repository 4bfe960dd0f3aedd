import CShim
import Glibc

/// A program of the host that we started: it leads a session, and so a process group, of its own, and its standard files are
/// pipes to us.
///
/// One helper thread waits for it, and for it alone. It is reaped after `release` and not before: until then its number
/// is nobody else's, and what it has left of its group can be killed.
public final class HostProcess: Sendable {
    /// How it ended.
    public struct End: Sendable {
        public let pid: Int32
        /// The exit status, nil where a signal ended it.
        public let code: Int32?
        /// That signal, else 0.
        public let signal: Int32
        /// CPU time in milliseconds: in programs, and in the host for them.
        public let user: Int
        public let system: Int
    }

    /// Our ends of its pipes, which do not block.
    public struct Files: Sendable {
        public let input: HostStream
        public let output: HostStream
        /// nil where nobody is to read what it says of trouble.
        public let errors: HostStream?
    }

    /// What it runs, and where.
    public struct Command: Sendable {
        /// The program, found by the host's PATH where it has no slash, and its arguments.
        public var words: [String]
        /// `NAME=value`: all of its environment.
        public var environment: [String] = []
        /// A directory of the host.
        public var directory = "/"
        /// Steps below our priority, 0 to 19.
        public var nice: Int32 = 0
        /// Whether what it says of trouble is to be read; else it is lost.
        public var hasErrors = true

        public init(_ words: [String]) { self.words = words }
    }

    public let pid: Int32

    private struct State {
        var hasEnded = false
        var isReleased = false

        var isReaped: Bool { hasEnded && isReleased }
    }

    private let state = Lock(State())

    private init(_ pid: Int32) { self.pid = pid }

    /// Starts `command`. `ended` is called once, on the helper. Throws what the host says where it cannot be run.
    public static func start(
        _ command: Command, ended: @escaping @Sendable (End) -> Void
    ) throws(SysError) -> (HostProcess, Files) {
        guard HostEnvironment.isDirectory(try HostEnvironment.realPath(command.directory)) else {
            throw SysError(.notDir, subject: command.directory)
        }
        let input = try Pipe(ours: .writing)
        let output = try Pipe(ours: .reading)
        let errors = command.hasErrors ? try Pipe(ours: .reading) : nil
        let process = HostProcess(
            try spawn(command, [input.theirs.number, output.theirs.number, errors?.theirs.number ?? -1]))
        // Where the host does not let it, it runs as we do.
        if command.nice != 0 { try? HostThread.setNice(command.nice, of: process.pid) }
        guard HostThread.start({ process.wait(ended) }) else {
            kill(-process.pid, SIGKILL)
            waitpid(process.pid, nil, 0)
            throw .noMemory
        }
        return (process, Files(input: input.ours, output: output.ours, errors: errors?.ours))
    }

    /// Sends a signal to its process group. False where it has ended. The corresponding POSIX call is `killpg(3)`.
    public func signal(_ number: Int32) -> Bool { state.withLock { !$0.hasEnded && kill(-pid, number) == 0 } }

    /// Kills it, and all of its group that it has left behind; nothing may be asked of it afterwards.
    public func release() {
        state.withLock { s in
            guard !s.isReleased else { return }
            kill(-pid, SIGKILL)
            s.isReleased = true
            if s.isReaped { waitpid(pid, nil, 0) }
        }
    }

    /// On the helper.
    private func wait(_ ended: (End) -> Void) {
        var status: Int32 = 0
        var usage = rusage()
        // It is our child and not reaped: there is nothing that could go wrong.
        _ = cshim_await(pid, &status, &usage)
        state.withLock { s in
            s.hasEnded = true
            if s.isReaped { waitpid(pid, nil, 0) }
        }
        ended(
            End(
                pid: pid, code: cshim_exited(status) != 0 ? cshim_exitstatus(status) : nil,
                signal: cshim_termsig(status),
                user: Self.milliseconds(usage.ru_utime), system: Self.milliseconds(usage.ru_stime)))
    }

    private static func milliseconds(_ time: timeval) -> Int { Int(time.tv_sec) * 1000 + Int(time.tv_usec) / 1000 }

    private static func spawn(_ command: Command, _ fds: [Int32]) throws(SysError) -> Int32 {
        guard let name = command.words.first else { throw .badArg }
        let words = terminated(command.words)
        let environment = terminated(command.environment)
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let failure = HostName.withBytes(command.directory) { cshim_spawn(words, environment, $0, fds, &pid) }
        guard failure == 0 else { throw SysError(errno: failure, subject: name) }
        return pid
    }

    /// Copies of `words` as the host takes them, nil after the last; to be freed.
    private static func terminated(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { word in HostName.withBytes(word) { strdup($0) } } + [nil]
    }

    /// A pipe between us and a child: our end does not block.
    private final class Pipe {
        enum Side: Int32 { case reading, writing }

        let theirs: HostFd
        let ours: HostStream

        init(ours side: Side) throws(SysError) {
            var ends: [Int32] = [-1, -1]
            try HostIO.check(cshim_pipe(&ends, side.rawValue))
            theirs = HostFd(owning: ends[1 - Int(side.rawValue)])
            ours = HostStream(owning: HostFd(owning: ends[Int(side.rawValue)]))
        }
    }
}
