import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Devices

/// Runs `body` in a system whose `/tmp` is a RAM tree.
private func withRam<T: Sendable>(
    limit: Int = 1 << 30, account: Account = Account(), _ body: @Sendable (Proc) throws -> T
) async throws -> T {
    try await withSystem([MemDev(), DevRam(limit: limit)], account: account) { p in
        try p.mkdir("/tmp")
        try p.bind("#R", "/tmp", .create)
        return try body(p)
    }
}

extension Proc {
    /// Runs `body` as a user of another name.
    fileprivate func acting<T>(as user: String, groups: [String] = [], _ body: () throws -> T) throws -> T {
        let before = cred
        become(Cred(user: user, groups: groups + [user], uid: 1001, gid: 1001))
        defer { become(before) }
        return try body()
    }

    fileprivate func setMode(_ path: String, _ mode: UInt32) throws(SysError) {
        try wstat(path, DirChange(mode: FileMode(rawValue: mode)))
    }
}

@Suite(.timeLimit(.minutes(1))) struct DevRamTests {
    @Test func aTreeIsKnownByItsSpecifier() async throws {
        try await withRam { p in
            try p.put("/tmp/a", "one")
            try p.put("#Rother/a", "two")
            #expect(try p.text("#R/a") == "one")
            #expect(try p.text("#Rother/a") == "two")
            #expect(try p.stat("#R").instance != p.stat("#Rother").instance)
            #expect(try p.names("#Rthird") == [])
        }
    }

    @Test func bytesAreWhereTheyWereWritten() async throws {
        // (offset, count) of each write, in order; a model array says what must be read.
        let writes: [(UInt64, Int)] = [
            (0, 10), (5, 10), (100, 1), (65_530, 12), (65_536, 65_536), (200_000, 3), (131_071, 2), (50, 140_000),
            (1 << 20, 1 << 21),
        ]
        try await withRam { p in
            let fd = try p.create("/tmp/f", .readWrite, FileMode(rawValue: 0o600))
            var model: [UInt8] = []
            for (i, (offset, count)) in writes.enumerated() {
                let bytes = [UInt8](repeating: UInt8(i + 1), count: count)
                #expect(try p.pwrite(fd, bytes.span.bytes, at: offset) == count)
                if model.count < Int(offset) + count {
                    model += [UInt8](repeating: 0, count: Int(offset) + count - model.count)
                }
                for k in 0..<count { model[Int(offset) + k] = UInt8(i + 1) }
            }
            #expect(try p.fstat(fd).length == UInt64(model.count))
            try p.seek(fd, 0)
            #expect(try p.readn(fd, model.count + 1) == model)
            for offset in [1, 99, 65_535, 131_073, model.count - 1, model.count, model.count + 5] {
                try p.seek(fd, Int64(offset))
                #expect(try p.readn(fd, 70_000) == Array(model.dropFirst(offset).prefix(70_000)))
            }
        }
    }

    @Test func aHoleTakesNoRoomAndReadsAsZeros() async throws {
        let account = Account()
        try await withRam(account: account) { p in
            let fd = try p.create("/tmp/sparse", .readWrite, FileMode(rawValue: 0o600))
            let before = account.held(.memory)
            _ = try p.pwrite(fd, [UInt8]("end".utf8).span.bytes, at: 1 << 40)
            #expect(try p.fstat(fd).length == 1 << 40 + 3)
            #expect(account.held(.memory) - before <= 2 * 65_536)
            #expect(try p.fstat(fd).space ?? .max <= 65_536)
            try p.seek(fd, 1 << 39)
            #expect(try p.readn(fd, 100) == [UInt8](repeating: 0, count: 100))
            try p.seek(fd, Int64(1 << 40 - 2))
            #expect(try p.readn(fd, 100) == [0, 0] + "end".utf8)
        }
    }

    @Test func offsetsBeyondTheLargestAreRefused() async throws {
        try await withRam { p in
            let fd = try p.create("/tmp/f", .readWrite, FileMode(rawValue: 0o600))
            let (one, two) = ([UInt8(1)], [UInt8(1), 2])
            for offset in [UInt64.max, UInt64.max - 3, UInt64(Int64.max)] {
                #expect(code { () throws(SysError) in try p.pwrite(fd, two.span.bytes, at: offset) } == .fileTooBig)
            }
            #expect(code { () throws(SysError) in try p.fwstat(fd, DirChange(length: .max)) } == .fileTooBig)
            #expect(try p.pwrite(fd, one.span.bytes, at: UInt64(Int64.max) - 1) == 1)
            #expect(try p.fstat(fd).length == UInt64(Int64.max))
        }
    }

    @Test func lengthsAreChangedByWstat() async throws {
        try await withRam { p in
            try p.put("/tmp/f", "abcdefgh")
            for (length, text) in [(5, "abcde"), (8, "abcde\0\0\0"), (0, ""), (2, "\0\0"), (2, "\0\0")] {
                try p.wstat("/tmp/f", DirChange(length: UInt64(length)))
                #expect(try p.text("/tmp/f") == text)
            }
            try p.wstat("/tmp/f", DirChange(length: 200_000))
            try p.wstat("/tmp/f", DirChange(length: 100_000))
            #expect(try p.stat("/tmp/f").length == 100_000)
            #expect(code { () throws(SysError) in try p.wstat("/tmp", DirChange(length: 0)) } == .isDir)
        }
    }

    @Test func whatIsCutOffIsZeroWhenItComesBack() async throws {
        try await withRam { p in
            let fd = try p.create("/tmp/f", .readWrite, FileMode(rawValue: 0o600))
            try p.write(fd, [UInt8](repeating: 7, count: 70_000))
            try p.fwstat(fd, DirChange(length: 10))
            try p.fwstat(fd, DirChange(length: 20))
            _ = try p.pwrite(fd, [UInt8(9)].span.bytes, at: 30)
            try p.seek(fd, 0)
            #expect(
                try p.readn(fd, 100)
                    == [UInt8](repeating: 7, count: 10) + [UInt8](repeating: 0, count: 20) + [9])
        }
    }

    @Test func appendingGoesToTheEnd() async throws {
        try await withRam { p in
            let mode = FileMode(rawValue: 0o644).union(.append)
            let fd = try p.create("/tmp/log", .write, mode)
            try p.write(fd, "one ")
            try p.seek(fd, 0)
            try p.write(fd, "two ")
            #expect(try p.stat("/tmp/log").qid.type.contains(.append))
            // It is not cut by opening it again.
            try p.put("/tmp/log", "three ")
            #expect(try p.text("/tmp/log") == "one two three ")
            #expect(code { () throws(SysError) in try p.wstat("/tmp/log", DirChange(length: 0)) } == .perm)

            try p.put("/tmp/f", "one ")
            let other = try p.open("/tmp/f", .write.union(.append))
            try p.write(other, "two")
            #expect(try p.text("/tmp/f") == "one two")
        }
    }

    @Test func anExclusiveFileIsOpenOnce() async throws {
        try await withRam { p in
            let fd = try p.create("/tmp/lock", .write, FileMode(rawValue: 0o644).union(.exclusive))
            #expect(code { () throws(SysError) in try p.open("/tmp/lock") } == .inUse)
            #expect(code { () throws(SysError) in try p.create("/tmp/lock", .write, []) } == .inUse)
            try p.close(fd)
            let again = try p.open("/tmp/lock")
            #expect(code { () throws(SysError) in try p.open("/tmp/lock") } == .inUse)
            try p.close(again)
            _ = try p.open("/tmp/lock")
        }
    }

    @Test func aFileOpenedSoIsRemovedWhenItIsClosed() async throws {
        try await withRam { p in
            try p.put("/tmp/f", "x")
            let fd = try p.open("/tmp/f", .read.union(.removeOnClose))
            #expect(try p.names("/tmp") == ["f"])
            try p.close(fd)
            #expect(try p.names("/tmp") == [])
            let made = try p.create("/tmp/g", .write.union(.removeOnClose), FileMode(rawValue: 0o600))
            try p.wstat("/tmp/g", DirChange(name: "h"))
            try p.close(made)
            #expect(try p.names("/tmp") == [])
        }
    }

    @Test func aRemovedFileLivesUntilItIsClosed() async throws {
        let account = Account()
        try await withRam(account: account) { p in
            let before = account.held(.memory)
            let fd = try p.create("/tmp/f", .readWrite, FileMode(rawValue: 0o600))
            try p.write(fd, [UInt8](repeating: 1, count: 1 << 20))
            try p.remove("/tmp/f")
            try p.put("/tmp/f", "new")
            try p.seek(fd, 0)
            #expect(try p.readn(fd, 10) == [UInt8](repeating: 1, count: 10))
            #expect(try p.fstat(fd).links == 0)
            #expect(account.held(.memory) > before + 1 << 20)
            try p.close(fd)
            try p.remove("/tmp/f")
            #expect(account.held(.memory) == before)
        }
    }

    @Test func theMemoryOfAViewIsItsLimit() async throws {
        for limits in [(1 << 30, 1 << 20), (1 << 20, 1 << 30)] {
            let account = Account(limits: [.memory: limits.0])
            try await withRam(limit: limits.1, account: account) { p in
                let fd = try p.create("/tmp/big", .write, FileMode(rawValue: 0o600))
                let bytes = [UInt8](repeating: 1, count: 3 << 20)
                let written = try p.write(fd, bytes.span.bytes)
                #expect(written > 900_000 && written < 1 << 20)
                #expect(code { () throws(SysError) in try p.write(fd, bytes) } == .noSpace)
                #expect(try p.stat("/tmp/big").length == UInt64(written))
                try p.remove("/tmp/big")
                try p.close(fd)
                // There is room for names too, and it ends.
                var made = 0
                while code({ () throws(SysError) in try p.mkdir("/tmp/\(made)") }) == nil, made < 10_000 { made += 1 }
                #expect(made > 1000 && made < 10_000)
                #expect(code { () throws(SysError) in try p.mkdir("/tmp/x") } == .noSpace)
            }
            // Its last thread may still be letting go of it.
            #expect(eventually { account.held(.memory) == 0 })
        }
    }

    @Test func statTellsWhatIsThere() async throws {
        try await withRam { p in
            try p.put("/tmp/f", "abc", 0o640)
            let made = try p.stat("/tmp/f")
            #expect(made.name == "f" && made.owner == "glenda" && made.group == "glenda" && made.modifier == "glenda")
            #expect(made.mode.rawValue == 0o640 && made.length == 3 && made.links == 1 && made.ownerID == 1000)
            #expect(made.modified > 1_600_000_000_000_000_000 && made.type == "R")
            let fd = try p.open("/tmp/f", .write)
            try p.write(fd, "x")
            let written = try p.fstat(fd)
            #expect(written.qid.path == made.qid.path && written.qid.version > made.qid.version)
            #expect(written.modified >= made.modified && written.modified <= p.caller.clock.now())
            try p.wstat("/tmp/f", DirChange(accessed: 1, modified: 2))
            #expect(try p.stat("/tmp/f").accessed == 1 && p.stat("/tmp/f").modified == 2)
            #expect(try p.stat("/tmp").mode.contains(.directory) && p.stat("/tmp").qid.isDirectory)
            let version = try p.stat("/tmp").qid.version
            try p.put("/tmp/g", "")
            #expect(try p.stat("/tmp").qid.version > version)
        }
    }

    @Test func roomIsToldByStatfs() async throws {
        try await withRam(limit: 1 << 24) { p in
            func status() throws(SysError) -> FileSystemStatus {
                let c = try p.openChan("/tmp")
                return try c.dev.statfs(c, p.caller)
            }
            let before = try status()
            #expect(before.blocks == 4096 && before.blockSize == 4096)
            let fd = try p.create("/tmp/f", .write, FileMode(rawValue: 0o600))
            try p.write(fd, [UInt8](repeating: 0, count: 1 << 20))
            #expect(try status().free <= before.free - 256)
            #expect(try status().files == before.files + 1)
        }
    }
}

/// Names: links, renaming, directories, permissions.
@Suite(.timeLimit(.minutes(1))) struct DevRamNameTests {
    @Test func aNameIsItsBytes() async throws {
        try await withRam { p in
            let names = ["\u{e9}", "e\u{301}", "x y", "\u{1f600}", String(repeating: "\u{e4}", count: 127)]
            for (i, name) in names.enumerated() { try p.put("/tmp/\(name)", "\(i)") }
            for (i, name) in names.enumerated() { #expect(try p.text("/tmp/\(name)") == "\(i)") }
            #expect(try p.names("/tmp").map { Array($0.utf8) } == names.map { Array($0.utf8) })
        }
    }

    @Test func creatingAndRemovingFailsAsItShould() async throws {
        try await withRam { p in
            try p.mkdir("/tmp/d")
            try p.put("/tmp/d/f", "x")
            #expect(code { () throws(SysError) in try p.mkdir("/tmp/d") } == .exist)
            #expect(code { () throws(SysError) in try p.create("/tmp/d/f", .write.union(.exclusive), []) } == .exist)
            #expect(code { () throws(SysError) in try p.remove("/tmp/d") } == .notEmpty)
            #expect(code { () throws(SysError) in try p.remove("/tmp/e") } == .nonexist)
            #expect(code { () throws(SysError) in try p.open("/tmp/d/f/g") } == .notDir)
            #expect(code { () throws(SysError) in try p.open("/tmp/d", .write) } == .isDir)
            #expect(code { () throws(SysError) in try p.remove("#R") } == .perm)
            try p.chdir("/tmp/d")
            try p.remove("/tmp/d/f")
            try p.remove("/tmp/d")
            #expect(code { () throws(SysError) in try p.put("g", "x") } == .nonexist)
            #expect(code { () throws(SysError) in try p.symlink("x", "g") } == .nonexist)
        }
    }

    @Test func aLinkIsAnotherNameOfTheFile() async throws {
        try await withRam { p in
            try p.mkdir("/tmp/d")
            try p.put("/tmp/a", "x")
            try p.link("/tmp/a", "/tmp/d/b")
            #expect(try p.stat("/tmp/a").links == 2 && p.stat("/tmp/d/b").qid.path == p.stat("/tmp/a").qid.path)
            #expect(try p.stat("/tmp/d/b").name == "b")
            try p.put("/tmp/d/b", "changed")
            #expect(try p.text("/tmp/a") == "changed")
            #expect(code { () throws(SysError) in try p.link("/tmp/a", "/tmp/d/b") } == .exist)
            #expect(code { () throws(SysError) in try p.link("/tmp/d", "/tmp/e") } == .perm)
            try p.rename("/tmp/a", "/tmp/d/b")
            #expect(try p.names("/tmp") == ["a", "d"].sorted() || p.names("/tmp") == ["d", "a"])
            try p.remove("/tmp/a")
            #expect(try p.text("/tmp/d/b") == "changed" && p.stat("/tmp/d/b").links == 1)
        }
    }

    @Test func aSymbolicLinkIsFollowed() async throws {
        try await withRam { p in
            try p.mkdir("/tmp/d")
            try p.put("/tmp/d/f", "x")
            try p.symlink("d", "/tmp/l")
            try p.symlink("/tmp/d/f", "/tmp/d/m")
            #expect(try p.text("/tmp/l/f") == "x" && p.text("/tmp/l/m") == "x")
            #expect(try p.readlink("/tmp/l") == "d")
            #expect(try p.stat("/tmp/l", follow: false).mode.contains(.symlink))
            #expect(try p.stat("/tmp/l", follow: false).length == 1)
            #expect(code { () throws(SysError) in try p.readlink("/tmp/d") } == .badArg)
            try p.remove("/tmp/l")
            #expect(try p.names("/tmp/d") == ["f", "m"])
        }
    }

    /// Tree, old, new, how, error or the tree afterwards; `x=t` is a file, `x/` a directory.
    static let renames: [(String, String, String, Rename, SysError.Code?, String)] = [
        ("a=1", "a", "b", .replace, nil, "b=1"),
        ("a=1 b=2", "a", "b", .replace, nil, "b=1"),
        ("a=1 b=2", "a", "b", .noReplace, .exist, "a=1 b=2"),
        ("a=1", "a", "b", .noReplace, nil, "b=1"),
        ("a=1 b=2", "a", "b", .exchange, nil, "a=2 b=1"),
        ("a=1", "a", "b", .exchange, .nonexist, "a=1"),
        ("a=1", "x", "b", .replace, .nonexist, "a=1"),
        ("d/ d/f=1 a=2", "a", "d/f", .replace, nil, "d/ d/f=2"),
        ("d/ d/f=1 a=2", "d/f", "a", .exchange, nil, "a=1 d/ d/f=2"),
        ("d/ d/f=1 e/", "d", "e", .replace, nil, "e/ e/f=1"),
        ("d/ e/ e/f=1", "d", "e", .replace, .notEmpty, "d/ e/ e/f=1"),
        ("d/ a=1", "d", "a", .replace, .notDir, "a=1 d/"),
        ("d/ a=1", "a", "d", .replace, .isDir, "a=1 d/"),
        ("d/ d/e/", "d", "d/e/d", .replace, .badArg, "d/ d/e/"),
        ("d/ d/e/", "d", "d/e", .exchange, .badArg, "d/ d/e/"),
        ("d/ d/e/ a=1", "a", "d/e", .exchange, nil, "a/ d/ d/e=1"),
        ("d/ d/f=1 e/ e/g=2", "d", "e", .exchange, nil, "d/ d/g=2 e/ e/f=1"),
    ]

    @Test(arguments: renames.indices) func renamingDoesWhatItShould(_ i: Int) async throws {
        let (tree, old, new, how, expected, after) = Self.renames[i]
        try await withRam { p in
            for word in tree.split(separator: " ") {
                let parts = word.split(separator: "=")
                if parts.count == 2 {
                    try p.put("/tmp/\(parts[0])", String(parts[1]))
                } else {
                    try p.mkdir("/tmp/\(word)")
                }
            }
            #expect(code { () throws(SysError) in try p.rename("/tmp/\(old)", "/tmp/\(new)", how) } == expected)
            #expect(try Self.tree("", p).joined(separator: " ") == after)
        }
    }

    private static func tree(_ path: String, _ p: Proc) throws(SysError) -> [String] {
        var found: [String] = []
        for name in try p.names("/tmp/\(path)").sorted() {
            if try p.stat("/tmp/\(path)\(name)").isDirectory {
                found += ["\(path)\(name)/"] + (try tree("\(path)\(name)/", p))
            } else {
                found.append("\(path)\(name)=\(try p.text("/tmp/\(path)\(name)"))")
            }
        }
        return found
    }

    @Test func renamingWithinOneDirectoryByWstat() async throws {
        try await withRam { p in
            try p.put("/tmp/a", "1")
            try p.put("/tmp/b", "2")
            let fd = try p.open("/tmp/a")
            try p.fwstat(fd, DirChange(name: "c"))
            #expect(try p.fstat(fd).name == "c" && p.fd2path(fd) == "/tmp/c")
            #expect(code { () throws(SysError) in try p.wstat("/tmp/c", DirChange(name: "b")) } == .exist)
            try p.wstat("/tmp/c", DirChange(name: "c"))
            #expect(code { () throws(SysError) in try p.wstat("/tmp/c", DirChange(name: "x/y")) } == .badChar)
            // All or nothing.
            let both = DirChange(name: "b", length: 0)
            #expect(code { () throws(SysError) in try p.wstat("/tmp/c", both) } == .exist)
            #expect(try p.text("/tmp/c") == "1")
        }
    }

    @Test func theDirectoryAboveIsTheRealOne() async throws {
        try await withRam { p in
            try p.mkdir("/tmp/a")
            try p.mkdir("/tmp/a/b")
            try p.mkdir("/tmp/c")
            try p.chdir("/tmp/a/b")
            try p.rename("/tmp/a/b", "/tmp/c/d")
            #expect(p.directory == "/tmp/c/d")
            #expect(try p.names("..") == ["d"])
            #expect(try p.names("../..").sorted() == ["a", "c"])
            #expect(try p.stat("#R/..").qid.path == p.stat("#R").qid.path)
        }
    }

    @Test func aReaderGoesOnAfterRemovalsAndSeesEachOtherNameOnce() async throws {
        try await withRam { p in
            for i in 0..<1000 { try p.put("/tmp/\(i)", "") }
            let fd = try p.open("/tmp")
            var seen: [String] = []
            var removed: Set<String> = []
            while case let some = try p.dirread(fd, limit: 7), !some.isEmpty {
                seen += some.map(\.name)
                for n in [seen.count * 3, seen.count - 1, seen.count + 20] where n < 1000 {
                    if code({ () throws(SysError) in try p.remove("/tmp/\(n)") }) == nil { removed.insert("\(n)") }
                }
                if seen.count < 50 { try p.put("/tmp/new\(seen.count)", "") }
            }
            #expect(Set(seen).count == seen.count)
            let left = try p.names("/tmp")
            #expect(Set(left).isSubset(of: seen))
            #expect(removed.isDisjoint(with: left) && removed.count > 100)
        }
    }

    @Test func permissionsDecide() async throws {
        try await withRam { p in
            try p.put("/tmp/f", "x", 0o640)
            try p.mkdir("/tmp/d", 0o750)
            try p.put("/tmp/d/g", "x", 0o666)
            try p.mkdir("/tmp/sticky")
            try p.setMode("/tmp/sticky", 0o777 | FileMode.sticky.rawValue)
            try p.put("/tmp/sticky/mine", "x", 0o666)
            try p.acting(as: "other") {
                #expect(code { () throws(SysError) in try p.open("/tmp/f") } == .perm)
                #expect(code { () throws(SysError) in try p.open("/tmp/d/g") } == .perm)
                #expect(code { () throws(SysError) in try p.open("/tmp/d") } == .perm)
                #expect(code { () throws(SysError) in try p.put("/tmp/d/h", "x") } == .perm)
                #expect(code { () throws(SysError) in try p.remove("/tmp/sticky/mine") } == .perm)
                #expect(code { () throws(SysError) in try p.rename("/tmp/sticky/mine", "/tmp/x") } == .perm)
                #expect(code { () throws(SysError) in try p.setMode("/tmp/f", 0o777) } == .notOwner)
                #expect(code { () throws(SysError) in try p.wstat("/tmp/f", DirChange(modified: 1)) } == .notOwner)
                #expect(code { () throws(SysError) in try p.wstat("/tmp/f", DirChange(length: 0)) } == .perm)
                try p.put("/tmp/sticky/theirs", "x")
                #expect(try p.stat("/tmp/sticky/theirs").owner == "other")
                #expect(try p.stat("/tmp/sticky/theirs").group == "glenda")
                // A directory that others may write in can be emptied by them.
                try p.remove("/tmp/f")
            }
            try p.acting(as: "third", groups: ["glenda"]) {
                let text = try p.text("/tmp/d/g")
                #expect(text == "x")
                #expect(code { () throws(SysError) in try p.put("/tmp/d/h", "x") } == .perm)
                #expect(code { () throws(SysError) in try p.wstat("/tmp/d", DirChange(group: "third")) } == .notOwner)
            }
            try p.remove("/tmp/sticky/theirs")
            #expect(code { () throws(SysError) in try p.wstat("/tmp/d", DirChange(owner: "other")) } == .notOwner)
            #expect(code { () throws(SysError) in try p.wstat("/tmp/d", DirChange(group: "nobody")) } == .notOwner)
            try p.setMode("/tmp/d", 0)
            #expect(code { () throws(SysError) in try p.open("/tmp/d/g") } == .perm)
            #expect(try p.stat("/tmp/d").mode == .directory)
        }
    }

    @Test func manyFilesInOneDirectoryStayFast() async throws {
        let count = 20_000
        try await withRam { p in
            try p.chdir("/tmp")
            for i in 0..<count { try p.close(try p.create("f\(i)", .write, FileMode(rawValue: 0o600))) }
            #expect(try p.names(".").count == count)
            for i in stride(from: 0, to: count, by: 2) { try p.remove("f\(i)") }
            #expect(try p.names(".").count == count / 2)
            #expect(try p.stat("f19999").length == 0)
        }
    }

    @Test func aDeepTreeIsTakenApart() async throws {
        let account = Account()
        try await withRam(account: account) { p in
            try p.chdir("/tmp")
            for _ in 0..<20_000 {
                try p.mkdir("d")
                try p.chdir("d")
            }
            try p.chdir("/")
        }
        #expect(account.held(.memory) == 0)
    }

    @Test func manyProcessesWorkInOneTree() async throws {
        let account = Account()
        try await withRam(account: account) { p in
            let before = account.held(.memory)
            for n in 0..<8 {
                _ = try p.spawn { (p) throws(SysError) in
                    try p.mkdir("/tmp/\(n)")
                    for i in 0..<200 {
                        try p.put("/tmp/\(n)/a", "\(i)")
                        try p.rename("/tmp/\(n)/a", "/tmp/\(n)/b")
                        try p.link("/tmp/\(n)/b", "/tmp/\(n)-\(i)")
                        guard try p.text("/tmp/\(n)-\(i)") == "\(i)" else { return "wrong text" }
                        try p.remove("/tmp/\(n)-\(i)")
                    }
                    try p.remove("/tmp/\(n)/b")
                    try p.remove("/tmp/\(n)")
                    return .ok
                }
            }
            for _ in 0..<8 { #expect(try p.wait().status == .ok) }
            #expect(try p.names("/tmp") == [])
            #expect(account.held(.memory) == before)
        }
    }
}
