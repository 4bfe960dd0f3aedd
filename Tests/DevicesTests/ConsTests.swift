import Glibc
import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Devices

/// A system whose console is three host pipes, and the far ends of them.
private final class PipedConsole: Sendable {
    let system = System()
    let console: HostConsole
    /// What the system reads is written here; what it writes is read there.
    let keyboard: Int32
    let screen: Int32
    let errors: Int32
    private let all: [Int32]

    init() {
        let (input, output, error) = (Self.pipe(), Self.pipe(), Self.pipe())
        console = HostConsole(input: input.0, output: output.1, error: error.1)
        (keyboard, screen, errors) = (input.1, output.0, error.0)
        all = [input.0, input.1, output.0, output.1, error.0, error.1]
        for make in deviceTable {
            let dev = make()
            system.add(dev.letter == "c" ? DevCons(console) : dev)
        }
    }

    deinit { for fd in all { close(fd) } }

    private static func pipe() -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        // A test that is a host process of its own must not keep the far ends open.
        precondition(Glibc.pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    func type(_ text: String) { _ = Glibc.write(keyboard, text, text.utf8.count) }

    func seen(_ fd: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = Glibc.read(fd, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, n)], as: UTF8.self)
    }

    /// Runs `body` as the first process.
    func run<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
        try system.result(as: Cred(user: "glenda", uid: 1000, gid: 1000), of: body)
    }
}

@Suite struct ConsTests {
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("user", "glenda"), ("sysname", "emu"), ("null", ""), ("sysctl", "emu \(System.version)"),
            ("consctl", "raw off\nforeground 1\nsize 0 0\n"),
        ])
    func aFileSaysWhatItIsFor(name: String, text: String) throws {
        #expect(try PipedConsole().run { p throws(SysError) in try p.text("#c/\(name)") } == text)
    }

    @Test(.timeLimit(.minutes(1))) func pipesAreNoTerminal() throws {
        let said = try PipedConsole().run { p throws(SysError) in
            failure { () throws(SysError) in _ = try p.open("#c/tty", .readWrite) }
        }
        #expect(said == "'#c/tty' no such device or address")
    }

    @Test(.timeLimit(.minutes(1))) func driversHasALineForEachDeviceModulesTheTextOfEachModule() throws {
        let drivers = try PipedConsole().run { p throws(SysError) in try p.text("#c/drivers") }
        #expect(drivers.split(separator: "\n").contains("#c cons"))
        #expect(drivers.split(separator: "\n").contains("#/ root"))
    }

    @Test(.timeLimit(.minutes(1))) func memoryHasALineOfNumbersAndANameForEachPool() throws {
        let text = try PipedConsole().run { p throws(SysError) in try p.text("#c/memory") }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            #expect(words.count == 4 && words.dropLast().allSatisfy { Int($0) != nil }, "\(line)")
        }
        #expect(text.contains("resident"))
    }

    @Test(.timeLimit(.minutes(1))) func timeIsInMicrosecondsAndMsecInMilliseconds() throws {
        let (time, msec) = try PipedConsole().run { p throws(SysError) in
            (try p.text("#c/time"), try p.text("#c/msec"))
        }
        #expect(abs((Int64(time) ?? 0) - HostClock.realtime() / 1000) < 60_000_000)
        #expect(abs((Int64(msec) ?? 0) - Int64(HostClock.monotonic() / 1_000_000)) < 60_000)
    }

    @Test(.timeLimit(.minutes(1))) func zeroAndFullReadAsZerosNullSwallowsFullIsFull() throws {
        try PipedConsole().run { p throws(SysError) in
            for name in ["zero", "full"] {
                let fd = try p.open("#c/\(name)", .read)
                var bytes = [UInt8](repeating: 7, count: 9)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                guard try p.read(fd, into: &raw) == 9, bytes == [UInt8](repeating: 0, count: 9) else {
                    throw SysError("\(name) gives \(bytes)")
                }
            }
            try p.write(try p.open("#c/null", .write), "any")
            let full = try p.open("#c/full", .write)
            guard failure({ () throws(SysError) in try p.write(full, "x") }) == "no space left on device" else {
                throw .badArg
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func randomBytesDiffer() throws {
        let (a, b) = try PipedConsole().run { p throws(SysError) in
            (try p.readn(try p.open("#c/random"), 5000), try p.readn(try p.open("#c/urandom"), 5000))
        }
        #expect(a.count == 5000 && a != b)
        #expect(Set(a).count > 200)
    }

    @Test(.timeLimit(.minutes(1))) func theConsoleReadsWhatWasTypedAndWritesWhatIsSeen() throws {
        let io = PipedConsole()
        io.type("hello\n")
        let line = try io.run { p throws(SysError) in
            try p.write(try p.open("#c/cons", .write), "prompt")
            try p.write(try p.open("#c/hoststdout", .write), " more")
            try p.write(try p.open("#c/hoststderr", .write), "trouble")
            return try p.read(try p.open("#c/cons"))
        }
        #expect(line == Array("hello\n".utf8))
        #expect(io.seen(io.screen) == "prompt more")
        #expect(io.seen(io.errors) == "trouble")
    }

    @Test(.timeLimit(.minutes(1))) func aReaderThatIsKilledTakesNoByteWithIt() throws {
        let io = PipedConsole()
        let line = try io.run { p throws(SysError) in
            let reader = try p.spawn { p throws(SysError) in
                _ = try p.read(try p.open("#c/cons"))
                return .ok
            }
            try untilBlocked(p, reader)
            p.system.proc(reader)?.kill()
            guard try p.wait().status == "killed" else { throw .badArg }
            io.type("kept")
            return try p.read(try p.open("#c/cons"))
        }
        #expect(line == Array("kept".utf8))
    }

    @Test(.timeLimit(.minutes(1))) func aNoteInterruptsAReaderAndTheDescriptorKeepsItsFlags() throws {
        let io = PipedConsole()
        let error = try io.run { p throws(SysError) in
            let result = Lock("")
            let reader = try p.spawn { p throws(SysError) in
                p.onNote(.handle { _ in true })
                let text = failure { () throws(SysError) in _ = try p.read(try p.open("#c/hoststdin")) }
                result.withLock { $0 = text }
                return .ok
            }
            try untilBlocked(p, reader)
            p.system.proc(reader)?.post(.interrupt)
            _ = try p.wait()
            return result.withLock { $0 }
        }
        #expect(error == "interrupted")
        #expect(fcntl((io.console.input.stream as? HostStream)?.number ?? -1, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test(.timeLimit(.minutes(1))) func readingWithTryWouldBlockAndPollTellsWhenItWouldNot() throws {
        let io = PipedConsole()
        try io.run { p throws(SysError) in
            let fd = try p.open("#c/cons")
            var byte: [UInt8] = [0]
            let error = failure { () throws(SysError) in
                var span = byte.mutableSpan
                var raw = span.mutableBytes
                _ = try p.read(fd, into: &raw, .try)
            }
            guard error == "operation would block" else { throw SysError(error) }
            var list = [Proc.Poll(fd, .read)]
            guard try p.poll(&list, milliseconds: 10) == 0 else { throw SysError("ready too early") }
            let typist = try p.spawn { p throws(SysError) in
                try p.sleep(milliseconds: 20)
                io.type("x")
                return .ok
            }
            guard try p.poll(&list, milliseconds: 20_000) == 1, list[0].got == .read else {
                throw SysError("not ready: \(list[0].got)")
            }
            _ = try p.wait(.pid(typist))
            guard try p.read(fd) == [UInt8(ascii: "x")] else { throw .io }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aWriterToAScreenThatNobodyReadsCanBeKilledAndOneToAClosedPipeIsTold() throws {
        let io = PipedConsole()
        let (status, error) = try io.run { p throws(SysError) in
            let writer = try p.spawn { p throws(SysError) in
                let fd = try p.open("#c/cons", .write)
                while true { try p.write(fd, [UInt8](repeating: 65, count: 100_000)) }
            }
            try untilBlocked(p, writer)
            p.system.proc(writer)?.kill()
            let status = try p.wait().status
            signal(SIGPIPE, SIG_IGN)
            let other = Glibc.open("/dev/null", O_RDONLY)
            dup2(other, io.errors)
            _ = fcntl(io.errors, F_SETFD, FD_CLOEXEC)
            Glibc.close(other)
            let fd = try p.open("#c/hoststderr", .write)
            var error = ""
            // A host process that another test starts has a copy of all descriptors, until it is what it is to be.
            _ = eventually {
                error = failure { () throws(SysError) in try p.write(fd, "x") }
                return !error.isEmpty
            }
            return (status, error)
        }
        #expect(status == "killed")
        #expect(error == "write on closed pipe")
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("consctl", "rawon", ""), ("consctl", "rawoff now", "wrong #args in control message"),
            ("consctl", "foreground 12", ""), ("consctl", "foreground -1", "bad arg in system call"),
            ("consctl", "dance", "unknown control request"), ("sysctl", "reboot", "not in this emu"),
            ("sysctl", "", "unknown control request"), ("sysname", "a b", "bad arg in system call"),
            ("consctl", String(repeating: "x", count: 300), "bad process or channel control request"),
            ("time", "1", "'#c/time' permission denied"),
        ])
    func aControlMessageIsObeyedOrRefused(file: String, text: String, error: String) throws {
        let said = try PipedConsole().run { p throws(SysError) in
            failure { () throws(SysError) in
                let fd = try p.open("#c/\(file)", .write)
                _ = try p.write(fd, Array(text.utf8).span.bytes)
            }
        }
        #expect(said == error)
    }

    @Test(.timeLimit(.minutes(1))) func haltEndsTheSystemWell() throws {
        let io = PipedConsole()
        _ = try io.system.boot(Cred(user: "glenda", uid: 1, gid: 1), args: ["test"]) { p throws(SysError) in
            try p.write(try p.open("#c/sysctl", .write), "halt\n")
            try p.sleep(milliseconds: 30_000)
            return "not halted"
        }
        #expect(io.system.waitForEnd()?.status == .ok)
    }

    @Test(.timeLimit(.minutes(1))) func aLogReaderWaitsForWhatIsWrittenLaterAndLosesTheOldestFirst() throws {
        let text = try PipedConsole().run { p throws(SysError) in
            let log = try p.open("#c/kprint")
            let out = try p.open("#c/kprint", .write)
            let writer = try p.spawn { p throws(SysError) in
                try p.sleep(milliseconds: 20)
                try p.write(out, "first\n")
                return .ok
            }
            let first = try p.read(log)
            _ = try p.wait(.pid(writer))
            try p.write(out, [UInt8](repeating: 65, count: KernelLog.limit))
            try p.write(out, "last\n")
            var rest: [UInt8] = []
            while !rest.ends(with: "last\n".utf8) { rest += try p.read(log) }
            return (first, rest.count)
        }
        #expect(text.0 == Array("first\n".utf8))
        #expect(text.1 == KernelLog.limit)
    }

    @Test(.timeLimit(.minutes(1))) func aWindowNoteIsPassedOverByAProgramThatSaysNothingAboutNotes() throws {
        let status = try PipedConsole().run { p throws(SysError) in
            let child = try p.spawn { p throws(SysError) in
                try p.sleep(milliseconds: 100)
                return "slept"
            }
            try untilBlocked(p, child)
            p.system.proc(child)?.post(Note("window"))
            return try p.wait().status
        }
        #expect(status == "slept")
    }
}

extension [UInt8] {
    fileprivate func ends(with tail: some Collection<UInt8>) -> Bool { suffix(tail.count).elementsEqual(tail) }
}
