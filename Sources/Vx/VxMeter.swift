import Host
import Kernel

/// How much the programs of a view may use together; nil for as much as there is.
public struct VxLimits: Sendable {
    /// Processes at once.
    public var processes: Int?
    /// Nanoseconds of CPU time, and of time that passes.
    public var cpu: UInt64?
    public var wall: UInt64?
    /// Bytes that calls write.
    public var written: UInt64?
    /// Bytes of memory that is shared with no file.
    public var memory: UInt64?

    public init() {}

    /// Whether somebody has to look how much it is.
    var isWatched: Bool { cpu != nil || wall != nil || written != nil || memory != nil }

    private static let second: UInt64 = 1_000_000_000

    /// What the host can hold each process to: no more than all of them may have. It counts whole seconds, and ends a process
    /// without saying why; so that comes after us.
    var each: HostView.Limits {
        var each = HostView.Limits()
        each.memory = memory
        each.seconds = cpu.map { $0 / Self.second &+ 2 }
        each.written = written
        return each
    }

    /// A line for each, and who sees to it.
    var lines: [String] {
        let rows: [(String, UInt64?, String)] = [
            ("processes", processes.map { UInt64(clamping: $0) }, "counted"),
            ("cpu", cpu.map { $0 / Self.second }, "seconds, looked at; rlimit for each process"),
            ("time", wall.map { $0 / Self.second }, "seconds"),
            ("written", written, "bytes, looked at; rlimit for each file"),
            ("memory", memory, "bytes, looked at; rlimit for each process"),
        ]
        return rows.compactMap { name, value, how in value.map { "limit \(name) \($0) \(how)" } }
    }
}

/// What the programs of a view have used, those that have ended too.
///
/// The host adds to a process what its children had when it waits for them; what nobody waits for is added here, as it was when
/// it was last looked at. Used by one host thread.
struct VxMeter {
    struct Sum {
        var cpu: UInt64 = 0
        var written: UInt64 = 0
        var memory: UInt64 = 0
    }

    private var rows: [Int32: HostUse] = [:]
    private var lost = Sum()
    /// What the host's hundredths of a second leave open.
    private static let slack: UInt64 = 20_000_000

    /// Looks at `processes` and at those that it knows; `look` is the host's `HostUse`.
    mutating func sum(_ processes: [Int32], _ look: (Int32) -> HostUse? = { HostUse($0) }) -> Sum {
        var now: [Int32: HostUse] = [:]
        for pid in Set(processes).union(rows.keys) {
            if let use = look(pid) { now[pid] = use }
        }
        // What the parents ought to have got by now.
        var due: [Int32: Sum] = [:]
        for (pid, use) in rows where now[pid]?.start != use.start {
            var heir = use.parent
            // A parent that has ended has left it to its own, or to the one that is above all.
            while now[heir] == nil, let row = rows[heir] { heir = row.parent }
            due[heir, default: Sum()].cpu += use.own &+ use.children
            due[heir, default: Sum()].written += use.written
        }
        for (heir, sum) in due {
            var got = Sum()
            if let before = rows[heir], let after = now[heir], before.start == after.start {
                got.cpu = after.children - min(before.children, after.children) + Self.slack
                got.written = after.written - min(before.written, after.written)
            } else {
                got.cpu = Self.slack
            }
            lost.cpu += sum.cpu - min(got.cpu, sum.cpu)
            lost.written += sum.written - min(got.written, sum.written)
        }
        rows = now
        return now.values.reduce(into: Sum(cpu: lost.cpu, written: lost.written)) { sum, use in
            sum.cpu += use.own &+ use.children
            sum.written += use.written
            sum.memory += use.memory
        }
    }
}

/// Ends a view that uses more than it may.
final class VxWarden: Sendable {
    private let limits: VxLimits
    private let isOver = Lock(false)
    private let parker = Parker()

    /// Nanoseconds between two looks, at most and at least.
    private static let period: ClosedRange<UInt64> = 2_000_000...20_000_000

    init(_ limits: VxLimits) { self.limits = limits }

    /// Looks until the view ends; `tell` hears which limit was passed, once. On a host thread of its own.
    func run(_ processes: () -> [Int32], _ tell: (String) -> Void) {
        var meter = VxMeter()
        let begin = HostClock.monotonic()
        while !isOver.withLock({ $0 }) {
            let now = HostClock.monotonic()
            var pause = Self.period.upperBound
            if let wall = limits.wall {
                guard now - begin < wall else { return tell("time limit") }
                pause = min(pause, wall - (now - begin))
            }
            if limits.cpu != nil || limits.written != nil || limits.memory != nil {
                let sum = meter.sum(processes())
                if let cpu = limits.cpu {
                    guard sum.cpu < cpu else { return tell("cpu time limit") }
                    // As if all processors were at it.
                    pause = min(pause, (cpu - sum.cpu) / UInt64(HostMachine.processors))
                }
                if let written = limits.written, sum.written > written {
                    return tell("write limit, \(sum.written - written) bytes over")
                }
                if let memory = limits.memory, sum.memory > memory { return tell("memory limit") }
            }
            _ = parker.park(until: HostClock.monotonic() + max(pause, Self.period.lowerBound))
        }
    }

    func end() {
        isOver.withLock { $0 = true }
        parker.unpark()
    }
}
