import Glibc
import Host
import Kernel
import Testing

@testable import Devices

/// Locks on files of the host, which its other programs see: a descriptor that the test opens itself is one of theirs.
@Suite(.timeLimit(.minutes(1))) struct FsLockTests {
    private static func range(_ kind: LockRange.Kind, _ start: UInt64 = 0, _ length: UInt64 = 0) -> LockRange {
        LockRange(kind, start: start, length: length, procID: 0, clientID: "")
    }

    /// Another program of the host.
    private final class Other: Sendable {
        let fd: Int32

        /// F_OFD_SETLK.
        private static let setlk: Int32 = 37

        init(_ host: HostFolder) { fd = Glibc.open(host.granted + "/f", O_RDWR | O_CLOEXEC) }

        deinit { close(fd) }

        func lock(_ type: Int32, _ start: Int = 0, _ length: Int = 0) -> Bool {
            var lock = flock(
                l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: start, l_len: length, l_pid: 0)
            return fcntl(fd, Self.setlk, &lock) == 0
        }
    }

    private func folder() -> HostFolder {
        let host = HostFolder()
        host.put("in/f", "0123456789")
        return host
    }

    @Test func programsOfTheHostSeeThemAndTheirsAreSeen() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let other = Other(host)
            let fd = try p.open("#Uin/f", .readWrite)
            try p.lock(fd, Self.range(.write, 0, 5))
            try expect(other.lock(F_WRLCK, 4, 1), false)
            try expect(other.lock(F_WRLCK, 5, 1), true)
            try expect(
                failure { () throws(SysError) in try p.lock(fd, Self.range(.read), .try) }, "operation would block")
            let found = try p.getlock(fd, Self.range(.read))
            try expect(found?.kind == .write && found?.start == 5 && found?.length == 1, true)
            // What was refused has changed nothing of what there was.
            try expect(other.lock(F_RDLCK, 0, 1), false)
            try p.lock(fd, Self.range(.unlock, 0, 1))
            try expect(other.lock(F_RDLCK, 0, 1), true)
            try expect(other.lock(F_RDLCK, 1, 1), false)
            try p.close(fd)
            try expect(other.lock(F_WRLCK), true)
        }
    }

    /// A child that is being started has all descriptors until it is another program.
    @Test func aCopyOfTheDescriptorKeepsNoLock() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let other = Other(host)
            let fd = try p.open("#Uin/f", .readWrite)
            try p.lock(fd, Self.range(.write))
            let number = (try p.fildes(fd).auxiliary as? FsOpen)?.number ?? -1
            let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
            defer { close(copy) }
            try expect(copy >= 0 && !other.lock(F_RDLCK), true)
            try p.close(fd)
            try expect(other.lock(F_WRLCK), true)
        }
    }

    @Test func whoWaitsForAProgramOfTheHostGetsItsLock() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let other = Other(host)
            try expect(other.lock(F_WRLCK), true)
            var pids: [Int32] = []
            for _ in 0..<4 {
                pids.append(
                    try p.spawn(.forkFD) { c throws(SysError) in
                        try c.lock(try c.open("#Uin/f", .readWrite), Self.range(.write))
                        return .ok
                    })
            }
            for pid in pids { try untilBlocked(p, pid) }
            try expect(other.lock(F_UNLCK), true)
            for _ in pids { try expect(try p.wait().status, "") }
            try expect(other.lock(F_WRLCK), true)
        }
    }

    @Test func whoIsKilledOrInterruptedWhileHeWaitsTakesNothing() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let threads = HostThread.live
            let other = Other(host)
            try expect(other.lock(F_WRLCK, 5, 5), true)
            // Has a lock to read of what he waits to write.
            let fd = try p.open("#Uin/f", .readWrite)
            try p.lock(fd, Self.range(.read, 0, 5))
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                c.onNote(.handle { _ in true })
                try expect(failure { () throws(SysError) in try c.lock(fd, Self.range(.write)) }, "interrupted")
                return .ok
            }
            try untilBlocked(p, pid)
            p.system.proc(pid)?.post(Note("interrupt"))
            try expect(try p.wait().status, "")
            try expect(other.lock(F_UNLCK), true)
            try expect(other.lock(F_WRLCK, 5, 5), true)
            try expect(other.lock(F_RDLCK, 0, 5), true)
            try expect(other.lock(F_WRLCK, 0, 5), false)
            let killed = try p.spawn(.forkFD) { c throws(SysError) in
                try c.lock(try c.open("#Uin/f", .readWrite), Self.range(.write, 5, 5))
                return .ok
            }
            try untilBlocked(p, killed)
            p.system.proc(killed)?.kill()
            try expect(try p.wait().status, "killed")
            try expect(other.lock(F_UNLCK, 5, 5), true)
            try expect(eventually { other.lock(F_WRLCK, 5, 5) }, true)
            guard eventually({ HostThread.live <= threads + 4 }) else { throw SysError("helpers are left") }
        }
    }

    /// A process of a client that has opened a file twice, as POSIX has it: it is not in its own way.
    @Test func oneOwnerWithTwoOpenFilesIsNotInHisOwnWay() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let other = Other(host)
            let (one, two) = (try p.open("#Uin/f", .readWrite), try p.open("#Uin/f", .readWrite))
            let owner = LockOwner.client(host, 7, "there")
            func lock(_ fd: Int32, _ lock: LockRange) throws(SysError) {
                let c = try p.fildes(fd)
                try c.dev.lock(c, lock, owner, p.caller, .try)
            }
            try lock(one, Self.range(.write, 0, 10))
            try lock(two, Self.range(.write, 0, 5))
            try expect(other.lock(F_RDLCK, 0, 1), false)
            try expect(other.lock(F_RDLCK, 9, 1), false)
            // Closed, the first takes with it what it still has.
            try p.close(one)
            try expect(other.lock(F_RDLCK, 9, 1), true)
            try expect(other.lock(F_RDLCK, 0, 1), false)
            // And what another program has keeps it where it was.
            try expect(failure { () throws(SysError) in try lock(two, Self.range(.write)) }, "operation would block")
            try expect(other.lock(F_RDLCK, 4, 1), false)
            try lock(two, Self.range(.unlock))
            try expect(other.lock(F_WRLCK), true)
        }
    }
}
