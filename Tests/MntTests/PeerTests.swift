import Devices
import Glibc
import Host
import Kernel
import Mnt
import NineP
import Testing

/// The same rules, kept for a directory of the host, and by servers that are not ours.
@Suite("The rules of 9P elsewhere")
struct PeerTests {
    /// What a host's file system does not have, or its superuser may do.
    private static let notOfHosts: Set<String> = [
        "an exclusive file is open once", "what is written to an append-only file goes to its end",
        "OTRUNC does not cut an append-only file",
    ]
    private static let notOfRoot: Set<String> = [
        "OTRUNC needs the right to write", "the permission bits are looked at when a file is opened",
        "ORCLOSE needs the right to write the directory", "create needs the right to write the directory",
        "remove needs the right to write the directory", "a rename needs the right to write the directory",
        "the length of a file that may not be written is not changed", "setattr to another's uid is refused",
        "a directory that may not be searched is not walked",
    ]

    @Test("a directory of the host is served by them", .timeLimit(.minutes(1)), arguments: allCases)
    func host(_ rule: Case) throws {
        if Self.notOfHosts.contains(rule.description) || geteuid() == 0 && Self.notOfRoot.contains(rule.description) {
            return
        }
        var template = Array("/tmp/emu-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Wrong("no directory to serve") }
        let path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        defer { Self.erase(path) }
        chmod(path, 0o755)
        var grants = HostGrants()
        grants.trees["served"] = .init(path)
        try Self.boot(grants) { p in
            try p.bind("#Userved", "/tmp")
            try rule.run(p.serve())
        }
    }

    /// Where another server is, as `dial` takes it, and what is attached to there: EMU_9P='tcp!127.0.0.1!5640 /export'.
    private static let peer = HostEnvironment.variable("EMU_9P").map { $0.split(separator: " ").map(String.init) } ?? []

    @Test("another server keeps them", .enabled(if: !peer.isEmpty), .timeLimit(.minutes(1)), arguments: allCases)
    func other(_ rule: Case) throws {
        let (peer, number) = (Self.peer, getpid())
        try Self.boot(HostGrants()) { p in
            let first = try Self.dial(p, peer[0])
            guard case .version(_, let version) = try first.rpc(.version(msize: 8192, version: "9P2000.L")).message
            else { return }
            let dialect = Dialect(asked: version) ?? .plan9
            guard dialect == rule.dialect else { return }
            // Each rule has a directory of its own, made with the dialect that the server has.
            let name = "rule-\(number)-\(abs(rule.description.hashValue))"
            try first.start(dialect, aname: peer.count > 1 ? peer[1] : "")
            if dialect == .linux { try first.lmkdir(name) } else { try first.mkdir(name) }
            let talk = try Self.dial(p, peer[0])
            talk.root = (peer.count > 1 ? peer[1] : "") + "/" + name
            try rule.run(talk)
        }
    }

    private static func dial(_ p: Proc, _ address: String) throws -> Talk {
        let fd = try p.dial(address).data
        return Talk(send: { try p.write(fd, $0) }, receive: { try p.read(fd, $0) })
    }

    private static func boot(_ grants: HostGrants, _ body: @escaping @Sendable (Proc) throws -> Void) throws {
        let ids = HostEnvironment.ids
        let system = System(grants: grants)
        for make in Devices.deviceTable + Mnt.deviceTable { system.add(make()) }
        let failure = Lock<(any Error)?>(nil)
        _ = try system.boot(Cred(user: HostEnvironment.user, uid: ids.user, gid: ids.group), args: ["test"]) {
            p throws(SysError) in
            do {
                try p.bind("#I", "/net", .before)
                try body(p)
            } catch { failure.withLock { $0 = error } }
            return .ok
        }
        _ = system.waitForEnd()
        system.shutdown(until: HostClock.monotonic() + 5_000_000_000)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private static func erase(_ path: String) {
        var child = pid_t()
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("rm"), strdup("-rf"), strdup(path), nil]
        if posix_spawnp(&child, "rm", nil, nil, words, environ) == 0 { waitpid(child, nil, 0) }
        for word in words { free(word) }
    }
}
