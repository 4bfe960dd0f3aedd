import NineP
import Testing

@Suite("9P messages that nobody honest sends")
struct HostileTests {
    /// A request in a whole frame, what is wrong with it, and whether that ends the connection.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let frame: [UInt8]
        let fault: Malformed.Fault
        let hangsUp: Bool
        let dialect: Dialect
        var testDescription: String { name }

        init(
            _ name: String, _ type: UInt8, _ body: [UInt8], _ fault: Malformed.Fault, hangsUp: Bool = false,
            _ dialect: Dialect = .plan9
        ) {
            (self.name, self.fault, self.hangsUp, self.dialect) = (name, fault, hangsUp, dialect)
            frame = NinePTests.frame(type, tag: 0x1234, body)
        }
    }

    private static let fid = little(UInt32(1))
    private static func walk(_ names: [[UInt8]]) -> [UInt8] {
        fid + fid + little(UInt16(names.count)) + names.flatMap { little(UInt16($0.count)) + $0 }
    }
    private static func create(_ name: String) -> [UInt8] { fid + string(name) + fid + [0] }
    private static func stat(name: String, size: UInt16? = nil, n: UInt16? = nil) -> [UInt8] {
        let body = [UInt8](repeating: 0xff, count: 39) + string(name) + string("") + string("") + string("")
        return fid + little(n ?? UInt16(body.count + 2)) + little(size ?? UInt16(body.count)) + body
    }

    static let rows: [Row] = [
        Row("type 0", 0, [], .unknownType), Row("type 255", 255, [1, 2], .unknownType),
        Row("Terror", 106, string("x"), .unknownType),
        Row("a reply", 121, [], .notRequest), Row("Rerror", 107, string("x"), .notRequest),
        Row("Tgetattr in 9P2000", 24, fid + little(UInt64(1)), .otherDialect),
        Row("Topen in 9P2000.L", 112, fid + [0], .otherDialect, .linux),
        Row("Tstat in 9P2000.L", 124, fid, .otherDialect, .linux),
        Row("a walk to 17 names", 110, walk(Array(repeating: [97], count: 17)), .tooManyNames),
        Row("65535 names that are not there", 110, fid + fid + [0xff, 0xff], .field, hangsUp: true),
        Row(
            "65535 names of which two are there", 110, fid + fid + [0xff, 0xff, 1, 0, 97, 1, 0, 98], .field,
            hangsUp: true),
        Row("a walk to a/b", 110, walk([Array("a/b".utf8)]), .slash),
        Row("a walk to ../../etc", 110, walk([Array("../../etc".utf8)]), .slash),
        Row("a walk to nothing", 110, walk([[]]), .emptyName),
        Row("a walk with NUL", 110, walk([[97, 0, 98]]), .nul),
        Row("a walk with half a character", 110, walk([[0xc3]]), .utf8),
        Row("a walk with a surrogate", 110, walk([[0xed, 0xa0, 0x80]]), .utf8),
        Row("a walk with an overlong slash", 110, walk([[0xc0, 0xaf]]), .utf8),
        Row("a walk beyond Unicode", 110, walk([[0xf4, 0x90, 0x80, 0x80]]), .utf8),
        Row("the first of two faults", 110, walk([[], [0xff]]), .emptyName),
        Row("a bad name in a broken frame", 110, fid + fid + [2, 0, 1, 0, 47, 9, 0, 97], .string, hangsUp: true),
        Row("a name longer than the frame", 110, fid + fid + [1, 0, 0xff, 0xff, 97], .string, hangsUp: true),
        Row("a name longer than the frame by one", 110, fid + fid + [1, 0, 2, 0, 97], .string, hangsUp: true),
        Row("create of .", 114, create("."), .dot), Row("create of ..", 114, create(".."), .dot),
        Row("create of nothing", 114, create(""), .emptyName), Row("create of /", 114, create("/"), .slash),
        Row("a NUL in a version", 100, fid + string("9P\0"), .nul),
        Row("a NUL in a user", 104, fid + fid + string("\0") + string(""), .nul),
        Row("bad UTF-8 in an aname", 104, fid + fid + string("") + [1, 0, 0xff], .utf8),
        Row(
            "an attach of 9P2000.L in 9P2000", 104, fid + fid + string("") + string("") + fid, .trailing, hangsUp: true),
        Row("an attach of 9P2000 in 9P2000.L", 104, fid + fid + string("") + string(""), .field, hangsUp: true, .linux),
        Row(
            "more data than there are", 118, fid + little(UInt64(0)) + little(UInt32(4)) + [1, 2, 3], .data,
            hangsUp: true),
        Row("data without end", 118, fid + little(UInt64(0)) + little(UInt32.max), .data, hangsUp: true),
        Row(
            "fewer data than there are", 118, fid + little(UInt64(0)) + little(UInt32(2)) + [1, 2, 3], .trailing,
            hangsUp: true),
        Row("a stat whose size is too small", 126, stat(name: "x", size: 47), .entry, hangsUp: true),
        Row("a stat whose size is too large", 126, stat(name: "x", size: 49), .entry, hangsUp: true),
        Row("a stat whose n is too small", 126, stat(name: "x", n: 49), .entry, hangsUp: true),
        Row("a stat whose n is too large", 126, stat(name: "x", n: .max), .entry, hangsUp: true),
        Row("a wstat to a/b", 126, stat(name: "a/b"), .slash), Row("a wstat to ..", 126, stat(name: ".."), .dot),
        Row("a byte after a clunk", 120, fid + [0], .trailing, hangsUp: true),
        Row("a clunk without fid", 120, [], .field, hangsUp: true),
        Row("an fsync without datasync", 50, fid, .field, hangsUp: true, .linux),
        Row("a symlink called ..", 16, fid + string("..") + string("x") + fid, .dot, .linux),
        Row("a symlink to NUL", 16, fid + string("l") + string("\0") + fid, .nul, .linux),
        Row("a rename to a/b", 20, fid + fid + string("a/b"), .slash, .linux),
        Row("a rename of ..", 74, fid + string("..") + fid + string("b"), .dot, .linux),
        Row("a rename to .", 74, fid + string("a") + fid + string("."), .dot, .linux),
        Row("unlink of .", 76, fid + string(".") + fid, .dot, .linux),
        Row("mkdir of nothing", 72, fid + string("") + fid + fid, .emptyName, .linux),
    ]

    @Test("what is wrong is told, and whether it ends the connection or the request", arguments: rows)
    func request(_ row: Row) {
        let type = row.frame[4]
        let want: Malformed =
            row.hangsUp ? .frame(row.fault, type: type) : .message(row.fault, type: type, tag: 0x1234)
        #expect(fault { () throws(Malformed) in _ = try decodeT(row.frame, row.dialect) } == want)
    }

    @Test("a reply that cannot be is told as one")
    func replies() {
        let rows: [([UInt8], Malformed.Fault, Bool)] = [
            (frame(120, little(UInt32(1))), .notReply, false), (frame(24, []), .otherDialect, false),
            (frame(117, little(UInt32(9)) + [1]), .data, true), (frame(111, [0xff, 0xff]), .field, true),
            (frame(111, [17, 0] + [UInt8](repeating: 0, count: 17 * 13)), .tooManyNames, false),
            (frame(107, [5, 0, 97]), .string, true), (frame(125, [0, 0, 0, 0]), .field, true),
        ]
        for (wire, want, hangsUp) in rows {
            let got = fault { () throws(Malformed) in _ = try decodeR(wire) }
            #expect(got == (hangsUp ? .frame(want, type: wire[4]) : .message(want, type: wire[4], tag: 1)))
        }
    }

    @Test("an error sentence that is no UTF-8 is repaired")
    func enames() throws {
        #expect(try decodeR(frame(107, little(UInt32(2))), .linux).message == .lerror(ecode: 2))
        #expect(try decodeR(frame(107, [3, 0, 97, 0xff, 98])).message == .error(ename: "a\u{fffd}b"))
    }

    @Test("entries of a directory are checked one by one")
    func entries() throws {
        var good = someStat
        good.name = "good"
        var bad = someStat
        bad.name = "../evil"
        var data = [UInt8](repeating: 0, count: 200)
        var at = 0
        do {
            var span = data.mutableSpan
            var out = span.mutableBytes
            #expect(good.pack(into: &out, at: &at))
            #expect(bad.pack(into: &out, at: &at))
            #expect(good.pack(into: &out, at: &at))
            let end = at
            #expect(!good.pack(into: &out, at: &at))
            #expect(at == end)
        }
        data.removeLast(data.count - at)
        at = 0
        #expect(try Stat.next(in: data.span, at: &at) == good)
        #expect(throws: Malformed.message(.slash, type: 0, tag: 0)) { try Stat.next(in: data.span, at: &at) }
        #expect(try Stat.next(in: data.span, at: &at) == good)
        #expect(try Stat.next(in: data.span, at: &at) == nil)
        for n in 1..<62 {
            at = 0
            let cut = Array(data[..<n])
            guard case .frame = fault({ () throws(Malformed) in _ = try Stat.next(in: cut.span, at: &at) }) else {
                Issue.record("\(n) bytes of an entry pass")
                continue
            }
        }
    }

    @Test("entries of 9P2000.L are packed whole and read back")
    func dirents() throws {
        let entries = [
            Dirent(qid: someQid, offset: 1, type: Dirent.type(.directory), name: "."),
            Dirent(qid: Qid(path: 7), offset: 2, type: Dirent.type([]), name: "file"),
        ]
        #expect(entries.map(\.type) == [4, 8])
        var data = [UInt8](repeating: 0, count: 25 + 27)
        var at = 0
        do {
            var span = data.mutableSpan
            var out = span.mutableBytes
            #expect(entries[0].pack(into: &out, at: &at))
            #expect(at == 25)
            #expect(!Dirent(qid: someQid, offset: 2, type: 8, name: "files").pack(into: &out, at: &at))
            #expect(at == 25)
            #expect(!entries[1].pack(into: &out, at: &at))
        }
        data.append(0)
        do {
            var span = data.mutableSpan
            var out = span.mutableBytes
            #expect(entries[1].pack(into: &out, at: &at))
        }
        #expect(at == data.count)
        at = 0
        #expect(try Dirent.next(in: data.span, at: &at) == entries[0])
        #expect(try Dirent.next(in: data.span, at: &at) == entries[1])
        #expect(try Dirent.next(in: data.span, at: &at) == nil)
    }
}
