import Kernel
import KernelTestSupport
import Testing

/// What reading a directory tells.
@Suite(.timeLimit(.minutes(1))) struct DirectoryTests {
    @Test func anEntryTellsOfWhatIsMountedOnIt() async throws {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            try p.mkdir("/d")
            try p.put("/f", "short")
            try p.put("/g", "something longer")
            func entry(_ name: String) throws(SysError) -> Dir? {
                let fd = try p.open("/")
                defer { try? p.close(fd) }
                return try p.dirread(fd).first { $0.name == name }
            }
            #expect(try entry("d")?.type == "/")
            try p.bind("#m", "/d")
            try p.bind("/g", "/f")
            for name in ["d", "f"] {
                let seen = try p.stat("/\(name)")
                let told = try #require(try entry(name))
                #expect((told.type, told.instance, told.qid) == (seen.type, seen.instance, seen.qid))
                #expect(told.length == seen.length)
            }
            // The mount point's own place in a union, and a mask on it, leave the entry as it is.
            try p.unmount(nil, "/d")
            try p.bind("#m", "/d", .after)
            #expect(try entry("d")?.type == "/")
            try p.unmount(nil, "/f")
            try p.bind("/f", "/f", mask: .read)
            #expect(try entry("f")?.length == 5)
        }
    }
}
