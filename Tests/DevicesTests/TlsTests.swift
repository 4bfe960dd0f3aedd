import Host
import Kernel
import Library
import KernelTestSupport
import Testing

@testable import Devices

/// Conversations of tls, between two ends of ours: what peers of other makes see is a system case.
@Suite struct TlsTests {
    @Test(.timeLimit(.minutes(1))) func twoConversationsTalkAndKnowEachOther() throws {
        let (ours, theirs) = (try HostKey(), try HostKey())
        let got = try inSystem { p throws(SysError) -> [String] in
            let (server, address) = try p.announce(theirs)
            let call = try p.hearing(server) { c throws(SysError) in
                try c.call(address, "key \(ours.secret)", "pin \(theirs.word)")
            }
            let (client, answer) = (call.client, call.server)
            var said = [try p.text("\(client.directory)/status"), try p.text("\(answer.directory)/status")]
            said.append("\(try p.text("\(client.directory)/peer") == theirs.word + "\n")")
            said.append("\(try p.text("\(answer.directory)/peer") == ours.word + "\n")")
            said.append("\(try p.netinfo(client.directory).local == p.netinfo(answer.directory).remote)")
            try p.write(client.data, "there")
            said.append(String(decoding: try p.read(answer.data), as: UTF8.self))
            try p.write(answer.data, "and back")
            try p.write(answer.control, "hangup write")
            said.append(String(decoding: try p.readn(client.data, 100), as: UTF8.self))
            said.append("\(try p.read(client.data).count)")
            said.append(failure { () throws(SysError) in try p.write(answer.data, "more") })
            try p.write(client.data, "still")
            for fd in [client.data, client.control] { try p.close(fd) }
            said.append(String(decoding: try p.readn(answer.data, 100), as: UTF8.self))
            return said
        }
        #expect(
            got == [
                "Established\n", "Established\n", "true", "true", "true", "there", "and back", "0",
                "i/o on hungup channel",
                "still",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func muchGoesBothWaysAtOnceAndAllOfItArrives() throws {
        let key = try HostKey()
        let size = 3_000_000
        let got = try inSystem { p throws(SysError) -> [Bool] in
            let (server, address) = try p.announce(key)
            let (client, answer) = try p.hearing(server) { c throws(SysError) in
                try c.call(address, "accept anybody")
            }
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                try c.write(answer.data, bytes)
                for fd in [answer.data, answer.control] { try c.close(fd) }
                return .ok
            }
            let other = try p.spawn(.forkFD) { c throws(SysError) in
                try c.write(client.data, bytes)
                return .ok
            }
            let back = try p.spawn(.forkFD) { c throws(SysError) in
                try c.readn(answer.data, size) == bytes ? .ok : "it differs"
            }
            for fd in [answer.data, answer.control] { try p.close(fd) }
            var same = [try p.readn(client.data, size) == bytes]
            for each in [pid, other, back] { same.append(try p.wait(.pid(each)).status.isOK) }
            return same
        }
        #expect(got == [true, true, true, true])
    }

    /// What is told before the call, and what comes of it.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ([], "whom to expect was not said (host, pin or accept)"), (["accept anybody"], ""), (["pin KEY"], ""),
            (["pin OTHER", "pin KEY"], ""), (["pin OTHER"], "key is not the one that was expected: KEY"),
            (["host localhost"], "certificate of localhost is not known (self-signed certificate): key KEY"),
            (["host 127.0.0.1"], "certificate of 127.0.0.1 is not known (self-signed certificate): key KEY"),
            (["accept anybody", "pin OTHER"], "key is not the one that was expected: KEY"),
        ])
    func aCallReachesWhomItIsFor(terms: [String], error: String) throws {
        let (key, other) = (try HostKey(), try HostKey())
        func told(_ text: String) -> String {
            text.replacing("KEY", with: key.word).replacing("OTHER", with: other.word)
        }
        let (messages, expected) = (terms.map(told), told(error))
        let got = try inSystem { p throws(SysError) -> [String] in
            let (server, address) = try p.announce(key)
            let answerer = try p.answering(server)
            let said = failure { () throws(SysError) in _ = try p.call(address, messages) }
            p.system.proc(answerer)?.kill()
            _ = try p.wait(.pid(answerer))
            return [said]
        }
        #expect(got == [expected])
    }

    /// Garbage, silence and an early end keep nobody else from being served.
    @Test(.timeLimit(.minutes(1)), arguments: ["garbage", "silence", "end"])
    func whoDoesNotAgreeHarmsNobody(what: String) throws {
        let key = try HostKey()
        let got = try inSystem { p throws(SysError) -> [String] in
            let (server, address) = try p.announce(key)
            let raw = try p.dial("#I/tcp!\(address)")
            switch what {
            case "garbage": try p.write(raw.data, "GET / HTTP/1.0\r\n\r\n")
            case "end": try p.write(raw.control, "hangup write")
            default: break
            }
            let call = try p.listen(server)
            var said = [try p.text("\(call.directory)/status"), try p.text("\(call.directory)/peer")]
            let isReady = { () throws(SysError) in _ = try p.open("\(call.directory)/data", .readWrite, .try) }
            if what == "silence" {
                said.append(failure(isReady))
                let pid = try p.spawn(.forkFD) { c throws(SysError) in
                    _ = try c.accept(call)
                    return .ok
                }
                try untilBlocked(p, pid)
                p.system.proc(pid)?.kill()
                said.append("\(try p.wait(.pid(pid)).status)")
            } else {
                said.append(failure { () throws(SysError) in _ = try p.accept(call) })
                said.append(try p.text("\(call.directory)/status"))
            }
            let (client, answer) = try p.hearing(server) { c throws(SysError) in
                try c.call(address, "accept anybody")
            }
            try p.write(client.data, "hello")
            return said + [String(decoding: try p.read(answer.data), as: UTF8.self)]
        }
        let seen =
            switch what {
            case "garbage": ["tls: http request", "Closed\n"]
            case "end": ["hung up in the handshake", "Closed\n"]
            default: ["operation would block", "killed"]
            }
        #expect(got.count == 5 && got[0] == "Connecting\n" && got[1] == "\n" && got[4] == "hello")
        #expect(got.count == 5 && got[2].hasSuffix(seen[0]) && got[3] == seen[1], "\(got)")
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["kill", "note", "hangup"])
    func aHandshakeThatIsNotAnsweredCanBeLeft(how: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let server = try p.announce("#I/tcp!127.0.0.1!0")
            let address = try p.netinfo(server.directory).local
            let control = try p.open("#I/tls/clone", .readWrite)
            let directory = "#I/tls/\(String(decoding: try p.read(control, 32), as: UTF8.self))"
            try p.write(control, "accept anybody")
            let said = Lock("")
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                if how == "note" { c.onNote(.handle { _ in true }) }
                let error = failure { () throws(SysError) in try c.write(control, "connect \(address)") }
                said.withLock { $0 = error }
                return .ok
            }
            _ = try p.listen(server)
            try p.sleep(milliseconds: 20)
            try untilBlocked(p, pid)
            switch how {
            case "kill": p.system.proc(pid)?.kill()
            case "note": p.system.proc(pid)?.post(.interrupt)
            default: try p.write(control, "hangup")
            }
            _ = try p.wait(.pid(pid))
            return [said.withLock { $0 }, try p.text("\(directory)/status")]
        }
        #expect(got == [["kill": "killed", "note": "interrupted"][how] ?? "i/o on hungup channel", "Closed\n"])
    }

    /// A peer that goes without having told the end has been cut off.
    @Test(.timeLimit(.minutes(1)), arguments: [true, false]) func aConnectionThatIsCutIsNoEnd(isTold: Bool) throws {
        let key = try HostKey()
        let got = try inSystem { p throws(SysError) -> [String] in
            let place = HostAddress.ip(.loopback4, port: 0)
            let server = try HostSocket(.tls, for: place)
            try server.bind(place)
            try server.listen()
            let address = try server.local().description
            let pid = try p.spawn(.forkFD) { _ throws(SysError) in
                let wait = Thread.hostWait(.wait)
                let tls = try HostTLS(server: try server.accept(wait).0, key)
                try tls.handshake(wait)
                _ = try tls.write(Array("half of".utf8).span.bytes, wait)
                if isTold { tls.close() }
                return .ok
            }
            let client = try p.call(address, "accept anybody")
            _ = try p.wait(.pid(pid))
            var said = [String(decoding: try p.read(client.data), as: UTF8.self)]
            said.append(failure { () throws(SysError) in _ = try p.read(client.data) })
            return said
        }
        #expect(got == ["half of", isTold ? "" : "connection was cut: its end was not told"])
    }

    /// Lines of the file authorized for the caller KEY, and what they are let of /a/b.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("me KEY", "me rwx /a/b"), ("me KEY r", "me r /a/b"), ("me\tKEY r-x  / # all\r", "me rx /a/b"),
            ("me KEY w /a", "me w /a/b"), ("me KEY r /a/b/c", "me r /a/b/c"), ("me KEY - //a/./b/d/", "me - /a/b/d"),
            ("you OTHER\nme KEY\nme2 KEY r", "me rwx /a/b"), ("#x\n\n  \nme KEY r /c", "'/a/b' me is shown /c alone"),
            ("me KEY r /a/bc", "'/a/b' me is shown /a/bc alone"), ("", "no"), ("# me KEY", "no"), ("KEY", "no"),
            ("me KEY rq", "no"), ("me KEY r a", "no"), ("me KEY r /a/../..", "no"), ("me KEY r /a x", "no"),
            ("me OTHER", "no"), ("KEY me", "no"), ("m\u{e9} KEY", "no"), ("me KEY rq\nme KEY", "no"),
            (String(repeating: "m", count: 65) + " KEY", "no"), ("me KEYA", "no"),
        ])
    func aCallerIsLetWhatTheirLineSays(text: String, said: String) throws {
        let (server, key, other) = (try HostKey(), try HostKey(), try HostKey())
        let lines = text.replacing("KEY", with: key.word).replacing("OTHER", with: other.word)
        let got = try inSystem { p throws(SysError) -> String in
            try p.bind("#Rkeys", Proc.keys, .create)
            let fd = try p.create("\(Proc.keys)/authorized", .write, FileMode(rawValue: 0o600))
            try p.write(fd, lines)
            try p.close(fd)
            let (announced, address) = try p.announce(server)
            let (_, answer) = try p.hearing(announced) { c throws(SysError) in
                try c.call(address, "key \(key.secret)", "pin \(server.word)")
            }
            do throws(SysError) {
                let caller = try p.caller(of: answer.directory)
                return "\(caller.name) \(caller.mask) \(try caller.part(of: "/a/b"))"
            } catch {
                return error.sentence == "/lib/keys/authorized has no such key" ? "no" : error.description
            }
        }
        #expect(got == said)
    }

    @Test func aKeyIsItsFileAndAnotherFileIsNone() throws {
        let key = try HostKey()
        #expect(try HostKey(pem: key.pem).word == key.word)
        #expect(try HostKey().word != key.word)
        #expect(HostKey.isWord(key.word) && key.word.count == 51)
        let bad = [
            "", key.secret, key.pem.replacing("PRIVATE", with: "PUBLIC"), key.pem + key.pem,
            key.pem.replacing("MC4C", with: "MC4D"),
            String(key.pem.dropLast(30)), key.pem.replacing("\n", with: ""),
            key.pem.replacing(key.secret.prefix(8), with: "MC4CAQ=="),
        ]
        for text in bad {
            #expect(failure { () throws(SysError) in _ = try HostKey(pem: text) } == "it is no ed25519 key")
        }
        for word in ["", ":", "ed25519:", "md5:" + key.word.dropFirst(8), key.word + "A", key.word.dropLast() + "="] {
            #expect(!HostKey.isWord(word))
        }
    }
}

extension Proc {
    fileprivate typealias Ends = (client: Connection, server: Connection)

    /// Announces on loopback as whoever has `key`; where that is.
    fileprivate func announce(_ key: HostKey) throws(SysError) -> (Call, address: String) {
        let control = try open("#I/tls/clone", .readWrite)
        let directory = "#I/tls/\(String(decoding: try read(control, 32), as: UTF8.self))"
        try write(control, "key \(key.secret)")
        try write(control, "announce 127.0.0.1!0")
        return (Call(control: control, directory: directory), try netinfo(directory).local)
    }

    fileprivate func call(_ address: String, _ terms: String...) throws(SysError) -> Connection {
        try call(address, terms)
    }

    fileprivate func call(_ address: String, _ terms: [String]) throws(SysError) -> Connection {
        let control = try open("#I/tls/clone", .readWrite)
        let directory = "#I/tls/\(String(decoding: try read(control, 32), as: UTF8.self))"
        for term in terms { try write(control, term) }
        try write(control, "connect \(address)")
        return Connection(
            data: try open("\(directory)/data", .readWrite), control: control, directory: directory)
    }

    /// A process that takes one call after the other, and keeps them.
    fileprivate func answering(_ server: Call) throws(SysError) -> Int32 {
        try spawn(.forkFD) { c throws(SysError) in
            while true {
                let call = try c.listen(server)
                _ = try? c.accept(call)  // what the caller says of it counts
            }
        }
    }

    /// Both ends of what `caller` makes, in this process's descriptors.
    fileprivate func hearing(
        _ server: Call, _ caller: @escaping @Sendable (Proc) throws(SysError) -> Connection
    ) throws(SysError) -> Ends {
        let made = Lock<Connection?>(nil)
        let pid = try spawn(.noWait) { c throws(SysError) in
            let connection = try caller(c)
            made.withLock { $0 = connection }
            return .ok
        }
        let call = try listen(server)
        let answer = Connection(data: try accept(call), control: call.control, directory: call.directory)
        guard eventually({ made.withLock { $0 } != nil || self.system.proc(pid) == nil }),
            let client = made.withLock({ $0 })
        else { throw SysError("the call was not made") }
        return (client, answer)
    }
}
