import Devices
import Glibc
import Host
import Synchronization
import Testing

@testable import Kernel

/// What a process waits for in these tests. It sets up for many, and gives what each of them runs.
enum Blocking: String, CaseIterable, Codable, Sendable {
    case pipeRead, pipeWrite, pollPipe, sleep, wait, served, semaphore, localSemaphore, ttyRead, ttyWrite, stopped
    case hostFifo, hostFifoOpen, hostSocket, hostOutput, hostWait

    typealias Body = @Sendable (Proc) throws(SysError) -> Status

    /// What is to be kept while they wait, and the body.
    func prepare(_ p: Proc) throws(SysError) -> (kept: AnyObject?, body: Body) {
        switch self {
        case .pipeRead:
            return (
                nil,
                { c throws(SysError) in
                    let (a, _) = try c.pipe()
                    _ = try c.read(a, 1)
                    return .ok
                }
            )
        case .pipeWrite:
            return (
                nil,
                { c throws(SysError) in
                    let (a, _) = try c.pipe()
                    while true { try c.write(a, [UInt8](repeating: 0, count: 65536)) }
                }
            )
        case .pollPipe:
            return (
                nil,
                { c throws(SysError) in
                    var list: [Proc.Poll] = []
                    for _ in 0..<3 { list.append(Proc.Poll(try c.pipe().0, .read)) }
                    _ = try c.poll(&list)
                    return .ok
                }
            )
        case .sleep:
            return (
                nil,
                { c throws(SysError) in
                    try c.sleep(milliseconds: 1_000_000)
                    return .ok
                }
            )
        case .wait:
            return (
                nil,
                { c throws(SysError) in
                    let child = try c.spawn { g throws(SysError) in
                        try g.sleep(milliseconds: 1_000_000)
                        return .ok
                    }
                    _ = try c.wait(.pid(child))
                    return .ok
                }
            )
        case .served:
            try p.bind("#s", "/chan", .create)
            return (
                try p.file2chan("/chan", "f"),
                { c throws(SysError) in
                    _ = try c.read(try c.open("/chan/f"), 1)
                    return .ok
                }
            )
        case .semaphore:
            return (
                nil,
                { c throws(SysError) in
                    try c.semDown(try c.open("/n"))
                    return .ok
                }
            )
        case .localSemaphore:
            return (
                nil,
                { c throws(SysError) in
                    try c.write(try c.open("#z/clone", .readWrite), "down")
                    return .ok
                }
            )
        case .ttyRead:
            try p.bind("#y", "/n")
            _ = try p.open("/n/ptmx", .readWrite)
            return (
                nil,
                { c throws(SysError) in
                    _ = try c.read(try c.open("/n/0"), 1)
                    return .ok
                }
            )
        case .ttyWrite:
            try p.bind("#y", "/n")
            _ = try p.open("/n/ptmx", .readWrite)
            return (
                nil,
                { c throws(SysError) in
                    let fd = try c.open("/n/0", .write)
                    while true { try c.write(fd, [UInt8](repeating: 65, count: 65536)) }
                }
            )
        case .stopped:
            return (
                nil,
                { c throws(SysError) in
                    c.stop()
                    try Thread.check()
                    return .ok
                }
            )
        case .hostFifo:
            return (
                nil,
                { c throws(SysError) in
                    _ = try c.read(try c.open("#Uin/fifo", .readWrite), 1)
                    return .ok
                }
            )
        case .hostFifoOpen:
            return (
                nil,
                { c throws(SysError) in
                    _ = try c.open("#Uin/unread", .write)
                    return .ok
                }
            )
        case .hostSocket:
            return (
                nil,
                { c throws(SysError) in
                    _ = try c.read(try c.open("#c/hoststdin"), 1)
                    return .ok
                }
            )
        case .hostOutput, .hostWait:
            let file = self == .hostWait ? "wait" : "data"
            return (
                nil,
                { c throws(SysError) in
                    let control = try c.open("#C/cmd/clone", .readWrite)
                    let number = String(decoding: try c.read(control, 32), as: UTF8.self)
                    let fd = try c.open("#C/cmd/\(number)/\(file)")
                    try c.write(control, "exec sleep 1000")
                    _ = try c.read(fd, 1)
                    return .ok
                }
            )
        }
    }

    /// Runs `body` in a system with what the kinds above need of the host: FIFOs that nobody opens, a socket that nobody
    /// writes to as its standard input, and programs.
    static func inSystem<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
        let folder = HostFolder()
        for name in ["fifo", "unread"] {
            mkfifo("\(folder.granted)/\(name)", 0o666)
            chmod("\(folder.granted)/\(name)", 0o666)
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0, dup2(ends[0], 0) == 0 else {
            throw SysError(errno: errno)
        }
        var grants = HostGrants()
        grants.trees["in"] = .init(folder.granted)
        grants.commands = true
        return try withExtendedLifetime(folder) { try DevicesTests.inSystem(grants: grants, body) }
    }

    /// How many processes each of them is.
    var weight: Int { self == .wait ? 2 : 1 }
}

/// What is alive: the kernel's objects, and what the host lends for them.
struct Census: CustomStringConvertible {
    let live = Live.now
    let running = HostThread.live
    let descriptors = HostMemory.counts().descriptors

    /// Whether nothing was left. The testing library opens a few descriptors of its own when it likes; a leak is as
    /// many as there were processes.
    func isBack(to before: Census) -> Bool {
        live == before.live && running == before.running && descriptors <= before.descriptors + 4
    }

    var description: String { "\(live) \(running) host threads \(descriptors) host descriptors" }
}

/// Each runs in a process of its own: the counts are of the whole emu.
@Suite struct KillTests {
    /// `make soak` sets them higher.
    static func setting(_ name: String, or standard: Int) -> Int {
        HostEnvironment.variable(name).flatMap { Int($0) } ?? standard
    }

    /// One kind alone, or all.
    static let kinds = Blocking.allCases.filter { [nil, $0.rawValue].contains(kind) }
    private static let kind = HostEnvironment.variable("EMU_KILL_KIND")

    @Test(.timeLimit(.minutes(60)), arguments: kinds)
    func killedProcessesLeaveNothing(blocking: Blocking) async {
        await #expect(processExitsWith: .success) { [blocking = blocking as Blocking] in
            let count = KillTests.setting("EMU_KILL_COUNT", or: 200)
            let rounds = KillTests.setting("EMU_KILL_ROUNDS", or: 3)
            reporting {
                let worst = try Blocking.inSystem { p throws(SysError) -> UInt64 in
                    // This process and the host thread that waits for its end.
                    guard eventually({ Live.now.waiters == 2 }) else { throw SysError("\(Census())") }
                    let threads = HostMemory.counts().threads
                    let (kept, body) = try blocking.prepare(p)
                    // Once to make what is made once.
                    _ = try KillTests.round(p, 1, blocking, body)
                    var worst: UInt64 = 0
                    for _ in 0..<rounds { worst = max(worst, try KillTests.round(p, count, blocking, body)) }
                    // Those of the host that ran them are kept for a moment, a few for longer.
                    guard eventually({ HostMemory.counts().threads <= threads + 24 }) else {
                        throw SysError("\(HostMemory.counts().threads) host threads are left")
                    }
                    return withExtendedLifetime(kept) { worst }
                }
                // How fast it is, is judged by hand, on a machine that does nothing else: `make soak` asks for one second.
                let limit = KillTests.setting("EMU_KILL_SECONDS", or: 20)
                #expect(worst < UInt64(limit) * 1_000_000_000, "\(worst) nanoseconds until all was back")
            }
        }
    }

    /// Blocks `count` processes, kills them all; how long it took until none of them, and nothing of theirs, was left.
    static func round(
        _ p: Proc, _ count: Int, _ blocking: Blocking, _ body: @escaping Blocking.Body
    ) throws(SysError) -> UInt64 {
        let before = Census()
        for _ in 0..<count { _ = try p.spawn([.forkFD, .noWait], fds: [], body) }
        let isBlocked = { () -> Bool in
            let all = p.system.processes.filter { $0 !== p }
            return all.count == count * blocking.weight && all.allSatisfy { $0.isBlocked || $0.life == .stopped }
        }
        guard eventually(isBlocked) else { throw SysError("not all wait: \(Census())") }
        let start = HostClock.monotonic()
        for q in p.system.processes where q !== p { q.kill() }
        // The descriptors are counted once the rest is back: to list them takes locks that those who die need.
        guard eventually({ Live.now == before.live && HostThread.live == before.running }),
            eventually({ Census().isBack(to: before) })
        else { throw SysError("before: \(before); after: \(Census())") }
        return HostClock.monotonic() - start
    }
}
