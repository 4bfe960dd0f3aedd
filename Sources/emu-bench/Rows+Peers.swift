import CBench
import Host
import Kernel

/// What `emu --serve` answers, and what our client gets of it, in 9P2000.L over unix sockets and tcp: beside diod, and over
/// tcp nfs-ganesha, which are asked the same by the same client, and beside the same bytes over a socket with nothing
/// behind it. `x4` are four requests under way.
func peerRows(_ emu: String) -> [Row] {
    let servers = Servers(emu)
    var rows: [Row] = []
    for net in Net.allCases {
        rows.append(serve(servers, net, "null x1", "s", 4_000, .init(least: 1 / 1.3), raw: (19, 160)))
        for (name, job) in [("null", "s"), ("walk, stat", "wsc"), ("open, read", "worc")] {
            for peer in net.peers {
                rows.append(serve(servers, net, "\(name) x1", job, 4_000, .init(), beside: peer))
                let target = Row.Target(least: peer == .diod ? 1.5 : 0)
                rows.append(serve(servers, net, "\(name) x16", job, 20_000, target, beside: peer))
            }
        }
        for (size, name) in [(8 << 10, "8K"), (64 << 10, "64K"), (128 << 10, "128K"), (1 << 20, "1M")] {
            for (job, act) in [("R", "read"), ("W", "write")] {
                for depth in [1, 4] { rows += stream(servers, net, "\(act) \(name) x\(depth)", job, size, depth) }
            }
        }
    }
    return rows + crowdRows(servers) + Net.allCases.flatMap { clientRows(servers, $0) } + findRows(servers)
}

private enum Net: String, CaseIterable {
    case unix, tcp

    /// Who stands beside ours there.
    var peers: [Servers.Kind] { self == .tcp ? [.diod, .ganesha] : [.diod] }
}

/// The servers, each started when a row first wants it. Immutable but for that.
private final class Servers: Sendable {
    enum Kind: String { case emu, diod, ganesha }

    private let emu: String
    private let addresses = Lock<[String: String]>([:])
    private let found = Lock<[Int: Found]>([:])

    init(_ emu: String) { self.emu = emu }

    func address(_ kind: Kind, _ net: Net) throws(SysError) -> String {
        let name = "\(kind).\(net)"
        if let known = addresses.withLock({ $0[name] }) { return known }
        guard let top = cbench_shared().map({ String(cString: $0) }) else { throw .noSpace }
        let port = net == .tcp ? try answered(Int64(cbench_port())) : 0
        let address = net == .tcp ? "tcp!127.0.0.1!\(port)" : "unix!\(top)/\(name)"
        let command =
            switch kind {
            case .emu: [emu] + (net == .unix ? ["--net=\(address)"] : []) + ["--serve", address, "/n/host"]
            case .diod:
                [
                    "/usr/sbin/diod", "-f", "-n", "-c", "/dev/null", "-L", "stderr", "-e", "\(top)/share", "-l",
                    net == .tcp ? "127.0.0.1:\(port)" : "\(top)/\(name)",
                ]
            case .ganesha: ["/bin/sh", "-c", Self.ganesha(port, top)]
            }
        try answered(Int64(cbench_start(command.joined(separator: "\n"), top + "/share", address)))
        addresses.withLock { $0[name] = address }
        return address
    }

    /// Starts nfs-ganesha at `port`, with what it is told in a file, and a directory without which it does not begin.
    private static func ganesha(_ port: Int64, _ top: String) -> String {
        let told = """
            NFS_CORE_PARAM { Protocols = 9P; Bind_addr = 127.0.0.1; } \
            _9P { _9P_TCP_Port = \(port); _9P_TCP_Msize = 65536; } \
            EXPORT { Export_Id = 1; Path = \(top)/share; Pseudo = \(top)/share; Access_Type = RW; \
            Squash = No_Root_Squash; Protocols = 9P; Transports = TCP; FSAL { Name = VFS; } }
            """
        let files = "-f \(top)/ganesha.conf -L \(top)/ganesha.log -p \(top)/ganesha.pid"
        return "mkdir -p /var/run/ganesha; echo '\(told)' >\(top)/ganesha.conf; exec ganesha.nfsd -F \(files)"
    }

    /// What `count` jobs take; see `cbench_load`.
    func load(
        _ kind: Kind, _ net: Net, _ job: String, _ msize: Int, _ depth: Int, _ count: Int
    ) throws(SysError) -> Int64 {
        let address = try address(kind, net)
        let name = kind == .emu ? "" : (cbench_shared().map { String(cString: $0) } ?? "") + "/share"
        return try answered(cbench_load(address, name, job, msize, Int32(depth), count))
    }

    /// What one `find` has cost: nanoseconds, rounds and requests.
    struct Found {
        let time, rounds, requests: Int64
    }

    /// A `find` of so many files, and of nothing else, through a relay that takes half a millisecond each way. It is run once
    /// for all that is told of it.
    func find(_ count: Int) throws(SysError) -> Found {
        if let known = found.withLock({ $0[count] }) { return known }
        let address = try address(.emu, .tcp)
        guard let top = cbench_shared().map({ String(cString: $0) }), let port = Int32(address.split(separator: "!")[2])
        else { throw .badArg }
        let tree = top + "/share/tree"
        defer { cbench_remove(tree) }
        try answered(Int64(cbench_tree(tree, count)))
        let relay = try answered(Int64(cbench_relay(port, 500_000)))
        let script = "mount tcp!127.0.0.1!\(relay) /mnt; ~ `{find /mnt/tree -type f | wc -l} \(count)"
        let time = try answered(cbench_command("\(emu)\n-c\n\(script)", 1))
        let found = Found(time: time, rounds: Int64(cbench_rounds()), requests: Int64(cbench_relayed()))
        self.found.withLock { $0[count] = found }
        return found
    }

    /// As `load`, for the native side of a row.
    func native(_ kind: Kind, _ net: Net, _ job: String, _ msize: Int, _ depth: Int, _ count: Int) -> Int64 {
        do throws(SysError) { return try load(kind, net, job, msize, depth, count) } catch {
            return -Int64(error.errno)
        }
    }
}

/// Requests a second, beside another server, or beside so many bytes there and back.
private func serve(
    _ servers: Servers, _ net: Net, _ name: String, _ job: String, _ count: Int, _ target: Row.Target,
    beside peer: Servers.Kind = .diod, raw: (request: Int, reply: Int)? = nil
) -> Row {
    let depth = name.hasSuffix("x16") ? 16 : 1
    return Row("serve \(net): \(name) (\(raw == nil ? peer.rawValue : "raw"))", target, unit: .rate, count) {
        (_, n) throws(SysError) in
        try servers.load(.emu, net, job, 65536, depth, n)
    } native: { n in
        guard let raw else { return servers.native(peer, net, job, 65536, depth, n) }
        return cbench_pingpong(net == .tcp ? 1 : 0, raw.request, raw.reply, Int32(depth), n, nil)
    }
}

/// Bytes a second of a file, in order, with frames of `msize`; the others take none longer than 64 K. Writes stand beside
/// the bare socket twice: what comes is forgotten there, or `stored`, by one pwrite each.
private func stream(
    _ servers: Servers, _ net: Net, _ name: String, _ job: String, _ msize: Int, _ depth: Int
) -> [Row] {
    let payload = msize - 24
    let count = (64 << 20) / payload
    let ours: @Sendable (Proc, Int) throws(SysError) -> Int64 = { (_, n) throws(SysError) in
        try servers.load(.emu, net, job, msize, depth, n)
    }
    let unit = Row.Unit.flow(Double(payload))
    let (request, reply) = job == "R" ? (23, payload + 11) : (payload + 23, 11)
    var rows = [
        Row("serve \(net): \(name) (raw)", .init(least: 0.6), unit: unit, count, ours) { n in
            cbench_pingpong(net == .tcp ? 1 : 0, request, reply, Int32(depth), n, nil)
        }
    ]
    if job == "W" {
        rows.append(
            Row("serve \(net): \(name) (stored)", .init(least: 0.8), unit: unit, count, ours) { n in
                guard let top = cbench_shared().map({ String(cString: $0) }) else { return -1 }
                return cbench_pingpong(net == .tcp ? 1 : 0, request, reply, Int32(depth), n, top + "/share/big")
            })
    }
    for peer in msize <= 64 << 10 ? net.peers : [] {
        rows.append(
            Row(
                "serve \(net): \(name) (\(peer))", .init(least: peer == .diod ? 1 : 0), unit: unit, count, ours
            ) { n in
                servers.native(peer, net, job, msize, depth, n)
            })
    }
    return rows
}

/// What the server keeps of clients that are quiet, and of fids.
private func crowdRows(_ servers: Servers) -> [Row] {
    [
        Row("serve: memory of a quiet client", .init(most: 24_000), unit: .memory, 10_000, rounds: 1) {
            (_, n) throws(SysError) in
            try answered(cbench_crowd(servers.address(.emu, .unix), "", n, 0))
        },
        Row("serve: memory of a fid", .init(most: 1_000), unit: .memory, 20_000, rounds: 1) {
            (_, n) throws(SysError) in
            try answered(cbench_crowd(servers.address(.emu, .unix), "", 1, n))
        },
    ]
}

/// The mount device against our own server.
private func clientRows(_ servers: Servers, _ net: Net) -> [Row] {
    let block = 65536
    let blocks = Int(CBENCH_BIG) / block
    let isTCP: Int32 = net == .tcp ? 1 : 0
    return [
        Row("client \(net): fstat (raw)", .init(ratio: 1.5), 4_000) { (p, n) throws(SysError) in
            try mounted(p, servers.address(.emu, net), "big") { (fd) throws(SysError) in
                for _ in 0..<n { _ = try p.fstat(fd) }
            }
        } native: {
            cbench_pingpong(isTCP, 11, 80, 1, $0, nil)
        },
        Row("client \(net): read 64K (raw x4)", .init(least: 0.6), unit: .flow(Double(block)), 2_000) {
            (p, n) throws(SysError) in
            var bytes = [UInt8](repeating: 0, count: block)
            return try mounted(p, servers.address(.emu, net), "big") { (fd) throws(SysError) in
                for i in 0..<n {
                    if i % blocks == 0 { _ = try p.seek(fd, 0) }
                    var span = bytes.mutableSpan
                    var raw = span.mutableBytes
                    if try p.read(fd, into: &raw) != block { throw .io }
                }
            }
        } native: {
            cbench_pingpong(isTCP, 23, block + 11, 4, $0, nil)
        },
        Row("client \(net): write 64K (raw x4)", .init(least: 0.6), unit: .flow(Double(block)), 2_000) {
            (p, n) throws(SysError) in
            let bytes = [UInt8](repeating: 0, count: block)
            return try mounted(p, servers.address(.emu, net), "big") { (fd) throws(SysError) in
                for i in 0..<n {
                    if i % blocks == 0 { _ = try p.seek(fd, 0) }
                    try p.write(fd, bytes)
                }
                try p.fsync(fd)
            }
        } native: {
            cbench_pingpong(isTCP, block + 23, 11, 4, $0, nil)
        },
    ]
}

/// `find` through a mount of 100 000 files whose server is a millisecond away, there and back: how many rounds it takes, and
/// how many requests, for each file; and the time.
private func findRows(_ servers: Servers) -> [Row] {
    [
        Row("find, 1 ms away: rounds a file", .init(most: 0.2), unit: .number, 100_000, rounds: 1) {
            (_, n) throws(SysError) in try servers.find(n).rounds
        },
        Row("find, 1 ms away: requests a file", .init(), unit: .number, 100_000, rounds: 1) {
            (_, n) throws(SysError) in try servers.find(n).requests
        },
        Row("find, 1 ms away: time a file", .init(), 100_000, rounds: 1) { (_, n) throws(SysError) in
            try servers.find(n).time
        },
    ]
}
