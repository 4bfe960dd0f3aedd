import Kernel
import NineP

@testable import Mnt

/// A mount of a server that says what `input` makes it say: no trap and no hang, whatever that is.
///
/// The first bytes choose the dialect and what is asked; the rest is what the server draws its replies from. It answers as
/// it should, but for counts, qids, types, tags and frames that it draws from there too; when nothing is left it hangs up.
public func checkClient(_ input: [UInt8]) {
    var draw = Draw(input)
    let dialect: Dialect = draw.byte() & 1 == 0 ? .plan9 : .linux
    let wire = LyingWire(draw, dialect)
    let caller = Caller(cred: Cred(user: "glenda", uid: 1000, gid: 1000), clock: HostSystemClock(), account: Account())
    let chan = Chan(wire, qid: Qid(path: 1)).opened(.readWrite)
    let mount = DevMnt()
    do throws(SysError) {
        let options = ServerOptions(dialect: dialect, caches: input.count & 1 == 0)
        let root = try mount.mount(chan, "", options, caller)
        var client = Client(mount, caller, root)
        for byte in input.prefix(64) { client.act(byte) }
    } catch {}
}

/// Bytes that decide.
struct Draw: Sendable {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
    mutating func number(_ n: Int) -> UInt64 { (0..<n).reduce(0) { value, _ in value << 8 | UInt64(byte()) } }
    mutating func bytes(_ n: Int) -> [UInt8] { (0..<n).map { _ in byte() } }
}

/// What is done with the tree, a step for each byte.
private struct Client {
    private let mount: DevMnt
    private let caller: Caller
    private var files: [Chan]

    init(_ mount: DevMnt, _ caller: Caller, _ root: Chan) {
        self.mount = mount
        self.caller = caller
        files = [root]
    }

    mutating func act(_ byte: UInt8) {
        // What fails has told why.
        try? step(byte)
    }

    private mutating func step(_ byte: UInt8) throws(SysError) {
        let c = files[Int(byte >> 4) % files.count]
        let open = files.last { $0.mode != nil } ?? c
        switch byte & 15 {
        case 0: files.append(try mount.walk(c, ["a"], .none(for: byte & 16 == 0 ? .stat : .walk), caller).chan)
        case 1: files.append(try mount.walk(c, ["a", "b", "c"], .none(for: .open(.read)), caller).chan)
        case 2: _ = try mount.stat(c, caller)
        case 3: files.append(try mount.open(c.clone(), .read, caller, .wait))
        case 4: files.append(try mount.open(c.clone(), .readWrite, caller, .wait))
        case 5: files.append(try mount.create(c, "new", .readWrite, [], caller))
        case 6: files.append(try mount.create(c, "dir", .read, .directory, caller))
        case 7, 8:
            var buffer = [UInt8](repeating: 0, count: byte & 15 == 7 ? 100 : 70_000)
            var span = buffer.mutableSpan
            var raw = span.mutableBytes
            let n = try mount.read(open, into: &raw, at: open.offset, caller, byte & 16 == 0 ? .wait : .try)
            precondition(n >= 0 && n <= buffer.count)
            open.offset &+= UInt64(n)
        case 9:
            let bytes = [UInt8](repeating: 1, count: 20_000)
            let n = try mount.write(open, bytes.span.bytes, at: open.offset, caller, .wait)
            precondition(n >= 0 && n <= bytes.count)
            open.offset &+= UInt64(n)
        case 10: _ = try mount.readdir(open, after: UInt64(byte >> 4), limit: 3, caller)
        case 11: _ = mount.poll(open, [.read, .write], nil)
        case 12: try mount.wstat(c, DirChange(name: "other", length: 3), caller)
        case 13: try mount.rename(c, "a", in: files[0], to: files[0], as: "b", .replace, caller)
        case 14:
            _ = try mount.readlink(c, caller)
            _ = try mount.parent(c, caller)
        default:
            let root = files[0]
            files.removeAll { $0 === open && $0 !== root }
        }
    }
}

/// The wire to a server that may lie. Its reader and its writer are one thread.
private final class LyingWire: Dev {
    let letter: Character = "?"
    let name = "lie"
    let instance = Instance.new()

    fileprivate struct State: Sendable {
        var draw: Draw
        var requests = FrameReader(msize: 1 << 20)
        var replies: [UInt8] = []
        /// How many of these bytes have been read.
        var taken = 0
        let dialect: Dialect
    }

    private let state: Lock<State>

    init(_ draw: Draw, _ dialect: Dialect) { state = Lock(State(draw: draw, dialect: dialect)) }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        state.withLock { s in
            // In pieces, as long as there is something to draw these from.
            let most = s.draw.isEmpty ? buffer.byteCount : 1 + Int(s.draw.number(2))
            let end = min(s.replies.count, s.taken + most)
            let n = buffer.copy(s.replies.span.bytes.extracting(s.taken..<end))
            s.taken += n
            if s.taken == s.replies.count { (s.replies, s.taken) = ([], 0) }
            return n
        }
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        state.withLock { s in
            s.requests.feed([UInt8](copying: bytes).span)
            // What we send is well formed.
            while let place = try? s.requests.next() {
                let frame = Array(s.requests.buffer[place])
                if let (tag, message) = try? Tmessage.decode(frame.span, s.dialect) { s.answer(tag, message) }
            }
        }
        return bytes.byteCount
    }
}

extension LyingWire.State {
    fileprivate mutating func answer(_ tag: UInt16, _ message: Tmessage) {
        guard !draw.isEmpty else { return }
        let kind = draw.byte()
        if kind == 255 { return replies += draw.bytes(Int(draw.byte())) }
        let tag = kind == 254 ? UInt16(draw.number(2)) : tag
        var writer = FrameWriter(msize: 1 << 20, dialect)
        let reply = kind >= 240 ? self.reply(to: .stat(fid: 0)) : kind >= 200 ? refusal : self.reply(to: message)
        switch reply {
        case .read(let count):
            writer.appendRead(tag: tag, most: count) { room in self.data(into: &room, message) }
        case .readdir(let count):
            writer.appendReaddir(tag: tag, most: count) { room in self.data(into: &room, message) }
        default: try? writer.append(reply, tag: tag)
        }
        var frame = Array(writer.buffer[..<writer.count])
        // Some bytes are others.
        if kind & 7 == 7, !frame.isEmpty { frame[Int(draw.number(2)) % frame.count] = draw.byte() }
        replies += frame
    }

    private var refusal: Rmessage { dialect == .linux ? .lerror(ecode: 2) : .error(ename: "file does not exist") }

    private mutating func qid() -> Qid {
        let bits = draw.byte()
        return Qid(path: UInt64(bits), version: UInt32(bits & 3), type: bits & 1 == 0 ? .directory : [])
    }

    /// Data of a read: entries for half of them.
    private mutating func data(into room: inout MutableRawSpan, _ message: Tmessage) -> Int {
        let kind = draw.byte()
        guard kind & 1 == 0 else { return min(room.byteCount, Int(draw.number(2))) }
        var end = 0
        for n in 0..<Int(kind >> 4) {
            let name = String(decoding: draw.bytes(Int(draw.byte() & 7)), as: UTF8.self)
            let qid = qid()
            if dialect == .linux {
                let entry = Dirent(qid: qid, offset: UInt64(n), type: 0, name: name)
                guard entry.pack(into: &room, at: &end) else { break }
            } else {
                var stat = Stat.untouched
                (stat.name, stat.qid, stat.mode) = (name, qid, FileMode(rawValue: UInt32(qid.type.rawValue) << 24))
                guard stat.pack(into: &room, at: &end) else { break }
            }
        }
        return end
    }

    private mutating func reply(to message: Tmessage) -> Rmessage {
        switch message {
        case .version: .version(msize: UInt32(draw.number(3)), version: dialect.version)
        case .auth: .auth(aqid: qid())
        case .attach: .attach(qid: Qid(path: 0, type: .directory))
        case .flush: .flush
        case .walk(_, _, let names): .walk(qids: (0..<Int(draw.byte()) % (names.count + 2)).map { _ in qid() })
        case .open: .open(qid: qid(), iounit: UInt32(draw.number(2)))
        case .create: .create(qid: qid(), iounit: UInt32(draw.number(4)))
        case .read(_, _, let count): .read(count: min(count, 1 << 17))
        case .readdir(_, _, let count): .readdir(count: min(count, 1 << 17))
        case .write(_, _, let count): .write(count: draw.byte() & 3 == 0 ? UInt32(draw.number(4)) : count)
        case .clunk: .clunk
        case .remove: .remove
        case .stat, .getattr: stat(isLinux: message.type == .Tgetattr)
        case .wstat: .wstat
        case .statfs: .lerror(ecode: UInt32(draw.number(4)))
        case .lopen: .lopen(qid: qid(), iounit: UInt32(draw.number(2)))
        case .lcreate: .lcreate(qid: qid(), iounit: 0)
        case .symlink: .symlink(qid: qid())
        case .mknod: .mknod(qid: qid())
        case .rename: .rename
        case .readlink: .readlink(target: String(decoding: draw.bytes(Int(draw.byte())), as: UTF8.self))
        case .setattr: .setattr
        case .xattrwalk: .xattrwalk(size: draw.number(8))
        case .xattrcreate: .xattrcreate
        case .fsync: .fsync
        case .lock: .lock(status: .success)
        case .getlock(_, let range): .getlock(range)
        case .link: .link
        case .mkdir: .mkdir(qid: qid())
        case .renameat: .renameat
        case .unlinkat: .unlinkat
        }
    }

    private mutating func stat(isLinux: Bool) -> Rmessage {
        let qid = qid()
        let mode = FileMode(rawValue: UInt32(qid.type.rawValue) << 24)
        if isLinux {
            return .getattr(
                Attr(valid: .basic, qid: qid, mode: mode.linux, size: draw.number(8), blocks: draw.number(8)))
        }
        var stat = Stat.untouched
        (stat.name, stat.qid, stat.mode, stat.length) = ("a", qid, mode, draw.number(8))
        return .stat(stat)
    }
}
