import Host
import Synchronization

/// One running system: its devices, programs, modules and processes. `emu` makes one; tests make many.
public final class System: Sendable {
    /// The version that --version and /dev/sysname tell.
    public static let version = "0.1"

    private struct Tables {
        var devices: [Character: any Dev] = [:]
        var programs: [String: ProgramEntry] = [:]
        var engines: [any Engine] = []
        var modules = ModuleTable([])
        var editor: (any LineEditor)?
    }

    private let tables = Lock(Tables())
    let procs = Lock<[Int32: Proc]>([:])
    let semaphores = FileSemaphores()
    private let nextPid = Atomic<Int32>(1)
    public let clock: any Clock
    public let account: Account
    public let grants: HostGrants
    /// Wakes when the last process has gone, and when the first one has ended.
    let quiet = WaitQueue()
    /// How the first process ended.
    private let end = Lock<WaitRecord?>(nil)

    public init(clock: any Clock = HostSystemClock(), account: Account = Account(), grants: HostGrants = HostGrants()) {
        self.clock = clock
        self.account = account
        self.grants = grants
    }

    // MARK: devices, programs, modules

    /// Puts a device in. Two with the same letter are a mistake of the builder.
    public func add(_ device: any Dev) {
        tables.withLock { t in
            precondition(t.devices[device.letter] == nil, "two devices have the letter \(device.letter)")
            t.devices[device.letter] = device
        }
        device.start(self)
    }

    public func device(_ letter: Character) -> (any Dev)? { tables.withLock { $0.devices[letter] } }

    /// All devices, by letter.
    public var devices: [any Dev] { tables.withLock { Array($0.devices.values) }.sorted { $0.letter < $1.letter } }

    public func add(_ program: ProgramEntry) { tables.withLock { $0.programs[program.name] = program } }

    /// All programs, by path.
    public var programs: [ProgramEntry] { tables.withLock { Array($0.programs.values) }.sorted { $0.path < $1.path } }

    func program(_ name: String) -> ProgramEntry? { tables.withLock { $0.programs[name] } }

    public func add(_ engine: any Engine) { tables.withLock { $0.engines.append(engine) } }

    /// Whether one of its engines makes processes of the host.
    public var makesProcesses: Bool { tables.withLock { $0.engines }.contains { $0.makesProcesses } }

    func engine(for header: [UInt8]) -> (any Engine)? {
        tables.withLock { $0.engines }.first { $0.claims(header) }
    }

    /// The builtin modules that `load` finds.
    public var modules: ModuleTable {
        get { tables.withLock { $0.modules } }
        set { tables.withLock { $0.modules = newValue } }
    }

    /// Line editing on the console, where the host gives it.
    public var lineEditor: (any LineEditor)? {
        get { tables.withLock { $0.editor } }
        set { tables.withLock { $0.editor = newValue } }
    }

    // MARK: processes

    /// The first process. Its root is `#/`; `body` runs on a Thread of its own.
    public func boot(
        _ cred: Cred, args: [String], _ body: @escaping @Sendable (Proc) throws(SysError) -> Status
    ) throws(SysError) -> Proc {
        let caller = Caller(cred: cred, clock: clock, account: account)
        guard let root = device("/") else { throw SysError("no root device in this emu") }
        let top = try root.attach("", caller)
        top.node = PathNode()
        let proc = try Proc.first(self, caller, root: top, args: args)
        try proc.start(body)
        return proc
    }

    /// The process `pid`, nil where there is none (a dead one that was not waited for counts).
    public func proc(_ pid: Int32) -> Proc? { procs.withLock { $0[pid] } }

    /// All processes, by pid.
    public var processes: [Proc] { procs.withLock { Array($0.values) }.sorted { $0.pid < $1.pid } }

    public var processCount: Int { procs.withLock { $0.count } }

    /// Enters `proc` under a pid that is free.
    func enter(_ make: (Int32) -> Proc) -> Proc {
        procs.withLock { table in
            while true {
                var pid = nextPid.wrappingAdd(1, ordering: .relaxed).oldValue
                if pid <= 0 || pid > 1 << 30 {
                    nextPid.store(2, ordering: .relaxed)
                    pid = 1
                }
                guard table[pid] == nil else { continue }
                let proc = make(pid)
                table[pid] = proc
                return proc
            }
        }
    }

    func leave(_ pid: Int32) {
        let (gone, isLast) = procs.withLock { ($0.removeValue(forKey: pid), $0.isEmpty) }
        withExtendedLifetime(gone) { if isLast { quiet.wake() } }
    }

    /// Posts `note` to every process of `group`. The corresponding POSIX call is `killpg(3)`.
    public func post(_ note: Note, toGroup group: Int32) {
        for p in processes where p.group == group { p.post(note) }
    }

    /// Whether nobody would let a group go on that a terminal has stopped: no parent of a member is in the session, and
    /// not itself in the group. POSIX says "orphaned process group".
    public func isOrphaned(_ group: Int32) -> Bool {
        !processes.contains { p in
            guard p.group == group, let parent = proc(p.state.withLock { $0.parent }) else { return false }
            return parent.session == p.session && parent.group != group
        }
    }

    /// Kills all processes that `wanted` says, also those that they make meanwhile: who makes one while it is killed
    /// kills it, and who was made before that is found by looking again.
    public func kill(where wanted: (Proc) -> Bool) {
        while true {
            let alive = processes.filter { !$0.isKilled && wanted($0) }
            guard !alive.isEmpty else { return }
            for p in alive { p.kill() }
        }
    }

    /// Ends every process and waits until they are gone or `deadline` (host monotonic nanoseconds) has passed.
    public func shutdown(until deadline: UInt64) {
        kill { _ in true }
        waitUntil(deadline) { processCount == 0 }
    }

    /// The host or a person ends the system: every process gets `note`, and the first one, whose end is the system's, is
    /// killed with it as status when it has not ended after `grace` nanoseconds. Waits until then; for a host thread
    /// that runs no process.
    public func end(_ note: Note, grace: UInt64 = 500_000_000) {
        for p in processes { p.post(note) }
        waitUntil(HostClock.monotonic() + grace) { end.withLock { $0 != nil } }
        proc(1)?.kill(Status(note.text))
    }

    /// Waits, on a host thread that runs no process, until the first process has ended.
    public func waitForEnd() -> WaitRecord? {
        waitUntil(nil) { end.withLock { $0 != nil } }
        return end.withLock { $0 }
    }

    func firstEnded(_ record: WaitRecord) {
        end.withLock { $0 = record }
        quiet.wake()
    }

    private func waitUntil(_ deadline: UInt64?, _ done: () -> Bool) {
        let parker = Parker()
        let waiter = Waiter { parker.unpark() }
        while !done() {
            waiter.arm()
            waiter.stand(on: quiet)
            defer { waiter.cancel() }
            guard !done(), parker.park(until: deadline) else { break }
        }
    }
}

/// The host's time, as it is.
public struct HostSystemClock: Clock {
    public init() {}
    public func now() -> Int64 { HostClock.realtime() }
    public func monotonic() -> UInt64 { HostClock.monotonic() }
}
