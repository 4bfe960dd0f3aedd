import KernelTestSupport
import NineP
import Testing

extension SplitMix {
    /// Small, large and extreme ones alike.
    mutating func number<T: FixedWidthInteger & UnsignedInteger>(_: T.Type = T.self) -> T {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: T.max
        case 1: T.random(in: 0...9, using: &self)
        default: T.random(in: 0...T.max, using: &self)
        }
    }

    mutating func word(_ most: Int = 40) -> String {
        let letters = ["a", "Z", "0", " ", "-", "\u{e9}", "\u{20ac}", "\u{1f600}", "e\u{301}", "\n"]
        return (0..<Int.random(in: 0...most, using: &self)).map { _ in letters.randomElement(using: &self) ?? "x" }
            .joined()
    }

    mutating func name() -> String { "n" + word() }

    mutating func qid() -> Qid { Qid(path: number(), version: number(), type: QidType(rawValue: number())) }

    mutating func time() -> Timespec { Timespec(sec: number(), nsec: number()) }

    mutating func stat(_ name: String) -> Stat {
        Stat(
            type: number(), dev: number(), qid: qid(), mode: FileMode(rawValue: number()), atime: number(),
            mtime: number(), length: number(), name: name, uid: word(), gid: word(), muid: word())
    }

    mutating func range() -> LockRange {
        LockRange(
            LockRange.Kind(rawValue: number()), start: number(), length: number(), procID: number(), clientID: word())
    }
}

@Suite("9P messages there and back")
struct RoundTripTests {
    private func requests(_ g: inout SplitMix, _ dialect: Dialect) -> [Tmessage] {
        let user: UInt32 = dialect == .linux ? g.number() : Wire.noUser
        let common: [Tmessage] = [
            .version(msize: g.number(), version: g.word()),
            .auth(afid: g.number(), uname: g.word(), aname: g.word(), n_uname: user),
            .attach(fid: g.number(), afid: g.number(), uname: g.word(), aname: g.word(), n_uname: user),
            .flush(oldtag: g.number()),
            .walk(
                fid: g.number(), newfid: g.number(),
                names: (0..<Int.random(in: 0...16, using: &g)).map { _ in g.name() }),
            .read(fid: g.number(), offset: g.number(), count: g.number()),
            .write(fid: g.number(), offset: g.number(), count: UInt32.random(in: 0...999, using: &g)),
            .clunk(fid: g.number()), .remove(fid: g.number()),
        ]
        switch dialect {
        case .plan9:
            return common + [
                .open(fid: g.number(), mode: OpenMode(rawValue: g.number())),
                .create(
                    fid: g.number(), name: g.name(), perm: FileMode(rawValue: g.number()),
                    mode: OpenMode(rawValue: g.number())),
                .stat(fid: g.number()),
                .wstat(fid: g.number(), stat: g.stat(Bool.random(using: &g) ? "" : g.name())),
            ]
        case .linux:
            return common + [
                .statfs(fid: g.number()), .lopen(fid: g.number(), flags: OpenFlags(rawValue: g.number())),
                .lcreate(
                    fid: g.number(), name: g.name(), flags: OpenFlags(rawValue: g.number()), mode: g.number(),
                    gid: g.number()),
                .symlink(fid: g.number(), name: g.name(), symtgt: g.word(), gid: g.number()),
                .mknod(
                    dfid: g.number(), name: g.name(), mode: g.number(), major: g.number(), minor: g.number(),
                    gid: g.number()),
                .rename(fid: g.number(), dfid: g.number(), name: g.name()), .readlink(fid: g.number()),
                .getattr(fid: g.number(), requestMask: AttrMask(rawValue: g.number())),
                .setattr(
                    fid: g.number(),
                    attr: SetAttr(
                        valid: SetAttr.Valid(rawValue: g.number()), mode: g.number(), uid: g.number(),
                        gid: g.number(), size: g.number(), atime: g.time(), mtime: g.time())),
                .xattrwalk(fid: g.number(), newfid: g.number(), name: g.word()),
                .xattrcreate(
                    fid: g.number(), name: g.word(), attrSize: g.number(), flags: XattrFlags(rawValue: g.number())),
                .readdir(fid: g.number(), offset: g.number(), count: g.number()),
                .fsync(fid: g.number(), datasync: g.number()),
                .lock(fid: g.number(), flags: LockRange.Flags(rawValue: g.number()), range: g.range()),
                .getlock(fid: g.number(), range: g.range()),
                .link(dfid: g.number(), fid: g.number(), name: g.name()),
                .mkdir(dfid: g.number(), name: g.name(), mode: g.number(), gid: g.number()),
                .renameat(olddirfid: g.number(), oldname: g.name(), newdirfid: g.number(), newname: g.name()),
                .unlinkat(dirfid: g.number(), name: g.name(), flags: UnlinkFlags(rawValue: g.number())),
            ]
        }
    }

    private func replies(_ g: inout SplitMix, _ dialect: Dialect) -> [Rmessage] {
        let common: [Rmessage] = [
            .version(msize: g.number(), version: g.word()), .auth(aqid: g.qid()), .attach(qid: g.qid()),
            .error(ename: "why " + g.word(20)), .lerror(ecode: g.number()), .flush,
            .walk(qids: (0..<Int.random(in: 0...16, using: &g)).map { _ in g.qid() }),
            .read(count: UInt32.random(in: 0...999, using: &g)), .write(count: g.number()), .clunk, .remove,
        ]
        switch dialect {
        case .plan9:
            return common + [
                .open(qid: g.qid(), iounit: g.number()), .create(qid: g.qid(), iounit: g.number()),
                .stat(g.stat(g.word())), .wstat,
            ]
        case .linux:
            return common + [
                .statfs(
                    Statfs(
                        type: g.number(), bsize: g.number(), blocks: g.number(), bfree: g.number(), bavail: g.number(),
                        files: g.number(), ffree: g.number(), fsid: g.number(), namelen: g.number())),
                .lopen(qid: g.qid(), iounit: g.number()), .lcreate(qid: g.qid(), iounit: g.number()),
                .symlink(qid: g.qid()), .mknod(qid: g.qid()), .rename, .readlink(target: g.word(999)),
                .getattr(
                    Attr(
                        valid: AttrMask(rawValue: g.number()), qid: g.qid(), mode: g.number(), uid: g.number(),
                        gid: g.number(), nlink: g.number(), rdev: g.number(), size: g.number(), blksize: g.number(),
                        blocks: g.number(), atime: g.time(), mtime: g.time(), ctime: g.time(), btime: g.time(),
                        gen: g.number(), dataVersion: g.number())),
                .setattr, .xattrwalk(size: g.number()), .xattrcreate,
                .readdir(count: UInt32.random(in: 0...999, using: &g)), .fsync,
                .lock(status: LockRange.Status(rawValue: g.number())), .getlock(g.range()), .link, .mkdir(qid: g.qid()),
                .renameat, .unlinkat,
            ]
        }
    }

    @Test("what is written is read as it was, one frame behind the other", arguments: [Dialect.plan9, .linux])
    func roundTrip(_ dialect: Dialect) throws {
        var g = SplitMix(3)
        var kinds: Set<MessageType> = []
        for _ in 0..<50 {
            let asked = requests(&g, dialect)
            var writer = FrameWriter(msize: 1 << 16, dialect, capacity: 256)
            for (i, message) in asked.enumerated() { try writer.append(message, tag: UInt16(i)) }
            var reader = FrameReader(msize: 1 << 16)
            reader.feed(writer.buffer.span.extracting(0..<writer.count))
            for (i, message) in asked.enumerated() {
                let place = try #require(try reader.next())
                let (tag, got) = try Tmessage.decode(reader.buffer.span.extracting(place), dialect)
                #expect(tag == i && got == message)
                kinds.insert(got.type)
            }
            #expect(try reader.next() == nil && reader.pending == 0)

            let answered = replies(&g, dialect)
            writer.removeAll()
            for (i, message) in answered.enumerated() { try writer.append(message, tag: UInt16(i)) }
            reader.feed(writer.buffer.span.extracting(0..<writer.count))
            for (i, message) in answered.enumerated() {
                let place = try #require(try reader.next())
                let (tag, got) = try Rmessage.decode(reader.buffer.span.extracting(place), dialect)
                #expect(tag == i && got == message)
                kinds.insert(got.type)
            }
            #expect(try reader.next() == nil && reader.pending == 0)
        }
        #expect(kinds == Set(MessageType.allCases.filter { $0.isSpoken(in: dialect) }))
    }

    @Test("a frame with any byte changed is refused or is another message that writes to the same bytes")
    func mutations() throws {
        var g = SplitMix(4)
        for dialect in [Dialect.plan9, .linux] {
            for message in requests(&g, dialect) {
                let wire = try encoded(message, dialect)
                for i in wire.indices {
                    var bad = wire
                    bad[i] ^= UInt8(1 << Int.random(in: 0..<8, using: &g))
                    do {
                        let (tag, got) = try decodeT(bad, dialect)
                        #expect(i >= 4, "a frame of another size passes")
                        #expect(
                            try encoded(got, tag: tag, dialect, data: Array(bad.dropFirst(Wire.writeHeader))) == bad)
                    } catch is Malformed {}
                }
            }
        }
    }
}
