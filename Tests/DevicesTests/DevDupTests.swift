import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Devices

@Suite(.timeLimit(.minutes(1))) struct DevDupTests {
    private func withDup<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), DevDup(), DevPipe()]) { p in
            try p.mkdir("/fd")
            try p.bind("#d", "/fd")
            try p.put("/f", "abcdef")
            return try body(p)
        }
    }

    @Test func openingADescriptorGivesTheSameChan() async throws {
        try await withDup { p in
            let fd = try p.open("/f")
            let other = try p.open("/fd/\(fd)")
            #expect(other != fd)
            #expect(try p.read(fd, 2) == Array("ab".utf8) && p.read(other, 2) == Array("cd".utf8))
            try p.close(fd)
            #expect(try p.read(other, 2) == Array("ef".utf8))
            #expect(try p.fd2path(other) == "/f")
        }
    }

    /// How the file was opened, how its number is, and whether that may be.
    @Test(arguments: [
        (OpenMode.read, OpenMode.read, true), (.read, .write, false), (.read, .readWrite, false),
        (.read, .execute, true),
        (.write, .write, true), (.write, .read, false), (.write, .write.union(.truncate), true),
        (.read, .read.union(.truncate), false), (.readWrite, .read.union(.truncate), true),
        (.readWrite, .read, true), (.readWrite, .write, true), (.readWrite, .readWrite, true),
    ]) func theModeMustBeOneOfTheFiles(_ first: OpenMode, _ second: OpenMode, _ works: Bool) async throws {
        try await withDup { p in
            let fd = try p.open("/f", first)
            #expect(code { () throws(SysError) in try p.open("/fd/\(fd)", second) } == (works ? nil : .badUseFd))
            #expect(try p.stat("/f").length == 6)
        }
    }

    @Test func theDirectoryListsWhatIsOpen() async throws {
        try await withDup { p in
            for mode in [OpenMode.read, .write, .readWrite] { _ = try p.open("/f", mode) }
            try p.close(1)
            let dirs = try p.open("/fd")
            let entries = try p.dirread(dirs).filter { $0.name != "\(dirs)" && $0.name != "\(dirs)ctl" }
            #expect(entries.map(\.name) == ["0", "0ctl", "2", "2ctl"])
            #expect(entries.map(\.mode.rawValue) == [0o400, 0o400, 0o600, 0o400])
            #expect(try p.stat("/fd/2ctl").name == "2ctl")
            for name in ["7", "7ctl", "00", "+0", "-1", "x", "9999999999", "ctl", "0ctlctl"] {
                #expect(code { () throws(SysError) in try p.open("/fd/\(name)") } == .nonexist)
            }
            #expect(code { () throws(SysError) in try p.open("/fd/0ctl", .write) } == .perm)
        }
    }

    @Test func ctlTellsWhatADescriptorIs() async throws {
        try await withDup { p in
            let fd = try p.open("/f", .readWrite)
            _ = try p.read(fd, 4)
            let stat = try p.fstat(fd)
            let instance = String(stat.instance)
            let path = String(stat.qid.path, radix: 16)
            #expect(
                try p.text("/fd/\(fd)ctl")
                    == "  0 rw / " + String(repeating: " ", count: max(0, 4 - instance.count)) + instance + " ("
                    + String(repeating: "0", count: 16 - path.count) + path + " 0 00)     0        4 /f\n")
        }
    }

    @Test func aPipeKeepsItsPlaceAndRights() async throws {
        try await withDup { p in
            let (a, b) = try p.pipe()
            let path = try p.fd2path(a)
            try p.bind("/fd", "/fd", mask: [.read, .write, .execute])
            let again = try p.open("/fd/\(a)", .readWrite)
            #expect(try p.fd2path(a) == path && p.fd2path(again) == path)
            try p.write(again, "x")
            #expect(try p.read(b, 10) == Array("x".utf8))
        }
    }
}
