import Devices
import Host
import Kernel
import Testing

@Suite struct TtyTests {
    /// A terminal: its master, and its slave.
    static func make(_ p: Proc) throws(SysError) -> (master: Int32, slave: Int32) {
        try p.bind("#y", "/n")
        let master = try p.open("/n/ptmx", .readWrite)
        return (master, try p.open("/n/\(try p.fstat(master).name)", .readWrite))
    }

    static func ctl(_ p: Proc, _ text: String, _ number: Int = 0) throws(SysError) {
        let fd = try p.open("/n/\(number)ctl", .write)
        try p.write(fd, text)
        try p.close(fd)
    }

    static func text(_ p: Proc, _ fd: Int32, _ how: How = .wait) throws(SysError) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let n = try p.read(fd, into: &raw, how)
        return String(decoding: bytes[..<n], as: UTF8.self)
    }

    @Test(.timeLimit(.minutes(1))) func whatIsTypedIsReadAndWhatIsWrittenIsShown() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            try p.write(master, "hello\r")
            let read = try Self.text(p, slave)
            try p.write(slave, "world\n")
            let names = try p.dirread(try p.open("/n")).map(\.name).joined(separator: " ")
            return [read, try Self.text(p, master), names, "\(p.isTerminal(master)) \(p.isTerminal(slave))"]
        }
        #expect(got == ["hello\n", "hello\r\nworld\r\n", "ptmx 0 0ctl 0status", "true true"])
    }

    @Test(.timeLimit(.minutes(1))) func numbersAreTheLowestFreeOnes() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#y", "/n")
            var masters: [Int32] = []
            for _ in 0..<4 { masters.append(try p.open("/n/ptmx", .readWrite)) }
            let old = try p.stat("/n/1").qid.path
            try p.close(masters[1])
            let gone = failure { () throws(SysError) in _ = try p.stat("/n/1") }
            let again = try p.open("/n/ptmx", .readWrite)
            let names = ["/n/01", "/n/1x", "/n/99999999999999999999", "/n/-1", "/n/٣"]
            let bad = names.filter { name in failure { () throws(SysError) in _ = try p.stat(name) }.isEmpty }
            return [gone, try p.fstat(again).name, "\(try p.stat("/n/1").qid.path != old)", "\(bad)"]
        }
        #expect(got == ["'/n/1' file does not exist", "1", "true", "[]"])
    }

    @Test(.timeLimit(.minutes(1))) func signalCharactersAreNotesToTheForegroundGroup() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let log = Lock([String]())
            let job = try p.spawn([.newGroup, .forkFD]) { c throws(SysError) in
                c.onNote(
                    .handle { note in
                        log.withLock { $0.append(note.text) }
                        return note.text != "quit"
                    })
                while true {
                    do throws(SysError) { _ = try c.read(slave, 100) } catch {
                        guard error.code == .interrupted else { throw error }
                    }
                }
            }
            try untilBlocked(p, job)
            try Self.ctl(p, "foreground \(job)")
            for (i, key) in ["\u{3}", "\u{1a}"].enumerated() {
                try p.write(master, key)
                guard eventually({ log.withLock { $0.count } == i + 1 }) else { throw SysError("not heard") }
            }
            try Self.ctl(p, "winsize 50 132")
            try Self.ctl(p, "winsize 50 132")
            guard eventually({ log.withLock { $0.count } == 3 }) else { throw SysError("not heard") }
            try p.write(master, "\u{1c}")
            let status = try p.wait(.pid(job)).status.text
            // Nobody is in the foreground now, and nobody hears it.
            try p.write(master, "\u{3}")
            let size = p.window(slave).map { "\($0.rows) \($0.columns)" } ?? ""
            return log.withLock { $0 } + [status, size, try Self.text(p, master)]
        }
        #expect(got == ["interrupt", "suspend", "window", "quit", "quit", "50 132", "^C"])
    }

    @Test(.timeLimit(.minutes(1))) func suspendStopsAJobThatSaysNothing() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let job = try p.spawn([.newGroup, .forkFD]) { c throws(SysError) in
                Status(try Self.text(c, slave))
            }
            try untilBlocked(p, job)
            try Self.ctl(p, "foreground \(job)")
            try p.write(master, "\u{1a}")
            guard eventually({ p.system.proc(job)?.life == .stopped }) else { throw SysError("not stopped") }
            p.system.proc(job)?.post(Note("continue"))
            try p.write(master, "on\r")
            return [try p.wait(.pid(job)).status.text]
        }
        #expect(got == ["on\n"])
    }

    /// A message for the control file and its error, in a system where process 1 is of group 1 and session 1.
    static let messages = [
        ("", "bad process or channel control request"),
        ("loud", "unknown control request"),
        ("rawon 1", "wrong #args in control message"),
        ("winsize 1", "wrong #args in control message"),
        ("winsize -1 80", "bad arg in system call"),
        ("winsize 70000 80", "bad arg in system call"),
        ("foreground x", "bad arg in system call"),
        ("foreground 99999", "no such process"),
        ("nosession", "not a terminal"),
        (String(repeating: "x", count: 100), "read or write too large"),
        ("hangup now", "wrong #args in control message"),
        ("foreground 1", ""), ("foreground 0", ""), ("session", ""), ("echo", ""), ("noecho", ""), ("rawon\n", ""),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: messages)
    func messagesAreChecked(text: String, expected: String) throws {
        let got = try inSystem { p throws(SysError) -> String in
            _ = try Self.make(p)
            return failure { () throws(SysError) in try Self.ctl(p, text) }
        }
        #expect(got == expected)
    }

    @Test(.timeLimit(.minutes(1))) func statusTellsHowItIsSet() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            _ = try Self.make(p)
            let ctl = try p.open("/n/0ctl", .readWrite)
            try p.write(ctl, "rawon")
            try p.write(ctl, "winsize 10 20")
            try p.write(ctl, "session")
            let raw = try p.text("/n/0status")
            try p.close(ctl)
            let after = try p.text("/n/0status").split(separator: "\n")[1...2].joined(separator: " ")
            return [raw, after]
        }
        #expect(got[0] == "tty 0\nraw on\necho off\nforeground 1\nsession 1\nwinsize 10 20\n")
        // The last one who has the control file open takes raw mode along.
        #expect(got[1] == "raw off echo on")
    }

    @Test(.timeLimit(.minutes(1))) func itBelongsToItsMaker() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            _ = try Self.make(p)
            let other = try p.spawn(.newGroup) { c throws(SysError) in
                c.become(Cred(user: "mallory", uid: 1, gid: 1))
                try c.sleep(milliseconds: 1_000_000)
                return .ok
            }
            try untilBlocked(p, other)
            let foreign = failure { () throws(SysError) in try Self.ctl(p, "foreground \(other)") }
            p.become(Cred(user: "mallory", uid: 1, gid: 1))
            return [
                foreign, try p.stat("/n/0").owner,
                failure { () throws(SysError) in _ = try p.open("/n/0") },
                failure { () throws(SysError) in _ = try p.open("/n/0ctl", .write) },
                failure { () throws(SysError) in _ = try p.text("/n/0status") },
            ]
        }
        #expect(
            got == ["permission denied", "glenda", "'/n/0' permission denied", "'/n/0ctl' permission denied", ""])
    }

    @Test(.timeLimit(.minutes(1))) func theTerminalOfASessionHasANameOfItsOwn() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, _) = try Self.make(p)
            _ = try p.open("/n/ptmx", .readWrite)
            let leader = try p.spawn([.newSession, .forkFD]) { c throws(SysError) in
                let before = failure { () throws(SysError) in _ = try c.open("#c/tty") }
                try Self.ctl(c, "session")
                let child = try c.spawn(.newGroup) { d throws(SysError) in
                    let fd = try d.open("#c/tty", .readWrite)
                    try d.write(fd, "hello\n")
                    return Status("\(try d.fstat(fd).name) \(d.isTerminal(fd)) \(try d.terminal(fd).number)")
                }
                return Status(before + ", then " + (try c.wait(.pid(child)).status.text))
            }
            return [try p.wait(.pid(leader)).status.text, try Self.text(p, master)]
        }
        #expect(got == ["'#c/tty' no such device or address, then 0 true 0", "hello\r\n"])
    }

    @Test(.timeLimit(.minutes(1))) func aSessionHasItsTerminalToItself() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            _ = try Self.make(p)
            let log = Lock([String]())
            let leader = try p.spawn([.newSession, .forkFD]) { c throws(SysError) in
                try Self.ctl(c, "session")
                let member = try c.spawn(.newGroup) { d throws(SysError) in
                    let error = failure { () throws(SysError) in try Self.ctl(d, "session") }
                    log.withLock { $0.append(error) }
                    try d.sleep(milliseconds: 1_000_000)
                    return .ok
                }
                try untilBlocked(c, member)
                try Self.ctl(c, "foreground \(member)")
                let error = failure { () throws(SysError) in try Self.ctl(c, "foreground 1") }
                log.withLock { $0.append(error) }
                c.onNote(
                    .handle { note in
                        log.withLock { $0.append("leader \(note.text)") }
                        return true
                    })
                try Self.ctl(c, "nosession")
                return try c.wait(.pid(member)).status
            }
            guard eventually({ log.withLock { $0.count } >= 2 }) else { throw SysError("no session") }
            let mine = failure { () throws(SysError) in try Self.ctl(p, "session") }
            let status = try p.wait(.pid(leader)).status.text
            // It is free again.
            try Self.ctl(p, "session")
            return log.withLock { $0 } + [mine, status]
        }
        #expect(got[0..<3] == ["permission denied", "permission denied", "leader hangup"])
        #expect(got[got.count - 1] == "hangup" || got[got.count - 1] == "interrupted")
    }

    @Test(.timeLimit(.minutes(1))) func theBackgroundStopsWhenItReadsAndGoesOnInTheForeground() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            try Self.ctl(p, "session")
            let job = try p.spawn([.newGroup, .forkFD]) { c throws(SysError) in Status(try Self.text(c, slave)) }
            guard eventually({ p.system.proc(job)?.life == .stopped }) else { throw SysError("not stopped") }
            // Going on in the background, it stops again.
            p.system.proc(job)?.resume()
            guard eventually({ p.system.proc(job)?.life == .stopped }) else { throw SysError("not stopped again") }
            try Self.ctl(p, "foreground \(job)")
            p.system.proc(job)?.resume()
            try p.write(master, "x\r")
            let status = try p.wait(.pid(job)).status.text
            try Self.ctl(p, "foreground 1")
            // Who passes notes over gets an error.
            let deaf = try p.spawn([.newGroup, .forkFD]) { c throws(SysError) in
                c.onNote(.ignore)
                return Status(try Self.text(c, slave))
            }
            return [status, try p.wait(.pid(deaf)).status.text]
        }
        #expect(got == ["x\n", "i/o error"])
    }

    @Test(.timeLimit(.minutes(1))) func nobodyIsStoppedWhomNobodyWouldLetGoOn() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let log = Lock([String]())
            let leader = try p.spawn([.newSession, .forkFD]) { c throws(SysError) in
                try Self.ctl(c, "session")
                // A process whose parent has ended is in the background, and nobody's.
                let parent = try c.spawn(.newGroup) { d throws(SysError) in
                    _ = try d.spawn([.newGroup, .noWait]) { e throws(SysError) in
                        let error = failure { () throws(SysError) in _ = try e.read(slave, 1) }
                        log.withLock { $0.append(error) }
                        return .ok
                    }
                    return .ok
                }
                _ = try c.wait(.pid(parent))
                return Status(try Self.text(c, slave))
            }
            guard eventually({ log.withLock { $0.count } == 1 }) else { throw SysError("no answer") }
            try untilBlocked(p, leader)
            // The leader's parent is in another session.
            try p.write(master, "\u{1a}go on\r")
            return log.withLock { $0 } + [try p.wait(.pid(leader)).status.text]
        }
        #expect(got == ["i/o error", "go on\n"])
    }

    @Test(.timeLimit(.minutes(1))) func oneThreadDrivesManyTerminalsAndLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            reporting {
                let counts = try inSystem { p throws(SysError) -> [Live] in
                    try p.bind("#y", "/n")
                    guard eventually({ Live.now.waiters == 2 }) else { throw SysError("\(Live.now)") }
                    let before = Live.now
                    let programs = try TtyTests.talk(p, 300, words: 5)
                    guard programs == 300 * 5 else { throw SysError("\(programs) lines") }
                    return [before, Live.now]
                }
                #expect(counts[0] == counts[1])
            }
        }
    }

    /// `count` terminals, on each of which a program gives every line back that is typed, by `poll` and `.try` alone.
    /// How many lines came back.
    static func talk(_ p: Proc, _ count: Int, words: Int) throws(SysError) -> Int {
        var ends: [(master: Int32, slave: Int32)] = []
        for n in 0..<count { ends.append((try p.open("/n/ptmx", .readWrite), try p.open("/n/\(n)", .readWrite))) }
        var list = ends.flatMap { [Proc.Poll($0.master, .read), Proc.Poll($0.slave, .read)] }
        var shown = [String](repeating: "", count: count)
        for (master, _) in ends { try p.write(master, "word\r") }
        var lines = 0
        while shown.contains(where: { $0.utf8.count < words * 12 }) {
            guard try p.poll(&list, milliseconds: 10_000) > 0 else { throw SysError("nothing more comes") }
            for (i, one) in list.enumerated() where one.got.contains(.read) {
                let got = try text(p, one.fd, .try)
                guard i % 2 == 0 else {
                    try p.write(one.fd, got)
                    continue
                }
                // A line that was typed is seen twice: as echo, and as what the program says.
                shown[i / 2] += got
                let seen = shown[i / 2].utf8.count
                guard seen % 12 == 0 else { continue }
                lines += 1
                if seen < words * 12 { try p.write(one.fd, "word\r") }
            }
        }
        for (master, slave) in ends {
            try p.close(slave)
            try p.close(master)
        }
        return lines
    }

    @Test(.timeLimit(.minutes(1))) func theMastersEndHangsUp() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let log = Lock([String]())
            let leader = try p.spawn([.newSession, .forkFD], fds: [slave]) { c throws(SysError) in
                try Self.ctl(c, "session")
                c.onNote(
                    .handle { note in
                        log.withLock { $0.append(note.text) }
                        return true
                    })
                let reader = try c.spawn([.forkFD]) { d throws(SysError) in
                    d.onNote(.ignore)
                    return Status("read \(try Self.text(d, slave).count)")
                }
                do throws(SysError) { try c.sleep(milliseconds: 1_000_000) } catch {
                    guard error.code == .interrupted else { throw error }
                }
                let status = try c.wait(.pid(reader)).status.text
                log.withLock { $0.append(status) }
                return .ok
            }
            guard eventually({ p.system.proc(leader)?.children.count == 1 }) else { throw SysError("no reader") }
            for pid in p.system.proc(leader)?.children ?? [] { try untilBlocked(p, pid) }
            try untilBlocked(p, leader)
            let ctl = try p.open("/n/0ctl", .write)
            try p.close(master)
            _ = try p.wait(.pid(leader))
            return log.withLock { $0 } + [
                failure { () throws(SysError) in try p.write(slave, "x") },
                try Self.text(p, slave), "\(p.isTerminal(slave))",
                failure { () throws(SysError) in _ = try p.open("/n/0") },
                failure { () throws(SysError) in try p.write(ctl, "foreground 1") },
            ]
        }
        #expect(
            got == [
                "hangup", "read 0", "i/o on hungup channel", "", "false", "'/n/0' file does not exist",
                "i/o on hungup channel",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func itCanBeHungUpByAMessage() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let pid = try p.spawn { c throws(SysError) in Status("\(try Self.text(c, slave).count)") }
            try untilBlocked(p, pid)
            try Self.ctl(p, "hangup")
            var list = [Proc.Poll(master, [.read, .write]), Proc.Poll(slave, [.read, .write])]
            _ = try p.poll(&list)
            return [
                try p.wait(.pid(pid)).status.text, "\(list.allSatisfy { $0.got == [.read, .write, .hangup] })",
                try Self.text(p, master), failure { () throws(SysError) in try p.write(master, "x") },
            ]
        }
        #expect(got == ["0", "true", "", "i/o on hungup channel"])
    }

    @Test(.timeLimit(.minutes(1))) func theSlaveCanBeOpenedAgain() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#y", "/n")
            let master = try p.open("/n/ptmx", .readWrite)
            var list = [Proc.Poll(master, .read)]
            // Nobody was there yet: the master waits.
            var got = ["\(try p.poll(&list, milliseconds: 0))"]
            let first = try p.open("/n/0", .readWrite)
            try p.write(first, "bye\n")
            try p.close(first)
            got += [try Self.text(p, master), try Self.text(p, master)]
            _ = try p.poll(&list, milliseconds: 0)
            got.append("\(list[0].got == [.read, .hangup])")
            let second = try p.open("/n/0", .readWrite)
            got.append("\(try p.poll(&list, milliseconds: 0))")
            try p.write(master, "again\r")
            got.append(try Self.text(p, second))
            return got
        }
        #expect(got == ["0", "bye\r\n", "", "true", "0", "again\n"])
    }

    @Test(.timeLimit(.minutes(1))) func nobodyWaitsLongerThanHeMust() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            var list = [Proc.Poll(slave, [.read, .write]), Proc.Poll(master, [.read, .write])]
            let ready = { () throws(SysError) -> String in
                _ = try p.poll(&list, milliseconds: 0)
                return list.map { "\($0.got.contains(.read) ? "r" : "-")\($0.got.contains(.write) ? "w" : "-")" }
                    .joined(separator: " ")
            }
            var got = [try ready(), failure { () throws(SysError) in _ = try Self.text(p, slave, .try) }]
            got.append(failure { () throws(SysError) in _ = try Self.text(p, master, .try) })
            try p.write(master, "ab")
            got.append(try ready())
            try p.write(master, "\r")
            got.append(try ready())
            // A program that writes more than anybody looks at is kept waiting.
            let block = [UInt8](repeating: 65, count: 100_000)
            let n = try p.write(slave, block.span.bytes, .try)
            got.append("\(n < block.count) \(try ready())")
            got.append(failure { () throws(SysError) in _ = try p.write(slave, block.span.bytes, .try) })
            // Somebody who types more than anybody reads, too; a signal passes.
            try Self.ctl(p, "rawon")
            let ctl = try p.open("/n/0ctl", .write)
            try p.write(ctl, "rawon")
            _ = try p.write(master, block.span.bytes, .try)
            got.append(failure { () throws(SysError) in _ = try p.write(master, block.span.bytes, .try) })
            got.append(try ready())
            try p.write(master, "\u{3}")
            got.append(try ready())
            return got
        }
        #expect(
            got == [
                "-w -w", "operation would block", "operation would block", "-w rw", "rw rw", "true r- rw",
                "operation would block", "operation would block", "r- r-", "-w -w",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func bytesFlowBothWaysUnderPressureAndNoneIsLost() throws {
        let got = try inSystem { p throws(SysError) -> [Int] in
            let (master, slave) = try Self.make(p)
            let ctl = try p.open("/n/0ctl", .write)
            try p.write(ctl, "rawon")
            let count = 180_000
            let typist = try p.spawn { c throws(SysError) in
                try c.write(master, (0..<count).map { UInt8(32 + $0 % 90) })
                return .ok
            }
            // The program gives back what it reads, twice.
            let echoer = try p.spawn { c throws(SysError) in
                var left = count
                while left > 0 {
                    let bytes = try c.read(slave, 10_000)
                    left -= bytes.count
                    try c.write(slave, bytes + bytes)
                }
                return .ok
            }
            var sums = [Int](repeating: 0, count: 256)
            var left = 2 * count
            while left > 0 {
                for byte in try p.read(master, 7777) {
                    sums[Int(byte)] += 1
                    left -= 1
                }
            }
            _ = try p.wait(.pid(typist))
            _ = try p.wait(.pid(echoer))
            return [left, sums[32], sums[121], sums[122]]
        }
        #expect(got == [0, 2 * 2000, 2 * 2000, 0])
    }

    @Test(.timeLimit(.minutes(1))) func whoWaitsIsInterrupted() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let log = Lock([String]())
            let block = [UInt8](repeating: 65, count: 300_000)
            for wait in 0..<4 {
                // There is no room for one more byte from the third on.
                if wait == 2 { _ = try p.write(slave, block.span.bytes, .try) }
                let pid = try p.spawn { c throws(SysError) in
                    c.onNote(.handle { _ in true })
                    let error = failure { () throws(SysError) in
                        switch wait {
                        case 0: _ = try c.read(slave, 1)
                        case 1: _ = try c.read(master, 1)
                        case 2: try c.write(slave, "x")
                        default: try c.terminal(slave).drain(.wait)
                        }
                    }
                    log.withLock { $0.append(error) }
                    return .ok
                }
                try untilBlocked(p, pid)
                p.system.proc(pid)?.post(.interrupt)
                _ = try p.wait(.pid(pid))
            }
            return log.withLock { $0 }
        }
        #expect(got == ["interrupted", "interrupted", "interrupted", "interrupted"])
    }

    @Test(.timeLimit(.minutes(1))) func settingsGoInAndOutAndTimeCounts() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (master, slave) = try Self.make(p)
            let terminal = try p.terminal(slave)
            var settings = terminal.settings
            settings.control = 0xdead
            settings.setRaw(true)
            (settings[.min], settings[.time]) = (0, 1)
            try p.write(master, "typed ahead")
            terminal.set(settings, discardInput: true)
            var got = ["\(terminal.settings == settings)"]
            let start = HostClock.monotonic()
            got.append(try Self.text(p, slave))
            got.append("\(HostClock.monotonic() - start >= 100_000_000)")
            (settings[.min], settings[.time]) = (0, 0)
            terminal.set(settings, discardInput: false)
            got.append(try Self.text(p, slave))
            (settings[.min], settings[.time]) = (5, 1)
            terminal.set(settings, discardInput: false)
            try p.write(master, "abc")
            // Two bytes are missing, and time is up.
            got.append(try Self.text(p, slave))
            try p.write(master, "abcdef")
            got.append(try Self.text(p, slave))
            let none = failure { () throws(SysError) in _ = try p.terminal(try p.open("/n/0ctl")) }
            return got + [none, "\(terminal.number)"]
        }
        #expect(got == ["true", "", "true", "", "abc", "abcdef", "not a terminal", "0"])
    }
}
