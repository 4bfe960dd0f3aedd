import Host
import Kernel
import Testing

@testable import Vx

/// Programs that use more than they may: `Tests/Programs/limits.c`. What else there is goes on.
@Suite(.serialized) struct LimitTests {
    private func limited(
        _ words: String..., set: (inout VxLimits) -> Void
    ) throws -> (status: String, lines: [String]) {
        var options = VxOptions()
        set(&options.limits)
        return try inCell(
            "limits.c", words, options, inside: { (p) throws(SysError) in try p.bind("#Rram", "/ram", .create) })
    }

    /// Microseconds of all processes, as each has told last.
    private func used(_ lines: [String]) -> Int {
        var last: [String: Int] = [:]
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 2, let now = Int(words[1]) { last[words[0]] = max(now, last[words[0]] ?? 0) }
        }
        return last.values.reduce(0, +)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["1", "3"])
    func processorTimeIsThatOfAll(processes: String) throws {
        let (status, lines) = try limited("burn", processes) { $0.cpu = 400_000_000 }
        #expect(status == "137: killed: cpu time limit")
        let used = used(lines)
        #expect(used > 350_000 && used < 450_000, "\(used)")
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["family", "ignore"])
    func processesThatHaveEndedCount(mode: String) throws {
        let (status, lines) = try limited(mode) { $0.cpu = 1_000_000_000 }
        #expect(status == "137: killed: cpu time limit")
        // Of each that nobody waits for, what it had since it was looked at last is not known.
        let used = used(lines)
        #expect(used > 850_000 && used < (mode == "family" ? 1_100_000 : 1_500_000), "\(used)")
    }

    @Test(.timeLimit(.minutes(1))) func timePasses() throws {
        let begin = HostClock.monotonic()
        #expect(try limited("sleep") { $0.wall = 300_000_000 }.status == "137: killed: time limit")
        let took = HostClock.monotonic() - begin
        #expect(took > 300_000_000 && took < 20_000_000_000)
    }

    @Test(.timeLimit(.minutes(1))) func aFileGetsNoLongerThanAllMayWrite() throws {
        var size: UInt64?
        var options = VxOptions()
        options.limits.written = 100_000
        let status = try inCell(
            "limits.c", ["file"], options,
            after: { folder in size = try UInt64(HostEnvironment.readFile("\(folder.path)/rw/big").count) }
        ).status
        // The host ends it, or we do, whoever sees it first: of what is written one byte is not the program's.
        #expect(status.hasPrefix("137: killed: write limit"), "\(status)")
        #expect(size == 100_000)
    }

    @Test(.timeLimit(.minutes(1))) func whatIsWrittenToManyFilesCounts() throws {
        let status = try limited("files") { $0.written = 10_000_000 }.status
        #expect(status.hasPrefix("137: killed: write limit, ") && status.hasSuffix(" bytes over"), "\(status)")
    }

    @Test(.timeLimit(.minutes(1))) func memoryIsThatOfAll() throws {
        #expect(try limited("memory", "30000000") { $0.memory = 100_000_000 }.status == "137: killed: memory limit")
        let (status, lines) = try limited("memory", "200000000") { $0.memory = 100_000_000 }
        #expect(status == "")
        #expect(lines == [String](repeating: "ENOMEM", count: lines.count) && !lines.isEmpty)
    }

    @Test(.timeLimit(.minutes(1))) func soManyProcessesAtOnce() throws {
        #expect(try limited("processes") { $0.processes = 7 }.lines == ["6"])
    }

    @Test(.timeLimit(.minutes(1))) func whatWasRefusedCanBeRead() throws {
        let told = Lock<String?>(nil)
        var options = VxOptions()
        options.limits.processes = 5
        options.limits.wall = 2_000_000_000
        _ = try inCell(
            "limits.c", ["refused"], options,
            inside: { (p) throws(SysError) in
                try? p.mkdir("/prog")  // where we have it too
                try p.bind("#p", "/prog", .replace)
                let pid = p.pid
                _ = try p.spawn(.forkFD) { (p) throws(SysError) in
                    let fd = try p.open("/prog/\(pid)/trace", .read)
                    try p.close(fd)
                    // The last of the calls is that of a child which has ended.
                    while told.withLock({ $0?.contains("bpf 4") != true }) {
                        let fd = try p.open("/prog/\(pid)/trace", .read)
                        let text = String(decoding: try p.readn(fd, 4096), as: UTF8.self)
                        try p.close(fd)
                        told.withLock { $0 = text }
                        try Thread.sleep(nanoseconds: 10_000_000)
                    }
                    return .ok
                }
            })
        #expect(
            told.withLock { $0 } == """
                limit processes 5 counted
                limit time 2 seconds
                refused bpf 4
                refused call 999 1

                """)
    }

    // MARK: the sum

    private struct Row {
        let pid: Int32, parent: Int32, own: UInt64, children: UInt64, written: UInt64
        var start: UInt64 = 1
    }

    /// Looks at one moment after the other, and gives what has been used by then, in milliseconds and bytes.
    private func sums(_ moments: [[Row]]) -> [[UInt64]] {
        var meter = VxMeter()
        return moments.map { rows in
            let sum = meter.sum(rows.map(\.pid)) { pid in
                rows.first { $0.pid == pid }.map {
                    HostUse(
                        start: $0.start, parent: $0.parent, own: $0.own * 1_000_000, children: $0.children * 1_000_000,
                        written: $0.written, memory: 0)
                }
            }
            return [sum.cpu / 1_000_000, sum.written]
        }
    }

    @Test func whatSomebodyHasWaitedForCountsOnce() {
        let parent = Row(pid: 2, parent: 1, own: 100, children: 0, written: 10)
        let child = Row(pid: 3, parent: 2, own: 500, children: 0, written: 5)
        let after = Row(pid: 2, parent: 1, own: 100, children: 500, written: 15)
        #expect(sums([[parent, child], [after]]) == [[600, 15], [600, 15]])
    }

    @Test func whatNobodyHasWaitedForCountsToo() {
        let parent = Row(pid: 2, parent: 1, own: 100, children: 0, written: 10)
        let child = Row(pid: 3, parent: 2, own: 500, children: 0, written: 5)
        #expect(sums([[parent, child], [parent], [parent]]) == [[600, 15], [580, 15], [580, 15]])
    }

    @Test func whatAParentThatHasEndedTooHadIsLeftToWhoIsAbove() {
        let top = Row(pid: 1, parent: 0, own: 0, children: 0, written: 0)
        let rows = [
            top, Row(pid: 2, parent: 1, own: 100, children: 0, written: 1),
            Row(pid: 3, parent: 2, own: 400, children: 0, written: 2),
        ]
        let after = Row(pid: 1, parent: 0, own: 0, children: 500, written: 3)
        #expect(sums([rows, [after]]) == [[500, 3], [500, 3]])
        #expect(sums([rows, [top]]) == [[500, 3], [480, 3]])
    }

    @Test func aNumberMayBeAnothersLater() {
        let first = Row(pid: 2, parent: 1, own: 500, children: 0, written: 9)
        let second = Row(pid: 2, parent: 1, own: 10, children: 0, written: 1, start: 2)
        #expect(sums([[first], [second]])[1] == [490, 10])
    }
}
