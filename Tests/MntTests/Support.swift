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

/// A server that says what a test wants, and what was asked of it.
final class FakeServer: Sendable {
    struct Seen {
        var requests: [Tmessage] = []
        /// How often it had nothing to do but wait: one for each round trip of a client that is alone.
        var rounds = 0
        var isGone = false
    }

    typealias Script = @Sendable (Request, FakeServer) -> [(tag: UInt16, answer: Answer)]

    let seen = Lock(Seen())
    private let script: Script
    private let msize: Int
    private let version: String

    /// Answers version and attach by itself, the rest as `script` says; a reply may be to another tag, or come later.
    init(msize: Int = 65536, version: String = "9P2000", _ script: @escaping Script) {
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
        var writer = FrameWriter(msize: 1 << 20, .plan9)
        while true {
            seen.withLock { $0.rounds += 1 }
            let n = try reader.fill { (room) throws(SysError) in try p.read(fd, into: &room) }
            guard n > 0 else { return }
            do {
                while let place = try reader.next() {
                    let frame = reader.buffer.span.extracting(place)
                    let (tag, message) = try Tmessage.decode(frame, .plan9)
                    var data: [UInt8] = []
                    if case .write = message { data = Array(reader.buffer[place].dropFirst(Wire.writeHeader)) }
                    for (tag, answer) in answers(Request(tag: tag, message: message, data: data)) {
                        switch answer {
                        case .reply(.read, let data):
                            writer.appendRead(tag: tag, most: UInt32(data.count)) { $0.copy(data.span.bytes) }
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

/// A small file system in memory, served as the manual says; its requests are counted.
final class TreeServer: Sendable {
    private final class Node: @unchecked Sendable {
        // Guarded by state.
        var name: String
        let qid: Qid
        var mode: FileMode
        var bytes: [UInt8] = []
        var children: [Node] = []
        weak var parent: Node?

        init(_ name: String, _ qid: Qid, _ mode: FileMode, _ parent: Node?) {
            (self.name, self.qid, self.mode, self.parent) = (name, qid, mode, parent)
        }

        var stat: Stat {
            Stat(
                type: 0, dev: 0, qid: qid, mode: mode, atime: 1, mtime: 2,
                length: mode.contains(.directory) ? 0 : UInt64(bytes.count), name: name, uid: "glenda", gid: "sys",
                muid: "glenda")
        }
    }

    private struct State: @unchecked Sendable {
        var root: Node
        var fids: [UInt32: Node] = [:]
        var open: Set<UInt32> = []
        var next: UInt64 = 1
    }

    private let state: Lock<State>
    private let most: Int

    init(most: Int = 65536) {
        let top = FileMode(rawValue: 0o755).union(.directory)
        state = Lock(State(root: Node("/", Qid(path: 0, type: .directory), top, nil)))
        self.most = most
    }

    var server: FakeServer { FakeServer(msize: most) { request, _ in [(request.tag, self.answer(request))] } }

    /// Fids that clients hold now.
    var fidCount: Int { state.withLock { $0.fids.count } }

    /// Makes a file, and the directories on the way.
    func put(_ path: String, _ bytes: [UInt8]) {
        state.withLock { s in
            var node = s.root
            let names = path.split(separator: "/").map(String.init)
            for (n, name) in names.enumerated() {
                if let child = node.children.first(where: { $0.name == name }) {
                    node = child
                } else {
                    let isLast = n == names.count - 1
                    node = Self.add(name, isLast ? FileMode(rawValue: 0o644) : .directory.union([]), to: node, &s)
                }
            }
            node.bytes = bytes
        }
    }

    private static func add(_ name: String, _ mode: FileMode, to parent: Node, _ s: inout State) -> Node {
        let node = Node(name, Qid(path: s.next, version: 1, type: mode.qidType), mode, parent)
        s.next += 1
        parent.children.append(node)
        return node
    }

    private struct Refusal: Error { let ename: String }

    private func answer(_ request: Request) -> Answer {
        do { return try state.withLock { s in try answer(request, &s) } } catch {
            return .reply(.error(ename: (error as? Refusal)?.ename ?? "\(error)"))
        }
    }

    private func answer(_ request: Request, _ s: inout State) throws -> Answer {
        func node(_ fid: UInt32) throws -> Node {
            guard let node = s.fids[fid] else { throw Refusal(ename: "fid unknown or out of range") }
            return node
        }
        switch request.message {
        case .version(let size, let version):
            s.fids = [:]
            let known = version.hasPrefix("9P2000")
            return .reply(.version(msize: min(size, UInt32(most)), version: known ? "9P2000" : "unknown"))
        case .auth: throw Refusal(ename: "authentication not required")
        case .attach(let fid, _, _, let aname, _):
            guard aname.isEmpty else { throw Refusal(ename: "no such tree") }
            s.fids[fid] = s.root
            return .reply(.attach(qid: s.root.qid))
        case .flush: return .reply(.flush)
        case .walk(let fid, let newfid, let names):
            var here = try node(fid)
            guard !s.open.contains(fid), newfid == fid || s.fids[newfid] == nil else {
                throw Refusal(ename: "bad use of fid")
            }
            var qids: [Qid] = []
            for name in names {
                let next = name == ".." ? here.parent ?? here : here.children.first { $0.name == name }
                guard let next else {
                    if qids.isEmpty { throw Refusal(ename: "file does not exist") }
                    return .reply(.walk(qids: qids))
                }
                qids.append(next.qid)
                here = next
            }
            s.fids[newfid] = here
            return .reply(.walk(qids: qids))
        case .open(let fid, let mode):
            let file = try node(fid)
            guard s.open.insert(fid).inserted else { throw Refusal(ename: "file already open for I/O") }
            if mode.truncates { file.bytes = [] }
            return .reply(.open(qid: file.qid, iounit: 0))
        case .create(let fid, let name, let perm, _):
            let parent = try node(fid)
            guard !parent.children.contains(where: { $0.name == name }) else { throw Refusal(ename: "file exists") }
            s.fids[fid] = Self.add(name, perm, to: parent, &s)
            s.open.insert(fid)
            return .reply(.create(qid: try node(fid).qid, iounit: 0))
        case .read(let fid, let offset, let count):
            let file = try node(fid)
            guard s.open.contains(fid) else { throw Refusal(ename: "bad use of fid") }
            let room = min(Int(count), most - Wire.ioHeader)
            let all = file.mode.contains(.directory) ? entries(file, room, from: Int(offset)) : file.bytes
            let rest = all.dropFirst(Int(clamping: offset)).prefix(room)
            return .reply(.read(count: UInt32(rest.count)), data: Array(rest))
        case .write(let fid, let offset, _):
            let file = try node(fid)
            guard s.open.contains(fid) else { throw Refusal(ename: "bad use of fid") }
            let end = Int(offset) + request.data.count
            if file.bytes.count < end { file.bytes += [UInt8](repeating: 0, count: end - file.bytes.count) }
            file.bytes.replaceSubrange(Int(offset)..<end, with: request.data)
            return .reply(.write(count: UInt32(request.data.count)))
        case .clunk(let fid):
            _ = try node(fid)
            s.fids[fid] = nil
            s.open.remove(fid)
            return .reply(.clunk)
        case .remove(let fid):
            let file = try node(fid)
            s.fids[fid] = nil
            s.open.remove(fid)
            guard file.children.isEmpty else { throw Refusal(ename: "directory is not empty") }
            file.parent?.children.removeAll { $0 === file }
            return .reply(.remove)
        case .stat(let fid): return .reply(.stat(try node(fid).stat))
        case .wstat(let fid, let stat):
            let file = try node(fid)
            if !stat.name.isEmpty {
                let taken = file.parent?.children.contains { $0 !== file && $0.name == stat.name } ?? false
                guard !taken else { throw Refusal(ename: "file already exists") }
                file.name = stat.name
            }
            if stat.mode != Stat.untouched.mode { file.mode = stat.mode }
            if stat.length != .max { file.bytes = Array(file.bytes.prefix(Int(stat.length))) }
            return .reply(.wstat)
        default: throw Refusal(ename: "not 9P2000")
        }
    }

    /// Whole entries, at most `room` bytes behind `offset`: the offset is one that a client was given.
    private func entries(_ directory: Node, _ room: Int, from offset: Int) -> [UInt8] {
        var all: [UInt8] = []
        for child in directory.children {
            var packed = [UInt8](repeating: 0, count: 512)
            var end = 0
            var span = packed.mutableSpan
            var raw = span.mutableBytes
            guard child.stat.pack(into: &raw, at: &end) else { break }
            if all.count + end > offset + room { break }
            all += packed[..<end]
        }
        return all
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
