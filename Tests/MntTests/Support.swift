import Devices
import Host
import Kernel
import KernelTestSupport
import Mnt
import NineP
import Testing

/// Runs `body` as the first process of a system with the devices of `emu.conf`. Nothing of it may be left afterwards.
func inEmu<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
    try await withSystem((Devices.deviceTable + Mnt.deviceTable).map { $0() }, body)
}

/// What the server at the other end of a pipe does with one request.
enum Answer {
    case reply(Rmessage, data: [UInt8] = [])
    /// These bytes, whatever they are.
    case raw([UInt8])
    case nothing
    case hangUp
}

/// One request as the server sees it.
struct Request {
    let tag: UInt16
    let message: Tmessage
    let data: [UInt8]
}

/// In which order a server does what came to it at once.
enum Order: Sendable {
    case kept
    /// The last first, once that often something has come.
    case reversed(after: Int = 0)
    case shuffled(seed: UInt64)
}

/// A server that says what a test wants, and what was asked of it.
final class FakeServer: Sendable {
    struct Seen {
        var requests: [Tmessage] = []
        /// How often something came for it to do: one for each round trip of a client that is alone.
        var rounds = 0
        var isGone = false
    }

    typealias Script = @Sendable (Request, FakeServer) -> [(tag: UInt16, answer: Answer)]

    let seen = Lock(Seen())
    private let script: Script
    private let msize: Int
    private let version: String
    private let dialect: Dialect
    private let order: Order

    /// Answers version and attach by itself, the rest as `script` says; a reply may be to another tag, or come later.
    init(
        msize: Int = 65536, version: String = "9P2000", _ dialect: Dialect = .plan9, _ order: Order = .kept,
        _ script: @escaping Script
    ) {
        self.dialect = dialect
        self.order = order
        self.script = script
        self.msize = msize
        self.version = version
    }

    var requests: [Tmessage] { seen.withLock { $0.requests } }
    var rounds: Int { seen.withLock { $0.rounds } }

    /// How many fids were walked to and not clunked.
    var unclunked: Int {
        var made: Set<UInt32> = []
        for request in requests {
            if case .walk(_, let newfid, _) = request { made.insert(newfid) }
            if case .clunk(let fid) = request { made.remove(fid) }
        }
        return made.count
    }

    /// Starts to serve, in a process of its own; the descriptor of the client's end.
    func start(_ p: Proc) throws(SysError) -> Int32 {
        let (a, b) = try p.pipe()
        _ = try p.spawn(.forkFD, fds: [b]) { c throws(SysError) in
            do throws(SysError) { try self.serve(c, b) } catch {
                guard [.hungup, .closedPipe].contains(error.code) else { throw error }
            }
            self.seen.withLock { $0.isGone = true }
            return .ok
        }
        try p.close(b)
        return a
    }

    private func serve(_ p: Proc, _ fd: Int32) throws(SysError) {
        var reader = FrameReader(msize: 1 << 20)
        var writer = FrameWriter(msize: 1 << 20, dialect)
        var seed: UInt64 = if case .shuffled(let seed) = order { seed } else { 0 }
        while true {
            let n = try reader.fill { (room) throws(SysError) in try p.read(fd, into: &room) }
            guard n > 0 else { return }
            seen.withLock { $0.rounds += 1 }
            do {
                var requests: [Request] = []
                while let place = try reader.next() {
                    let frame = reader.buffer.span.extracting(place)
                    let (tag, message) = try Tmessage.decode(frame, dialect)
                    var data: [UInt8] = []
                    if case .write = message { data = Array(reader.buffer[place].dropFirst(Wire.writeHeader)) }
                    requests.append(Request(tag: tag, message: message, data: data))
                }
                switch order {
                case .kept: break
                case .reversed(let rounds): if rounds < self.rounds { requests.reverse() }
                case .shuffled:
                    for i in requests.indices.reversed() {
                        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        requests.swapAt(i, Int(seed >> 33) % (i + 1))
                    }
                }
                for request in requests {
                    for (tag, answer) in answers(request) {
                        switch answer {
                        case .reply(.read, let data):
                            writer.appendRead(tag: tag, most: UInt32(data.count)) { $0.copy(data.span.bytes) }
                        case .reply(.readdir, let data):
                            writer.appendReaddir(tag: tag, most: UInt32(data.count)) { $0.copy(data.span.bytes) }
                        case .reply(let reply, _): try writer.append(reply, tag: tag)
                        case .raw(let bytes):
                            try flush(p, fd, &writer)
                            try p.write(fd, bytes)
                        case .nothing: break
                        case .hangUp: return try flush(p, fd, &writer)
                        }
                    }
                }
            } catch let error as SysError { throw error } catch { throw SysError("server: \(error)") }
            try flush(p, fd, &writer)
        }
    }

    private func flush(_ p: Proc, _ fd: Int32, _ writer: inout FrameWriter) throws(SysError) {
        guard writer.count > 0 else { return }
        try p.write(fd, Array(writer.buffer[..<writer.count]))
        writer.removeAll()
    }

    private func answers(_ request: Request) -> [(tag: UInt16, answer: Answer)] {
        seen.withLock { $0.requests.append(request.message) }
        let scripted = script(request, self)
        if !scripted.isEmpty { return scripted }
        switch request.message {
        case .version(let most, _):
            return [(request.tag, .reply(.version(msize: min(most, UInt32(msize)), version: version)))]
        case .attach: return [(request.tag, .reply(.attach(qid: Qid(path: 0, type: .directory))))]
        case .clunk: return [(request.tag, .reply(.clunk))]
        case .flush: return [(request.tag, .reply(.flush))]
        default: return [(request.tag, .reply(.error(ename: "not in this play")))]
        }
    }
}

/// A system in which a TreeServer is mounted on /n; `body` gets the process and the servers.
func withTree<T: Sendable>(
    _ tree: TreeServer = TreeServer(), _ options: ServerOptions = ServerOptions(),
    _ body: @Sendable (Proc, TreeServer, FakeServer) throws -> T
) async throws -> T {
    try await inEmu { p in
        let server = tree.server
        let fd = try server.start(p)
        try p.mount(fd, "/n", options: options)
        try p.close(fd)
        return try body(p, tree, server)
    }
}
