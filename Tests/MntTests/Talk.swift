import Host
import Kernel
import NineP

/// What a server did that it may not; or a case that could not be played.
struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ text: String) { description = text }
}

/// One connection to a server under test, spoken message by message: no rule of the protocol is kept for the caller.
///
/// It knows the server by two functions only, so that a case can be played to any.
final class Talk {
    private let send: ([UInt8]) throws -> Void
    private let receive: (Int) throws -> [UInt8]
    private var reader = FrameReader(msize: Wire.mostMsize)
    private var lastFid: UInt32 = 100
    private var lastTag: UInt16 = 0
    /// What stands before every aname.
    var root = ""
    private(set) var dialect = Dialect.plan9
    private(set) var msize = Wire.firstMsize

    init(send: @escaping ([UInt8]) throws -> Void, receive: @escaping (Int) throws -> [UInt8]) {
        self.send = send
        self.receive = receive
    }

    /// An answer: what it says, and the data behind it.
    struct Reply {
        let tag: UInt16
        let message: Rmessage
        let data: [UInt8]

        var isError: Bool {
            switch message {
            case .error, .lerror: true
            default: false
            }
        }
    }

    // MARK: frames

    func write(_ bytes: [UInt8]) throws { try send(bytes) }

    /// Sends `message` without waiting; gives its tag.
    @discardableResult
    func ask(_ message: Tmessage, tag: UInt16? = nil, data: [UInt8] = []) throws -> UInt16 {
        let tag = tag ?? newTag()
        try send(frame(message, tag: tag, data: data))
        return tag
    }

    func newTag() -> UInt16 {
        lastTag = lastTag >= 60_000 ? 1 : lastTag + 1
        return lastTag
    }

    func newFid() -> UInt32 {
        lastFid += 1
        return lastFid
    }

    func frame(_ message: Tmessage, tag: UInt16, data: [UInt8] = []) throws -> [UInt8] {
        var writer = FrameWriter(msize: Wire.mostMsize, dialect)
        if case .write(let fid, let offset, let count) = message {
            writer.appendWrite(tag: tag, fid: fid, offset: offset, most: count) { $0.copy(data.span.bytes) }
        } else {
            try writer.append(message, tag: tag)
        }
        return Array(writer.buffer[..<writer.count])
    }

    /// The next reply; nil when the server has hung up.
    func hear() throws -> Reply? {
        while true {
            if let range = try reader.next() {
                let bytes = Array(reader.buffer[range])
                guard bytes.count <= msize else { throw Wrong("a reply of \(bytes.count) bytes, msize is \(msize)") }
                let (tag, message) = try Rmessage.decode(bytes.span, dialect)
                switch message {
                case .read(let count), .readdir(let count):
                    let data: ArraySlice = bytes.suffix(Int(count))
                    return Reply(tag: tag, message: message, data: Array(data))
                default: return Reply(tag: tag, message: message, data: [])
                }
            }
            let more = try receive(65536)
            if more.isEmpty { return nil }
            var done = 0
            while done < more.count {
                done += reader.fill { $0.copy(more.span.bytes.extracting(done..<more.count)) }
            }
        }
    }

    /// Asks and gives the answer, whatever it is.
    func call(_ message: Tmessage, tag: UInt16? = nil, data: [UInt8] = []) throws -> Reply {
        let tag = try ask(message, tag: tag, data: data)
        guard let reply = try hear() else { throw Wrong("hung up instead of an answer to \(message)") }
        guard reply.tag == tag else { throw Wrong("\(message) with tag \(tag) is answered with \(reply.tag)") }
        let type = message.type.rawValue + 1
        guard reply.isError || reply.message.type.rawValue == type else {
            throw Wrong("\(message) is answered by \(reply.message)")
        }
        return reply
    }

    /// Asks for what must be granted.
    @discardableResult
    func rpc(_ message: Tmessage, data: [UInt8] = []) throws -> Reply {
        let reply = try call(message, data: data)
        guard !reply.isError else { throw Wrong("\(message) is refused: \(reply.message)") }
        return reply
    }

    /// Asks for what must be refused; gives the sentence, or the errno as text.
    @discardableResult
    func refused(_ message: Tmessage, data: [UInt8] = []) throws -> String {
        let reply = try call(message, data: data)
        switch reply.message {
        case .error(let ename): return ename
        case .lerror(let ecode): return "\(ecode)"
        default: throw Wrong("\(message) is granted: \(reply.message)")
        }
    }

    /// The server hangs up, perhaps after an error.
    func hangsUp() throws {
        while let reply = try hear() {
            guard reply.isError else { throw Wrong("\(reply.message) instead of hanging up") }
        }
    }

    /// It still answers: what was refused before did no harm.
    func lives() throws { try check(stat(0).qid.isDirectory, "the root is a directory") }

    func check(_ holds: Bool, _ what: String) throws {
        guard holds else { throw Wrong("not so: \(what)") }
    }

    // MARK: requests that either dialect has

    func statting(_ fid: UInt32) -> Tmessage {
        dialect == .linux ? .getattr(fid: fid, requestMask: .all) : .stat(fid: fid)
    }

    func opening(_ fid: UInt32, _ mode: NineP.OpenMode = .read) -> Tmessage {
        dialect == .linux ? .lopen(fid: fid, flags: flags(mode)) : .open(fid: fid, mode: mode)
    }

    func creating(
        _ fid: UInt32, _ name: String, _ perm: UInt32 = 0o644, _ mode: NineP.OpenMode = .write
    ) -> Tmessage {
        dialect == .linux
            ? .lcreate(fid: fid, name: name, flags: flags(mode).union(.exclusive), mode: perm, gid: Wire.noUser)
            : .create(fid: fid, name: name, perm: FileMode(rawValue: perm), mode: mode)
    }

    private func flags(_ mode: NineP.OpenMode) -> OpenFlags {
        OpenFlags(rawValue: mode.access == .exec ? 0 : UInt32(mode.access.rawValue)).union(
            mode.truncates ? .truncate : [])
    }

    // MARK: steps that cases are made of

    /// Agrees on version and msize, and attaches fid 0 to the root.
    func start(_ dialect: Dialect, msize: Int = 65536, aname: String = "") throws {
        try version(dialect, msize: msize)
        try attach(0, aname: aname)
    }

    func version(_ dialect: Dialect, msize: Int = 65536) throws {
        let reply = try rpc(.version(msize: UInt32(msize), version: dialect.version))
        guard case .version(let size, dialect.version) = reply.message else {
            throw Wrong("\(dialect.version) is answered by \(reply.message)")
        }
        try check(size <= msize, "msize is not larger than asked for")
        self.msize = Int(size)
        self.dialect = dialect
    }

    @discardableResult
    func attach(_ fid: UInt32, aname: String = "") throws -> Qid {
        let aname = root.isEmpty || aname.isEmpty ? root + aname : root + "/" + aname
        // 9P2000.L has a number for who it is: 0, so that other servers let us in.
        let message = Tmessage.attach(fid: fid, afid: Wire.noFid, uname: "root", aname: aname, n_uname: 0)
        guard case .attach(let qid) = try rpc(message).message else { throw Wrong("no qid") }
        return qid
    }

    /// A new fid for the file of that path.
    @discardableResult
    func walk(_ path: String, from fid: UInt32 = 0) throws -> UInt32 {
        let newfid = newFid()
        try walk(path, from: fid, to: newfid)
        return newfid
    }

    @discardableResult
    func walk(_ path: String, from fid: UInt32, to newfid: UInt32) throws -> [Qid] {
        let names = path.split(separator: "/").map(String.init)
        guard case .walk(let qids) = try rpc(.walk(fid: fid, newfid: newfid, names: names)).message else { return [] }
        try check(qids.count == names.count, "the walk to \(path) has \(names.count) qids")
        return qids
    }

    /// A new fid for a new file, open.
    @discardableResult
    func create(
        _ name: String, in directory: UInt32 = 0, _ perm: UInt32 = 0o644, _ mode: NineP.OpenMode = .readWrite
    ) throws -> UInt32 {
        let fid = try walk("", from: directory)
        try rpc(creating(fid, name, perm, mode))
        return fid
    }

    /// Makes a directory.
    func mkdir(_ name: String, _ perm: UInt32 = 0o755, in directory: UInt32 = 0) throws {
        if dialect == .linux { return try lmkdir(name, in: directory, perm) }
        try clunk(create(name, in: directory, perm | FileMode.directory.rawValue, .read))
    }

    /// Makes a file with these bytes.
    func put(_ name: String, _ text: String, in directory: UInt32 = 0, _ perm: UInt32 = 0o644) throws {
        let fid = try create(name, in: directory, perm)
        try write(fid, text)
        try clunk(fid)
    }

    @discardableResult
    func open(_ fid: UInt32, _ mode: NineP.OpenMode = .read) throws -> UInt32 {
        let iounit: UInt32
        switch try rpc(opening(fid, mode)).message {
        case .open(_, let unit), .lopen(_, let unit): iounit = unit
        default: throw Wrong("no iounit")
        }
        try check(Int(iounit) <= msize - Wire.ioHeader, "iounit fits msize")
        return iounit
    }

    /// A new fid for the file, open.
    func opened(_ path: String, _ mode: NineP.OpenMode = .read) throws -> UInt32 {
        let fid = try walk(path)
        try open(fid, mode)
        return fid
    }

    func read(_ fid: UInt32, at offset: UInt64 = 0, _ count: UInt32 = 8192) throws -> [UInt8] {
        let reply = try rpc(.read(fid: fid, offset: offset, count: count))
        try check(reply.data.count <= Int(count), "no more is read than was asked for")
        return reply.data
    }

    func text(_ fid: UInt32, at offset: UInt64 = 0, _ count: UInt32 = 8192) throws -> String {
        String(decoding: try read(fid, at: offset, count), as: UTF8.self)
    }

    @discardableResult
    func write(_ fid: UInt32, _ text: String, at offset: UInt64 = 0) throws -> Int {
        try write(fid, Array(text.utf8), at: offset)
    }

    @discardableResult
    func write(_ fid: UInt32, _ bytes: [UInt8], at offset: UInt64 = 0) throws -> Int {
        let reply = try rpc(.write(fid: fid, offset: offset, count: UInt32(bytes.count)), data: bytes)
        guard case .write(let count) = reply.message else { return 0 }
        return Int(count)
    }

    func clunk(_ fid: UInt32) throws { try rpc(.clunk(fid: fid)) }

    /// With 9P2000.L, what of it there is: no names.
    func stat(_ fid: UInt32) throws -> Stat {
        if dialect == .linux {
            let attr = try attr(fid)
            var stat = Stat.untouched
            (stat.qid, stat.length, stat.mode) = (attr.qid, attr.size, FileMode(linux: attr.mode))
            return stat
        }
        guard case .stat(let stat) = try rpc(.stat(fid: fid)).message else { throw Wrong("no stat") }
        return stat
    }

    func stat(_ path: String) throws -> Stat {
        let fid = try walk(path)
        defer { try? clunk(fid) }  // a case that cares clunks itself
        return try stat(fid)
    }

    /// Whether a walk from the root finds the path.
    func exists(_ path: String) throws -> Bool {
        let fid = newFid()
        let names = path.split(separator: "/").map(String.init)
        guard case .walk(let qids) = try call(.walk(fid: 0, newfid: fid, names: names)).message else { return false }
        guard qids.count == names.count else { return false }
        try clunk(fid)
        return true
    }

    /// A Twstat with what `body` sets.
    func wstat(_ fid: UInt32, _ body: (inout Stat) -> Void) throws {
        var stat = Stat.untouched
        body(&stat)
        try rpc(.wstat(fid: fid, stat: stat))
    }

    @discardableResult
    func wstatRefused(_ fid: UInt32, _ body: (inout Stat) -> Void) throws -> String {
        var stat = Stat.untouched
        body(&stat)
        return try refused(.wstat(fid: fid, stat: stat))
    }

    /// All entries of an open directory, read `count` bytes at a time.
    func entries(_ fid: UInt32, _ count: UInt32 = 8192) throws -> [Stat] {
        var offset: UInt64 = 0
        var found: [Stat] = []
        while case let data = try read(fid, at: offset, count), !data.isEmpty {
            offset += UInt64(data.count)
            var at = 0
            while let entry = try Stat.next(in: data.span, at: &at) { found.append(entry) }
        }
        return found
    }
}

/// A rule of the protocol and how to see whether a server keeps it.
struct Case: Sendable, CustomStringConvertible {
    let description: String
    let dialect: Dialect
    /// Whether the connection has its version and fid 0 when the case begins.
    let isStarted: Bool
    let play: @Sendable (Talk) throws -> Void

    init(
        _ rule: String, _ dialect: Dialect = .plan9, started: Bool = true,
        _ play: @escaping @Sendable (Talk) throws -> Void
    ) {
        description = rule
        self.dialect = dialect
        isStarted = started
        self.play = play
    }

    /// Plays it on a new connection to a server whose tree is empty, or holds what other cases left.
    func run(_ talk: Talk) throws {
        if isStarted { try talk.start(dialect) }
        try play(talk)
    }
}
