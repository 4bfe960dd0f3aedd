import Glibc
import Host
import Kernel
import Testing

@testable import Devices

@Suite struct CmdTests {
    private static var grants: HostGrants {
        var grants = HostGrants()
        grants.commands = true
        return grants
    }

    /// Runs `body` where programs of the host may be run.
    private func run<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
        signal(SIGPIPE, SIG_IGN)
        return try inSystem(grants: Self.grants, body)
    }

    @Test(.timeLimit(.minutes(1))) func withoutTheGrantThereIsNothing() throws {
        let error = try inSystem { p throws(SysError) in failure { () throws(SysError) in _ = try p.open("#C") } }
        #expect(error == "'#C' host commands are off (start emu with -C)")
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("true", "''"), ("false", "1"), ("sh -c 'exit 42'", "42"), ("sh -c 'kill -9 $$'", "killed"),
            ("sh -c 'kill -INT $$'", "interrupt"), ("sh -c 'kill -SEGV $$'", "139"), ("'tr' -d 'it''s' ", "''"),
        ])
    func waitTellsHowItEnded(command: String, status: String) throws {
        let fields = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            try talk.start(command)
            try talk.endInput()
            return try talk.record()
        }
        #expect(fields.count == 5)
        #expect(fields.dropLast().allSatisfy { Int($0) != nil })
        #expect(fields.last == status)
    }

    @Test(.timeLimit(.minutes(1))) func standardFilesAreItsPipes() throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            let errors = try p.open("\(talk.folder)/stderr")
            try talk.start("sh -c 'echo trouble >&2; cat; echo end'")
            let input = try p.open("\(talk.folder)/data", .write)
            try p.write(input, "one\n")
            let output = try p.open("\(talk.folder)/data")
            let first = String(decoding: try p.readn(output, 4), as: UTF8.self)
            try p.write(input, "two\n")
            try p.close(input)
            let rest = String(decoding: try p.readn(output, 1000), as: UTF8.self)
            let said = String(decoding: try p.readn(errors, 1000), as: UTF8.self)
            return [first, rest, said, try talk.record().last ?? ""]
        }
        #expect(got == ["one\n", "two\nend\n", "trouble\n", "''"])
    }

    @Test(.timeLimit(.minutes(1))) func whatNobodyCanReadIsLost() throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            // Its trouble is not listened to; its output has a reader who goes.
            try talk.start("sh -c 'echo x >&2 && echo survived; exec yes'")
            let output = try p.open("\(talk.folder)/data")
            let first = String(decoding: try p.readn(output, 9), as: UTF8.self)
            try p.close(output)
            return [first, try talk.record().last ?? ""]
        }
        #expect(got == ["survived\n", "141"])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("", "unknown control request"), ("run ls", "unknown control request"),
            ("exec", "wrong #args in control message"), ("dir", "wrong #args in control message"),
            ("killonclose now", "wrong #args in control message"), ("dir relative", "bad arg in system call"),
            ("nice 0", "bad arg in system call"), ("nice 4", "bad arg in system call"),
            ("nice 99999999999999999999", "bad arg in system call"), ("kill nothing", "bad arg in system call"),
            ("exec 'ls", "bad arg in system call"), ("exec a\0b", "bad arg in system call"),
            ("kill", "no such process"), ("exec ''", "'' file does not exist"),
            ("exec /nonexistent/program", "'/nonexistent/program' file does not exist"),
            ("exec /etc/passwd", "'/etc/passwd' permission denied"),
            ("exec " + String(repeating: "x ", count: 65536), "read or write too large"),
            ("exec true " + String(repeating: "'", count: 100_001), "bad arg in system call"),
        ])
    func messagesThatMakeNoSenseChangeNothing(message: String, error: String) throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            let said = failure { () throws(SysError) in try talk.tell(message) }
            // It is as good as new.
            try talk.start("true")
            return [said, try talk.record().last ?? ""]
        }
        #expect(got == [error, "''"])
    }

    @Test(.timeLimit(.minutes(1))) func bytesThatAreNoTextAreNoMessage() throws {
        let said = try run { p throws(SysError) -> String in
            let talk = try Talk(p)
            return failure { () throws(SysError) in
                try p.write(talk.control, [UInt8]("exec echo ".utf8) + [0xC3, 0xFF])
            }
        }
        #expect(said == "bad arg in system call")
    }

    @Test(.timeLimit(.minutes(1))) func aConversationRunsOneProgramAndTellsItsState() throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            var states = [try p.text("\(talk.folder)/status")]
            let wait = try p.open("\(talk.folder)/wait")
            states.append(failure { () throws(SysError) in _ = try p.read(wait) })
            try talk.tell("dir '/usr'")
            try talk.tell("nice 2")
            try talk.start("cat")
            states.append(try p.text("\(talk.folder)/status"))
            states.append(failure { () throws(SysError) in try talk.tell("exec true") })
            states.append(failure { () throws(SysError) in try talk.tell("dir /") })
            try talk.tell("kill term")
            states.append(try talk.record().last ?? "")
            states.append(try p.text("\(talk.folder)/status"))
            states.append(failure { () throws(SysError) in try talk.tell("kill") })
            return states
        }
        #expect(
            got == [
                "cmd/0 1 Open . ''\n", "no living children", "cmd/0 2 Execute /usr cat\n",
                "device or object already in use", "device or object already in use", "term", "cmd/0 2 Done /usr cat\n",
                "no such process",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func itRunsWhereAndWithWhatItIsGiven() throws {
        setenv("EMU_TEST_SECRET", "x", 1)
        let lines = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            try talk.tell("dir /usr/lib")
            try talk.start(
                "sh -c 'pwd; /usr/bin/env -0 | tr \"\\0\\n\" \"\\n \"; ls /proc/self/fd; ps -o sid= -p $$; echo $$'")
            return try talk.output().split(separator: "\n").map { $0.filter { $0 != " " } }
        }
        #expect(lines.first == "/usr/lib")
        let known: Set = [
            "PATH", "TERM", "LANG", "TZ", "COLUMNS", "LINES", "USER", "LOGNAME", "PWD", "OLDPWD", "_", "SHLVL",
        ]
        let names = lines.filter { $0.contains("=") }.map { String($0.prefix { $0 != "=" }) }
        #expect(names.contains("USER") && Set(names).isSubset(of: known), "\(names)")
        #expect(lines.contains("USER=glenda"))
        // Descriptors 0 to 2, and the one that ls reads.
        #expect(lines.filter { Int($0).map { $0 < 100 } ?? false } == ["0", "1", "2", "3"])
        #expect(lines.last == lines.dropLast().last, "no session of its own")
    }

    @Test(.timeLimit(.minutes(1))) func aConversationBelongsToWhoMadeIt() throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            let folder = talk.folder
            let pid = try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                c.become(Cred(user: "other", uid: 1001, gid: 1001))
                let errors = ["ctl", "data", "wait", "status"].map { name in
                    failure { () throws(SysError) in _ = try c.open("\(folder)/\(name)") }
                }
                return Status(Set(errors.map { $0.hasSuffix("permission denied") }).description)
            }
            return [try p.wait(.pid(pid)).status.text, try p.stat("\(folder)/ctl").owner]
        }
        #expect(got == ["[true]", "glenda"])
    }

    @Test(.timeLimit(.minutes(1))) func readsThatWouldWaitCanBeTriedAndPolled() throws {
        let got = try run { p throws(SysError) -> [String] in
            let talk = try Talk(p)
            let wait = try p.open("\(talk.folder)/wait")
            try talk.start("sh -c 'read line; echo got'")
            let output = try p.open("\(talk.folder)/data")
            var said: [String] = []
            for fd in [output, wait] {
                said.append(
                    failure { () throws(SysError) in
                        var block = [UInt8](repeating: 0, count: 16)
                        var span = block.mutableSpan
                        var bytes = span.mutableBytes
                        _ = try p.read(fd, into: &bytes, .try)
                    })
            }
            var list = [Proc.Poll(output, .read), Proc.Poll(wait, .read)]
            said.append("\(try p.poll(&list, milliseconds: 0))")
            try talk.endInput("line\n")
            said.append("\(try p.poll(&list) > 0)")
            said.append(String(decoding: try p.read(output), as: UTF8.self))
            list.removeFirst()
            said.append("\(try p.poll(&list))")
            return said
        }
        #expect(got == ["operation would block", "operation would block", "0", "true", "got\n", "1"])
    }

    @Test(.timeLimit(.minutes(1))) func theEndOfAConversationKillsAllOfTheGroup() throws {
        let left = try run { p throws(SysError) -> [Int32] in
            let talk = try Talk(p)
            try talk.start("sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $!; echo $$; wait'")
            let output = try p.open("\(talk.folder)/data")
            var text = ""
            while text.split(separator: "\n").count < 2 || !text.hasSuffix("\n") {
                text += String(decoding: try p.read(output, 64), as: UTF8.self)
            }
            try p.close(output)
            let pids = text.split(separator: "\n").compactMap { Int32($0) }
            guard pids.count == 2, pids.allSatisfy(isAlive) else { throw SysError("they do not run: \(text)") }
            try p.close(talk.control)
            guard try p.namesAfterEnd() == ["clone"] else { throw SysError("the conversation is still there") }
            return pids
        }
        #expect(eventually { !left.contains(where: isAlive) })
    }

    @Test(.timeLimit(.minutes(1))) func aKilledProcessTakesItsProgramWithIt() throws {
        let left = try run { p throws(SysError) -> Int32 in
            let found = Lock<Int32>(0)
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                let talk = try Talk(c)
                try talk.start("sh -c 'echo $$; exec sleep 1000'")
                let output = try c.open("\(talk.folder)/data")
                let text = String(decoding: try c.read(output), as: UTF8.self)
                found.withLock { $0 = Int32(text.dropLast()) ?? 0 }
                _ = try talk.record()
                return .ok
            }
            guard eventually({ found.withLock { $0 } > 0 }) else { throw SysError("it does not start") }
            try untilBlocked(p, pid)
            p.system.proc(pid)?.kill()
            _ = try p.wait(.pid(pid))
            return found.withLock { $0 }
        }
        #expect(eventually { !isAlive(left) })
    }

    @Test(.timeLimit(.minutes(1))) func manyConversationsGoOnAtOnceAndLeaveNothing() throws {
        let got = try run { p throws(SysError) -> [String] in
            // What is made once is made.
            let first = try Talk(p)
            try first.start("true")
            try p.close(first.control)
            let descriptors = HostFolder.descriptors
            let pids = try (0..<200).map { n throws(SysError) -> Int32 in
                try p.spawn(.forkFD) { c throws(SysError) in
                    let talk = try Talk(c)
                    try talk.start("cat")
                    try talk.endInput("\(n)\n")
                    guard try talk.output() == "\(n)\n" else { return "other words" }
                    return Status(try talk.record().last == "''" ? "" : "bad end")
                }
            }
            var ends: Set<String> = []
            for pid in pids { ends.insert(try p.wait(.pid(pid)).status.text) }
            let isClosed = eventually { HostFolder.descriptors <= descriptors + 4 }
            let names = try p.namesAfterEnd()
            return ends.sorted() + names + ["\(isClosed)"]
        }
        #expect(got == ["", "clone", "true"])
    }
}

/// Whether the host has this process, and it is no corpse.
private func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? HostEnvironment.readFile("/proc/\(pid)/stat") else { return false }
    return !String(decoding: stat, as: UTF8.self).contains(") Z ")
}

/// One conversation with a program of the host.
private struct Talk {
    let p: Proc
    let control: Int32
    let folder: String

    init(_ p: Proc) throws(SysError) {
        self.p = p
        control = try p.open("#C/cmd/clone", .readWrite)
        folder = "#C/cmd/\(String(decoding: try p.read(control, 32), as: UTF8.self))"
    }

    func tell(_ message: String) throws(SysError) { try p.write(control, message) }
    func start(_ command: String) throws(SysError) { try tell("exec \(command)") }

    /// The program reads `text` and then the end.
    func endInput(_ text: String = "") throws(SysError) {
        let input = try p.open("\(folder)/data", .write)
        try p.write(input, text)
        try p.close(input)
    }

    /// All that it writes.
    func output() throws(SysError) -> String {
        let fd = try p.open("\(folder)/data")
        defer { _ = try? p.close(fd) }  // it was read: nothing is lost
        return String(decoding: try p.readn(fd, 1 << 16), as: UTF8.self)
    }

    /// The fields of its wait record.
    func record() throws(SysError) -> [String] {
        try p.text("\(folder)/wait").split(separator: " ", maxSplits: 4).map(String.init)
    }
}

extension Proc {
    /// What `#C/cmd` lists.
    fileprivate func namesAfterEnd() throws(SysError) -> [String] {
        let fd = try open("#C/cmd")
        defer { _ = try? close(fd) }  // it was read: nothing is lost
        return try dirread(fd).map(\.name)
    }
}
