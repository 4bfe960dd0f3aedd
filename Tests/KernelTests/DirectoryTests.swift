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

    @Test func namesThatLookAlikeAreTwoFiles() async throws {
        let (one, two) = ("/d/\u{E9}", "/d/e\u{301}")
        try await withSystem([MemDev(), MemDev("m")]) { p in
            try p.mkdir("/d")
            try p.put(one, "one")
            try p.put(two, "two")
            try p.bind("#m", "/d", .after)
            #expect(try p.names("/d").map { Array($0.utf8) } == [one, two].map { Array($0.utf8.dropFirst(3)) })
            try p.unmount("#m", "/d")
            // Their places in the tree are two: what becomes of one does not befall the other.
            let fd = try p.open(one)
            let other = try p.open(two)
            try p.rename(one, "/d/f")
            #expect(try p.fd2path(fd) == "/d/f")
            #expect(try Array(p.fd2path(other).utf8) == Array(two.utf8))
        }
    }
}
