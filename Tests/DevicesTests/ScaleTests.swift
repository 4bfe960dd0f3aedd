import Devices
import Host
import Testing

@testable import Kernel

/// How many there may be, and what they cost. Each runs in a process of its own, since memory is measured.
@Suite struct ScaleTests {
    /// Runs `body` and gives how many bytes more stood in memory when it had built what it builds.
    static func growth(
        _ body: @escaping @Sendable (Proc, _ measure: () -> Void) throws(SysError) -> Void
    ) throws -> Int {
        try inSystem { p throws(SysError) -> Int in
            let before = HostMemory.resident().now
            var grown = 0
            try body(p) { grown = HostMemory.resident().now - before }
            return grown
        }
    }

    @Test(.timeLimit(.minutes(2))) func tenThousandBlockedProcessesFitIn300Megabytes() async {
        await #expect(processExitsWith: .success) {
            reporting {
                let bytes = try ScaleTests.growth { (p, measure) throws(SysError) in
                    let (a, _) = try p.pipe()
                    for _ in 0..<10_000 {
                        _ = try p.spawn(.noWait) { c throws(SysError) in
                            _ = try c.read(a, 1)
                            return .ok
                        }
                    }
                    let isBlocked = { p.system.processes.allSatisfy { $0.isBlocked || $0 === p } }
                    guard eventually(isBlocked), p.system.processCount == 10_001 else { throw SysError("not all wait") }
                    measure()
                    for q in p.system.processes where q !== p { q.kill() }
                    guard eventually({ p.system.processCount == 1 }) else { throw SysError("not all ended") }
                }

                #expect(bytes < 300_000_000, "\(bytes) bytes")
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func aProgramThatMakesProcessesWithoutEndIsRefusedMoreAndAllAreKilled() throws {
        let got = try inSystem { p throws(SysError) -> (String, Int) in
            let account = Account(limits: [.threads: 100])
            let caller = Caller(cred: p.cred, clock: p.caller.clock, account: account)
            p.state.withLock { $0.caller = caller }
            let bomb = Bomb()
            _ = try p.spawn { c throws(SysError) in try bomb.go(c) }
            guard eventually({ bomb.refused.withLock { $0 != nil } }) else { throw SysError("never refused") }
            // Not one of those that are just being made is left out.
            p.system.kill { $0 !== p }
            guard eventually({ p.system.processCount == 1 }) else { throw SysError("not all ended") }
            return (bomb.refused.withLock { $0?.description ?? "" }, account.held(.threads))
        }
        #expect(got == ("too many processes", 0))
    }

    @Test(.timeLimit(.minutes(2))) func aHundredThousandProcessesWithoutAThreadFitIn150Megabytes() async {
        await #expect(processExitsWith: .success) {
            reporting {
                let bytes = try ScaleTests.growth { (p, measure) throws(SysError) in
                    var made: [Proc] = []
                    for _ in 0..<100_000 { made.append(try p.makeChild([.forkFD, .noWait], fds: [])) }
                    measure()
                    for q in made { q.exit(.ok) }
                    made = []
                    guard Live.now.procs == 1 else { throw SysError("\(Live.now)") }
                }

                #expect(bytes < 150_000_000, "\(bytes) bytes")
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func oneThreadDrivesAThousandPipes() throws {
        let sum = try inSystem { p throws(SysError) -> Int in
            var writers: [Proc.Poll] = []
            var readers: [Proc.Poll] = []
            for _ in 0..<1000 {
                let (a, b) = try p.pipe()
                writers.append(Proc.Poll(a, .write))
                readers.append(Proc.Poll(b, .read))
            }
            var sum = 0
            let block = [UInt8](repeating: 1, count: 50_000)
            for round in 0..<4 {
                guard try p.poll(&readers, milliseconds: 0) == 0 else { throw SysError("ready before a write") }
                guard try p.poll(&writers) == 1000 else { throw SysError("not writable") }
                // A few are filled to the brim; the others get one block.
                for (i, w) in writers.enumerated() {
                    do throws(SysError) {
                        repeat { _ = try p.write(w.fd, block.span.bytes, .try) } while i % 100 == round
                    } catch {
                        guard error.code == .wouldBlock else { throw error }
                    }
                }
                guard try p.poll(&writers, milliseconds: 0) == 990 else { throw SysError("full is not seen") }
                while try p.poll(&readers, milliseconds: 0) > 0 {
                    for r in readers where !r.got.isEmpty {
                        var buffer = [UInt8](repeating: 0, count: 65_536)
                        var span = buffer.mutableSpan
                        var raw = span.mutableBytes
                        sum += try p.read(r.fd, into: &raw, .try) / 50_000
                    }
                }
            }
            return sum
        }
        // 990 with one block each, 10 with three (the mark is 128 KB), four times.
        #expect(sum == 4 * (990 + 30))
    }

    @Test(.timeLimit(.minutes(2))) func pipesAndChansComeAndGoWithoutEnd() async {
        await #expect(processExitsWith: .success) {
            reporting {
                let left = try inSystem { p throws(SysError) -> [Live] in
                    guard eventually({ Live.now.waiters == 2 }) else { throw SysError("\(Live.now)") }
                    let before = Live.now
                    // Many at once.
                    try p.spawn({ c throws(SysError) in
                        for _ in 0..<20_000 { _ = try c.pipe() }
                        guard Live.now.chans >= 40_000 else { throw SysError("\(Live.now)") }
                    })
                    let first = Live.now
                    // Many one after the other, also by name, and left open by who ends.
                    try p.spawn({ c throws(SysError) in
                        try c.bind("#|", "/n")
                        for i in 0..<20_000 {
                            let (a, b) = try c.pipe()
                            try c.write(a, "x")
                            try c.close(a)
                            if i % 10 != 0 { try c.close(b) }
                            if i % 100 == 0 { _ = try c.open("/n/data") }
                            try c.close(try c.open("/dev/../n"))
                        }
                    })
                    return [before, first, Live.now]
                }
                #expect(left[0] == left[1] && left[0] == left[2], "\(left)")
            }
        }
    }
}

/// A program that makes two of itself, each of which does the same.
private final class Bomb: Sendable {
    /// What ended it, first of all.
    let refused = Lock<SysError?>(nil)

    func go(_ c: Proc) throws(SysError) -> Status {
        do throws(SysError) {
            for _ in 0..<2 { _ = try c.spawn(.noWait) { d throws(SysError) in try self.go(d) } }
        } catch {
            refused.withLock { $0 = $0 ?? error }
        }
        try c.sleep(milliseconds: 1_000_000)
        return .ok
    }
}

extension Proc {
    /// Runs `body` as a child with a name space and descriptors of its own, and waits for its end.
    fileprivate func spawn(_ body: @escaping @Sendable (Proc) throws(SysError) -> Void) throws(SysError) {
        let pid = try spawn([.forkFD, .forkNS]) { c throws(SysError) in
            try body(c)
            return .ok
        }
        let status = try wait(.pid(pid)).status
        guard status.isOK else { throw SysError(status.text) }
        // Its Thread ends a moment later than the process.
        guard eventually({ HostThread.live == 1 }) else { throw SysError("it runs on") }
    }
}
