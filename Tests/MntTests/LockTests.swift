import Host
import Kernel
import KernelTestSupport
import Mnt
import NineP
import Testing

/// Locks through an export and a mount: all see each other, wherever they are.
@Suite(.timeLimit(.minutes(1))) struct LockTests {
    private static func range(_ kind: LockRange.Kind, _ start: UInt64 = 0, _ length: UInt64 = 0) -> LockRange {
        LockRange(kind, start: start, length: length, procID: 0, clientID: "")
    }

    /// /tmp, served and mounted on /n.
    private static func mounted(_ dialect: Dialect, _ body: @Sendable (Proc) throws -> Void) async throws {
        try await serving { p in
            try p.put("/tmp/f", "0123456789")
            let export = try Export("/tmp", of: p)
            let (ours, its) = try p.pipe()
            let chan = try p.fildes(its)
            try p.close(its)
            _ = try p.spawn([.forkFD, .noWait], fds: []) { p throws(SysError) in
                try export.serve(chan, chan, peer: "test")
                return .ok
            }
            try p.mount(ours, "/n", options: ServerOptions(dialect: dialect))
            try p.close(ours)
            try body(p)
            try p.unmount(nil, "/n")
        }
    }

    @Test func aMountPassesThemOn() async throws {
        try await Self.mounted(.linux) { p in
            let (here, there) = (try p.open("/tmp/f", .readWrite), try p.open("/n/f", .readWrite))
            let second = try p.open("/n/f", .readWrite)
            try p.lock(there, Self.range(.write, 0, 5))
            for fd in [here, second] {
                #expect(code { () throws(SysError) in try p.lock(fd, Self.range(.read, 4, 1), .try) } == .wouldBlock)
                try p.lock(fd, Self.range(.write, 5, 1), .try)
                try p.lock(fd, Self.range(.unlock, 5, 1))
                let found = try p.getlock(fd, Self.range(.write))
                #expect(found?.kind == .write && found?.start == 0 && found?.length == 5)
            }
            #expect(try p.getlock(there, Self.range(.write)) == nil)
            // A close lets go of it.
            try p.close(there)
            try p.lock(here, Self.range(.write))
            #expect(code { () throws(SysError) in try p.lock(second, Self.range(.read), .try) } == .wouldBlock)
            // One who waits gets it.
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                try c.lock(second, Self.range(.write))
                return .ok
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            try p.lock(here, Self.range(.unlock))
            #expect(try p.wait(.pid(pid)).status == .ok)
            #expect(code { () throws(SysError) in try p.lock(here, Self.range(.read), .try) } == .wouldBlock)
        }
    }

    @Test func whoWaitsForAServerIsKilledAtOnce() async throws {
        try await Self.mounted(.linux) { p in
            let (here, there) = (try p.open("/tmp/f", .readWrite), try p.open("/n/f", .readWrite))
            try p.lock(here, Self.range(.write))
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                try c.lock(there, Self.range(.write))
                return .ok
            }
            #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
            p.system.proc(pid)?.kill()
            #expect(try p.wait(.pid(pid)).status != .ok)
            try p.lock(here, Self.range(.unlock))
            #expect(try p.getlock(here, Self.range(.write)) == nil)
        }
    }

    /// What was written with a lock is there when another has it, and what he has read before is not given to him again.
    @Test func whoHasTheLockSeesWhatTheLastOneWrote() async throws {
        try await Self.mounted(.linux) { p in
            let (here, there) = (try p.open("/tmp/f", .readWrite), try p.open("/n/f", .readWrite))
            for n in 0..<20 {
                let (mine, other) = n % 2 == 0 ? (here, there) : (there, here)
                try p.lock(mine, Self.range(.write))
                try p.seek(mine, 0)
                try p.write(mine, "turn \(n) of it")
                try p.lock(mine, Self.range(.unlock))
                try p.lock(other, Self.range(.read))
                try p.seek(other, 0)
                #expect(String(decoding: try p.readn(other, 20), as: UTF8.self).hasPrefix("turn \(n) "))
                try p.lock(other, Self.range(.unlock))
            }
        }
    }

    @Test func a9P2000ServerHasNone() async throws {
        try await Self.mounted(.plan9) { p in
            let fd = try p.open("/n/f", .readWrite)
            #expect(code { () throws(SysError) in try p.lock(fd, Self.range(.write)) } == .notSupported)
            #expect(code { () throws(SysError) in _ = try p.getlock(fd, Self.range(.write)) } == .notSupported)
        }
    }

    @Test func programsHereAndClientsSeeEachOthers() async throws {
        try await serving { p in
            try p.put("/tmp/f", "0123456789")
            let t = try p.serve()
            try t.start(.linux)
            let fid = try t.lopened("f", .readWrite)
            #expect(try t.lock(fid, .write, 3, 4, by: 41) == 0)
            let fd = try p.open("/tmp/f", .readWrite)
            #expect(code { () throws(SysError) in try p.lock(fd, Self.range(.read), .try) } == .wouldBlock)
            #expect(try p.getlock(fd, Self.range(.read))?.procID == 41)
            try t.clunk(fid)
            try p.lock(fd, Self.range(.write))
            #expect(try t.lock(t.lopened("f", .readWrite), .read, 0, 0) == 1)
        }
    }

    /// A connection that is made anew has not the locks of the old one.
    @Test func aLockIsLostWithTheConnectionAndNotUnknowingly() async throws {
        try await serving { p in
            try p.put("/tmp/f", "0123456789")
            let export = try Export("/tmp", of: p)
            let servers = Lock<[Int32]>([])
            let connect: @Sendable () throws(SysError) -> Chan = { () throws(SysError) in
                let (ours, its) = try p.pipe()
                let (mine, chan) = (try p.fildes(ours), try p.fildes(its))
                try p.close(ours)
                try p.close(its)
                let pid = try p.spawn(.forkFD, fds: []) { p throws(SysError) in
                    try export.serve(chan, chan, peer: "test")
                    return .ok
                }
                servers.withLock { $0.append(pid) }
                return mine
            }
            let first = try p.install(try connect())
            try p.mount(first, "/n", options: ServerOptions(dialect: .linux, reconnect: connect))
            try p.close(first)
            let (locked, free) = (try p.open("/n/f", .readWrite), try p.open("/n/f", .readWrite))
            try p.lock(locked, Self.range(.write, 0, 1))
            #expect(try p.read(locked, 1) == Array("0".utf8))
            for pid in servers.withLock({ $0 }) {
                p.system.proc(pid)?.kill()
                _ = try p.wait(.pid(pid))
            }
            #expect(try p.read(free, 1) == Array("0".utf8))
            #expect(code { () throws(SysError) in _ = try p.read(locked, 1) } == .hungup)
            #expect(try p.getlock(free, Self.range(.write)) == nil)
            try p.unmount(nil, "/n")
        }
    }
}
