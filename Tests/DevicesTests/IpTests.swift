import Glibc
import Host
import Kernel
import Library
import Testing

@testable import Devices

@Suite struct IpTests {
    /// Runs `body` where all of the host's network may be used.
    private func online<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
        var grants = HostGrants()
        grants.network = .all
        return try inSystem(grants: grants, body)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["127.0.0.1", "::1"])
    func twoConversationsTalk(host: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let server = try p.announce(on: "#I/tcp", "\(host)!0")
            var said = [try p.text("\(server.directory)/status"), try p.text("\(server.directory)/remote")]
            let client = try p.converse("#I/tcp", "connect \(try p.netinfo(server.directory).local)")
            let call = try p.listen(server)
            let (here, there) = (try p.netinfo(client.directory), try p.netinfo(call.directory))
            said += [here.status, there.status, "\(here.local == there.remote)", "\(here.remote == there.local)"]
            let (a, b) = (try p.accept(client), try p.accept(call))
            try p.write(a, "there")
            said.append(String(decoding: try p.read(b), as: UTF8.self))
            try p.write(b, "and back")
            try p.write(call.control, "hangup write")
            said.append(String(decoding: try p.readn(a, 100), as: UTF8.self))
            try p.write(a, "still")
            try p.close(a)
            try p.close(client.control)
            said.append(String(decoding: try p.readn(b, 100), as: UTF8.self))
            for fd in [b, call.control, server.control] { try p.close(fd) }
            return said + (try p.list("#I/tcp"))
        }
        let none = "::!0\n"
        #expect(
            got == [
                "Announced\n", none, "Established", "Established", "true", "true", "there", "and back", "still",
                "clone",
            ])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("tcp", "", "unknown control request"), ("tcp", "fly", "unknown control request"),
            ("tcp", "headers", "unknown control request"), ("tcp", "connect", "wrong #args in control message"),
            ("tcp", "hangup now", "wrong #args in control message"), ("tcp", "hangup write", "not connected"),
            ("tcp", "connect 127.0.0.1", "bad network address"), ("tcp", "connect 127.1!80", "bad network address"),
            ("tcp", "connect localhost!80", "bad network address"), ("tcp", "connect *!80", "bad network address"),
            ("tcp", "connect 127.0.0.1!65536", "bad network address"),
            ("tcp", "connect 127.0.0.1!0", "bad network address"), ("tcp", "connect !!", "bad network address"),
            ("tcp", "connect 127.0.0.1!80 ::1!0", "bad network address"), ("tcp", "ttl 0", "bad arg in system call"),
            ("tcp", "ttl 99999999999999999999", "bad arg in system call"), ("tcp", "tos -1", "bad arg in system call"),
            ("udp", "keepalive", "operation not supported"), ("unix", "ttl 3", "operation not supported"),
            ("tcp", "announce 127.0.0.1!x", "bad network address"),
            ("tcp", "connect " + String(repeating: "1", count: 2000), "read or write too large"),
            ("tls", "key", "wrong #args in control message"), ("tls", "key x", "it is no ed25519 key"),
            ("tls", "key " + String(repeating: "A", count: 64), "it is no ed25519 key"),
            ("tls", "key " + String(repeating: "é", count: 32), "it is no ed25519 key"),
            ("tls", "pin ed25519:x", "'ed25519:x' it is no key"), ("tls", "pin x", "'x' it is no key"),
            ("tls", "accept me", "bad arg in system call"), ("tls", "host é", "bad network address"),
            ("tls", "host " + String(repeating: "x", count: 300), "bad network address"),
            ("tls", "announce 127.0.0.1!0", "no key to be known by was given"),
            ("tls", "headers", "unknown control request"), ("tcp", "accept anybody", "unknown control request"),
            ("tcp", "key x", "unknown control request"),
        ])
    func messagesThatMakeNoSenseChangeNothing(network: String, message: String, error: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let control = try p.open("#I/\(network)/clone", .readWrite)
            return [
                failure { () throws(SysError) in try p.write(control, message) },
                try p.text("#I/\(network)/0/status"),
            ]
        }
        #expect(got == [error, "Closed\n"])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("tcp", "connect 192.0.2.1!80"), ("tcp", "connect 0.0.0.0!80"), ("tcp", "connect ::ffff:192.0.2.1!80"),
            ("tcp", "connect 2001:db8::1!80"), ("tcp", "announce *!0"), ("tcp", "announce 0"), ("tcp", "announce ::!0"),
            ("tcp", "announce 0.0.0.0!0"), ("tcp", "bind *!0"), ("udp", "connect 192.0.2.1!53"),
            ("udp", "announce *!0"),
            ("unix", "connect /tmp/x"), ("unix", "announce /tmp/x"),
        ])
    func whatIsBeyondLoopbackNeedsTheFlag(network: String, message: String) throws {
        let said = try inSystem { p throws(SysError) in
            failure { () throws(SysError) in _ = try p.converse("#I/\(network)", message) }
        }
        #expect(said.contains("--net") || said == "bad network address")
        #expect(said.contains("--net") || message.contains("0.0.0.0!80"), "\(said)")
    }

    @Test(.timeLimit(.minutes(1))) func rulesLetSome() throws {
        var grants = HostGrants()
        grants.network = try .init("tcp!192.0.2.1!80,udp!*!53,*!2001:db8::1!*,tcp!Some.Host!443,unix!/a/b")
        let asked = Lock([String]())
        let resolver: NetPolicy.Resolver = { name in
            asked.withLock { $0.append(name) }
            return Result { () throws(SysError) in [try IPAddress("198.51.100.7")] }
        }
        let policy = NetPolicy(grants.network, resolver)
        let rows: [(HostSocket.Kind, String, UInt16, Bool)] = [
            (.tcp, "192.0.2.1", 80, true), (.tcp, "192.0.2.1", 81, false), (.udp, "192.0.2.1", 80, false),
            (.tcp, "192.0.2.2", 80, false), (.udp, "192.0.2.2", 53, true), (.tcp, "2001:db8::1", 1, true),
            (.tcp, "::ffff:192.0.2.1", 80, true), (.tcp, "127.9.9.9", 9, true), (.tcp, "::1", 9, true),
            (.tcp, "198.51.100.7", 443, true), (.tcp, "198.51.100.7", 80, false), (.tcp, "198.51.100.8", 443, false),
            (.tcp, "0.0.0.0", 80, false),
        ]
        let got = try inSystem { _ throws(SysError) -> [Bool] in
            var all: [Bool] = []
            for (network, ip, port, _) in rows {
                let address = HostAddress.ip(try IPAddress(ip), port: port)
                all.append(failure { () throws(SysError) in try policy.check(network, address, .wait) } == "")
            }
            for path in ["/a/b", "/a/b/c", "/a"] {
                all.append(failure { () throws(SysError) in try policy.check(.unix, .unix(path), .wait) } == "")
            }
            for name in ["some.host", "SOME.HOST", "other.host"] {
                all.append(failure { () throws(SysError) in _ = try policy.addresses(of: name, .wait) } == "")
            }
            return all
        }
        // A rule of the form *!host!port with any host would let any name be asked for; `udp!*!53` does.
        #expect(got == rows.map(\.3) + [true, false, false, true, true, true])
        #expect(Set(asked.withLock { $0 }) == ["some.host", "other.host"])
    }

    @Test(
        arguments: [
            "", "tcp", "tcp!a", "tcp!a!b", "tcp!a!99999", "tcp!!80", "il!a!80", "unix!relative", "tcp!a!80,",
            "tcp!a!80!r", "*!*",
        ])
    func rulesThatMakeNoSenseAreRefused(text: String) {
        #expect(throws: SysError.self) { try HostGrants.Network(text) }
    }

    @Test(.timeLimit(.minutes(1))) func nobodyListensAndNobodyIsThere() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let port = Peer(backlog: 1).port
            let control = try p.open("#I/tcp/clone", .readWrite)
            let data = try p.open("#I/tcp/0/data", .readWrite)
            var said = [failure { () throws(SysError) in _ = try p.read(data) }]
            said.append(failure { () throws(SysError) in try p.write(data, "x") })
            said.append(failure { () throws(SysError) in _ = try p.open("#I/tcp/0/listen", .readWrite) })
            said.append(failure { () throws(SysError) in try p.write(control, "connect 127.0.0.1!\(port)") })
            said.append(try p.text("#I/tcp/0/status"))
            // It may be tried again.
            let peer = Peer(backlog: 1)
            try p.write(control, "connect 127.0.0.1!\(peer.port)")
            said.append(failure { () throws(SysError) in try p.write(control, "connect 127.0.0.1!\(peer.port)") })
            said.append(failure { () throws(SysError) in try p.write(control, "announce 127.0.0.1!0") })
            return said
        }
        #expect(
            got == [
                "not connected", "not connected", "'#I/tcp/0/listen' not announced", "connection refused", "Closed\n",
                "connection in use", "connection in use",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func aPeerThatGoesIsTheEndAndThenAHangup() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let peer = Peer(backlog: 4)
            let client = try p.converse("#I/tcp", "connect 127.0.0.1!\(peer.port)")
            let data = try p.accept(client)
            let other = peer.accept()
            _ = Glibc.write(other, "bye", 3)
            close(other)
            var said = [String(decoding: try p.readn(data, 100), as: UTF8.self)]
            said.append("\(try p.read(data).count)")
            // The first write finds out, at the latest the one after its answer.
            let error = Lock("")
            let isHungUp = eventually {
                let now = failure { () throws(SysError) in try p.write(data, "hello?") }
                error.withLock { $0 = now }
                return now != ""
            }
            return said + ["\(isHungUp)", error.withLock { $0 }]
        }
        #expect(got == ["bye", "0", "true", "i/o on hungup channel"])
    }

    /// What waits, and how it is told to end.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["connect", "accept", "read", "write", "unix"], ["kill", "note"])
    func eachWaitHasAWayOut(what: String, how: String) throws {
        let folder = HostFolder()
        let got = try online { p throws(SysError) -> [String] in
            let peer = Peer(backlog: 0)
            let path = folder.path + "/socket"
            let full = what == "unix" ? Peer(path: path) : peer
            if what == "connect" || what == "unix" { full.fill() }
            let said = Lock("")
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                if how == "note" { c.onNote(.handle { _ in true }) }
                do throws(SysError) {
                    switch what {
                    case "connect": _ = try c.converse("#I/tcp", "connect 127.0.0.1!\(peer.port)")
                    case "unix": _ = try c.converse("#I/unix", "connect \(path)")
                    case "accept": _ = try c.listen(try c.announce(on: "#I/tcp", "127.0.0.1!0"))
                    default:
                        let data = try c.accept(try c.converse("#I/tcp", "connect 127.0.0.1!\(peer.port)"))
                        if what == "read" { _ = try c.read(data) }
                        while true { _ = try c.write(data, [UInt8](repeating: 0, count: 1 << 20).span.bytes) }
                    }
                } catch {
                    said.withLock { $0 = error.sentence }
                    throw error
                }
                return .ok
            }
            try untilBlocked(p, pid)
            // Still so after a moment: it waits for its peer and not for us.
            try p.sleep(milliseconds: 20)
            try untilBlocked(p, pid)
            if how == "kill" { p.system.proc(pid)?.kill() } else { p.system.proc(pid)?.post(.interrupt) }
            if how == "note", what == "write" { p.system.proc(pid)?.kill() }
            let end = HostClock.monotonic()
            _ = try p.wait(.pid(pid))
            let isPrompt = HostClock.monotonic() - end < 5_000_000_000
            return [said.withLock { $0 }, "\(isPrompt)"]
                + (try p.list("#I/tcp")) + (try p.list("#I/unix"))
        }
        let error = how == "kill" || what == "write" ? "killed" : "interrupted"
        #expect(got == [error, "true", "clone", "clone"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["accept", "read", "connect"])
    func aHangupWakesWhoeverWaits(what: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let peer = Peer(backlog: 0)
            if what == "connect" { peer.fill() }
            let control = try p.open("#I/tcp/clone", .readWrite)
            if what == "accept" { try p.write(control, "announce 127.0.0.1!0") }
            if what == "read" { try p.write(control, "connect 127.0.0.1!\(peer.port)") }
            let said = Lock("")
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                let error = failure { () throws(SysError) in
                    switch what {
                    case "accept": _ = try c.open("#I/tcp/0/listen", .readWrite)
                    case "connect": try c.write(control, "connect 127.0.0.1!\(peer.port)")
                    default: _ = try c.read(try c.open("#I/tcp/0/data"))
                    }
                }
                said.withLock { $0 = error }
                return .ok
            }
            try untilBlocked(p, pid)
            try p.sleep(milliseconds: 20)
            try p.write(control, "hangup")
            _ = try p.wait(.pid(pid))
            return [said.withLock { $0 }, try p.text("#I/tcp/0/status")]
        }
        let errors = ["accept": "'#I/tcp/0/listen' i/o on hungup channel", "connect": "i/o on hungup channel"]
        #expect(got == [errors[what] ?? "", "Closed\n"])
    }

    @Test(.timeLimit(.minutes(1))) func whatWouldWaitCanBeTriedAndPolled() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let server = try p.announce(on: "#I/tcp", "127.0.0.1!0")
            let local = try p.netinfo(server.directory).local
            var said: [String] = []
            guard let dev = p.system.device("I") else { throw .badDevice }
            var listen = try dev.attach("", p.caller)
            for name in ["tcp", "0", "listen"] { listen = try dev.step(listen, to: name, p.caller) }
            said.append(failure { () throws(SysError) in _ = try dev.open(listen, .readWrite, p.caller, .try) })
            let control = try p.open("#I/tcp/clone", .readWrite)
            let chan = try p.fildes(control)
            let message = Array("connect \(local)".utf8)
            said.append(
                failure { () throws(SysError) in
                    _ = try chan.dev.write(chan, message.span.bytes, at: 0, p.caller, .try)
                })
            // Nothing has changed.
            try p.write(control, "connect \(local)")
            let call = try p.listen(server)
            let data = try p.accept(call)
            let other = try p.open("#I/tcp/1/data", .readWrite)
            said.append(
                failure { () throws(SysError) in
                    var block = [UInt8](repeating: 0, count: 8)
                    var span = block.mutableSpan
                    var bytes = span.mutableBytes
                    _ = try p.read(data, into: &bytes, .try)
                })
            var list = [Proc.Poll(data, .read)]
            said.append("\(try p.poll(&list, milliseconds: 0))")
            let pid = try p.spawn { c throws(SysError) in
                try c.sleep(milliseconds: 20)
                try c.write(other, "now")
                return .ok
            }
            said.append("\(try p.poll(&list)) \(list[0].got == .read)")
            _ = try p.wait(.pid(pid))
            said.append(String(decoding: try p.read(data), as: UTF8.self))
            list = [Proc.Poll(data, [.read, .write])]
            said.append("\(try p.poll(&list)) \(list[0].got == .write)")
            return said
        }
        let blocked = "operation would block"
        #expect(got == [blocked, blocked, blocked, "0", "1 true", "now", "1 true"])
    }

    @Test(.timeLimit(.minutes(1))) func aConversationBelongsToWhoMadeItAndEndsWithItsFiles() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let control = try p.open("#I/tcp/clone", .readWrite)
            let pid = try p.spawn(.forkFD, fds: []) { c throws(SysError) in
                c.become(Cred(user: "other", uid: 1001, gid: 1001))
                let errors = ["ctl", "data", "listen", "status"].map { name in
                    failure { () throws(SysError) in _ = try c.open("#I/tcp/0/\(name)") }
                }
                return Status(Set(errors.map { $0.hasSuffix("permission denied") }).description)
            }
            var said = [try p.wait(.pid(pid)).status.text.count == "[true, false]".count ? "some" : "all"]
            said.append(try p.stat("#I/tcp/0/ctl").owner)
            let data = try p.open("#I/tcp/0/data")
            let status = try p.open("#I/tcp/0/status")
            try p.close(control)
            said.append(try p.list("#I/tcp").joined(separator: " "))
            try p.close(data)
            said.append(try p.list("#I/tcp").joined(separator: " "))
            said.append(String(decoding: try p.read(status), as: UTF8.self))
            said.append(failure { () throws(SysError) in _ = try p.open("#I/tcp/0/ctl") })
            return said
        }
        #expect(got == ["some", "glenda", "clone 0", "clone", "Closed\n", "'#I/tcp/0' file does not exist"])
    }

    @Test(.timeLimit(.minutes(1))) func aThousandConversationsComeAndGo() throws {
        HostEnvironment.raiseDescriptorLimit()
        let account = Account()
        let before = HostFolder.descriptors
        let got = try inSystem(account: account) { p throws(SysError) -> [String] in
            let server = try p.announce(on: "#I/tcp", "127.0.0.1!0")
            let local = try p.netinfo(server.directory).local
            // Ten processes with a hundred conversations each, all of which wait for good.
            let count = Lock(0)
            let pids = try (0..<10).map { _ throws(SysError) -> Int32 in
                try p.spawn(.forkFD) { c throws(SysError) in
                    var last: Int32 = 0
                    for _ in 0..<100 {
                        last = try c.accept(try c.converse("#I/tcp", "connect \(local)"))
                        count.withLock { $0 += 1 }
                    }
                    _ = try c.read(last)
                    return .ok
                }
            }
            guard eventually({ count.withLock { $0 } == 1000 }) else { throw SysError("they do not come") }
            var said = ["\(account.held(.conversations))", "\(try p.list("#I/tcp").count)"]
            for pid in pids { p.system.proc(pid)?.kill() }
            for pid in pids { _ = try p.wait(.pid(pid)) }
            said += ["\(account.held(.conversations))", "\(try p.list("#I/tcp").count)"]
            try p.close(server.control)
            return said + ["\(account.held(.conversations))"]
        }
        #expect(got == ["1001", "1002", "1", "2", "0"])
        #expect(eventually { HostFolder.descriptors <= before + 8 })
    }

    @Test(.timeLimit(.minutes(1))) func thereAreSoManyAndNoMore() throws {
        let got = try inSystem(account: Account(limits: [.conversations: 3])) { p throws(SysError) -> [String] in
            let fds = try (0..<3).map { _ throws(SysError) in try p.open("#I/udp/clone", .readWrite) }
            var said = [failure { () throws(SysError) in _ = try p.open("#I/tcp/clone", .readWrite) }]
            try p.close(fds[1])
            said.append(failure { () throws(SysError) in _ = try p.open("#I/tcp/clone", .readWrite) })
            return said
        }
        #expect(got == ["'#I/tcp/clone' no free devices", ""])
    }

    @Test(.timeLimit(.minutes(1))) func theDeviceHasSoManyAndNoMore() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            var fds: [Int32] = []
            for n in 0..<DevIp.limit { fds.append(try p.open("#I/\(n % 2 == 0 ? "tcp" : "unix")/clone", .readWrite)) }
            var said = [failure { () throws(SysError) in _ = try p.open("#I/udp/clone", .readWrite) }]
            said.append("\(try p.list("#I/tcp").count + (try p.list("#I/unix").count))")
            for fd in fds { try p.close(fd) }
            said.append("\(try p.list("#I/tcp").count)")
            said.append(failure { () throws(SysError) in _ = try p.open("#I/udp/clone", .readWrite) })
            return said
        }
        #expect(got == ["'#I/udp/clone' no free devices", "\(DevIp.limit + 2)", "1", ""])
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["127.0.0.1", "::1"])
    func datagramsComeWholeAndWithTheirAddresses(host: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let server = try p.announce(on: "#I/udp", "\(host)!0")
            try p.write(server.control, "headers")
            let local = try p.netinfo(server.directory).local
            let client = try p.converse("#I/udp", "connect \(local)")
            let (a, b) = (try p.accept(client), try p.accept(server))
            try p.write(a, "one")
            try p.write(a, "two")
            var said: [String] = []
            for _ in 0..<2 {
                let packet = try p.read(b, 2000)
                said.append(String(decoding: packet.dropFirst(52), as: UTF8.self))
                // The echo goes to where it came from.
                try p.write(b, packet)
                said.append(String(decoding: try p.read(a), as: UTF8.self))
            }
            said.append(failure { () throws(SysError) in _ = try p.read(b, 51) })
            said.append(failure { () throws(SysError) in try p.write(b, "short") })
            var beyond = [UInt8](repeating: 0, count: 53)
            (beyond[10], beyond[11], beyond[12], beyond[49]) = (0xFF, 0xFF, 192, 53)
            said.append("\(failure { () throws(SysError) in try p.write(b, beyond) }.contains("--net"))")
            said.append(failure { () throws(SysError) in try p.write(a, [UInt8](repeating: 0, count: 70000)) })
            said.append(failure { () throws(SysError) in _ = try p.listen(server) })
            return said
        }
        let small = "read or write too small"
        #expect(
            got == [
                "one", "one", "two", "two", small, small, "true", "message is too big for protocol",
                "'#I/udp/0/listen' operation not supported",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func unixSocketsHavePathsAndLeaveNone() throws {
        let folder = HostFolder()
        let path = folder.path + "/socket"
        let got = try online { p throws(SysError) -> [String] in
            let server = try p.announce(on: "#I/unix", path)
            var said = [try p.text("\(server.directory)/local"), "\(access(path, F_OK))"]
            said.append(failure { () throws(SysError) in _ = try p.announce(on: "#I/unix", path) })
            let client = try p.accept(try p.converse("#I/unix", "connect \(path)"))
            let call = try p.listen(server)
            let data = try p.accept(call)
            try p.write(client, "hello")
            said.append(String(decoding: try p.read(data), as: UTF8.self))
            said.append(try p.text("\(call.directory)/remote"))
            try p.close(server.control)
            said.append("\(access(path, F_OK))")
            let long = "/" + String(repeating: "x", count: 200)
            said.append(failure { () throws(SysError) in _ = try p.announce(on: "#I/unix", long) })
            return said
        }
        #expect(got == ["\(path)\n", "0", "connection in use", "hello", "\n", "-1", "file name too long"])
    }
}

/// A listener of the host that is not ours; closed with its last reference.
private final class Peer: Sendable {
    private let fd: Int32
    private let others = Lock([Int32]())
    private let family: Int32
    let port: UInt16
    private let path: String

    /// On loopback.
    init(backlog: Int32) {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = fd
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                var length = size
                precondition(bind(fd, $0, size) == 0 && listen(fd, backlog) == 0 && getsockname(fd, $0, &length) == 0)
            }
        }
        (family, port, path) = (AF_INET, UInt16(bigEndian: address.sin_port), "")
    }

    /// At a path.
    init(path: String) {
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        (family, port, self.path) = (AF_UNIX, 0, path)
        precondition(withAddress { bind(fd, $0, $1) } == 0 && listen(fd, 0) == 0)
    }

    deinit { for fd in others.withLock({ $0 }) + [fd] { close(fd) } }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        if family == AF_INET {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            address.sin_port = port.bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, 16) }
            }
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    /// Calls until there is no room for more: the next caller waits.
    func fill() {
        while true {
            let caller = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            others.withLock { $0.append(caller) }
            if withAddress({ connect(caller, $0, $1) }) == 0 { continue }
            if errno == EAGAIN { return }
            var entry = pollfd(fd: caller, events: Int16(POLLOUT), revents: 0)
            if poll(&entry, 1, 200) == 0 { return }
        }
    }

    func accept() -> Int32 { Glibc.accept(fd, nil, nil) }
}

extension Proc {
    /// A new conversation in the directory of a network, which has been told `message`.
    func converse(_ network: String, _ message: String) throws(SysError) -> Call {
        let control = try open("\(network)/clone", .readWrite)
        let call = Call(
            control: control, directory: "\(network)/\(String(decoding: try read(control, 32), as: UTF8.self))")
        do throws(SysError) { try write(control, message) } catch {
            try close(control)
            throw error
        }
        return call
    }

    func announce(on network: String, _ address: String) throws(SysError) -> Call {
        try converse(network, "announce \(address)")
    }

    fileprivate func list(_ path: String) throws(SysError) -> [String] {
        let fd = try open(path)
        defer { _ = try? close(fd) }  // it was read: nothing is lost
        var names: [String] = []
        while case let some = try dirread(fd), !some.isEmpty { names += some.map(\.name) }
        return names
    }
}
