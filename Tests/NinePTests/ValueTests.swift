import NineP
import Testing

@Suite("9P values")
struct ValueTests {
    @Test(
        "a version is answered as the manual says",
        arguments: [
            ("9P2000", Dialect.plan9), ("9P2000.L", .linux), ("9P2000.u", .plan9), ("9P2000.", .plan9),
            ("9P2000.L.x", .plan9), ("9P1999", nil), ("9P20000", nil), ("", nil), ("unknown", nil), ("9p2000", nil),
        ] as [(String, Dialect?)])
    func versions(_ asked: String, _ dialect: Dialect?) {
        #expect(Dialect(asked: asked) == dialect)
        #expect(Dialect(asked: asked, linux: false) == (dialect == nil ? nil : .plan9))
    }

    @Test(
        "a message is one line of a log",
        arguments: [
            (Tmessage.walk(fid: 1, newfid: 2, names: ["a", "b"]), "Twalk tag 3 fid 1 newfid 2 names a/b"),
            (.walk(fid: 1, newfid: 2, names: []), "Twalk tag 3 fid 1 newfid 2 names ''"),
            (.clunk(fid: 7), "Tclunk tag 3 fid 7"),
            (.version(msize: 8216, version: "9P2000"), "Tversion tag 3 msize 8216 version 9P2000"),
            (.open(fid: 1, mode: OpenMode(rawValue: 0x11)), "Topen tag 3 fid 1 mode 17"),
            (
                .create(fid: 1, name: "x\n\u{202e}y", perm: FileMode(rawValue: 0o644), mode: .write),
                "Tcreate tag 3 fid 1 name x\\n\\u{202E}y perm 0644 mode 1"
            ),
            (.write(fid: 1, offset: 5, count: 6), "Twrite tag 3 fid 1 offset 5 count 6"),
            (.lopen(fid: 1, flags: [.truncate, .writeOnly]), "Tlopen tag 3 fid 1 flags 01001"),
            (
                .lock(fid: 1, flags: .block, range: LockRange(.write, start: 1, length: 2, procID: 3, clientID: "h")),
                "Tlock tag 3 fid 1 flags 1 range kind 1 start 1 length 2 procID 3 clientID h"
            ),
        ])
    func requests(_ message: Tmessage, _ text: String) {
        #expect(message.text(tag: 3) == text)
    }

    @Test(
        "a reply is one line of a log",
        arguments: [
            (Rmessage.clunk, "Rclunk tag 3"), (.error(ename: "no such file"), "Rerror tag 3 ename no such file"),
            (.walk(qids: [someQid, Qid(path: 10)]), "Rwalk tag 3 qids (1112131415161718 16909060 d) (a 0 )"),
            (.read(count: 9), "Rread tag 3 count 9"),
            (
                .stat(someStat),
                """
                Rstat tag 3 type 77 dev 2 qid (1112131415161718 16909060 d) mode 020000000755 atime 168496141 mtime \
                16909060 length 4294967296 name tmp uid glenda gid sys muid ''
                """
            ),
            (.lock(status: .blocked), "Rlock tag 3 status 1"),
        ])
    func replies(_ message: Rmessage, _ text: String) {
        #expect(message.text(tag: 3) == text)
    }

    @Test("every message has a line, and no two kinds the same")
    func lines() {
        let lines = goldenRequests.map { $0.message.text(tag: 1) } + goldenReplies.map { $0.message.text(tag: 1) }
        for line in lines { #expect(!line.contains("NineP") && !line.contains("\n"), "\(line)") }
        #expect(Set(lines.map { $0.prefix { $0 != " " } }).count == MessageType.allCases.count)
    }

    @Test(
        "a mode is the same in Linux's bits and back",
        arguments: [
            (0o040755, FileMode(rawValue: 0x8000_01ed)), (0o100644, FileMode(rawValue: 0o644)),
            (0o120777, FileMode.symlink.union(FileMode(rawValue: 0o777))),
            (0o010600, .namedPipe.union(FileMode(rawValue: 0o600))),
            (0o140600, .socket.union(FileMode(rawValue: 0o600))),
            (0o060660, [.device, .block, FileMode(rawValue: 0o660)]),
            (0o020620, [.device, FileMode(rawValue: 0o620)]),
            (0o107755, [.setuid, .setgid, .sticky, FileMode(rawValue: 0o755)]),
        ] as [(UInt32, FileMode)])
    func modes(_ linux: UInt32, _ mode: FileMode) {
        #expect(mode.linux == linux)
        #expect(FileMode(linux: linux) == mode)
    }

    @Test(
        "nanoseconds are seconds and nanoseconds, before 1970 too",
        arguments: [0, 1, 999_999_999, 1_000_000_000, -1, -1_000_000_000, .max, .min] as [Int64])
    func times(_ ns: Int64) {
        let time = Timespec(nanoseconds: ns)
        #expect(time.nsec < 1_000_000_000)
        #expect(time.nanoseconds == ns)
    }

    @Test("a time that cannot be kept is the nearest that can")
    func farTimes() {
        #expect(Timespec(sec: 1 << 62, nsec: 0).nanoseconds == .max)
        #expect(Timespec(sec: UInt64(bitPattern: -(1 << 62)), nsec: 0).nanoseconds == .min)
        #expect(Timespec(sec: 1, nsec: .max).nanoseconds == 1_999_999_999)
    }

    @Test("a Dir goes over the wire as far as 9P2000 can say it")
    func dirs() {
        let dir = Dir(
            name: "f", qid: Qid(path: 9, version: 3), mode: FileMode(rawValue: 0o644), length: 1 << 40,
            accessed: 5_000_000_000, modified: 6_999_999_999, owner: "o", group: "g", modifier: "m", type: "M",
            instance: 4)
        let stat = Stat(dir)
        #expect(
            stat
                == Stat(
                    type: 0x4d, dev: 4, qid: dir.qid, mode: dir.mode, atime: 5, mtime: 6, length: 1 << 40, name: "f",
                    uid: "o", gid: "g", muid: "m"))
        let back = Dir(stat)
        #expect((back.name, back.length, back.modified, back.owner) == ("f", 1 << 40, 6_000_000_000, "o"))
        var folder = dir
        folder.qid.type = .directory
        #expect(Stat(folder).length == 0)
        let odd = Stat(Dir(name: "", qid: dir.qid, mode: [], accessed: -1, modified: 1 << 62))
        #expect((odd.atime, odd.mtime) == (0, UInt32(truncatingIfNeeded: (1 << 62) / 1_000_000_000)))
    }

    @Test("a change goes over the wire and comes back; what is not named stays untouched")
    func changes() {
        let none = Stat(DirChange())
        #expect(none == .untouched && !none.touchesForbidden)
        #expect(DirChange(none) == DirChange())
        let change = DirChange(
            name: "n", mode: FileMode(rawValue: 0o600), length: 0, accessed: 1_000_000_000, modified: 2_000_000_000,
            owner: "o", group: "g")
        #expect(DirChange(Stat(change)) == change)
        var bad = Stat.untouched
        bad.dev = 0
        #expect(bad.touchesForbidden)
    }
}
