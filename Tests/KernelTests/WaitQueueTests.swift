import Host
import KernelTestSupport
import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(1))) struct WaitQueueTests {
    /// Tokens that are put and taken; takers wait.
    private final class Counter: Sendable {
        let tokens = Lock(0)
        let queue = WaitQueue()

        func put() {
            tokens.withLock { $0 += 1 }
            queue.wakeOne()
        }

        func take(_ how: How = .wait, until deadline: UInt64? = nil) throws(SysError) {
            try queue.sleep(how, until: deadline) { tokens.withLock { $0 > 0 ? ($0 -= 1) : nil } }
        }
    }

    @Test func noWakeUpIsLost() async throws {
        try await withSystem([MemDev()]) { p in
            let counter = Counter()
            for _ in 0..<16 {
                _ = try p.spawn { _ throws(SysError) in
                    for _ in 0..<1000 { try counter.take() }
                    return .ok
                }
            }
            for _ in 0..<4 {
                _ = try p.spawn { _ throws(SysError) in
                    for _ in 0..<4000 { counter.put() }
                    return .ok
                }
            }
            for _ in 0..<20 { #expect(try p.wait().status == .ok) }
            #expect(counter.tokens.withLock { $0 } == 0 && counter.queue.count == 0)
        }
    }

    private final class Token: Sendable {}

    @Test func whatAHelperHasGivenIsHeldByNobodyElse() async throws {
        try await withSystem([MemDev()]) { p in
            var held = 0
            for _ in 0..<2000 {
                weak var left: Token?
                weak var used: Token?
                do {
                    let token = Token()
                    used = token
                    left = try Thread.interruptibly { _ in withExtendedLifetime(token) { .success(Token()) } }
                }
                if left != nil || used != nil { held += 1 }
            }
            #expect(held == 0)
        }
    }

    @Test func aWakeUpForOneWhoIsInterruptedGoesToTheNext() async throws {
        try await withSystem([MemDev()]) { p in
            let counter = Counter()
            let taken = Lock(0)
            var pids: [Int32] = []
            for _ in 0..<8 {
                pids.append(
                    try p.spawn { (p) throws(SysError) in
                        p.onNote(.handle { _ in true })
                        while true {
                            do throws(SysError) {
                                try counter.take()
                                taken.withLock { $0 += 1 }
                            } catch {
                                guard error.code == .interrupted else { throw error }
                            }
                        }
                    })
            }
            for i in 0..<5000 {
                counter.put()
                p.system.proc(pids[i % 8])?.post(.interrupt)
                if i % 100 == 0 { #expect(try inTime { counter.tokens.withLock { $0 } == 0 }) }
            }
            #expect(try inTime { taken.withLock { $0 } == 5000 })
        }
    }

    @Test func aSleeperStandsInLineOnce() async throws {
        try await withSystem([MemDev()]) { p in
            let counter = Counter()
            let waiter = Lock<Waiter?>(nil)
            for _ in 0..<3 {
                _ = try p.spawn { _ throws(SysError) in
                    waiter.withLock { $0 = Thread.current.waiter }
                    try counter.take()
                    return .ok
                }
            }
            #expect(try inTime { counter.queue.count == 3 })
            // A wake that was meant for an earlier wait of the same Thread comes late.
            for _ in 0..<10 {
                waiter.withLock { $0 }?.fire()
                try p.sleep(milliseconds: 2)
            }
            #expect(counter.queue.count == 3)
            for _ in 0..<3 { counter.put() }
            for _ in 0..<3 { #expect(try p.wait().status == .ok) }
        }
    }

    @Test func whoOnlyWatchesTakesNoWakeUpFromASleeper() async throws {
        try await withSystem([MemDev()]) { p in
            try p.close(try p.create("/fifo", .write, FileMode(rawValue: 0o666).union(.namedPipe)))
            let watcher = try p.spawn { (p) throws(SysError) in
                var list = [Proc.Poll(try p.open("/fifo"), .read)]
                return Status("\(try p.poll(&list))")
            }
            #expect(try inTime { p.system.proc(watcher)?.isBlocked ?? false })
            let reader = try p.spawn { (p) throws(SysError) in
                Status(String(decoding: try p.read(try p.open("/fifo"), 10), as: UTF8.self))
            }
            #expect(try inTime { p.system.proc(reader)?.isBlocked ?? false })
            try p.send("/fifo", "x")
            #expect(try p.wait(.pid(reader)).status == "x")
            // The watcher may have come too late to see the first.
            try p.send("/fifo", "y")
            #expect(try p.wait(.pid(watcher)).status == "1")
        }
    }

    @Test func aSleepLastsAsLongAsItShould() async throws {
        try await withSystem([MemDev()]) { p in
            let waiter = Lock<Waiter?>(nil)
            let pid = try p.spawn { (p) throws(SysError) in
                waiter.withLock { $0 = Thread.current.waiter }
                let start = HostClock.monotonic()
                try p.sleep(milliseconds: 100)
                return HostClock.monotonic() - start >= 100_000_000 ? "slept" : "woke early"
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            waiter.withLock { $0 }?.fire()
            #expect(try p.wait().status == "slept")
        }
    }

    @Test func aWaitEndsAtItsDeadlineAndATryAtOnce() async throws {
        try await withSystem([MemDev()]) { p in
            let counter = Counter()
            let start = HostClock.monotonic()
            #expect(code { () throws(SysError) in try counter.take(until: start + 20_000_000) } == .timedOut)
            #expect(HostClock.monotonic() - start >= 20_000_000)
            #expect(code { () throws(SysError) in try counter.take(.try) } == .wouldBlock)
            #expect(counter.queue.count == 0)
            counter.put()
            try counter.take(.try)
            // The longest sleep there is can be interrupted.
            let pid = try p.spawn { (p) throws(SysError) in
                try p.sleep(milliseconds: .max)
                return .ok
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            p.system.proc(pid)?.kill()
            #expect(try p.wait().status == "killed")
        }
    }

    @Test func aNoteThatWasThereInterruptsAPoll() async throws {
        try await withSystem([MemDev()]) { p in
            _ = try p.spawn { c throws(SysError) in
                c.onNote(.handle { _ in true })
                var none: [Proc.Poll] = []
                c.post(.interrupt)
                let first = thrown { () throws(SysError) in try c.poll(&none) }
                c.post(.interrupt)
                // What need not wait does not fail.
                let second = try c.poll(&none, milliseconds: 0)
                return Status("\(first?.sentence ?? "") \(second)")
            }
            #expect(try p.wait().status == "interrupted 0")
        }
    }

    @Test func pollTellsWhatIsReadyAndWhen() async throws {
        try await withSystem([MemDev()]) { p in
            var fds: [Int32] = []
            for i in 0..<50 {
                let perm = FileMode(rawValue: 0o666).union(.namedPipe)
                try p.close(try p.create("/fifo\(i)", .write, perm))
                fds.append(try p.open("/fifo\(i)"))
            }
            var list = fds.map { Proc.Poll($0, .read) }
            #expect(try p.poll(&list, milliseconds: 0) == 0)
            #expect(try p.poll(&list, milliseconds: 10) == 0)
            for i in [7, 31, 0] {
                _ = try p.spawn { (p) throws(SysError) in
                    try p.sleep(milliseconds: 5)
                    try p.send("/fifo\(i)", "x")
                    return .ok
                }
                #expect(try p.poll(&list) == 1)
                #expect(list.indices.filter { !list[$0].got.isEmpty } == [i])
                _ = try p.read(fds[i], 1)
                _ = try p.wait()
            }
            #expect(code { () throws(SysError) in try p.read(fds[0], into: [0], .try) } == .wouldBlock)
            let pid = try p.spawn { [fds] (p) throws(SysError) in
                var list = fds.map { Proc.Poll($0, .read) }
                return Status("\(try p.poll(&list))")
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            p.system.proc(pid)?.post(.hangup)
            #expect(try p.wait().status == "hangup")
            #expect(
                code { () throws(SysError) in
                    var list = [Proc.Poll(999, .read)]
                    return try p.poll(&list)
                } == .badFd)
        }
    }
}

extension Proc {
    /// A read into as many bytes as `buffer` has.
    func read(_ fd: Int32, into buffer: [UInt8], _ how: How) throws(SysError) -> Int {
        var bytes = buffer
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        return try read(fd, into: &raw, how)
    }
}
