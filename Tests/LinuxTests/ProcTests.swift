import Devices
import Kernel
import KernelTestSupport
import Linux
import Testing

/// `/proc` as programs of Linux read it.
@Suite(.timeLimit(.minutes(1)))
struct ProcTests {
    private func withProc<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem((Devices.deviceTable + Linux.deviceTable).map { $0() }) { p in
            try p.bind("#Rlinux", "/tmp", .create)
            try p.mkdir("/tmp/proc")
            try p.bind("#x", "/tmp/proc")
            return try body(p)
        }
    }

    @Test("a process is a directory, and self is the caller's")
    func processes() async throws {
        try await withProc { p in
            #expect(try p.readlink("/tmp/proc/self") == "1")
            #expect(try p.text("/tmp/proc/self/comm") == "test\n")
            #expect(try p.text("/tmp/proc/1/cmdline") == "test\0")
            #expect(try p.readlink("/tmp/proc/self/cwd") == "/")
            #expect(try p.readlink("/tmp/proc/self/root") == "/")
            let child = try p.makeChild([.noWait], args: ["a long name of a program (1) ", "x y"])
            defer { child.finish("") }
            #expect(try p.text("/tmp/proc/\(child.pid)/comm") == "a long name of \n")
            #expect(try p.text("/tmp/proc/\(child.pid)/cmdline") == "a long name of a program (1) \0x y\0")
            let names = try p.names("/tmp/proc", limit: 5)
            #expect(names.suffix(2) == ["1", String(child.pid)])
            #expect(Set(names).count == names.count)
            #expect(code { () throws(SysError) in try p.stat("/tmp/proc/4711") } == .nonexist)
            #expect(code { () throws(SysError) in try p.stat("/tmp/proc/01") } == .nonexist)
            #expect(code { () throws(SysError) in try p.open("/tmp/proc/self/comm", .write) } == .perm)
            #expect(code { () throws(SysError) in try p.stat("/tmp/proc/self/none") } == .nonexist)
            #expect(try p.stat("/tmp/proc/self/..").isDirectory)
            #expect(try p.names("/tmp/proc/self/../sys/kernel").contains("ostype"))
        }
    }

    @Test("an environment has what Linux programs look for")
    func environment() async throws {
        try await withProc { p in
            for (name, value) in [("home", "/home/glenda"), ("user", "glenda"), ("SHELL", "/bin/rc"), ("a=b", "c")] {
                try p.environment.set(name, Array(value.utf8), 0)
            }
            let all = try p.text("/tmp/proc/self/environ").split(separator: "\0").map(String.init)
            #expect(
                all == [
                    "SHELL=/bin/rc", "home=/home/glenda", "user=glenda", "HOME=/home/glenda", "LOGNAME=glenda",
                    "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "USER=glenda",
                ])
        }
    }

    @Test("whoever acts for a process asks as that process")
    func asker() async throws {
        try await withProc { p in
            let child = try p.makeChild([.noWait], args: ["child"])
            defer { child.finish("") }
            let guest = MemoryGuest(child)
            var script = Script(guest)
            script.run(
                """
                target("/tmp/proc/self") = "\(child.pid)"
                open("/tmp/proc/self/comm", O_RDONLY) = 3
                open("/tmp/proc/self/comm", O_WRONLY) = EACCES
                target("/tmp/proc/self/exe") = ""
                readlink("/tmp/proc/mounts", @, 100) = 11
                """)
            #expect(script.failures == [])
            guest.closeAll()
        }
    }

    @Test("stat has 52 fields, status its lines, statm seven numbers")
    func status() async throws {
        try await withProc { p in
            let line = try p.text("/tmp/proc/self/stat")
            #expect(line.hasPrefix("1 (test) R 0 1 1 "))
            #expect(line.split(separator: " ").count == 52)
            #expect(try p.text("/tmp/proc/self/statm").split(separator: " ").count == 7)
            let rows = try p.text("/tmp/proc/self/status").split(separator: "\n").map { $0.split(separator: ":\t") }
            #expect(rows.allSatisfy { $0.count == 2 })
            let table = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
            #expect(table["Uid"] == "1000\t1000\t1000\t1000")
            #expect(table["Pid"] == "1")
            #expect(table["State"] == "R (running)")
        }
    }

    @Test("descriptors are links to what they are open on")
    func descriptors() async throws {
        try await withProc { p in
            try p.put("/tmp/f", "hello")
            let fd = try p.open("/tmp/f")
            #expect(try p.readlink("/tmp/proc/self/fd/\(fd)") == "/tmp/f")
            #expect(try p.text("/tmp/proc/self/fd/\(fd)") == "hello")
            #expect(try p.names("/tmp/proc/self/fd").contains(String(fd)))
            try p.mkdir("/tmp/fd")
            try p.bind("#xfd", "/tmp/fd")
            #expect(try p.text("/tmp/fd/\(fd)") == "hello")
            #expect(try p.names("/tmp/fd").contains(String(fd)))
            #expect(code { () throws(SysError) in try p.bind("#xno", "/tmp/fd") } == .badSpec)
            try p.close(fd)
            #expect(code { () throws(SysError) in try p.readlink("/tmp/proc/self/fd/\(fd)") } == .nonexist)
        }
    }

    @Test("who is another user reads what everybody may")
    func users() async throws {
        try await withProc { p in
            let child = try p.makeChild([.noWait], args: ["child"])
            defer { child.finish("") }
            child.become(Cred(user: "other", uid: 7, gid: 7))
            let path = "/tmp/proc/\(child.pid)"
            #expect(try p.text("\(path)/comm") == "child\n")
            for name in ["environ", "fd/0"] {
                #expect(code { () throws(SysError) in try p.open("\(path)/\(name)") } != nil)
            }
            #expect(code { () throws(SysError) in try p.readlink("\(path)/cwd") } == .perm)
        }
    }

    @Test("texts about the system have the form that programs read")
    func system() async throws {
        try await withProc { p in
            let stat = try p.text("/tmp/proc/stat").split(separator: "\n")
            let cpus = stat.filter { $0.hasPrefix("cpu") }
            #expect(cpus.allSatisfy { $0.split(separator: " ").count == 11 })
            let infos = try p.text("/tmp/proc/cpuinfo").split(separator: "\n").filter { $0.hasPrefix("processor") }
            #expect(cpus.count == infos.count + 1)
            #expect(stat.contains { $0.hasPrefix("btime 1") })
            for line in try p.text("/tmp/proc/meminfo").split(separator: "\n") {
                let words = line.split(separator: " ")
                #expect(words.count == 3 && UInt64(words[1]) != nil && words[2] == "kB")
            }
            #expect(try p.text("/tmp/proc/uptime").split(separator: " ").allSatisfy { $0.contains(".") })
            #expect(try p.text("/tmp/proc/loadavg").split(separator: " ").count == 5)
            #expect(try p.text("/tmp/proc/sys/kernel/ostype") == "Linux\n")
            #expect(try p.text("/tmp/proc/version").hasPrefix("Linux version "))
            try p.mkdir("/tmp/a b")
            try p.bind("/tmp/proc", "/tmp/a b", mask: try Mask("rx"))
            let mounts = try p.text("/tmp/proc/mounts")
            #expect(mounts.contains("#x /tmp/proc proc rw 0 0\n"))
            #expect(mounts.contains("/tmp/proc /tmp/a\\040b proc ro 0 0\n"))
            #expect(mounts.split(separator: "\n").allSatisfy { $0.split(separator: " ").count == 6 })
            let info = try p.text("/tmp/proc/self/mountinfo").split(separator: "\n")
            #expect(info.allSatisfy { $0.split(separator: " ").count == 10 })
        }
    }
}
