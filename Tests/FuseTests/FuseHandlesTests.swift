import Devices
import Glibc
import Host
import Kernel
import KernelTestSupport
import Mnt
import Testing

@testable import Fuse

/// A served file that answers as a test wants, and what it was asked.
private final class Served: Sendable {
    private struct State {
        var log: [String] = []
        var text = Array("one\ntwo\nthree\n".utf8)
        var held: [FileIO.Reply<[UInt8]>] = []
        var io: FileIO?
    }

    private let state = Lock(State())

    var log: [String] { state.withLock { $0.log } }
    var held: Int { state.withLock { $0.held.count } }

    /// Makes `directory/name`, served by a process of its own. Reads at 1000 and behind are kept unanswered; those of an
    /// empty text, too.
    init(_ p: Proc, _ directory: String, _ name: String, text: String? = nil) throws(SysError) {
        if let text { state.withLock { $0.text = Array(text.utf8) } }
        let made = try p.file2chan(directory, name)
        state.withLock { $0.io = made }
        let box = Lock<FileIO?>(made)
        _ = try p.spawn { [self] _ throws(SysError) in
            guard let io = box.withLock({ $0.take() }) else { return "no file" }
            while true {
                do throws(SysError) { answer(try io.next()) } catch {
                    guard error.code == .interrupted else { return .ok }
                }
            }
        }
    }

    private func answer(_ request: FileIO.Request) {
        state.withLock { s in
            switch request {
            case .read(let offset, let count, _, let reply):
                s.log.append("read \(offset) \(count)")
                guard !s.text.isEmpty, offset < 1000 else { return s.held.append(reply) }
                reply.send(Array(s.text.dropFirst(Int(offset)).prefix(count)))
            case .write(let offset, let data, _, let reply):
                s.log.append("write \(offset) \(data.count)")
                switch String(decoding: data.prefix(3), as: UTF8.self) {
                case "bad": reply.fail(.badArg)
                case "odd": reply.fail(SysError("an error of its own"))
                case "per": reply.fail(.perm)
                default: reply.send(data.count)
                }
            case .close: s.log.append("close")
            }
        }
    }

    /// Answers all reads that are kept.
    func answerHeld(_ text: String) {
        for reply in state.withLock({ s in
            defer { s.held = [] }
            return s.held
        }) { reply.send(Array(text.utf8)) }
    }

    func end() { state.withLock { $0.io.take() }?.close() }
}

/// Handles of a system's files, each opened as an agent would.
private struct Agent: ~Copyable {
    let p: Proc
    let handles: FuseHandles
    let root: HostFd

    func open(_ path: String, _ mode: OpenMode = .readWrite) throws -> HostFd {
        let c = try p.fildes(p.open(path, mode))
        let name = try handles.open(c, for: p)
        try p.closeAll(c)
        return try HostFuse.open(name.name, in: root.number, name.access)
    }
}

extension Proc {
    /// Nobody but who holds the Chan has it open.
    fileprivate func closeAll(_ c: Chan) throws(SysError) {
        for (fd, chan) in files.all where chan === c { try close(fd) }
    }
}

extension FuseHandles {
    /// Calls that a worker waits in. Before that one is begun already, and stays so for the next who asks for the same.
    fileprivate var waiting: Int {
        state.withLock { s in s.calls.values.count { if case .running = $0.stage { true } else { false } } }
    }
}

/// Runs `body` in a system that has a FUSE connection. /dev/fuse must be there and may be opened.
private func withAgent<T: Sendable>(_ body: @escaping @Sendable (borrowing Agent) throws -> T) throws -> T {
    signal(SIGPIPE, SIG_IGN)
    let system = System()
    for make in Devices.deviceTable + Mnt.deviceTable { system.add(make()) }
    let result = Lock<Result<T, any Error>?>(nil)
    _ = try system.boot(Cred(user: "glenda", uid: 1000, gid: 1000), args: ["test"]) { (p) throws(SysError) in
        let outcome: Result<T, any Error>
        do {
            try p.mkdir("#R/srv")
            try p.mkdir("#R/n")
            try p.bind("#R", "/", .before)
            try p.bind("#s", "/srv", .create)
            let device: HostFd
            do throws(SysError) { device = try HostFuse.open() } catch {
                throw SysError("these tests need /dev/fuse: \(error)")
            }
            let root = try HostFuse.mount(device.number)
            let handles = try FuseHandles(device: device, of: p)
            defer { reporting { try handles.close() } }
            outcome = .success(try body(Agent(p: p, handles: handles, root: root)))
        } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
        return .ok
    }
    _ = system.waitForEnd()
    system.shutdown(until: HostClock.monotonic() + 5_000_000_000)
    guard let result = result.withLock({ $0 }) else { throw SysError("the process ended early") }
    return try result.get()
}

private func reporting(_ body: () throws -> Void) {
    do { try body() } catch { Issue.record("\(error)") }
}

/// The errno that a perl expression leaves when its call fails: the exit status; 0 where it succeeds.
private func errno(_ expression: String, input: Int32? = nil, output: Int32? = nil) throws -> Int32 {
    try HostChild("perl", "-e", "defined(\(expression)) or exit($! + 0)", input: input, output: output).end()
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct FuseHandlesTests {
    /// The served file as it is, and as a mount of it over 9P shows it.
    static let paths = ["/srv/f", "/n/f"]

    private func withFile<T: Sendable>(
        _ path: String, text: String? = nil,
        _ body: @escaping @Sendable (borrowing Agent, borrowing HostFd, Served) throws -> T
    ) throws -> T {
        try withAgent { agent throws in
            let served = try Served(agent.p, "/srv", "f", text: text)
            if path.hasPrefix("/n") {
                let (near, far) = try agent.p.pipe()
                _ = try agent.p.spawn([.forkFD], fds: [far]) { c throws(SysError) in
                    let export = try Export("/srv", of: c)
                    let wire = try c.fildes(far)
                    try export.serve(wire, wire, peer: "test")
                    return .ok
                }
                try agent.p.close(far)
                try agent.p.mount(near, "/n")
            }
            return try body(agent, try agent.open(path), served)
        }
    }

    @Test(arguments: paths) func programsReadAndWriteIt(_ path: String) throws {
        try withFile(path) { _, fd, served throws in
            #expect(try runHost("test \"$(cat)\" = \"$(printf 'one\\ntwo\\nthree')\"", input: fd.number) == 0)
            #expect(try runHost("dd bs=4 count=1 2>/dev/null | grep -q one", input: fd.number) == 1, "it is at the end")
            #expect(lseek(fd.number, 4, SEEK_SET) == 4)
            #expect(try runHost("dd bs=4 count=1 2>/dev/null | grep -q two", input: fd.number) == 0)
            #expect(lseek(fd.number, 0, SEEK_CUR) == 8, "one offset for all who have it")
            #expect(try runHost("echo hello", output: fd.number) == 0)
            #expect(
                try runHost("head -c 100000 /dev/zero | dd bs=100000 iflag=fullblock 2>/dev/null", output: fd.number)
                    == 0)
            let writes = served.log.filter { $0.hasPrefix("write") }
            #expect(writes == (path == "/srv/f" ? ["write 8 6", "write 14 100000"] : writes))
            #expect(writes.first == "write 8 6")
        }
    }

    @Test(arguments: paths) func anErrorIsTheErrnoOfTheCall(_ path: String) throws {
        try withFile(path) { _, fd, _ throws in
            #expect(try errno("syswrite(STDOUT, 'bad')", output: fd.number) == EINVAL)
            #expect(try errno("syswrite(STDOUT, 'per')", output: fd.number) == EACCES)
            #expect(try errno("syswrite(STDOUT, 'odd')", output: fd.number) == EIO)
            #expect(try errno("syswrite(STDOUT, 'good')", output: fd.number) == 0)
            #expect(try runHost("echo bad", output: fd.number) != 0)
        }
    }

    @Test(arguments: paths) func aReaderThatWaitsIsInterrupted(_ path: String) throws {
        try withFile(path, text: "") { agent, fd, served throws in
            let child = try HostChild(
                "perl", "-e", "$SIG{USR1} = sub {}; defined(sysread(STDIN, $x, 9)) or exit($! + 0)", input: fd.number)
            #expect(try inTime { served.held == 1 && agent.handles.waiting == 1 })
            // What was asked over 9P stays asked, for the next who wants the same.
            let more = path == "/srv/f" ? 1 : 0
            child.signal(SIGUSR1)
            #expect(child.end() == EINTR)
            let killed = try HostChild("cat", input: fd.number)
            #expect(try inTime { served.held == 1 + more && agent.handles.waiting == 1 })
            killed.signal(SIGKILL)
            #expect(killed.end() == 128 + SIGKILL)
            let last = try HostChild("sh", "-c", "test $(dd bs=9 count=1 2>/dev/null) = here", input: fd.number)
            #expect(try inTime { served.held == 1 + 2 * more && agent.handles.waiting == 1 })
            served.answerHeld("here")
            #expect(last.end() == 0)
        }
    }

    @Test(arguments: paths) func itIsClosedWithTheLastDescriptor(_ path: String) throws {
        try withAgent { agent throws in
            let served = try Served(agent.p, "/srv", "f")
            let fd = try agent.open("/srv/f")
            let child = try HostChild("sh", "-c", "read line; sleep 0.3", input: fd.number)
            _ = consume fd
            #expect(try inTime { child.sleeps })
            #expect(!served.log.contains("close") && agent.handles.count == 1)
            #expect(child.end() == 0)
            #expect(try inTime { served.log.contains("close") && agent.handles.count == 0 })
        }
    }

    @Test func aHundredWaitAtOnce() throws {
        try withAgent { agent throws in
            let served = try Served(agent.p, "/srv", "f", text: "")
            let done = Lock(0)
            for _ in 0..<100 {
                let fd = try agent.open("/srv/f").release()
                guard
                    HostThread.start({
                        var bytes = [UInt8](repeating: 0, count: 9)
                        let n = read(fd, &bytes, 9)
                        close(fd)
                        if n == 4 { done.withLock { $0 += 1 } }
                    })
                else { throw SysError("no thread") }
            }
            #expect(try inTime { served.held == 100 })
            served.answerHeld("here")
            #expect(try inTime { done.withLock { $0 } == 100 })
            #expect(try inTime { agent.handles.count == 0 })
        }
    }

    @Test(arguments: paths) func aServerThatGoesIsAnError(_ path: String) throws {
        try withFile(path, text: "") { _, fd, served throws in
            let child = try HostChild(
                "perl", "-e", "defined(sysread(STDIN, $x, 9)) or exit($! + 0)", input: fd.number)
            #expect(try inTime { served.held == 1 })
            served.end()
            #expect(child.end() == SysError.hungup.errno)
            #expect(try errno("sysread(STDIN, $x, 9)", input: fd.number) == SysError.hungup.errno)
        }
    }

    @Test func theEndOfTheServiceIsAnError() throws {
        try withFile("/srv/f", text: "") { agent, fd, served throws in
            let child = try HostChild(
                "perl", "-e", "defined(sysread(STDIN, $x, 9)) or exit($! + 0)", input: fd.number)
            #expect(try inTime { served.held == 1 })
            try agent.handles.close()
            #expect([ECONNABORTED, ENOTCONN, EIO, EINTR].contains(child.end()))
            #expect(try errno("sysread(STDIN, $x, 9)", input: fd.number) == ENOTCONN)
            let c = try agent.p.fildes(agent.p.open("/srv/f"))
            #expect(code { () throws(SysError) in try agent.handles.open(c, for: agent.p) } == .shutdown)
        }
    }

    @Test func aNameIsOpenedOnce() throws {
        try withAgent { agent throws in
            _ = try Served(agent.p, "/srv", "f")
            let c = try agent.p.fildes(agent.p.open("/srv/f", .read))
            let name = try agent.handles.open(c, for: agent.p)
            let fd = try HostFuse.open(name.name, in: agent.root.number, .read)
            #expect(throws: SysError.self) { _ = try HostFuse.open(name.name, in: agent.root.number, .read) }
            #expect(throws: SysError.self) { _ = try HostFuse.open("h1", in: agent.root.number, .read) }
            #expect(throws: SysError.self) { _ = try HostFiles.again(fd.number, .read) }
            // Opened for more than the Chan may do, it does no more.
            let again = try agent.handles.open(c, for: agent.p)
            let both = try HostFuse.open(again.name, in: agent.root.number, .readWrite)
            #expect(try errno("syswrite(STDOUT, 'good')", output: both.number) == EBADF)
            let third = try agent.handles.open(c, for: agent.p)
            agent.handles.forget(third)
            #expect(throws: SysError.self) { _ = try HostFuse.open(third.name, in: agent.root.number, .read) }
        }
    }

    @Test func pollTellsWhenItIsReady() throws {
        try withFile("/srv/f", text: "") { _, fd, served throws in
            let script = "$r = ''; vec($r, 0, 1) = 1; exit(select($r, undef, undef, $ARGV[0]))"
            #expect(try HostChild("perl", "-e", script, "0.1", input: fd.number).end() == 0)
            let child = try HostChild("perl", "-e", script, "20", input: fd.number)
            #expect(try inTime { child.sleeps })
            served.answerHeld("here")
            #expect(child.end() == 1)
            #expect(try runHost("test $(dd bs=9 count=1 2>/dev/null) = here", input: fd.number) == 0)
        }
    }

    @Test func whoWillNotWaitNeedNot() throws {
        try withFile("/srv/f", text: "") { _, fd, _ throws in
            let flags = "use Fcntl; fcntl(STDIN, F_SETFL, O_NONBLOCK | O_RDWR);"
            let script = "\(flags) defined(sysread(STDIN, $x, 9)) or exit($! + 0)"
            #expect(try HostChild("perl", "-e", script, input: fd.number).end() == EAGAIN)
        }
    }

    @Test func itIsUsedForTheProcessThatOpenedIt() throws {
        try withAgent { agent throws in
            let p = agent.p
            // A descriptor that the child has and we have not; it is posted by its number.
            let (near, far) = try p.pipe()
            let child = try p.spawn([.forkFD], fds: [far]) { c throws(SysError) in
                _ = try c.dup(far, 40)
                try c.write(far, "ready")
                _ = try c.read(far)
                return .ok
            }
            #expect(try p.get(near, 5) == "ready")
            let owner = try #require(p.system.proc(child))
            for (proc, failure) in [(p, EBADF), (owner, 0)] {
                let fd = try p.create("#sposts/x\(failure)", .write, FileMode(rawValue: 0o600))
                let name = try agent.handles.open(p.fildes(fd), for: proc)
                let handle = try HostFuse.open(name.name, in: agent.root.number, name.access)
                #expect(try errno("syswrite(STDOUT, '40')", output: handle.number) == failure)
            }
            try p.write(near, "end")
            _ = try p.wait(.pid(child))
        }
    }

    @Test func itIsKnownByOneNumber() throws {
        try withAgent { agent throws in
            _ = try Served(agent.p, "/srv", "f")
            _ = try Served(agent.p, "/srv", "g")
            let one = try agent.open("/srv/f")
            let two = try agent.open("/srv/f")
            let other = try agent.open("/srv/g")
            let stats = [try HostStat(one.number), try HostStat(two.number), try HostStat(other.number)]
            #expect(stats[0].inode == stats[1].inode && stats[0].inode != stats[2].inode)
            #expect(try stats[0].device == HostStat(agent.root.number).device)
            let c = try agent.p.fildes(agent.p.open("/srv/f"))
            #expect(stats[0].inode == FuseHandles.inode(of: c))
        }
    }
}
