import Kernel
import KernelTestSupport
import Testing

/// Descriptors, offsets and modes.
@Suite(.timeLimit(.minutes(1))) struct FilesTests {
    private static let mode = FileMode(rawValue: 0o644)

    private func withFile<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev()]) { p in
            try p.mkdir("/d")
            try p.put("/f", "0123456789")
            return try body(p)
        }
    }

    @Test func descriptorsAreTheLowestThatAreFree() async throws {
        try await withFile { p in
            #expect(try (0..<4).map { _ throws(SysError) in try p.open("/f") } == [0, 1, 2, 3])
            try p.close(1)
            #expect(try p.open("/f") == 1)
            #expect(try p.dup(0) == 4)
            #expect(try p.dup(0, 9) == 9)
            #expect(try p.dup(0, 9) == 9)
            #expect(try p.open("/f") == 5)
            for fd in [Int32(6), -1, 1 << 20, .max, .min] {
                #expect(code { () throws(SysError) in try p.close(fd) } == .badFd)
                #expect(code { () throws(SysError) in try p.read(fd) } == .badFd)
            }
            for fd in [Int32(-2), .max] { #expect(thrown { () throws(SysError) in try p.dup(0, fd) } != nil) }
        }
    }

    @Test func whatIsDuplicatedSharesItsOffsetAndWhatIsOpenedTwiceDoesNot() async throws {
        try await withFile { p in
            let a = try p.open("/f")
            let b = try p.dup(a)
            let c = try p.open("/f")
            #expect(try p.read(a, 3) == Array("012".utf8))
            #expect(try p.read(b, 3) == Array("345".utf8))
            #expect(try p.read(c, 3) == Array("012".utf8))
            try p.close(a)
            #expect(try p.read(b, 3) == Array("678".utf8))
        }
    }

    @Test(
        arguments: [
            (0, Proc.Whence.start, 0), (4, .start, 4), (-1, .end, 9), (3, .end, 13), (2, .current, 4),
            (-2, .current, 0),
            (-3, .current, nil), (-11, .end, nil), (-1, .start, nil), (Int64.max, .current, nil), (.min, .end, nil),
        ] as [(Int64, Proc.Whence, UInt64?)])
    func seekMovesTheOffsetOrNothing(_ offset: Int64, _ whence: Proc.Whence, _ place: UInt64?) async throws {
        try await withFile { p in
            let fd = try p.open("/f")
            _ = try p.read(fd, 2)
            guard let place else {
                #expect(code { () throws(SysError) in try p.seek(fd, offset, whence) } == .negativeOffset)
                #expect(try p.seek(fd, 0, .current) == 2)
                return
            }
            #expect(try p.seek(fd, offset, whence) == place)
            #expect(try p.seek(fd, 0, .current) == place)
        }
    }

    @Test(arguments: [
        (OpenMode.read, true, false), (.write, false, true), (.readWrite, true, true),
        ([.readWrite, .truncate] as OpenMode, true, true),
    ])
    func aModeIsKept(_ mode: OpenMode, _ reads: Bool, _ writes: Bool) async throws {
        try await withFile { p in
            let fd = try p.open("/f", mode)
            #expect(code { () throws(SysError) in try p.read(fd) } == (reads ? nil : .badUseFd))
            #expect(code { () throws(SysError) in try p.write(fd, "x") } == (writes ? nil : .badUseFd))
        }
    }

    @Test func directoriesAreReadAndNotWritten() async throws {
        try await withFile { p in
            for mode in [OpenMode.write, .readWrite, [.read, .truncate]] {
                #expect([.isDir, .perm].contains(code { () throws(SysError) in try p.open("/d", mode) }))
            }
            let fd = try p.open("/d")
            #expect(try p.dirread(fd).isEmpty)
            #expect(code { () throws(SysError) in try p.dirread(p.open("/f")) } == .notDir)
            #expect(code { () throws(SysError) in try p.create("/d", .write, Self.mode) } == .isDir)
            #expect(code { () throws(SysError) in try p.chdir("/f") } == .notDir)
        }
    }

    @Test func createOpensWhatIsThereAndTruncatesIt() async throws {
        try await withFile { p in
            try p.close(p.create("/f", .write, Self.mode))
            #expect(try p.stat("/f").length == 0)
            #expect(code { () throws(SysError) in try p.create("/f", [.write, .exclusive], Self.mode) } == .exist)
            try p.close(p.create("/g", [.write, .exclusive], Self.mode))
            #expect(code { () throws(SysError) in try p.create("/none/g", .write, Self.mode) } == .nonexist)
            #expect(code { () throws(SysError) in try p.create("/f/g", .write, Self.mode) } == .notDir)
            #expect(thrown { () throws(SysError) in try p.create("", .write, Self.mode) } != nil)
            #expect(thrown { () throws(SysError) in try p.create("/", .write, Self.mode) } != nil)
        }
    }

    @Test func theAccountBoundsDescriptors() async throws {
        try await withSystem([MemDev()], account: Account(limits: [.descriptors: 100])) { p in
            try p.put("/f", "")
            for _ in 0..<2 {
                for fd in Int32(0)..<100 { #expect(try p.open("/f") == fd) }
                #expect(code { () throws(SysError) in try p.open("/f") } == .noFd)
                #expect(code { () throws(SysError) in try p.dup(0) } == .noFd)
                #expect(try p.dup(0, 7) == 7)
                for fd in Int32(0)..<100 { try p.close(fd) }
            }
        }
    }
}
