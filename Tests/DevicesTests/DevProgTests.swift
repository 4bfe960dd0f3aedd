import Host
import Kernel
import Library
import KernelTestSupport
import Testing

@testable import Devices

@Suite(.timeLimit(.minutes(1))) struct DevProgTests {
    private func withProg<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), MemDev("m"), DevProg()]) { p in
            try p.mkdir("/prog")
            try p.bind("#p", "/prog")
            for name in ["/a", "/b", "/m", "/m/a", "/m/b"] { try p.mkdir(name) }
            try p.put("/a/f", "in a")
            try p.put("/b/f", "in b")
            return try body(p)
        }
    }

    /// A child that sleeps until it is killed or noted.
    private func sleeper(_ p: Proc, _ flags: ProcFlags = [], args: [String]? = nil) throws(SysError) -> Int32 {
        let pid = try p.spawn(flags, args: args) { (p) throws(SysError) in
            try p.sleep(milliseconds: 100_000)
            return "woke"
        }
        guard try inTime({ p.system.proc(pid)?.isBlocked ?? false }) else { throw SysError("it does not block") }
        return pid
    }

    @Test func theDirectoriesAreTheLiveProcesses() async throws {
        try await withProg { p in
            let one = try sleeper(p)
            let two = try sleeper(p)
            #expect(try p.names("/prog", limit: 1) == ["\(p.pid)", "\(one)", "\(two)", "self"])
            let files = [
                "ctl", "status", "ns", "fd", "wait", "text", "args", "env", "note", "pgrp", "nsgrp", "ppid", "below",
                "trace",
            ]
            #expect(try p.names("/prog/\(one)", limit: 3) == files)
            for (file, mode) in [("ctl", 0o200), ("ns", 0o600), ("status", 0o444), ("wait", 0o400)] {
                #expect(try p.stat("/prog/\(one)/\(file)").mode.rawValue == UInt32(mode))
            }
            #expect(try p.stat("/prog/\(one)").owner == "glenda")
            let fd = try p.open("/prog/\(one)/status")
            try p.send("/prog/\(one)/ctl", "kill")
            _ = try p.wait(.pid(one))
            #expect(try p.names("/prog") == ["\(p.pid)", "\(two)", "self"])
            #expect(code { () throws(SysError) in try p.open("/prog/\(one)/status") } == .nonexist)
            #expect(code { () throws(SysError) in try p.read(fd, 10) } == .threadExited)
            for name in ["0", "01", "+1", "-1", "x", "99999999999", "1.0"] {
                #expect(code { () throws(SysError) in try p.stat("/prog/\(name)") } == .nonexist)
            }
            #expect(code { () throws(SysError) in try p.stat("/prog/\(two)/x") } == .nonexist)
            try p.chdir("/prog/\(two)")
            #expect(try p.names("..").count == 3)
        }
    }

    @Test func selfIsTheCaller() async throws {
        try await withProg { p in
            #expect(try p.readlink("/prog/self") == "\(p.pid)")
            let pid = try p.spawn { (p) throws(SysError) in
                Status(try p.text("/prog/self/status").split(separator: " ").first.map(String.init) ?? "nothing")
            }
            #expect(try p.wait().status == Status("\(pid)"))
            try p.chdir("/prog/self")
            #expect(p.directory == "/prog/\(p.pid)")
        }
    }

    @Test func belowAreTheProcessAndThoseThatDescendFromIt() async throws {
        try await withProg { p in
            let other = try sleeper(p)
            let child = try p.spawn { (p) throws(SysError) in
                _ = try p.spawn { (p) throws(SysError) in
                    try p.sleep(milliseconds: 100_000)
                    return .ok
                }
                try p.sleep(milliseconds: 100_000)
                return .ok
            }
            guard try inTime({ p.system.proc(child)?.children.count == 1 }) else { throw SysError("no grandchild") }
            let grandchild = try #require(p.system.proc(child)?.children.first)
            let below = "/prog/\(child)/below"
            #expect(try p.names(below) == ["\(child)", "\(grandchild)", "self"])
            #expect(try p.text("\(below)/\(grandchild)/ppid") == "\(child)")
            #expect(try p.text("\(below)/\(grandchild)/status") == p.text("/prog/\(grandchild)/status"))
            #expect(code { () throws(SysError) in try p.stat("\(below)/\(other)") } == .nonexist)
            // There is no way from it to the others, also where nothing is mounted any more.
            try p.bind(below, "/prog")
            #expect(try p.names("/prog/\(child)/below") == ["\(child)", "\(grandchild)", "self"])
            #expect(try p.names("/prog/\(grandchild)/below") == ["\(grandchild)", "self"])
            try p.chdir("/prog/\(child)")
            try p.unmount(nil, "/prog")
            #expect(try p.names("..") == ["\(child)", "\(grandchild)", "self"])
            try p.chdir("../..")
            #expect(code { () throws(SysError) in try p.stat("\(other)") } == .nonexist)
            try p.bind("#p", "/prog")
            try p.send("/prog/\(child)/ctl", "kill")
            _ = try p.wait(.pid(child))
            #expect(code { () throws(SysError) in try p.stat(below) } == .nonexist)
            #expect(try p.text("/prog/\(grandchild)/ppid") == "1")
            p.system.proc(grandchild)?.kill()
        }
    }

    @Test func statusHasInfernosForm() async throws {
        try await withProg { p in
            func status(_ pid: Int32) throws(SysError) -> String { try p.text("/prog/\(pid)/status") }
            let pid = try sleeper(p, .newGroup, args: ["/bin/sleep", "100"])
            /// The line without the size, which is a number of kilobytes.
            func form(_ line: String) -> String {
                let fields = line.utf8.map { $0 }
                guard fields.count > 55,
                    let size = Int(String(decoding: fields[50..<55], as: UTF8.self).filter { $0 != " " }),
                    (4...512).contains(size)
                else { return "no size: \(line)" }
                return String(decoding: fields[..<50] + fields[55...], as: UTF8.self)
            }
            let tail = "    glenda    0:00.0    release K sleep[$Sys]"
            #expect(try form(status(pid)) == "\(String(pid).right(8)) \(String(pid).right(8)) " + tail)
            try p.send("/prog/\(pid)/ctl", "stop")
            #expect(try form(status(pid)).contains(" stopped K sleep"))
            #expect(try form(status(p.pid)).contains("      ready K test"))
            #expect(try status(pid).utf8.count == status(pid).replacing("sleep[$Sys]", with: "sleep").utf8.count)
        }
    }

    @Test func theSizeIsWhatTheStackHasTouched() async throws {
        try await withProg { p in
            @Sendable func deep(_ levels: Int) -> Int { levels == 0 ? 1 : deep(levels - 1) &+ levels }
            let ready = Lock(false)
            let pid = try p.spawn(.newGroup) { (c) throws(SysError) in
                guard deep(2000) > 0 else { return "shallow" }
                ready.withLock { $0 = true }
                try c.sleep(milliseconds: 100_000)
                return .ok
            }
            #expect(try inTime { ready.withLock { $0 } })
            let words = try p.text("/prog/\(pid)/status").split(separator: " ")
            #expect((Int(words.first { $0.hasSuffix("K") }?.dropLast() ?? "") ?? 0) > 60)
            p.system.proc(pid)?.kill()
            _ = try p.wait(.pid(pid))
        }
    }

    @Test func theTimeIsThatOfTheCPU() async throws {
        try await withProg { p in
            let pid = try p.spawn { (p) throws(SysError) in
                while true { try Thread.check() }
            }
            let burned = try inTime { p.system.proc(pid)?.cpuTime ?? 0 > 250_000_000 }
            #expect(burned)
            let time = try p.text("/prog/\(pid)/status").split(separator: " ")[3]
            #expect(time >= "0:00.2" && time < "0:30.0")
            #expect(try p.text("/prog/\(pid)/status").contains("      ready "))
            try p.send("/prog/\(pid)/ctl", "kill\n")
            #expect(try p.wait().status == "killed")
        }
    }

    @Test func theSmallFilesTellWhatTheyShould() async throws {
        try await withProg { p in
            try p.environment.set("x", Array("one two".utf8), 0)
            let pid = try sleeper(p, [.newGroup, .forkNS], args: ["/bin/echo", "a b", "it's", ""])
            #expect(try p.text("/prog/\(pid)/args") == "/bin/echo 'a b' 'it''s' ''\n")
            #expect(try p.text("/prog/\(pid)/env") == "x=one two\n")
            #expect(try p.text("/prog/\(pid)/pgrp") == "\(pid)")
            #expect(try p.text("/prog/\(pid)/nsgrp") != p.text("/prog/self/nsgrp"))
            #expect(try p.text("/prog/\(pid)/text") == "\n")
            let fd = try p.open("/a/f")
            let lines = try p.text("/prog/self/fd").split(separator: "\n")
            #expect(lines[0] == "/")
            #expect(lines[1].hasPrefix("  \(fd) r  / ") && lines[1].hasSuffix("00)     0        0 /a/f"))
        }
    }

    @Test func theProgramIsNamed() async throws {
        struct Name: Program {
            func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
                Status(try p.text("/prog/self/text") + p.text("/prog/self/args"))
            }
        }
        let entry = ProgramEntry(name: "Name", path: "/name", make: { Name() })
        try await withSystem([MemDev(), DevProg()], programs: [entry]) { p in
            try p.mkdir("/prog")
            try p.bind("#p", "/prog")
            try p.put("/name", entry.text, 0o755)
            _ = try p.spawn { (p) throws(SysError) in try p.exec("/name", ["name", "x"]) }
            #expect(try p.wait().status == "/name\nname x\n")
        }
    }

    // MARK: control

    @Test(arguments: [
        ("", SysError.Code.badControl), (" \n", .badControl), ("die", .unknownControl), ("kill 1", .controlArgs),
        ("note", .controlArgs), ("note ", .controlArgs), ("pri", .controlArgs), ("pri 1 2", .controlArgs),
        ("pri x", .badArg), ("pri -1", .badArg), ("pri 20", .badArg), ("kill\0", .unknownControl),
    ]) func whatCtlDoesNotKnowIsRefused(_ text: String, _ expected: SysError.Code) async throws {
        try await withProg { p in
            let pid = try sleeper(p)
            let fd = try p.open("/prog/\(pid)/ctl", .write)
            #expect(code { () throws(SysError) in try p.write(fd, Array(text.utf8).span.bytes) } == expected)
            let large = [UInt8](repeating: 0x20, count: 10_000)
            #expect(code { () throws(SysError) in try p.write(fd, large) } == .tooBig)
            #expect(p.system.proc(pid)?.isKilled == false)
        }
    }

    /// What a process does that is told to give way, and its child, and others, and who comes after.
    @Test func aProcessGivesWayAndSoDoItsChildren() async throws {
        try await withProg { p in
            let told = Lock(false)
            let nice = { @Sendable () in Status("\(HostThread.nice)") }
            let pid = try p.spawn { (p) throws(SysError) in
                while !told.withLock({ $0 }) { try p.sleep(milliseconds: 1) }
                let child = try p.spawn { (_) throws(SysError) in nice() }
                let status = try p.wait(.pid(child)).status.text
                let refused = thrown { () throws(SysError) in try p.send("/prog/self/ctl", "pri 2") }
                // Only where the host lets it does it come back.
                return Status("\(nice().text) \(status) \(refused?.code == .perm ? "2" : nice().text)")
            }
            try p.send("/prog/\(pid)/ctl", "pri 7")
            told.withLock { $0 = true }
            let status = try p.wait(.pid(pid)).status.text
            #expect(status == "2 7 2" || status == "7 7 2")
            // The host threads of those two are for nobody else.
            for _ in 0..<20 {
                let next = try p.spawn { (_) throws(SysError) in nice() }
                #expect(try p.wait(.pid(next)).status == "0")
            }
            #expect(HostThread.nice == 0)
        }
    }

    @Test func stopAndStart() async throws {
        try await withProg { p in
            let count = Lock(0)
            let pid = try p.spawn { (p) throws(SysError) in
                while true {
                    count.withLock { $0 += 1 }
                    try p.sleep(milliseconds: 1)
                }
            }
            #expect(try inTime { count.withLock { $0 } > 3 })
            try p.send("/prog/\(pid)/ctl", "stop")
            try p.sleep(milliseconds: 50)
            let stopped = count.withLock { $0 }
            try p.sleep(milliseconds: 50)
            #expect(count.withLock { $0 } == stopped)
            try p.send("/prog/\(pid)/ctl", "start")
            #expect(try inTime { count.withLock { $0 } > stopped + 3 })
            try p.send("/prog/\(pid)/ctl", "stop")
            try p.send("/prog/\(pid)/ctl", "kill")
            #expect(try p.wait().status == "killed")
        }
    }

    @Test func notesComeByEitherFile() async throws {
        try await withProg { p in
            for (file, message) in [
                ("note", "hello there"), ("ctl", "note hello there"), ("ctl", "note  hello there\n"),
            ] {
                let pid = try p.spawn { (p) throws(SysError) in
                    let got = Lock("")
                    let sender = Lock(Int32(0))
                    p.onNote(
                        .handle { note in
                            got.withLock { $0 = note.text }
                            sender.withLock { $0 = note.sender }
                            return true
                        })
                    let error = thrown { () throws(SysError) in try p.sleep(milliseconds: 100_000) }
                    return Status("\(got.withLock { $0 }) from \(sender.withLock { $0 }): \(error?.sentence ?? "")")
                }
                #expect(try inTime { p.system.proc(pid)?.isBlocked ?? false })
                try p.send("/prog/\(pid)/\(file)", message)
                #expect(try p.wait().status == Status("hello there from \(p.pid): interrupted"))
            }
            let pid = try sleeper(p)
            let long = String(repeating: "x", count: 129)
            #expect(code { () throws(SysError) in try p.send("/prog/\(pid)/note", long) } == .tooBig)
            try p.send("/prog/\(pid)/note", "hangup")
            #expect(try p.wait().status == "hangup")
        }
    }

    @Test func aGroupIsKilledButForTheWriter() async throws {
        try await withProg { p in
            let outside = try sleeper(p, .newGroup)
            _ = try p.spawn(.newGroup) { (p) throws(SysError) in
                for _ in 0..<20 {
                    _ = try p.spawn(.noWait) { (p) throws(SysError) in
                        // Makes more for as long as it can.
                        while true {
                            _ = try p.spawn(.noWait) { (p) throws(SysError) in
                                try p.sleep(milliseconds: 100_000)
                                return .ok
                            }
                            try p.sleep(milliseconds: 1)
                        }
                    }
                }
                try p.sleep(milliseconds: 50)
                try p.send("/prog/self/ctl", "killgrp")
                return try inTime { p.system.processes.filter { $0.group == p.group }.count == 1 } ? .ok : "alive"
            }
            #expect(try p.wait().status == .ok)
            #expect(p.system.proc(outside)?.isKilled == false)
        }
    }

    @Test func waitTellsHowChildrenEnd() async throws {
        try await withProg { p in
            #expect(code { () throws(SysError) in try p.text("/prog/self/wait") } == .noChild)
            let fd = try p.open("/prog/self/wait")
            let long = String(repeating: "\u{e4}", count: 40)
            for (status, text) in [("", ""), ("bad news", "bad news"), (long, String(long.prefix(32)))] {
                let pid = try p.spawn(args: ["/bin/child"]) { _ throws(SysError) in Status(status) }
                #expect(try String(decoding: p.read(fd, 200), as: UTF8.self) == "\(pid) \"child\":\(text)")
            }
            #expect(code { () throws(SysError) in try p.read(fd, 200) } == .noChild)
            let pid = try sleeper(p)
            let try_ = { () throws(SysError) -> Int in
                var bytes = [UInt8](repeating: 0, count: 10)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                return try p.read(fd, into: &raw, .try)
            }
            #expect(code(try_) == .wouldBlock)
            var list = [Proc.Poll(fd, .read)]
            #expect(try p.poll(&list, milliseconds: 10) == 0)
            try p.send("/prog/\(pid)/ctl", "kill")
            #expect(try p.poll(&list) == 1)
            #expect(try String(decoding: p.read(fd, 200), as: UTF8.self) == "\(pid) \"test\":killed")
            #expect(code { () throws(SysError) in try p.seek(fd, 0) } == .stream)
        }
    }

    @Test func whoReadsAnothersWaitTakesNothingFromIt() async throws {
        try await withProg { p in
            _ = try p.spawn { _ throws(SysError) in "before" }
            #expect(try inTime { p.system.processCount == 1 })
            let isOpen = Lock(false)
            let reader = try p.spawn { c throws(SysError) in
                let fd = try c.open("/prog/1/wait")
                isOpen.withLock { $0 = true }
                return Status(String(decoding: try c.read(fd, 200), as: UTF8.self))
            }
            #expect(try inTime { isOpen.withLock { $0 } })
            let child = try p.spawn(args: ["child"]) { _ throws(SysError) in "ended" }
            #expect(try p.wait(.pid(reader)).status == Status("\(child) \"child\":ended"))
            #expect(try p.wait().status == "before")
            #expect(try p.wait().status == "ended")
        }
    }

    @Test func whoReadsWaitIsNotLeftWaiting() async throws {
        try await withProg { p in
            // A reader of another's wait file, while that one has a child, then ends.
            let parent = try p.spawn { (p) throws(SysError) in
                // It outlives this one, so that it leaves no record to be read.
                _ = try p.spawn { (p) throws(SysError) in
                    try p.sleep(milliseconds: 100_000)
                    return .ok
                }
                try p.sleep(milliseconds: 100_000)
                return .ok
            }
            #expect(try inTime { p.system.proc(parent)?.children.count == 1 })
            let reader = try p.spawn { (p) throws(SysError) in
                Status(thrown { () throws(SysError) in try p.text("/prog/\(parent)/wait") }?.sentence ?? "nothing")
            }
            #expect(try inTime { p.system.proc(reader)?.isBlocked ?? false })
            try p.send("/prog/\(parent)/ctl", "kill")
            #expect(try p.wait(.pid(reader)).status == "no living children")
            _ = try p.wait(.pid(parent))
            // And one that is interrupted.
            _ = try sleeper(p)
            let other = try p.spawn { (p) throws(SysError) in Status(try p.text("/prog/1/wait")) }
            #expect(try inTime { p.system.proc(other)?.isBlocked ?? false })
            try p.send("/prog/\(other)/note", "interrupt")
            #expect(try p.wait(.pid(other)).status == "interrupt")
        }
    }

    @Test func onlyTheOwnerMay() async throws {
        try await withProg { p in
            let pid = try sleeper(p)
            p.become(Cred(user: "other", uid: 1001, gid: 1001))
            for file in ["ctl", "note", "ns"] {
                #expect(code { () throws(SysError) in try p.open("/prog/\(pid)/\(file)", .write) } == .perm)
            }
            for file in ["wait", "fd", "env", "ns"] {
                #expect(code { () throws(SysError) in try p.open("/prog/\(pid)/\(file)") } == .perm)
            }
            #expect(try p.text("/prog/\(pid)/status").contains("glenda"))
            #expect(code { () throws(SysError) in try p.open("/prog/\(pid)/status", .write) } == .perm)
            #expect(code { () throws(SysError) in try p.remove("/prog/\(pid)") } == .perm)
        }
    }

    // MARK: name spaces

    /// Calls, and the lines that ns must show for them (without the first, which is the test's own, and the last).
    static let scripts: [(calls: [String], lines: [String])] = [
        (["bind /a /m"], ["bind /a /m"]),
        (["bind -ac /a /m", "bind -b /b /m"], ["bind -ac /a /m", "bind -b /b /m"]),
        (["bind -a /a /m", "bind -a /b /m", "unmount /a /m"], ["bind -a /b /m"]),
        (["bind /a /m", "bind -a /b /m", "unmount /a /m"], ["bind /b /m"]),
        (["bind -a /a /m", "unmount /m"], []),
        (["bind -a /a /m", "bind /m /b"], ["bind -a /a /m", "bind /m /b"]),
        (["bind '#m' /m", "bind -p rx /m /m"], ["bind '#m' /m", "bind -p rx /m /m"]),
        (["bind -p r /a /m"], ["bind -p r /a /m"]),
        (["bind -p r /a /a", "bind -a /b /a"], ["bind -p r /a /a", "bind -a /b /a"]),
        (["mkdir '/x y'", "bind /a '/x y'"], ["bind /a '/x y'"]),
        (["nodev"], ["nodev"]),
        (["cd /a"], []),
    ]

    @Test(arguments: scripts.indices) func theScriptMakesTheSameNameSpace(_ i: Int) async throws {
        let (calls, lines) = Self.scripts[i]
        try await withProg { p in
            let pid = try p.spawn(.forkNS) { [calls] (p) throws(SysError) in
                try NameSpaceFile(name: "test", text: calls.joined(separator: "\n")).apply(to: p)
                let script = try p.text("/prog/self/ns")
                try p.pctl(.newNS)
                return Status(script)
            }
            let script = try p.wait(.pid(pid)).status.text
            let directory = calls.last == "cd /a" ? "/a" : "/"
            #expect(script == (["bind '#p' /prog"] + lines + ["cd \(directory)"]).joined(separator: "\n") + "\n")
            // Done again in a fresh copy, it gives itself.
            let again = try p.spawn(.forkNS) { [script] (p) throws(SysError) in
                try p.unmount(nil, "/prog")
                try NameSpaceFile(name: "test", text: script).apply(to: p)
                return Status(p.nameSpaceScript)
            }
            #expect(try p.wait(.pid(again)).status.text == script)
        }
    }

    @Test func aDescendantsNameSpaceCanBeChanged() async throws {
        try await withProg { p in
            let seen = Lock([String]())
            let pid = try p.spawn(.forkNS) { (p) throws(SysError) in
                p.onNote(.handle { _ in true })
                // A grandchild in the same name space.
                _ = try p.spawn { (p) throws(SysError) in
                    try p.sleep(milliseconds: 100_000)
                    return .ok
                }
                for _ in 0..<3 {
                    _ = thrown { () throws(SysError) in try p.sleep(milliseconds: 100_000) }
                    let write = thrown { () throws(SysError) in try p.open("/m/f", .write) }?.sentence ?? "writes"
                    let text = (try? p.text("/m/f")) ?? "nothing"
                    seen.withLock { $0 += [write, text] }
                }
                return .ok
            }
            #expect(try inTime { p.system.proc(pid)?.children.count == 1 })
            let grandchild = try #require(p.system.proc(pid)?.children.first)
            for (i, (target, line)) in [
                (pid, "bind /a /m"), (grandchild, "unmount /a /m\nbind -b -p rx /b /m\n"), (pid, "unmount /m"),
            ].enumerated() {
                // It has looked, and waits again.
                let isReady = { seen.withLock { $0.count } == 2 * i && p.system.proc(pid)?.isBlocked == true }
                #expect(try inTime(isReady))
                try p.send("/prog/\(target)/ns", line)
                try p.send("/prog/\(pid)/note", "go")
            }
            _ = try p.wait(.pid(pid))
            #expect(
                seen.withLock { $0 }
                    == ["writes", "in a", "permission denied", "in b", "file does not exist", "nothing"])
            #expect(try p.names("/m") == ["a", "b"])
            #expect(code { () throws(SysError) in try p.bind("#m", "/m") } == nil)
        }
    }

    @Test func whoIsGivenAnOpenNsChangesItWithItsOwnNames() async throws {
        try await withProg { p in
            let pid = try sleeper(p, .forkNS)
            let fd = try p.open("/prog/\(pid)/ns", .write)
            // A brother that has less: it cannot open the file to any use, and gives what it sees itself.
            let brother = try p.spawn([.forkNS, .forkFD]) { c throws(SysError) in
                try c.bind("/b", "/a")
                let own = thrown { () throws(SysError) in try c.send("/prog/\(pid)/ns", "bind /a /m") }?.sentence
                try c.write(fd, "bind /a /m")
                return Status(own ?? "")
            }
            #expect(try p.wait(.pid(brother)).status == "permission denied")
            #expect(try p.text("/prog/\(pid)/ns").contains("bind /a /m\n"))
            #expect(p.system.proc(pid)?.nameSpace.table.entries.contains { $0.target == "/m" } == true)
            // One that the opener did not make lends it nothing.
            let own = try p.spawn([.forkNS, .forkFD]) { c throws(SysError) in
                let fd = try c.open("/prog/self/ns", .write)
                let (mine, its) = (try c.fildes(fd), c.parentPid)
                let parent = c.system.proc(its)
                let other = try parent?.install(mine) ?? -1
                return Status("\(other)")
            }
            let given = try #require(Int32(try p.wait(.pid(own)).status.text))
            #expect(code { () throws(SysError) in try p.write(given, "bind /a /m") } != nil)
        }
    }

    @Test func anothersNameSpaceCannot() async throws {
        try await withProg { p in
            let brother = try sleeper(p)
            let pid = try p.spawn { (p) throws(SysError) in
                let up = thrown { () throws(SysError) in try p.send("/prog/1/ns", "bind /a /m") }?.sentence ?? ""
                let side = thrown { () throws(SysError) in
                    try p.send("/prog/\(brother)/ns", "bind /a /m")
                }?.sentence
                try p.send("/prog/self/ns", "bind /a /m")
                return Status("\(up); \(side ?? "")")
            }
            #expect(try p.wait(.pid(pid)).status == "permission denied; permission denied")
            for (line, error) in [
                ("cd /a", "ns:1: 'cd': only bind and unmount change another process"),
                ("\nbind /a", "ns:2: usage: bind [-abc] [-p mask] source target"),
                ("bind -x /a /m", "ns:1: unknown flag -x"), ("bind '/a", "ns:1: a quote is not closed"),
                ("bind /nothing /m", "ns:1: '/nothing' file does not exist"),
                ("bind /a/f /m", "ns:1: '/m' inconsistent mount"),
                ("unmount /b /b", "ns:1: '/b' not mounted"),
                ("new", "ns:1: 'new': only bind and unmount change another process"),
                ("bind -p q /a /m", "ns:1: bad permission mask 'q'"),
            ] {
                let got = thrown { () throws(SysError) in try p.send("/prog/\(brother)/ns", line) }
                #expect(got?.sentence == error)
            }
        }
    }
}
