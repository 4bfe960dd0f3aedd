import Host
import Kernel
import Library
import KernelTestSupport
import Testing

@testable import Devices

/// The connection server, and calls by name.
@Suite struct DialTests {
    /// Runs `body` where `resolver` knows the hosts.
    private func run<T: Sendable>(
        _ network: HostGrants.Network = .all, _ resolver: @escaping NetPolicy.Resolver = Self.hosts,
        _ body: @escaping @Sendable (Proc) throws(SysError) -> T
    ) throws -> T {
        var grants = HostGrants()
        grants.network = network
        let devices = deviceTable.map { $0() }.map { $0.letter == "I" ? DevIp(resolver) : $0 }
        return try inSystem(devices, grants: grants) { p throws(SysError) in
            try p.bind("#I", "/net")
            return try body(p)
        }
    }

    @Sendable private static func hosts(_ name: String) -> Result<[IPAddress], SysError> {
        Result { () throws(SysError) in
            guard name == "two.example" else { throw SysError("no such host", subject: name) }
            return [try IPAddress("192.0.2.1"), try IPAddress("2001:db8::2")]
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("tcp!127.0.0.1!80", ["/net/tcp/clone 127.0.0.1!80"]),
            ("net!127.0.0.1!styx", ["/net/tcp/clone 127.0.0.1!6666"]),
            ("udp!*!domain", ["/net/udp/clone *!53"]), ("tcp!::1!9fs", ["/net/tcp/clone ::1!564"]),
            ("tcp!::ffff:127.0.0.1!1", ["/net/tcp/clone ::ffff:127.0.0.1!1"]),
            ("tcp!localhost!7", ["/net/tcp/clone 127.0.0.1!7", "/net/tcp/clone ::1!7"]),
            ("tcp!LocalHost!7", ["/net/tcp/clone 127.0.0.1!7", "/net/tcp/clone ::1!7"]),
            ("tcp!Two.Example!http\n", ["/net/tcp/clone 192.0.2.1!80", "/net/tcp/clone 2001:db8::2!80"]),
            ("unix!/a/b!c", ["/net/unix/clone /a/b!c"]), ("tcp!one.example!1", ["'one.example' no such host"]),
            ("tcp!127.0.0.1!http!x", ["'x' no such service"]), ("udp!127.0.0.1!http", ["'http' no such service"]),
            ("tcp!127.0.0.1!65536", ["'65536' no such service"]),
            ("tcp!127.0.0.1", ["'tcp!127.0.0.1' bad network address"]),
            ("", ["'' bad network address"]), ("tcp", ["'tcp' bad network address"]),
            ("tcp!", ["'tcp!' bad network address"]),
            ("tcp!!80", ["'tcp!!80' bad network address"]), ("tcp!a b!80", ["'tcp!a b!80' bad network address"]),
            ("il!127.0.0.1!80", ["'il!127.0.0.1!80' network protocol not supported"]),
            ("tcp!" + String(repeating: "x", count: 300) + "!80", ["bad network address"]),
            ("tcp!" + String(repeating: "x", count: 3000) + "!80", ["read or write too large"]),
        ])
    func theServerTranslates(query: String, lines: [String]) throws {
        let got = try run { p throws(SysError) -> [String] in
            let cs = try p.open("/net/cs", .readWrite)
            do throws(SysError) { try p.write(cs, query) } catch {
                return [lines.first == error.sentence ? error.sentence : error.description]
            }
            var got: [String] = []
            // What was written has moved the offset; the first line comes all the same.
            for round in 0..<2 {
                while case let line = try p.read(cs, 100), !line.isEmpty {
                    if round == 0 { got.append(String(decoding: line, as: UTF8.self)) }
                }
                try p.seek(cs, 0)
            }
            guard String(decoding: try p.read(cs, 100), as: UTF8.self) == got.first else {
                return ["it does not begin anew"]
            }
            return got
        }
        #expect(got == lines)
    }

    @Test(.timeLimit(.minutes(1))) func nobodyIsAskedForNamesBeyondLoopback() throws {
        let asked = Lock(0)
        let said = try run(
            .loopback,
            { _ in
                asked.withLock { $0 += 1 }
                return .success([])
            }
        ) { p throws(SysError) in
            failure { () throws(SysError) in try p.write(try p.open("/net/cs", .readWrite), "tcp!two.example!80") }
        }
        #expect(said == "'two.example' beyond loopback the network is off (start emu with --net)")
        #expect(asked.withLock { $0 } == 0)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["kill", "note"])
    func aResolverThatDoesNotAnswerCanBeLeft(how: String) throws {
        let gate = Parker()
        let said = Lock("")
        try run(
            .all,
            { _ in
                _ = gate.park()
                return .success([])
            }
        ) { p throws(SysError) in
            let tried = failure { () throws(SysError) in
                let cs = try p.open("/net/cs", .readWrite)
                _ = try p.write(cs, Array("tcp!slow!80".utf8).span.bytes, .try)
            }
            guard tried == "operation would block" else { throw SysError(tried) }
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                if how == "note" { c.onNote(.handle { _ in true }) }
                let error = failure { () throws(SysError) in _ = try c.dial("tcp!slow!80") }
                said.withLock { $0 = error }
                return .ok
            }
            try untilBlocked(p, pid)
            if how == "kill" { p.system.proc(pid)?.kill() } else { p.system.proc(pid)?.post(.interrupt) }
            _ = try p.wait(.pid(pid))
        }
        gate.unpark()
        #expect(said.withLock { $0 }.hasSuffix(how == "kill" ? "killed" : "interrupted"))
    }

    @Test(.timeLimit(.minutes(1))) func dialTriesEachAddressAndTellsOfTheFirst() throws {
        let got = try run { p throws(SysError) -> [String] in
            let server = try p.announce("tcp!::1!0")
            let local = try p.netinfo(server.directory).local
            let port = String(local[local.index(after: local.lastIndex(of: "!") ?? local.startIndex)...])
            let made = try p.dial("tcp!localhost!\(port)")
            var said = [try p.netinfo(made.directory).remote == local ? "by the second" : "elsewhere"]
            try p.close(server.control)
            said.append(failure { () throws(SysError) in _ = try p.dial("tcp!localhost!\(port)") })
            said.append(failure { () throws(SysError) in _ = try p.dial("tcp!localhost") })
            said.append(failure { () throws(SysError) in _ = try p.dial("localhost") })
            // Nothing is left open by what has failed.
            for fd in [made.data, made.control] { try p.close(fd) }
            said.append("\(p.files.all.count)")
            return said.map { $0.replacing(port, with: "N") }
        }
        #expect(
            got == [
                "by the second", "'tcp!localhost!N' connection refused", "'tcp!localhost' bad network address",
                "'localhost' bad network address", "0",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func networksMayBeElsewhereAndHaveNoServer() throws {
        let got = try run { p throws(SysError) -> [String] in
            try p.bind("#Rtest", "/tmp", .create)
            for name in ["net", "bare", "bare/tcp"] { try p.mkdir("/tmp/\(name)") }
            try p.bind("#I", "/tmp/net")
            try p.bind("#I/tcp", "/tmp/bare/tcp")
            let server = try p.announce("/tmp/net/tcp!127.0.0.1!0")
            let local = try p.netinfo(server.directory).local
            var said = [server.directory]
            for place in ["/tmp/net/", "/tmp/bare/", ""] {
                said.append(try p.dial("\(place)tcp!\(local)").directory)
                _ = try p.accept(try p.listen(server))
            }
            said.append(failure { () throws(SysError) in _ = try p.dial("/tmp/bare/tcp!localhost!80") })
            said.append(failure { () throws(SysError) in _ = try p.dial("/tmp/none/net!localhost!80") })
            return said
        }
        #expect(
            got == [
                "/tmp/net/tcp/0", "/tmp/net/tcp/1", "/tmp/bare/tcp/3", "/net/tcp/5",
                "'/tmp/bare/tcp!localhost!80' bad network address", "'/tmp/none' file does not exist",
            ])
    }

    @Test(
        arguments: [
            ("host", "tcp", "styx", "tcp!host!styx"), ("host", "net", "", "net!host"),
            ("tcp!host", "net", "styx", "tcp!host!styx"), ("tcp!host!80", "udp", "styx", "tcp!host!80"),
            ("unix!/a", "tcp", "styx", "unix!/a"), ("/n/net/unix!/a", "tcp", "styx", "/n/net/unix!/a"),
        ])
    func anAddressIsMadeWhole(address: String, network: String, service: String, whole: String) {
        #expect(Proc.netmkaddr(address, network, service) == whole)
    }

    @Test(
        arguments: [
            ("/net/tcp/clone", "127.0.0.1!80", true), ("/net/tcp/clone", "::1!80", true),
            ("/net/tcp/clone", "127.9.9.9!80", true), ("/net/unix/clone", "/a", true),
            ("/net/tcp/clone", "*!80", false),
            ("/net/tcp/clone", "192.0.2.1!80", false), ("/net/tcp/clone", "::!80", false),
            ("/net/tcp/clone", "127.0.0.1.example.com!80", false), ("/net/tcp/clone", "80", false),
        ])
    func whatOnlyThisHostCanCall(clone: String, address: String, isLocal: Bool) {
        #expect(Proc.isLocal(clone, address) == isLocal)
    }
}
