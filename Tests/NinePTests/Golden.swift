import NineP
import Testing

/// A message and its bytes, written by hand from the layout in the manual's section 5.
struct Golden<Message: Hashable & Sendable>: Sendable, CustomTestStringConvertible {
    let message: Message
    let hex: String
    var dialect = Dialect.plan9
    /// What stands at the end of the frame where the message has data.
    var data = ""

    var testDescription: String { "\(message)" }

    init(_ message: Message, _ hex: String, data: String = "", _ dialect: Dialect = .plan9) {
        (self.message, self.hex, self.dialect, self.data) = (message, hex, dialect, data)
    }
}

/// `qid[13]` 80 04030201 1817161514131211, as a value.
let someQid = Qid(path: 0x1112_1314_1516_1718, version: 0x0102_0304, type: .directory)
let someQidHex = "80 04030201 1817161514131211"

let someStat = Stat(
    type: 0x4d, dev: 2, qid: someQid, mode: FileMode(rawValue: 0x8000_01ed), atime: 0x0a0b_0c0d, mtime: 0x0102_0304,
    length: 0x1_0000_0000, name: "tmp", uid: "glenda", gid: "sys", muid: "")
let someStatHex = """
    3b00 4d00 02000000 \(someQidHex) ed010080 0d0c0b0a 04030201 0000000001000000
    0300 746d70 0600 676c656e6461 0300 737973 0000
    """

let goldenRequests: [Golden<Tmessage>] = [
    .init(.version(msize: 8216, version: "9P2000"), "13000000 64 ffff 18200000 0600 395032303030"),
    .init(.auth(afid: 9, uname: "glenda", aname: "main"), "19000000 66 0100 09000000 0600 676c656e6461 0400 6d61696e"),
    .init(
        .attach(fid: 1, afid: Wire.noFid, uname: "glenda", aname: ""),
        "19000000 68 0100 01000000 ffffffff 0600 676c656e6461 0000"),
    .init(.flush(oldtag: 0x0203), "09000000 6c 0100 0302"),
    .init(.walk(fid: 1, newfid: 2, names: []), "11000000 6e 0100 01000000 02000000 0000"),
    .init(
        .walk(fid: 1, newfid: 2, names: ["usr", ".."]),
        "1a000000 6e 0100 01000000 02000000 0200 0300 757372 0200 2e2e"),
    .init(.walk(fid: 0xdead_beef, newfid: 2, names: ["\u{e9}"]), "15000000 6e 0100 efbeadde 02000000 0100 0200 c3a9"),
    .init(.open(fid: 2, mode: OpenMode(rawValue: 0x51)), "0c000000 70 0100 02000000 51"),
    .init(
        .create(fid: 2, name: "f", perm: FileMode(rawValue: 0x8000_01ed), mode: .readWrite),
        "13000000 72 0100 02000000 0100 66 ed010080 02"),
    .init(
        .read(fid: 2, offset: 0x0102_0304_0506_0708, count: 8192),
        "17000000 74 0100 02000000 0807060504030201 00200000"),
    .init(
        .write(fid: 2, offset: 5, count: 3), "1a000000 76 0100 02000000 0500000000000000 03000000 616263",
        data: "616263"
    ),
    .init(.write(fid: 2, offset: .max, count: 0), "17000000 76 0100 02000000 ffffffffffffffff 00000000"),
    .init(.clunk(fid: 2), "0b000000 78 0100 02000000"),
    .init(.remove(fid: 2), "0b000000 7a 0100 02000000"),
    .init(.stat(fid: 2), "0b000000 7c 0100 02000000"),
    .init(.wstat(fid: 2, stat: someStat), "4a000000 7e 0100 02000000 3d00 \(someStatHex)"),
    .init(
        .wstat(fid: 2, stat: .untouched),
        "3e000000 7e 0100 02000000 3100 2f00 \(String(repeating: "ff", count: 39)) 0000 0000 0000 0000"),
    .init(
        .auth(afid: 9, uname: "glenda", aname: "main", n_uname: 1000),
        "1d000000 66 0100 09000000 0600 676c656e6461 0400 6d61696e e8030000", .linux),
    .init(
        .attach(fid: 1, afid: Wire.noFid, uname: "", aname: "/export", n_uname: 0),
        "1e000000 68 0100 01000000 ffffffff 0000 0700 2f6578706f7274 00000000", .linux),
    .init(.statfs(fid: 1), "0b000000 08 0100 01000000", .linux),
    .init(.lopen(fid: 1, flags: [.readWrite, .truncate, .largeFile]), "0f000000 0c 0100 01000000 02820000", .linux),
    .init(
        .lcreate(fid: 1, name: "ab", flags: [.writeOnly, .create, .exclusive], mode: 0o644, gid: 100),
        "1b000000 0e 0100 01000000 0200 6162 c1000000 a4010000 64000000", .linux),
    .init(
        .symlink(fid: 1, name: "l", symtgt: "../x", gid: 100),
        "18000000 10 0100 01000000 0100 6c 0400 2e2e2f78 64000000", .linux),
    .init(
        .mknod(dfid: 1, name: "n", mode: 0o020666, major: 1, minor: 3, gid: 0),
        "1e000000 12 0100 01000000 0100 6e b6210000 01000000 03000000 00000000", .linux),
    .init(.rename(fid: 1, dfid: 2, name: "new"), "14000000 14 0100 01000000 02000000 0300 6e6577", .linux),
    .init(.readlink(fid: 1), "0b000000 16 0100 01000000", .linux),
    .init(.getattr(fid: 1, requestMask: .basic), "13000000 18 0100 01000000 ff07000000000000", .linux),
    .init(
        .setattr(
            fid: 1,
            attr: SetAttr(
                valid: [.mode, .size, .mtime, .mtimeSet], mode: 0o600, uid: 1, gid: 2, size: 3,
                atime: Timespec(sec: 4, nsec: 5), mtime: Timespec(sec: 6, nsec: 7))),
        """
        43000000 1a 0100 01000000 29010000 80010000 01000000 02000000 0300000000000000
        0400000000000000 0500000000000000 0600000000000000 0700000000000000
        """, .linux),
    .init(
        .xattrwalk(fid: 1, newfid: 2, name: "user.a"), "17000000 1e 0100 01000000 02000000 0600 757365722e61", .linux),
    .init(.xattrwalk(fid: 1, newfid: 2, name: ""), "11000000 1e 0100 01000000 02000000 0000", .linux),
    .init(
        .xattrcreate(fid: 1, name: "user.a", attrSize: 9, flags: .replace),
        "1f000000 20 0100 01000000 0600 757365722e61 0900000000000000 02000000", .linux),
    .init(.readdir(fid: 1, offset: 9, count: 8192), "17000000 28 0100 01000000 0900000000000000 00200000", .linux),
    .init(.fsync(fid: 1, datasync: 1), "0f000000 32 0100 01000000 01000000", .linux),
    .init(
        .lock(
            fid: 1, flags: .block, range: LockRange(.write, start: 5, length: 0, procID: 77, clientID: "host")),
        "2a000000 34 0100 01000000 01 01000000 0500000000000000 0000000000000000 4d000000 0400 686f7374", .linux),
    .init(
        .getlock(fid: 1, range: LockRange(.read, start: 5, length: 6, procID: 77, clientID: "host")),
        "26000000 36 0100 01000000 00 0500000000000000 0600000000000000 4d000000 0400 686f7374", .linux),
    .init(.link(dfid: 1, fid: 2, name: "n"), "12000000 46 0100 01000000 02000000 0100 6e", .linux),
    .init(
        .mkdir(dfid: 1, name: "d", mode: 0o755, gid: 100), "16000000 48 0100 01000000 0100 64 ed010000 64000000", .linux
    ),
    .init(
        .renameat(olddirfid: 1, oldname: "a", newdirfid: 2, newname: "b"),
        "15000000 4a 0100 01000000 0100 61 02000000 0100 62", .linux),
    .init(
        .unlinkat(dirfid: 1, name: "d", flags: .removeDirectory), "12000000 4c 0100 01000000 0100 64 00020000", .linux),
    .init(.read(fid: 1, offset: 0, count: 1), "17000000 74 0100 01000000 0000000000000000 01000000", .linux),
]

let goldenReplies: [Golden<Rmessage>] = [
    .init(.version(msize: 8216, version: "unknown"), "14000000 65 ffff 18200000 0700 756e6b6e6f776e"),
    .init(.auth(aqid: someQid), "14000000 67 0100 \(someQidHex)"),
    .init(.attach(qid: someQid), "14000000 69 0100 \(someQidHex)"),
    .init(.error(ename: "permission denied"), "1a000000 6b 0100 1100 7065726d697373696f6e2064656e696564"),
    .init(.flush, "07000000 6d 0100"),
    .init(.walk(qids: []), "09000000 6f 0100 0000"),
    .init(
        .walk(qids: [someQid, Qid(path: 1)]),
        "23000000 6f 0100 0200 \(someQidHex) 00 00000000 0100000000000000"),
    .init(.open(qid: someQid, iounit: 8192), "18000000 71 0100 \(someQidHex) 00200000"),
    .init(.create(qid: someQid, iounit: 0), "18000000 73 0100 \(someQidHex) 00000000"),
    .init(.read(count: 0), "0b000000 75 0100 00000000"),
    .init(.read(count: 3), "0e000000 75 0100 03000000 616263", data: "616263"),
    .init(.write(count: 8192), "0b000000 77 0100 00200000"),
    .init(.clunk, "07000000 79 0100"),
    .init(.remove, "07000000 7b 0100"),
    .init(.stat(someStat), "46000000 7d 0100 3d00 \(someStatHex)"),
    .init(.wstat, "07000000 7f 0100"),
    .init(.lerror(ecode: 2), "0b000000 07 0100 02000000", .linux),
    .init(
        .statfs(
            Statfs(
                type: Statfs.magic, bsize: 4096, blocks: 1, bfree: 2, bavail: 3, files: 4, ffree: 5, fsid: 6,
                namelen: 255)),
        """
        43000000 09 0100 97190201 00100000 0100000000000000 0200000000000000 0300000000000000
        0400000000000000 0500000000000000 0600000000000000 ff000000
        """, .linux),
    .init(.lopen(qid: someQid, iounit: 1), "18000000 0d 0100 \(someQidHex) 01000000", .linux),
    .init(.lcreate(qid: someQid, iounit: 0), "18000000 0f 0100 \(someQidHex) 00000000", .linux),
    .init(.symlink(qid: someQid), "14000000 11 0100 \(someQidHex)", .linux),
    .init(.mknod(qid: someQid), "14000000 13 0100 \(someQidHex)", .linux),
    .init(.rename, "07000000 15 0100", .linux),
    .init(.readlink(target: "../x"), "0d000000 17 0100 0400 2e2e2f78", .linux),
    .init(
        .getattr(
            Attr(
                valid: .all, qid: someQid, mode: 0o100644, uid: 1, gid: 2, nlink: 3, rdev: 4, size: 5, blksize: 6,
                blocks: 7, atime: Timespec(sec: 8, nsec: 9), mtime: Timespec(sec: 10, nsec: 11),
                ctime: Timespec(sec: 12, nsec: 13), btime: Timespec(sec: 14, nsec: 15), gen: 16, dataVersion: 17)),
        """
        a0000000 19 0100 ff3f000000000000 \(someQidHex) a4810000 01000000 02000000 0300000000000000
        0400000000000000 0500000000000000 0600000000000000 0700000000000000
        0800000000000000 0900000000000000 0a00000000000000 0b00000000000000
        0c00000000000000 0d00000000000000 0e00000000000000 0f00000000000000
        1000000000000000 1100000000000000
        """, .linux),
    .init(.setattr, "07000000 1b 0100", .linux),
    .init(.xattrwalk(size: 9), "0f000000 1f 0100 0900000000000000", .linux),
    .init(.xattrcreate, "07000000 21 0100", .linux),
    .init(
        .readdir(count: 25), "24000000 29 0100 19000000 \(someQidHex) 0900000000000000 04 0100 61",
        data: "\(someQidHex) 0900000000000000 04 0100 61", .linux),
    .init(.fsync, "07000000 33 0100", .linux),
    .init(.lock(status: .blocked), "08000000 35 0100 01", .linux),
    .init(
        .getlock(LockRange(.unlock, start: 5, length: 6, procID: 77, clientID: "host")),
        "22000000 37 0100 02 0500000000000000 0600000000000000 4d000000 0400 686f7374", .linux),
    .init(.link, "07000000 47 0100", .linux),
    .init(.mkdir(qid: someQid), "14000000 49 0100 \(someQidHex)", .linux),
    .init(.renameat, "07000000 4b 0100", .linux),
    .init(.unlinkat, "07000000 4d 0100", .linux),
    .init(.error(ename: ""), "09000000 6b 0100 0000", .linux),
    .init(.lerror(ecode: 95), "0b000000 07 0100 5f000000"),
]
