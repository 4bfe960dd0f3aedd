import Host
import Kernel
import Testing

/// Runs `body` as process 1 of a system of its own that has `devices`, among them one with the letter `/`.
///
/// It runs on that process's host thread, so it may block, and belongs to the test that called, so its expectations
/// count there. Afterwards all processes are ended, and nothing of the system may be left.
public func withSystem<T: Sendable>(
    _ devices: [any Dev], user: String = "glenda", account: Account = Account(), programs: [ProgramEntry] = [],
    _ body: @Sendable (Proc) throws -> T
) async throws -> T {
    let watch = Watch()
    let executor = FirstProcess(Cred(user: user, uid: 1000, gid: 1000), account, devices, programs, watch)
    let result = try await withTaskExecutorPreference(executor) {
        guard let proc = executor.proc.withLock({ $0 }) else { throw SysError("the system did not start") }
        return try body(proc)
    }
    watch.system?.shutdown(until: HostClock.monotonic() + 10_000_000_000)
    for _ in 0..<2000 where watch.system != nil { try await Task.sleep(for: .milliseconds(5)) }
    #expect(watch.system == nil, "processes or Chans are left")
    #expect(account.held(.threads) == 0)
    #expect(account.held(.descriptors) == 0)
    return result
}

/// Tells when a system has gone. Written once, before the system starts.
private final class Watch: @unchecked Sendable {
    weak var system: System?
}

/// Runs a task's jobs as the first process of a system that it makes.
private final class FirstProcess: TaskExecutor {
    let proc = Lock<Proc?>(nil)
    private let cred: Cred
    private let system: Lock<System?>

    init(_ cred: Cred, _ account: Account, _ devices: [any Dev], _ programs: [ProgramEntry], _ watch: Watch) {
        self.cred = cred
        let system = System(account: account)
        for program in programs { system.add(program) }
        for device in devices { system.add(device) }
        watch.system = system
        self.system = Lock(system)
    }

    /// The first job is the test's body; the system is the processes' from then on.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let system = system.withLock { $0.take() }
        let first = try? system?.boot(cred, args: ["test"]) { [self] p in
            proc.withLock { $0 = p }
            job.runSynchronously(on: asUnownedTaskExecutor())
            proc.withLock { $0 = nil }
            return .ok
        }
        // The body finds no process, and says so.
        if first == nil { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

/// What `body` throws; nil where it succeeds.
public func thrown<T>(_ body: () throws(SysError) -> T) -> SysError? {
    do throws(SysError) { _ = try body() } catch { return error }
    return nil
}

/// The kind of what `body` throws.
public func code<T>(_ body: () throws(SysError) -> T) -> SysError.Code? { thrown(body)?.code }

/// Waits until `condition` holds, for what has no event to wait for; false after some seconds.
public func inTime(_ condition: () -> Bool) throws(SysError) -> Bool {
    for _ in 0..<5000 {
        if condition() { return true }
        try Thread.sleep(nanoseconds: 1_000_000)
    }
    return false
}

extension Proc {
    /// The whole text of a file.
    public func text(_ path: String) throws(SysError) -> String {
        let fd = try open(path)
        let bytes = try readn(fd, 1 << 20)
        try close(fd)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Makes or truncates a file that holds `text`.
    public func put(_ path: String, _ text: String, _ perm: UInt32 = 0o644) throws(SysError) {
        let fd = try create(path, .write, FileMode(rawValue: perm))
        defer { _ = try? close(fd) }  // a failed write is what counts
        if !text.isEmpty { try write(fd, text) }
    }

    /// Writes `text` to a file that is there.
    public func send(_ path: String, _ text: String) throws(SysError) {
        let fd = try open(path, .write)
        defer { _ = try? close(fd) }  // a failed write is what counts
        try write(fd, text)
    }

    /// The names in a directory, in its order.
    public func names(_ path: String, limit: Int = 256) throws(SysError) -> [String] {
        let fd = try open(path)
        var names: [String] = []
        while case let some = try dirread(fd, limit: limit), !some.isEmpty { names += some.map(\.name) }
        try close(fd)
        return names
    }
}
