import Glibc
import Host
import KernelTestSupport
import Testing

@testable import Devices
@testable import Kernel

/// RAM files that programs of the host have open.
@Suite(.timeLimit(.minutes(1))) struct LendRamTests {
    private func run<T: Sendable>(_ body: @escaping @Sendable (Proc) throws -> T) throws -> T {
        try LendTests.withFiles(body)
    }

    /// Opens the file and gives the host's descriptor; the Chan stays open with process 1.
    private func lent(_ p: Proc, _ path: String, _ mode: OpenMode) throws(SysError) -> Int32 {
        try p.lend(p.open(path, mode))
    }

    @Test func statSaysWhatTheHostSays() throws {
        try run { p in
            try p.put("/ram/f", "text", 0o640)
            try p.wstat("/ram/f", DirChange(accessed: 5_000_000_001, modified: 7_000_000_002))
            let writer = try lent(p, "/ram/f", .readWrite)
            func agree(_ text: Comment) throws {
                let (ours, host) = (try p.stat("/ram/f"), try HostStat(writer))
                #expect(ours.length == host.size && ours.mode.permissions == host.permissions, text)
                #expect(ours.modified == host.modified && ours.accessed == host.accessed, text)
                #expect(ours.space == host.space, text)
            }
            try agree("lent")
            let before = try p.stat("/ram/f")
            #expect(before.modified == 7_000_000_002 && before.length == 4)
            #expect(try runHost("printf 123456", output: writer) == 0)
            try agree("written by the host")
            let after = try p.stat("/ram/f")
            #expect(after.length == 6 && after.modified > before.modified && after.qid.version != before.qid.version)
            try p.wstat("/ram/f", DirChange(mode: FileMode(rawValue: 0o600), length: 3, modified: 9_000_000_003))
            try agree("changed by us")
            #expect(try p.text("/ram/f") == "123")
        }
    }

    @Test func whoHasItOpenOtherwiseSeesTheSameBytes() throws {
        try run { p in
            try p.put("/ram/f", "0123456789")
            let (reader, writer) = (try p.open("/ram/f"), try p.open("/ram/f", .write))
            let appender = try p.open("/ram/f", [.write, .append])
            let host = try lent(p, "/ram/f", .readWrite)
            #expect(try runHost("printf abc >&0", input: host) == 0)
            #expect(try p.get(reader, 5) == "abc34")
            try p.seek(writer, 8)
            try p.write(writer, "XY")
            try p.write(appender, "end")
            #expect(try runHost("cat", input: host, output: lent(p, "/ram/g", .write, made: true)) == 0)
            #expect(try p.text("/ram/g") == "34567XYend")
            try p.wstat("/ram/f", DirChange(length: 0))
            #expect(try p.read(reader, 10) == [])
            #expect(try HostStat(host).size == 0)
        }
    }

    private func lent(_ p: Proc, _ path: String, _ mode: OpenMode, made: Bool) throws(SysError) -> Int32 {
        try p.lend(p.create(path, mode, FileMode(rawValue: 0o600)))
    }

    @Test func itLivesUnderOtherNamesAndUnderNone() throws {
        try run { p in
            try p.put("/ram/f", "first ")
            let fd = try p.open("/ram/f", .readWrite)
            let host = try p.lend(fd)
            try p.rename("/ram/f", "/ram/g")
            #expect(try runHost("cat; printf second >&0", input: host) == 0)
            #expect(try p.text("/ram/g") == "first second")
            try p.remove("/ram/g")
            #expect(try runHost("printf third >&0", input: host) == 0)
            try p.seek(fd, 0)
            #expect(try p.get(fd) == "first secondthird")
            let memory = p.caller.account.held(.memory)
            try p.close(fd)
            #expect(p.caller.account.held(.memory) <= memory - 4096, "its page is given back")
        }
    }

    @Test func aProgramInItRuns() throws {
        try run { p in
            let bytes = try HostEnvironment.readFile("/bin/true", limit: 1 << 20)
            let fd = try p.create("/ram/true", .write, FileMode(rawValue: 0o755))
            try p.write(fd, bytes)
            try p.close(fd)
            let program = try lent(p, "/ram/true", .execute)
            #expect(try runHost("exec /proc/self/fd/0", input: program) == 0)
            try p.wstat("/ram/true", DirChange(mode: FileMode(rawValue: 0o644)))
            if geteuid() != 0 { #expect(try runHost("exec /proc/self/fd/0", input: program) == 126) }
        }
    }

    @Test func whatTheHostWroteIsPaidFor() throws {
        let limit = 400_000
        let account = Account(limits: [.memory: limit])
        let system = System(account: account)
        for make in deviceTable { system.add(make()) }
        _ = try system.result(as: Cred(user: "glenda", uid: 1000, gid: 1000)) { (p) throws(SysError) in
            reporting {
                try p.put("#R/f", "")
                let fd = try p.open("#R/f", .readWrite)
                let host = try p.lend(fd)
                #expect(try runHost("head -c 300000 /dev/zero", output: host) == 0)
                _ = try p.stat("#R/f")
                #expect(account.held(.memory) >= 300_000)
                #expect(
                    code { () throws(SysError) in try p.write(fd, [UInt8](repeating: 1, count: 200_000)) } == .noSpace)
                #expect(
                    code { () throws(SysError) in try p.put("#R/g", String(repeating: "x", count: 200_000)) }
                        == .noSpace)
                #expect(try runHost("head -c 300000 /dev/zero", output: host) == 0, "nobody asks us")
                _ = try p.stat("#R/f")
                #expect(account.held(.memory) > limit)
                try p.remove("#R/g")
                try p.wstat("#R/f", DirChange(length: 0))
                _ = try p.stat("#R/f")
                #expect(account.held(.memory) < 8192)
                try p.write(fd, [UInt8](repeating: 1, count: 10))
            }
        }
    }

    @Test func whatMayOnlyBeAddedToIsNotLentForWriting() throws {
        try run { p in
            for bit in [FileMode.append, .exclusive] {
                try p.put("/ram/f", "text")
                try p.wstat("/ram/f", DirChange(mode: FileMode(rawValue: 0o600).union(bit)))
                let fd = try p.open("/ram/f", .write)
                #expect(thrown { () throws(SysError) in try p.lend(fd) } != nil)
                try p.close(fd)
                let reader = try p.open("/ram/f")
                #expect(try runHost("test $(cat) = text", input: p.lend(reader)) == 0)
                try p.close(reader)
                try p.remove("/ram/f")
            }
        }
    }

    @Test func manyFilesKeepFewDescriptors() throws {
        try run { p in
            let before = HostFolder.descriptors
            let child = try Lock(HostChild?.some(HostChild("sleep", "60", input: held(p))))
            for n in 0..<1000 {
                let path = "/ram/f\(n)"
                try p.put(path, "text \(n)", 0o444)
                let fd = try p.open(path)
                _ = try p.lend(fd)
                try p.close(fd)
            }
            #expect(HostFolder.descriptors - before < RamIdle.limit + 100)
            for n in 0..<1000 { #expect(try p.text("/ram/f\(n)") == "text \(n)") }
            // What a program still has open stays the same file.
            try p.send("/ram/held", "more")
            let held = try p.stat("/ram/held")
            #expect(held.length == 4)
            withExtendedLifetime(child) {}
        }
    }

    /// A file that only the program which gets this descriptor has open.
    private func held(_ p: Proc) throws(SysError) -> Int32 {
        try p.put("/ram/held", "")
        return try lent(p, "/ram/held", .readWrite)
    }

    @Test func aKilledProgramLeavesAWholeFile() throws {
        try run { p in
            let fd = try p.create("/ram/f", .readWrite, FileMode(rawValue: 0o600))
            let child = try HostChild("sh", "-c", "while :; do printf 12345678; done", output: p.lend(fd))
            while try p.fstat(fd).length < 4096 {}
            child.signal(SIGKILL)
            #expect(child.end() == 128 + SIGKILL)
            let length = try p.fstat(fd).length
            let offset = try p.seek(fd, 0, .current)
            #expect(length % 8 == 0 && offset == length)
            try p.write(fd, "end")
            try p.seek(fd, -11, .end)
            #expect(try p.get(fd) == "12345678end")
        }
    }
}
