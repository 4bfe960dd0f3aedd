import Kernel
import NineP

/// A small file system in memory, served as the manual says, but for its `Manners`; its requests are counted.
final class TreeServer: Sendable {
    /// What servers do that the manual does not say.
    struct Manners: Sendable {
        var order = Order.kept
        /// What is said of a fid that is not known, or not open.
        var unknownFid: String?
        /// Of a walk of several names, what the last is, and nothing where that is not there.
        var walksToTheLast = false
        var knowsUnlinkat = true
    }

    private final class Node: @unchecked Sendable {
        // Guarded by state.
        var name: String
        var qid: Qid
        var mode: FileMode
        var bytes: [UInt8] = []
        var children: [Node] = []
        weak var parent: Node?
        var target = ""

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
        var ending: (type: MessageType, count: Int)?
        var counts: [MessageType: Int] = [:]
        /// Requests whose fid was not known, or not open.
        var strays = 0
    }

    private let state: Lock<State>
    private let most: Int
    private let dialect: Dialect
    private let manners: Manners

    init(most: Int = 65536, _ dialect: Dialect = .plan9, _ manners: Manners = Manners()) {
        self.dialect = dialect
        self.manners = manners
        let top = FileMode(rawValue: 0o755).union(.directory)
        state = Lock(State(root: Node("/", Qid(path: 0, type: .directory), top, nil)))
        self.most = most
    }

    var server: FakeServer {
        FakeServer(msize: most, dialect, manners.order) { request, _ in [(request.tag, self.answer(request))] }
    }

    /// Fids that clients hold now.
    var fidCount: Int { state.withLock { $0.fids.count } }
    var strays: Int { state.withLock { $0.strays } }

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
            node.qid.version += 1
        }
    }

    /// The same tree for one more client, who loses the connection when he walks to `name`, and at what `endNext` says.
    func server(endingAt name: String) -> FakeServer {
        FakeServer(msize: most, dialect) { request, _ in
            if case .walk(_, _, let names) = request.message, names.contains(name) { return [(request.tag, .hangUp)] }
            let ends = self.state.withLock { s -> Bool in
                guard let (type, count) = s.ending, type == request.message.type else { return false }
                s.ending = count > 1 ? (type, count - 1) : nil
                return true
            }
            return [(request.tag, ends ? .hangUp : self.answer(request))]
        }
    }

    /// The connection ends at the next `count` requests of that type, which are not done.
    func endNext(_ type: MessageType, _ count: Int = 1) { state.withLock { $0.ending = (type, count) } }

    func count(of type: MessageType) -> Int { state.withLock { $0.counts[type] ?? 0 } }

    private static func add(_ name: String, _ mode: FileMode, to parent: Node, _ s: inout State) -> Node {
        let node = Node(name, Qid(path: s.next, version: 1, type: mode.qidType), mode, parent)
        s.next += 1
        parent.children.append(node)
        return node
    }

    private struct Refusal: Error { let ename: String }

    func answer(_ request: Request) -> Answer {
        do { return try state.withLock { s in try answer(request, &s) } } catch {
            var ename = (error as? Refusal)?.ename ?? "\(error)"
            if ["fid unknown or out of range", "fd out of range or not open", "bad use of fid"].contains(ename) {
                state.withLock { $0.strays += 1 }
                ename = manners.unknownFid ?? ename
            }
            guard dialect == .linux else { return .reply(.error(ename: ename)) }
            return .reply(.lerror(ecode: UInt32(SysError(ename).errno)))
        }
    }

    private func answer(_ request: Request, _ s: inout State) throws -> Answer {
        s.counts[request.message.type, default: 0] += 1
        func node(_ fid: UInt32) throws -> Node {
            guard let node = s.fids[fid] else { throw Refusal(ename: "fid unknown or out of range") }
            return node
        }
        switch request.message {
        case .version(let size, let version):
            s.fids = [:]
            s.open = []
            let known = version == dialect.version
            return .reply(.version(msize: min(size, UInt32(most)), version: known ? version : "unknown"))
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
                    if qids.isEmpty || manners.walksToTheLast { throw Refusal(ename: "file does not exist") }
                    return .reply(.walk(qids: qids))
                }
                qids.append(next.qid)
                here = next
            }
            s.fids[newfid] = here
            if manners.walksToTheLast { qids = qids.map { _ in here.qid } }
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
            file.qid.version += 1
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
            guard file.children.isEmpty else {
                throw Refusal(ename: dialect == .linux ? "directory not empty" : "directory is not empty")
            }
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
        default: return try answerLinux(request.message, &s)
        }
    }

    private func answerLinux(_ message: Tmessage, _ s: inout State) throws -> Answer {
        func node(_ fid: UInt32) throws -> Node {
            guard let node = s.fids[fid] else { throw Refusal(ename: "fd out of range or not open") }
            return node
        }
        func make(_ name: String, _ mode: FileMode, _ fid: UInt32) throws -> Node {
            let parent = try node(fid)
            guard !parent.children.contains(where: { $0.name == name }) else {
                throw Refusal(ename: "file already exists")
            }
            return Self.add(name, mode, to: parent, &s)
        }
        switch message {
        case .lopen(let fid, let flags):
            let file = try node(fid)
            guard s.open.insert(fid).inserted else { throw Refusal(ename: "bad arg in system call") }
            if flags.contains(.truncate) { file.bytes = [] }
            return .reply(.lopen(qid: file.qid, iounit: 0))
        case .lcreate(let fid, let name, _, let mode, _):
            s.fids[fid] = try make(name, FileMode(linux: mode), fid)
            s.open.insert(fid)
            return .reply(.lcreate(qid: try node(fid).qid, iounit: 0))
        case .mkdir(let fid, let name, let mode, _):
            return .reply(.mkdir(qid: try make(name, FileMode(linux: mode).union(.directory), fid).qid))
        case .symlink(let fid, let name, let target, _):
            let link = try make(name, FileMode(rawValue: 0o777).union(.symlink), fid)
            link.target = target
            return .reply(.symlink(qid: link.qid))
        case .readlink(let fid): return .reply(.readlink(target: try node(fid).target))
        case .link(let dfid, let fid, let name):
            let file = try node(fid)
            let other = Node(name, file.qid, file.mode, try node(dfid))
            other.bytes = file.bytes
            try node(dfid).children.append(other)
            return .reply(.link)
        case .getattr(let fid, _):
            let file = try node(fid)
            return .reply(
                .getattr(
                    Attr(
                        valid: .basic, qid: file.qid, mode: file.mode.linux, uid: 1000, gid: 7, nlink: 1,
                        size: UInt64(file.bytes.count), blocks: 1, mtime: Timespec(sec: 2, nsec: 3))))
        case .setattr(let fid, let attr):
            let file = try node(fid)
            if attr.valid.contains(.mode) {
                file.mode = FileMode(linux: file.mode.linux & 0o170000 | attr.mode & 0o7777)
            }
            if attr.valid.contains(.size) { file.bytes = Array(file.bytes.prefix(Int(attr.size))) }
            return .reply(.setattr)
        case .readdir(let fid, let offset, let count):
            var data = [UInt8](repeating: 0, count: Int(min(count, 4096)))
            var end = 0
            var span = data.mutableSpan
            var raw = span.mutableBytes
            let directory = try node(fid)
            guard s.open.contains(fid) else { throw Refusal(ename: "bad use of fid") }
            for (n, child) in directory.children.enumerated().dropFirst(Int(offset)) {
                let entry = Dirent(qid: child.qid, offset: UInt64(n) + 1, type: 0, name: child.name)
                guard entry.pack(into: &raw, at: &end) else { break }
            }
            return .reply(.readdir(count: UInt32(end)), data: Array(data[..<end]))
        case .unlinkat(let fid, let name, let flags):
            guard manners.knowsUnlinkat else { throw Refusal(ename: "operation not supported") }
            let parent = try node(fid)
            guard let file = parent.children.first(where: { $0.name == name }) else {
                throw Refusal(ename: "file does not exist")
            }
            guard file.mode.contains(.directory) == flags.contains(.removeDirectory) else {
                throw Refusal(ename: file.mode.contains(.directory) ? "file is a directory" : "not a directory")
            }
            guard file.children.isEmpty else { throw Refusal(ename: "directory not empty") }
            parent.children.removeAll { $0 === file }
            return .reply(.unlinkat)
        case .renameat(let from, let name, let to, let newName):
            guard let file = try node(from).children.first(where: { $0.name == name }) else {
                throw Refusal(ename: "file does not exist")
            }
            try node(to).children.removeAll { $0.name == newName }
            try node(from).children.removeAll { $0 === file }
            (file.name, file.parent) = (newName, try node(to))
            try node(to).children.append(file)
            return .reply(.renameat)
        case .rename(let fid, let dfid, let name):
            guard try node(fid).parent === node(dfid) else { throw Refusal(ename: "cross-device link") }
            try node(fid).name = name
            return .reply(.rename)
        case .fsync: return .reply(.fsync)
        case .statfs:
            return .reply(
                .statfs(
                    Statfs(bsize: 512, blocks: 9, bfree: 5, bavail: 4, files: 3, ffree: 2, fsid: 1, namelen: 255)))
        default: throw Refusal(ename: "operation not supported")
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
