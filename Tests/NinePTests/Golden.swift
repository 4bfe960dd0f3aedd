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
]
