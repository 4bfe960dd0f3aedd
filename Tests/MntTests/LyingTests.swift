import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// A server whose replies cannot be: it is hung up on, with a reason in the log, and nothing else happens.
@Suite(.timeLimit(.minutes(1))) struct LyingTests {
    /// What one sort of request is answered with, and what the log says of it.
    struct Lie: Sendable, CustomTestStringConvertible {
        let about: MessageType
        let reason: String
        let bytes: @Sendable (Request) -> [UInt8]

        init(_ about: MessageType, _ reason: String, _ bytes: @escaping @Sendable (Request) -> [UInt8]) {
            (self.about, self.reason, self.bytes) = (about, reason, bytes)
        }

        var testDescription: String { "\(about): \(reason)" }
    }

    static func frame(_ type: UInt8, _ tag: UInt16, _ body: [UInt8], size: UInt32? = nil) -> [UInt8] {
        let size = size ?? UInt32(body.count + 7)
        return (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + [type]
            + [UInt8(truncatingIfNeeded: tag), UInt8(truncatingIfNeeded: tag >> 8)] + body
    }

    static func frame(_ reply: Rmessage, _ tag: UInt16) -> [UInt8] {
        var writer = FrameWriter(msize: 1 << 20, .plan9)
        try? writer.append(reply, tag: tag)
        return Array(writer.buffer[..<writer.count])
    }

    static let qid = [UInt8](repeating: 0, count: 13)
    static let directory = Stat(
        type: 0, dev: 0, qid: Qid(path: 7, type: .directory), mode: .directory, atime: 0, mtime: 0, length: 0,
        name: "d", uid: "", gid: "", muid: "")

    static func entry(_ name: String) -> [UInt8] {
        var stat = directory
        stat.name = name
        var bytes = [UInt8](repeating: 0, count: 512)
        var end = 0
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = stat.pack(into: &raw, at: &end)
        return Array(bytes[..<end])
    }

    static func read(_ data: [UInt8], _ tag: UInt16) -> [UInt8] {
        frame(117, tag, (0..<4).map { UInt8(truncatingIfNeeded: data.count >> (8 * $0)) } + data)
    }

    static let lies: [Lie] = [
        Lie(.Tstat, "size is less than that of a header") { _ in [6, 0, 0, 0, 125, 0, 0] },
        Lie(.Tstat, "size is more than msize") { frame(125, $0.tag, [], size: 0xffff_ffff) },
        Lie(.Tstat, "size is more than msize") { frame(125, $0.tag, [], size: 65537) },
        Lie(.Tstat, "unknown message type") { frame(99, $0.tag, []) },
        Lie(.Tstat, "request where a reply belongs") { frame(124, $0.tag, [0, 0, 0, 0]) },
        Lie(.Tstat, "which asks nothing") { frame(.clunk, $0.tag &+ 77) },
        Lie(.Tstat, "which asks nothing") { _ in frame(.version(msize: 8192, version: "9P2000"), Wire.noTag) },
        Lie(.Tstat, "Rclunk where Rstat belongs") { frame(.clunk, $0.tag) },
        Lie(.Tstat, "Rlerror where Rstat belongs") { frame(.lerror(ecode: 2), $0.tag) },
        Lie(.Tstat, "runs past the frame") { frame(125, $0.tag, [60, 0, 58, 0, 1, 2, 3]) },
        Lie(.Tstat, "mode and qid disagree") {
            var stat = directory
            stat.mode = []
            return frame(.stat(stat), $0.tag)
        },
        Lie(.Tstat, "slash in a name") {
            var stat = directory
            stat.name = "../../etc/passwd"
            return frame(.stat(stat), $0.tag)
        },
        Lie(.Twalk, "5 qids for 1 names") {
            frame(.walk(qids: [Qid](repeating: Qid(path: 1, type: .directory), count: 5)), $0.tag)
        },
        Lie(.Twalk, "more than 16 names") { frame(111, $0.tag, [17, 0] + (0..<17).flatMap { _ in qid }) },
        Lie(.Twalk, "runs past the frame") { frame(111, $0.tag, [0xff, 0xff] + qid) },
        Lie(.Topen, "another kind of file") { frame(.open(qid: Qid(path: 9), iounit: 0), $0.tag) },
        Lie(.Topen, "after the last field") { frame(113, $0.tag, qid + [0, 0, 0, 0, 1]) },
        Lie(.Tread, "directory:") { read([3, 0, 1, 2, 3], $0.tag) },
        Lie(.Tread, "runs past the frame") { read(Array(entry("x").dropLast()), $0.tag) },
        Lie(.Tread, "slash in a name") { read(entry("a/b"), $0.tag) },
        Lie(.Tread, "empty name") { read(entry(""), $0.tag) },
        Lie(.Tread, "Rread of 65525 bytes for") { read([UInt8](repeating: 0, count: 65525), $0.tag) },
        Lie(.Tread, "runs past the frame") { frame(117, $0.tag, [0xff, 0xff, 0xff, 0xff, 1, 2]) },
        Lie(.Tread, "after the last field") { frame(117, $0.tag, [0, 0, 0, 0, 1, 2]) },
    ]

    @Test(arguments: lies) func isHungUpOn(lie: Lie) async throws {
        let server = FakeServer { request, _ in
            if request.message.type == lie.about { return [(request.tag, .raw(lie.bytes(request)))] }
            switch request.message {
            case .walk(_, _, let names):
                return [(request.tag, .reply(.walk(qids: names.map { _ in Self.directory.qid })))]
            case .open: return [(request.tag, .reply(.open(qid: Self.directory.qid, iounit: 0)))]
            case .stat: return [(request.tag, .reply(.stat(Self.directory)))]
            default: return []
            }
        }
        try await inEmu { p in
            try p.mount(try server.start(p), "/n")
            try p.bind("#c", "/dev")
            let error = thrown { () throws(SysError) in
                _ = try p.stat("/n/d")
                _ = try p.names("/n")
            }
            #expect(error?.code == .mountRPC)
            #expect(code { () throws(SysError) in _ = try p.stat("/n/d") } == .shutdown)
            let log = try p.open("/dev/kprint")
            let text = String(decoding: try p.read(log, 4096), as: UTF8.self)
            #expect(text.contains(lie.reason), "\(text)")
        }
    }

    /// Rversion's msize and version, and what the mount says.
    @Test(arguments: [
        (UInt32(0), "9P2000", "mount rpc error"), (255, "9P2000", "mount rpc error"),
        (2 << 20, "9P2000", "mount rpc error"), (8192, "9P2000.u", "the server speaks 9P2000.u"),
        (8192, "unknown", "the server does not speak 9P2000"), (8192, "", "the server speaks "),
    ])
    func aVersionThatCannotBeFailsTheMount(msize: UInt32, version: String, error: String) async throws {
        let server = FakeServer { request, _ in
            guard case .version = request.message else { return [] }
            return [(request.tag, .reply(.version(msize: msize, version: version)))]
        }
        try await inEmu { p in
            let fd = try server.start(p)
            #expect(thrown { () throws(SysError) in try p.mount(fd, "/n") }?.sentence == error)
            #expect(try p.names("/n") == [])
        }
    }

    /// A frame is cut off by the end of the connection, at each of its bytes.
    @Test func aReplyThatIsCutOffIsNone() async throws {
        let whole = Self.frame(.stat(Self.directory), 0).count
        for length in [1, 4, 6, 7, 11, whole - 1] {
            let server = FakeServer { request, _ in
                guard case .stat = request.message else { return [] }
                let bytes = Self.frame(.stat(Self.directory), request.tag)
                return [(request.tag, .raw(Array(bytes[..<length]))), (request.tag, .hangUp)]
            }
            try await inEmu { p in
                try p.mount(try server.start(p), "/n")
                #expect(code { () throws(SysError) in _ = try p.stat("/n") } == .hungup)
                #expect(code { () throws(SysError) in _ = try p.stat("/n") } == .shutdown)
            }
        }
    }
}
