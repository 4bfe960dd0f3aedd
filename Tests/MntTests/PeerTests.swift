import Devices
import Glibc
import Host
import Kernel
import Library
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

    /// Prints which rules it keeps, and judges nothing. One that hangs or dies meanwhile should be started again by who
    /// runs this.
    @Test("another server is asked which of them it keeps", .enabled(if: !peer.isEmpty), .timeLimit(.minutes(20)))
    func other() throws {
        let root = Self.peer.count > 1 ? Self.peer[1] : ""
        let dialect = Lock(Dialect.plan9)
        try Self.boot(HostGrants()) { p in
            let talk = try Self.dial(p, Self.peer[0])
            guard case .version(_, let version) = try talk.rpc(.version(msize: 8192, version: "9P2000.L")).message
            else { return }
            dialect.withLock { $0 = Dialect(asked: version) ?? .plan9 }
        }
        let spoken = dialect.withLock { $0 }
        let rules = allCases.filter { $0.dialect == spoken }
        var kept = 0
        for (number, rule) in rules.enumerated() {
            do {
                try Self.boot(HostGrants()) { p in
                    // Each rule has a directory of its own.
                    let first = try Self.dial(p, Self.peer[0])
                    let name = "rule-\(getpid())-\(number)"
                    try first.start(spoken, aname: root)
                    try first.mkdir(name)
                    let talk = try Self.dial(p, Self.peer[0])
                    talk.root = root + "/" + name
                    try rule.run(talk)
                }
                kept += 1
            } catch { print("not kept: \(rule): \(error)") }
        }
        print("\(spoken.version): \(kept) of \(rules.count) rules are kept")
        #expect(kept > 0, "it is no server of 9P")
    }

    /// Who does not answer for some seconds has hung.
    private static func dial(_ p: Proc, _ address: String) throws -> Talk {
        let fd = try connect(p, address)
        return Talk(
            send: { try p.write(fd, $0) },
            receive: { most in
                var bytes = [UInt8](repeating: 0, count: most)
                for _ in 0..<1000 {
                    do throws(SysError) {
                        var span = bytes.mutableSpan
                        var raw = span.mutableBytes
                        let n = try p.read(fd, into: &raw, .try)
                        return Array(bytes[..<n])
                    } catch {
                        guard error.code == .wouldBlock else { throw error }
                        try p.sleep(milliseconds: 5)
                    }
                }
                throw Wrong("it hangs")
            })
    }

    /// One that is being started again gets some seconds.
    private static func connect(_ p: Proc, _ address: String) throws(SysError) -> Int32 {
        for _ in 0..<50 {
            do throws(SysError) { return try p.dial(address).data } catch {
                guard error.code == .refused else { throw error }
                try p.sleep(milliseconds: 100)
            }
        }
        return try p.dial(address).data
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
