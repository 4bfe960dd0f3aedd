import Devices
import Glibc
import Host
import Kernel
import Library
import Mnt
import NineP
import Testing

/// Long reads of a file of the host over a unix socket, whose pages go out as they lie there, and long writes.
@Suite("Long reads and writes", .timeLimit(.minutes(1))) struct StreamTests {
    /// What is in the file, made once for all.
    private static let contents: [UInt8] = {
        var seed: UInt64 = 1
        return (0..<3_000_001).map { _ in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: seed >> 33)
        }
    }()

    /// Runs `body` with the path of a host directory, what is in its file `f`, and a way to call its server.
    private static func serving(
        msize: Int = Wire.usualMsize,
        _ body: @escaping @Sendable (Proc, String, [UInt8], () throws -> (Talk, Proc.Connection)) throws -> Void
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        var template = Array("/tmp/emu-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Wrong("no directory to serve") }
        let path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        defer { for name in ["/f", "/socket", ""] { remove(path + name) } }
        let bytes = contents
        let fd = Glibc.open(path + "/f", O_RDWR | O_CREAT, 0o644)
        defer { close(fd) }
        guard Glibc.write(fd, bytes, bytes.count) == bytes.count else { throw Wrong("the file is not written") }
        var grants = HostGrants()
        grants.trees["served"] = .init(path)
        grants.network = .all
        let system = System(grants: grants)
        for make in Devices.deviceTable + Mnt.deviceTable { system.add(make()) }
        let failure = Lock<(any Error)?>(nil)
        let ids = HostEnvironment.ids
        _ = try system.boot(Cred(user: HostEnvironment.user, uid: ids.user, gid: ids.group), args: ["test"]) {
            p throws(SysError) in
            do {
                try p.bind("#I", "/net", .before)
                try p.bind("#Userved", "/tmp")
                let announced = try p.announce("unix!\(path)/socket")
                _ = try p.spawn([.forkFD, .noWait], fds: [announced.control]) { child throws(SysError) in
                    var options = Export.Options()
                    options.msize = msize
                    try ExportListener(try Export("/tmp", options, of: child), of: child).serve(announced)
                    return .ok
                }
                try body(p, path, bytes) {
                    let c = try p.dial("unix!\(path)/socket")
                    return (Talk(send: { try p.write(c.data, $0) }, receive: { try p.read(c.data, $0) }), c)
                }
            } catch { failure.withLock { $0 = error } }
            return .ok
        }
        _ = system.waitForEnd()
        system.shutdown(until: HostClock.monotonic() + 5_000_000_000)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private static func read(_ t: Talk, _ fid: UInt32, _ offset: Int, _ count: Int) throws -> [UInt8] {
        try t.read(fid, at: UInt64(offset), UInt32(count))
    }

    @Test(arguments: [8192, 1 << 17, 1 << 20]) func givesWhatIsThere(msize: Int) throws {
        try Self.serving { p, _, bytes, call in
            let (t, _) = try call()
            try t.start(.linux, msize: msize)
            let fid = try t.lopened("f")
            for (start, count) in [
                (0, msize - 24), (0, 32_768), (100, 40_000), (1, 120_000), (4096, 1 << 20), (2_500_000, msize - 24),
            ] {
                var at = start
                while at < bytes.count {
                    let got = try Self.read(t, fid, at, count)
                    let wanted = Array(bytes[at..<min(bytes.count, at + min(count, msize - 11))])
                    try t.check(got == wanted, "\(got.count) of \(wanted.count) at \(at)")
                    at += got.count
                }
                try t.check(try Self.read(t, fid, at, count).isEmpty, "the end")
            }
        }
    }

    /// As much as a server that is asked for it lets anybody have.
    @Test func eightMegabytesGoInOneFrame() throws {
        try Self.serving(msize: Wire.mostMsize) { p, _, bytes, call in
            let (t, _) = try call()
            try t.start(.linux, msize: Wire.mostMsize)
            let fid = try t.lopened("f", .readWrite)
            var data = bytes + bytes + bytes
            data.removeLast(data.count - (Wire.mostMsize - Wire.ioHeader))
            try t.check(try t.write(fid, data, at: 7) == data.count, "all is written")
            let got = try Self.read(t, fid, 7, Wire.mostMsize)
            try t.check(got == data, "\(got.count) of \(data.count)")
            let (other, _) = try call()
            try other.start(.linux)
            try other.lives()
        }
    }

    @Test func repliesStayInTheirFramesWhateverIsAskedBetween() throws {
        try Self.serving { p, path, bytes, call in
            let (t, _) = try call()
            try t.start(.linux, msize: 1 << 18)
            let fid = try t.lopened("f")
            var wanted: [UInt16: Int] = [:]
            for n in 0..<60 as Range<UInt16> {
                let offset = Int(n) * 47_999
                try t.ask(.read(fid: fid, offset: UInt64(offset), count: 130_000), tag: 1000 + n)
                wanted[1000 + n] = offset
                try t.ask(.getattr(fid: fid, requestMask: .basic), tag: 2000 + n)
            }
            var attributes = 0
            while attributes < 60 || !wanted.isEmpty {
                guard let reply = try t.hear() else { throw Wrong("hung up") }
                if case .getattr(let attr) = reply.message {
                    attributes += 1
                    try t.check(attr.size == 3_000_001, "the length")
                } else {
                    guard let offset = wanted.removeValue(forKey: reply.tag) else { throw Wrong("tag \(reply.tag)") }
                    try t.check(reply.data == Array(bytes[offset...].prefix(130_000)), "at \(offset)")
                }
            }
            // One that has become short: no more is told than is there.
            guard truncate(path + "/f", 100_000) == 0 else { throw Wrong("it is not cut") }
            try t.check(try Self.read(t, fid, 60_000, 130_000) == Array(bytes[60_000..<100_000]), "cut")
            try t.check(try Self.read(t, fid, 99_999, 130_000) == Array(bytes[99_999..<100_000]), "one byte")
            try t.check(try Self.read(t, fid, 200_000, 130_000).isEmpty, "behind the end")
        }
    }

    @Test func oneWhoDoesNotReadKeepsNobodyAndIsLetGoOf() throws {
        try Self.serving { p, _, bytes, call in
            for _ in 0..<20 {
                let (t, c) = try call()
                try t.start(.linux, msize: 1 << 20)
                let fid = try t.lopened("f")
                for n in 0..<8 as Range<UInt16> { try t.ask(.read(fid: fid, offset: 0, count: 1 << 20), tag: n) }
                try p.sleep(milliseconds: 5)
                let (other, d) = try call()
                try other.start(.linux)
                try other.lives()
                for fd in [c.data, c.control, d.data, d.control] { try p.close(fd) }
            }
        }
    }

    /// A file, and what is in it after `body` has written here and there.
    private static func writing(
        _ msize: Int, flags: OpenFlags = .readWrite,
        _ body: @escaping @Sendable (Proc, Talk, Proc.Connection, UInt32, (Int, [UInt8]) -> Void) throws -> Void
    ) throws {
        try serving { p, _, bytes, call in
            var model = bytes
            let (t, c) = try call()
            try t.start(.linux, msize: msize)
            let fid = try t.lopened("f", flags)
            try body(p, t, c, fid) { at, data in
                if model.count < at + data.count {
                    model += [UInt8](repeating: 0, count: at + data.count - model.count)
                }
                model.replaceSubrange(at..<at + data.count, with: data)
            }
            let (other, _) = try call()
            try other.start(.linux, msize: 1 << 20)
            let again = try other.lopened("f")
            var got: [UInt8] = []
            while case let part = try read(other, again, got.count, 1 << 20), !part.isEmpty { got += part }
            try t.check(got == model, "\(got.count) bytes, which are not those \(model.count)")
        }
    }

    private static func data(_ count: Int, _ seed: Int) -> [UInt8] {
        Array(contents[(100_003 * (seed + 1))...].prefix(count))
    }

    /// Long writes and short ones, within the file and behind its end.
    @Test(arguments: [8192, 1 << 16, 1 << 17, 1 << 20]) func takesWhatIsSent(msize: Int) throws {
        try Self.writing(msize) { p, t, _, fid, wrote in
            let longest = msize - Wire.writeHeader
            for (n, start) in [0, 0, 5, 4096, 123_457, 2_999_990, 3_500_000].enumerated() {
                for count in [longest, min(longest, 40_000), 1, min(longest, 34_000), longest] {
                    let data = Self.data(count, n)
                    try t.check(try t.write(fid, data, at: UInt64(start)) == count, "all is written")
                    wrote(start, data)
                }
                try t.lives()
            }
        }
    }

    /// What is no write, and what is refused, stands between them.
    @Test func writesStayInTheirFramesWhateverIsAskedBetween() throws {
        try Self.writing(1 << 17) { p, t, _, fid, wrote in
            let (toRead, data) = (try t.lopened("f"), Self.data(120_000, 1))
            for n in 0..<40 as Range<UInt16> {
                let offset = Int(n) * 61_001
                try t.ask(.write(fid: fid, offset: UInt64(offset), count: 120_000), tag: 1000 + n, data: data)
                try t.ask(.getattr(fid: fid, requestMask: .basic), tag: 2000 + n)
                try t.ask(.write(fid: toRead, offset: 0, count: 120_000), tag: 3000 + n, data: data)
                wrote(offset, data)
                for _ in 0..<3 {
                    guard let reply = try t.hear() else { throw Wrong("hung up") }
                    switch (reply.message, reply.tag / 1000) {
                    case (.write(120_000), 1), (.getattr, 2), (.lerror, 3): break
                    default: throw Wrong("\(reply.tag) is answered by \(reply.message)")
                    }
                }
            }
        }
    }

    /// However it is cut.
    @Test(arguments: [64, 700, 5000, 60_000]) func aWriteMayComeInPieces(size: Int) throws {
        try Self.writing(1 << 18) { p, t, c, fid, wrote in
            for n in 0..<3 {
                let data = Self.data(200_000, n)
                let message = Tmessage.write(fid: fid, offset: 7, count: UInt32(data.count))
                let frame = try t.frame(message, tag: 9, data: data)
                for at in stride(from: 0, to: frame.count, by: n == 0 ? frame.count : size) {
                    try p.write(c.data, Array(frame[at..<min(frame.count, n == 0 ? frame.count : at + size)]))
                }
                guard case .write(200_000) = try t.hear()?.message else { throw Wrong("it is not written") }
                wrote(7, data)
            }
        }
    }

    @Test func oneWhoHangsUpWithinAWriteHasWrittenNothingOfIt() throws {
        try Self.writing(1 << 18) { p, t, c, fid, wrote in
            let data = Self.data(200_000, 3)
            _ = try t.write(fid, data, at: 0)
            wrote(0, data)
            let message = Tmessage.write(fid: fid, offset: 1000, count: UInt32(data.count))
            try p.write(c.data, Array(try t.frame(message, tag: 9, data: data).dropLast(5)))
            try p.sleep(milliseconds: 50)
            for fd in [c.data, c.control] { try p.close(fd) }
            try p.sleep(milliseconds: 50)
        }
    }

    /// Where the end is is not for the client to say.
    @Test func whatIsAppendedGoesToTheEnd() throws {
        try Self.writing(1 << 18, flags: [.readWrite, .append]) { p, t, _, fid, wrote in
            var end = 3_000_001
            for n in 0..<4 {
                let data = Self.data(200_000, n)
                try t.check(try t.write(fid, data, at: 0) == data.count, "all is written")
                wrote(end, data)
                end += data.count
            }
        }
    }
}
