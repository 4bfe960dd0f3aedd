import Kernel
import Library
import KernelTestSupport
import Mnt
import NineP
import Testing

@Suite("An export that takes calls")
struct ListenerTests {
    /// A listener on a port of loopback, in a process of its own: its address and its pid.
    private static func listen(
        _ p: Proc, _ admit: ExportListener.Admit? = nil
    ) throws -> (address: String, pid: Int32) {
        try p.bind("#I", "/net", .before)
        let announced = try p.announce("tcp!127.0.0.1!0")
        let local = try p.text("\(announced.directory)/local").split(separator: "!").last ?? ""
        let pid = try p.spawn([.forkFD, .noWait], fds: [announced.control]) { child throws(SysError) in
            try ExportListener(try Export("/tmp", of: child), of: child, admit).serve(announced)
            return .ok
        }
        return ("tcp!127.0.0.1!\(local.filter(\.isNumber))", pid)
    }

    private static func dial(_ p: Proc, _ address: String) throws -> (Talk, Proc.Connection) {
        let c = try p.dial(address)
        return (Talk(send: { try p.write(c.data, $0) }, receive: { try p.read(c.data, $0) }), c)
    }

    @Test("many connections are served; those that are quiet have no Thread, and answer again", .timeLimit(.minutes(1)))
    func quiet() async throws {
        try await serving { p in
            try p.put("/tmp/f", "text")
            let (address, pid) = try Self.listen(p)
            let before = Live.now.threads
            var talks: [(Talk, Proc.Connection)] = []
            for _ in 0..<40 {
                let one = try Self.dial(p, address)
                try one.0.start(.plan9)
                talks.append(one)
            }
            for (t, _) in talks { #expect(try t.text(t.opened("f")) == "text") }
            // Other tests have Threads, too: that they go is what counts.
            #expect(try inTime { Live.now.threads < before + 30 })
            for (t, _) in talks { try t.lives() }
            // One that was cut within a frame goes on where it was.
            let (t, _) = talks[0]
            let frame = try t.frame(.stat(fid: 0), tag: 77)
            try t.write(Array(frame[..<5]))
            try p.sleep(milliseconds: 1500)
            try t.write(Array(frame[5...]))
            #expect(try t.hear()?.tag == 77)
            for (_, c) in talks {
                try p.close(c.data)
                try p.close(c.control)
            }
            p.system.proc(pid)?.kill()
            #expect(try inTime { p.system.proc(pid) == nil })
        }
    }

    @Test("who is refused is told so, and hung up on", .timeLimit(.minutes(1)))
    func refused() async throws {
        try await serving { p in
            let (address, pid) = try Self.listen(p) { _ throws(SysError) in throw SysError(.perm, saying: "not today") }
            let (talk, connection) = try Self.dial(p, address)
            let ename = try talk.refused(.version(msize: 8192, version: "9P2000.L"))
            #expect(ename == "authentication failed: not today")
            try talk.hangsUp()
            let fd = connection.data
            let (other, again) = try Self.dial(p, address)
            try other.write([0xff, 0xff, 0xff, 0xff, 1])
            try other.hangsUp()
            for fd in [fd, connection.control, again.data, again.control] { try p.close(fd) }
            p.system.proc(pid)?.kill()
            #expect(try inTime { p.system.proc(pid) == nil })
        }
    }

    @Test("of many who are refused and say nothing, some keep a Thread for a while", .timeLimit(.minutes(1)))
    func manyRefused() async throws {
        try await serving { p in
            let (address, pid) = try Self.listen(p) { _ throws(SysError) in throw SysError(.perm, saying: "not today") }
            var connections: [Proc.Connection] = []
            for _ in 0..<24 { connections.append(try p.dial(address)) }
            var isSeen = false
            for _ in 0..<300 where !isSeen {
                var list = connections.map { Proc.Poll($0.data, .read) }
                isSeen = try p.poll(&list, milliseconds: 0) == 8
                try p.sleep(milliseconds: 10)
            }
            #expect(isSeen, "eight of them are hung up on at once")
            for c in connections { for fd in [c.data, c.control] { try p.close(fd) } }
            p.system.proc(pid)?.kill()
            #expect(try inTime { p.system.proc(pid) == nil })
        }
    }

    @Test("when the process ends its clients are hung up on", .timeLimit(.minutes(1)))
    func end() async throws {
        try await serving { p in
            let (address, pid) = try Self.listen(p)
            let (resting, a) = try Self.dial(p, address)
            try resting.start(.plan9)
            _ = try resting.create("gone", 0o644, NineP.OpenMode(rawValue: 2 | NineP.OpenMode.removeOnClose))
            try p.sleep(milliseconds: 1300)
            let (busy, b) = try Self.dial(p, address)
            try busy.start(.linux)
            p.system.proc(pid)?.kill()
            try resting.hangsUp()
            try busy.hangsUp()
            #expect(try inTime { (try? p.names("/tmp"))?.isEmpty ?? false })
            for fd in [a.data, a.control, b.data, b.control] { try p.close(fd) }
        }
    }
}
