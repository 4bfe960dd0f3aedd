import Glibc
import Host
import KernelTestSupport
import Testing

@testable import Devices
@testable import Kernel

/// Pipes of ours with programs of the host at one end or at both.
@Suite(.timeLimit(.minutes(1))) struct LendPipeTests {
    private func run<T: Sendable>(_ body: @escaping @Sendable (Proc) throws -> T) throws -> T {
        try LendTests.withFiles(body)
    }

    @Test func whatStandsInItComesFirst() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            for n in 0..<1000 { try p.write(writer, "queued \(n)\n") }
            let child = try HostChild("sh", "-c", "test $(md5sum | cut -d' ' -f1) = \(Self.sum)", input: p.lend(reader))
            try p.close(reader)
            for n in 1000..<30_000 { try p.write(writer, "queued \(n)\n") }
            try p.close(writer)
            #expect(child.end() == 0)
        }
    }

    /// Of `queued 0` to `queued 29999`, a line each.
    private static var sum: String { "$(seq 0 29999 | sed 's/^/queued /' | md5sum | cut -d' ' -f1)" }

    @Test func itsEndIsTheEndOfTheLastWriter() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            let child = try HostChild("sh", "-c", "echo one; sleep 0.2; echo two", output: p.lend(writer))
            #expect(try p.get(reader) == "one\n")
            try p.write(writer, "ours\n")
            #expect(try p.get(reader) == "ours\n")
            try p.close(writer)
            #expect(try p.get(reader) == "two\n")
            #expect(try p.get(reader) == "")
            #expect(child.end() == 0)
        }
    }

    @Test func programsOfTheHostMeetInIt() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            let head = try HostChild("head", "-n1", input: p.lend(reader))
            let yes = try HostChild("yes", output: p.lend(writer))
            try p.close(reader)
            try p.close(writer)
            #expect(head.end() == 0)
            #expect(yes.end() == 128 + SIGPIPE)
        }
    }

    @Test func aWriterLearnsThatNobodyReads() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            let child = try HostChild("true", input: p.lend(reader))
            try p.close(reader)
            #expect(child.end() == 0)
            // A program that another test starts has our descriptors until it runs.
            #expect(try inTime { code { () throws(SysError) in try p.write(writer, "x") } == .closedPipe })
            // Its reader went before the host ever saw it.
            let (ours, theirs) = try p.pipe(oneWay: true)
            try p.close(ours)
            #expect(try HostChild("yes", output: p.lend(theirs)).end() == 128 + SIGPIPE)
        }
    }

    @Test func thoseWhoWaitGoOn() throws {
        try run { p in
            // A reader of ours waits; then a program writes.
            let (reader, writer) = try p.pipe(oneWay: true)
            let waiting = try p.spawn { c throws(SysError) in try c.get(reader) == "late\n" ? .ok : "other" }
            try untilBlocked(p, waiting)
            #expect(try runHost("sleep 0.1; echo late", output: p.lend(writer)) == 0)
            #expect(try p.wait(.pid(waiting)).status.isOK)
            // A writer of ours waits, with a full queue; then a program reads.
            let (source, sink) = try p.pipe(oneWay: true)
            let full = try p.spawn([.forkFD]) { c throws(SysError) in
                for _ in 0..<400 { try c.write(sink, [UInt8](repeating: 65, count: 1000)) }
                return .ok
            }
            try untilBlocked(p, full)
            let child = try HostChild("sh", "-c", "test $(wc -c) = 400000", input: p.lend(source))
            try p.close(sink)
            #expect(try p.wait(.pid(full)).status.isOK)
            #expect(child.end() == 0)
        }
    }

    @Test func whoWaitsInItCanBeKilled() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            let child = try HostChild("sleep", "60", output: p.lend(writer))
            let pid = try p.spawn { c throws(SysError) in
                _ = try c.read(reader, 1)
                return .ok
            }
            try untilBlocked(p, pid)
            p.system.proc(pid)?.kill()
            #expect(try p.wait(.pid(pid)).status.text == "killed")
            #expect(
                code { () throws(SysError) in
                    var byte: [UInt8] = [0]
                    var span = byte.mutableSpan
                    var room = span.mutableBytes
                    _ = try p.read(reader, into: &room, .try)
                } == .wouldBlock)
            withExtendedLifetime(child) {}
        }
    }

    @Test func pollSeesTheHost() throws {
        try run { p in
            let (reader, writer) = try p.pipe(oneWay: true)
            let child = try HostChild("sh", "-c", "sleep 0.1; echo x; sleep 0.1", output: p.lend(writer))
            try p.close(writer)
            var list = [Proc.Poll(reader, .read)]
            #expect(try p.poll(&list, milliseconds: 0) == 0)
            #expect(try p.poll(&list, milliseconds: 20_000) == 1 && list[0].got.contains(.read))
            #expect(try p.fstat(reader).length == 2)
            #expect(try p.get(reader) == "x\n")
            #expect(try p.poll(&list, milliseconds: 20_000) == 1 && list[0].got.contains(.hangup))
            #expect(child.end() == 0)
        }
    }

    @Test func whatIsOpenBothWaysIsNotLent() throws {
        try run { p in
            let (a, b) = try p.pipe()
            #expect(thrown { () throws(SysError) in try p.lend(a) } != nil)
            try p.write(a, "still a queue")
            #expect(try p.get(b) == "still a queue")
        }
    }

    @Test func aThousandLeaveNothing() throws {
        let account = Account()
        let system = System(account: account)
        for make in deviceTable { system.add(make()) }
        _ = try system.result(as: Cred(user: "glenda", uid: 1000, gid: 1000)) { (p) throws(SysError) in
            let before = HostFolder.descriptors
            for n in 0..<1000 {
                let (reader, writer) = try p.pipe(oneWay: true)
                try p.write(writer, "queued")
                _ = try p.lend(n % 2 == 0 ? reader : writer)
                guard try p.get(reader) == "queued" else { throw .io }
                try p.close(writer)
                guard try p.get(reader) == "" else { throw .io }
                try p.close(reader)
            }
            #expect(HostFolder.descriptors - before < 600)
        }
        #expect(account.held(.pipes) == 0)
    }
}
