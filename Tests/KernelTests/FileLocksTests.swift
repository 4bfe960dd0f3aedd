import KernelTestSupport
import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(1))) struct FileLocksTests {
    private static func range(_ kind: LockRange.Kind, _ start: UInt64 = 0, _ length: UInt64 = 0) -> LockRange {
        LockRange(kind, start: start, length: length, procID: 0, clientID: "")
    }

    /// What the first has, what the second asks for, and whether he gets it.
    private static let meetings: [(has: LockRange, asks: LockRange, gets: Bool)] = [
        (range(.write), range(.write), false),
        (range(.write), range(.read), false),
        (range(.read), range(.write), false),
        (range(.read), range(.read), true),
        (range(.write, 0, 10), range(.write, 10, 1), true),
        (range(.write, 0, 10), range(.write, 9, 1), false),
        (range(.write, 5, 0), range(.read, 0, 5), true),
        (range(.write, 5, 0), range(.read, .max - 1, .max), false),
        (range(.write, .max, .max), range(.write), true),
    ]

    @Test(arguments: 0..<9) func twoMeet(row: Int) async throws {
        let (has, asks, gets) = Self.meetings[row]
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "text")
            let (one, two) = (try p.open("/f", .readWrite), try p.open("/f", .readWrite))
            try p.lock(one, has)
            #expect(code { () throws(SysError) in try p.lock(two, asks, .try) } == (gets ? nil : .wouldBlock))
            let found = try p.getlock(two, asks)
            #expect(gets ? found == nil : found?.kind == has.kind && found?.start == has.start)
            try p.close(two)
            // One's own is in nobody's way, nor that of who has a copy of the descriptor.
            try p.lock(try p.dup(one), asks, .try)
            try p.lock(one, Self.range(.unlock))
            try p.lock(try p.open("/f", .readWrite), Self.range(.write), .try)
        }
    }

    @Test func anUnlockInTheMiddleLeavesBothEnds() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "text")
            let (one, two) = (try p.open("/f", .readWrite), try p.open("/f", .readWrite))
            try p.lock(one, Self.range(.write, 0, 30))
            try p.lock(one, Self.range(.unlock, 10, 10))
            try p.lock(one, Self.range(.read, 0, 5))
            for (byte, kind) in [(4, .read), (9, .write), (20, .write), (29, .write)] as [(UInt64, LockRange.Kind)] {
                #expect(try p.getlock(two, Self.range(.write, byte, 1))?.kind == kind)
            }
            for byte in [10, 19, 30] as [UInt64] { #expect(try p.getlock(two, Self.range(.write, byte, 1)) == nil) }
        }
    }

    @Test func whoWaitsGetsItWhenItIsGivenUpOrItsFileIsClosed() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "text")
            for closes in [false, true] {
                let one = try p.open("/f", .readWrite)
                try p.lock(one, Self.range(.write))
                var pids: [Int32] = []
                for _ in 0..<8 {
                    pids.append(
                        try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                            let fd = try c.open("/f", .readWrite)
                            try c.lock(fd, Self.range(.write))
                            return .ok
                        })
                }
                for pid in pids { #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false }) }
                if closes { try p.close(one) } else { try p.lock(one, Self.range(.unlock)) }
                for pid in pids { #expect(try p.wait(.pid(pid)).status == .ok) }
                if !closes { try p.close(one) }
            }
        }
    }

    @Test func whoIsKilledWhileHeWaitsTakesNothing() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "text")
            let one = try p.open("/f", .readWrite)
            try p.lock(one, Self.range(.write))
            let pid = try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                try c.lock(try c.open("/f", .readWrite), Self.range(.write))
                return .ok
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            p.system.proc(pid)?.kill()
            #expect(try p.wait(.pid(pid)).status != .ok)
            try p.lock(one, Self.range(.unlock))
            try p.lock(try p.open("/f", .readWrite), Self.range(.write), .try)
        }
    }

    /// Four count in a file, each only with the lock: no count is lost.
    @Test func theLockExcludes() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "\0")
            var pids: [Int32] = []
            for _ in 0..<4 {
                pids.append(
                    try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                        let fd = try c.open("/f", .readWrite)
                        for _ in 0..<50 {
                            try c.lock(fd, Self.range(.write, 0, 1))
                            try c.seek(fd, 0)
                            let count = try c.read(fd, 1)
                            try Thread.sleep(nanoseconds: 10_000)
                            try c.seek(fd, 0)
                            try c.write(fd, count.map { $0 + 1 })
                            try c.lock(fd, Self.range(.unlock, 0, 1))
                        }
                        return .ok
                    })
            }
            for pid in pids { #expect(try p.wait(.pid(pid)).status == .ok) }
            #expect(try p.read(try p.open("/f"), 9) == [200])
        }
    }

    @Test func whatCannotBeLockedIsRefused() async throws {
        try await withSystem([MemDev()]) { p in
            try p.put("/f", "text")
            func fails(_ fd: Int32, _ lock: LockRange) -> SysError.Code? {
                code { () throws(SysError) in try p.lock(fd, lock, .try) }
            }
            let (reads, writes) = (try p.open("/f", .read), try p.open("/f", .write))
            #expect(fails(reads, Self.range(.write)) == .badUseFd && fails(writes, Self.range(.read)) == .badUseFd)
            #expect(fails(reads, Self.range(.init(rawValue: 9))) == .badArg)
            #expect(fails(try p.open("/"), Self.range(.read)) == .isDir)
            for n in 0..<1024 as Range<UInt64> { try p.lock(writes, Self.range(.write, 2 * n, 1)) }
            #expect(fails(writes, Self.range(.write, 9000, 1)) == .noLocks)
        }
    }
}
