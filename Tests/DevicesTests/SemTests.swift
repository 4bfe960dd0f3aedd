import Devices
import Host
import Testing

@testable import Kernel

@Suite struct SemTests {
    @Test(.timeLimit(.minutes(1))) func anyFileIsASemaphoreWhateverItsName() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let log = Lock([String]())
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                try c.semDown(try c.open("/n"))
                log.withLock { $0.append("got") }
                return .ok
            }
            try untilBlocked(p, pid)
            log.withLock { $0.append("before") }
            try p.bind("/", "/mnt")
            try p.semUp(try p.open("/mnt/n/../n"))
            _ = try p.wait(.pid(pid))
            return log.withLock { $0 }
        }
        #expect(got == ["before", "got"])
    }

    @Test(.timeLimit(.minutes(1))) func theCountOutlivesItsDescriptorsAndNothingElseDoes() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let fd = try p.open("/n")
            try p.semUp(fd, 2)
            let other = try p.open("/n")
            try p.semDown(other)
            try p.close(fd)
            try p.semDown(other, .try)
            let empty = failure { () throws(SysError) in try p.semDown(other, .try) }
            try p.semUp(other)
            try p.close(other)
            let counted = p.system.semaphores.count
            let fresh = try p.open("/n")
            try p.semDown(fresh, .try)
            try p.close(fresh)
            let left = p.system.semaphores.count
            let again = try p.open("/n")
            return [
                empty, "\(counted) \(left)", failure { () throws(SysError) in try p.semDown(again, .try) },
                failure { () throws(SysError) in try p.semUp(99) },
                failure { () throws(SysError) in try p.semUp(again, -1) },
                failure { () throws(SysError) in try p.semUp(again, Int.max) },
            ]
        }
        #expect(
            got == [
                "operation would block", "1 0", "operation would block", "fd out of range or not open",
                "bad arg in system call", "result out of range",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func eachUpLetsOneThroughInOrder() throws {
        let (order, rest) = try inSystem { p throws(SysError) -> ([Int], Int) in
            let fd = try p.open("/n")
            let order = Lock([Int]())
            let count = 20
            for i in 0..<count {
                let pid = try p.spawn { c throws(SysError) in
                    try c.semDown(fd)
                    order.withLock { $0.append(i) }
                    return .ok
                }
                try untilBlocked(p, pid)
            }
            for i in 0..<count {
                // A newcomer that does not wait does not pass those that do.
                try p.semUp(fd)
                guard eventually({ order.withLock { $0.count } == i + 1 }) else { break }
            }
            let semaphore = p.system.semaphores.of(try p.fildes(fd))
            try p.semUp(fd, 5)
            return (order.withLock { $0 }, semaphore.value)
        }
        #expect(order == Array(0..<20))
        #expect(rest == 5)
    }

    @Test(.timeLimit(.minutes(1))) func anInterruptedOrKilledWaiterTakesNoTurn() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let fd = try p.open("/n")
            let log = Lock([String]())
            let down: @Sendable (Proc) throws(SysError) -> Status = { c throws(SysError) in
                c.onNote(.handle { _ in true })
                let error = failure { () throws(SysError) in try c.semDown(fd) }
                log.withLock { $0.append(error) }
                return .ok
            }
            let a = try p.spawn([], down)
            try untilBlocked(p, a)
            let b = try p.spawn([], down)
            try untilBlocked(p, b)
            let c = try p.spawn([], down)
            try untilBlocked(p, c)
            p.system.proc(a)?.post(.interrupt)
            p.system.proc(b)?.kill()
            _ = try p.wait(.pid(a))
            _ = try p.wait(.pid(b))
            try p.semUp(fd)
            _ = try p.wait(.pid(c))
            return log.withLock { $0.sorted() }
        }
        #expect(got == ["", "interrupted", "killed"])
    }

    /// Ups and downs of many at once, some of whom are interrupted or killed: none is lost, none counts twice.
    @Test(.timeLimit(.minutes(1))) func turnsAreExactUnderNotes() throws {
        let (downs, value) = try inSystem { p throws(SysError) -> (Int, Int) in
            let fd = try p.open("/n")
            let downs = Lock(0)
            var pids: [Int32] = []
            for i in 0..<40 {
                pids.append(
                    try p.spawn { c throws(SysError) in
                        if i % 2 == 0 { c.onNote(.handle { _ in true }) }
                        for _ in 0..<50 {
                            do throws(SysError) {
                                try c.semDown(fd)
                                downs.withLock { $0 += 1 }
                            } catch {
                                if error.code == .killed { throw error }
                            }
                        }
                        return .ok
                    })
            }
            for i in 0..<2000 {
                try p.semUp(fd)
                let target = p.system.proc(pids[i % pids.count])
                if i % 3 == 0 { target?.post(.interrupt) }
                if i % 199 == 0 { target?.kill() }
            }
            for pid in pids { p.system.proc(pid)?.kill() }
            while (try? p.wait()) != nil {}
            return (downs.withLock { $0 }, p.system.semaphores.of(try p.fildes(fd)).value)
        }
        // Who was killed with its turn has left it to the next, or to the count.
        #expect(downs + value == 2000)
        #expect(downs > 0)
    }

    @Test(.timeLimit(.minutes(1))) func aLocalSemaphoreIsADirectoryOfTextFiles() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#z", "/n")
            let ctl = try p.open("/n/clone", .readWrite)
            let number = String(decoding: try p.read(ctl, 100), as: UTF8.self)
            let dir = "/n/" + number
            try p.write(ctl, "up 3")
            var got = [number, try p.text(dir + "/value")]
            try p.write(ctl, "down\n")
            got.append(try p.text(dir + "/value"))
            let value = try p.open(dir + "/value", .readWrite)
            try p.write(value, "0")
            var list = [Proc.Poll(value, .read)]
            got.append("\(try p.poll(&list, milliseconds: 0))")
            let bytes = Array("down".utf8)
            got.append(failure { () throws(SysError) in _ = try p.write(ctl, bytes.span.bytes, .try) })
            let pid = try p.spawn { c throws(SysError) in
                try c.write(ctl, "down")
                return .ok
            }
            try untilBlocked(p, pid)
            got.append(try p.text(dir + "/value"))
            got.append(failure { () throws(SysError) in try p.write(value, "7") })
            try p.write(ctl, "destroy")
            got.append(try p.wait(.pid(pid)).status.text)
            got.append(failure { () throws(SysError) in try p.write(ctl, "up") })
            got.append(failure { () throws(SysError) in _ = try p.stat(dir) })
            return got
        }
        #expect(
            got == [
                "0", "3\n", "2\n", "0", "operation would block", "-1\n", "device or object already in use",
                "i/o on hungup channel", "i/o on hungup channel", "'/n/0' file does not exist",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func aLocalSemaphoreGoesWithItsLastDescriptor() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#z", "/n")
            let a = try p.open("/n/clone", .readWrite)
            let b = try p.open("/n/clone", .readWrite)
            let names = { () throws(SysError) -> String in
                try p.dirread(try p.open("/n")).map { "\($0.name)" }.joined(separator: " ")
            }
            let before = try names()
            let value = try p.open("/n/0/value")
            try p.close(a)
            let still = try names()
            try p.close(value)
            let after = try names()
            p.become(Cred(user: "mallory", uid: 1, gid: 1))
            return [
                before, still, after, failure { () throws(SysError) in _ = try p.open("/n/1/ctl", .write) }, "\(b)",
            ]
        }
        #expect(got[0..<3] == ["clone 0 1", "clone 0 1", "clone 1"])
        #expect(got[3] == "'/n/1/ctl' permission denied")
    }

    /// A control message and its error.
    static let messages = [
        ("", "bad process or channel control request"),
        ("sideways", "unknown control request"),
        ("up 0", "bad arg in system call"),
        ("up -1", "bad arg in system call"),
        ("up 99999999999999999999", "bad arg in system call"),
        ("up 2147483648", "result out of range"),
        ("up 1 2", "wrong #args in control message"),
        ("down 1", "wrong #args in control message"),
        (String(repeating: "x", count: 100), "read or write too large"),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: messages)
    func badMessagesAreRefused(text: String, expected: String) throws {
        let got = try inSystem { p throws(SysError) -> String in
            let ctl = try p.open("#z/clone", .readWrite)
            return failure { () throws(SysError) in try p.write(ctl, text) }
        }
        #expect(got == expected)
    }

    @Test(.timeLimit(.minutes(1))) func aDirectoryOfAnyDepthIsLetGoWithASmallStack() throws {
        let depth = try inSystem { p throws(SysError) -> Int in
            var node = PathNode()
            for _ in 0..<200_000 { node = node.child("d") }
            let depth = node.path.utf8.count / 2
            node = PathNode()
            return depth
        }
        #expect(depth == 200_000)
    }
}
