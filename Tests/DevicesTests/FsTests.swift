import Glibc
import Host
import Testing

@testable import Devices
@testable import Kernel

@Suite struct FsTests {
    @Test(.timeLimit(.minutes(1)))
    func aFileIsMadeWrittenReadAndRemoved() throws {
        let host = HostFolder()
        try host.run { p throws(SysError) in
            let fd = try p.create("#Uin/new", .readWrite, FileMode(rawValue: 0o640))
            try p.write(fd, "hello, host\n")
            try expect(try p.seek(fd, 7), 7)
            try expect(String(decoding: try p.read(fd), as: UTF8.self), "host\n")
            try p.fsync(fd)
            try p.close(fd)
            try expect(host.get("in/new"), "hello, host\n")
            try expect(try p.stat("#Uin/new").mode.permissions, 0o640)
            try p.remove("#Uin/new")
            try expect(host.get("in/new"), nil)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func statTellsAllThatTheHostTells() throws {
        let host = HostFolder()
        host.put("in/f", "12345")
        var s = stat()
        chmod(host.path + "/in/f", 0o4751)
        let times = [timespec(tv_sec: 1000, tv_nsec: 5), timespec(tv_sec: -1, tv_nsec: 999_999_999)]
        utimensat(AT_FDCWD, host.path + "/in/f", times, 0)
        Glibc.link(host.path + "/in/f", host.path + "/in/g")
        stat(host.path + "/in/f", &s)
        let (inode, space) = (UInt64(s.st_size), UInt64(s.st_blocks) * 512)
        let (dir, open) = try host.run { p throws(SysError) in
            (try p.stat("#Uin/f"), try p.fstat(try p.open("#Uin/g")))
        }
        #expect(dir.name == "f" && open.name == "g")
        #expect(dir.qid == open.qid && dir.instance == open.instance)
        #expect(dir.length == inode && dir.space == space && dir.links == 2)
        #expect(dir.mode.permissions == 0o751 && dir.mode.contains(.setuid))
        #expect(dir.accessed == 1_000_000_000_005 && dir.modified == -1)
        #expect(dir.ownerID == geteuid() && dir.owner == HostUsers.name(user: geteuid()))
    }

    @Test(.timeLimit(.minutes(1)))
    func aFileIsChangedThroughItsStat() throws {
        let host = HostFolder()
        host.put("in/f", "0123456789")
        try host.run { p throws(SysError) in
            try p.wstat("#Uin/f", DirChange(length: 4))
            try expect(host.get("in/f"), "0123")
            let change = DirChange(mode: FileMode(rawValue: 0o604), accessed: 5, modified: -7)
            try p.wstat("#Uin/f", change)
            let dir = try p.stat("#Uin/f")
            try expect(dir.mode.permissions, 0o604)
            try expect(dir.accessed, 5)
            try expect(dir.modified, -7)
            try p.wstat("#Uin/f", DirChange(name: "g"))
            try expect(host.get("in/g"), "0123")
            try p.mkdir("#Uin/d")
            try expect(
                failure { () throws(SysError) in try p.wstat("#Uin/d", DirChange(name: "g")) },
                "'#Uin/d' file already exists")
            try expect(
                failure { () throws(SysError) in try p.wstat("#Uin/g", DirChange(owner: "no such user")) },
                "'#Uin/g' unknown user or group id")
            try expect(
                failure { () throws(SysError) in
                    try p.wstat("#Uin/g", DirChange(mode: FileMode(rawValue: FileMode.append.rawValue)))
                }, "'#Uin/g' operation not supported")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func filesAreLinkedRenamedAndExchanged() throws {
        let host = HostFolder()
        host.put("in/a", "A")
        host.put("in/b", "B")
        mkdir(host.path + "/in/d", 0o755)
        try host.run { p throws(SysError) in
            try p.bind("#Uin", "/n")
            try p.rename("/n/a", "/n/b", .exchange)
            try expect(host.get("in/a"), "B")
            try expect(
                failure { () throws(SysError) in try p.rename("/n/a", "/n/b", .noReplace) },
                "'/n/b' file already exists")
            try p.rename("/n/a", "/n/d/c")
            try p.link("/n/d/c", "/n/e")
            try expect(host.get("in/e"), "B")
            try expect(try p.stat("/n/e").qid, try p.stat("/n/d/c").qid)
            try p.symlink("d/c", "/n/s")
            try expect(try p.readlink("/n/s"), "d/c")
            try expect(try p.stat("/n/s").qid, try p.stat("/n/e").qid)
            try expect(try p.stat("/n/s", follow: false).qid.isSymlink, true)
            try expect(failure { () throws(SysError) in try p.remove("/n/d") }, "'/n/d' directory not empty")
            try p.remove("/n/d/c")
            try p.remove("/n/d")
            try p.remove("/n/s")
        }
        #expect(host.get("in/b") == "A")
    }

    @Test(.timeLimit(.minutes(1)))
    func whoStandsInARenamedDirectoryGoesWithIt() throws {
        let host = HostFolder()
        mkdir(host.path + "/in/old", 0o755)
        mkdir(host.path + "/in/old/deep", 0o755)
        host.put("in/old/deep/f", "kept")
        try host.run { p throws(SysError) in
            try p.bind("#Uin", "/n")
            try p.chdir("/n/old/deep")
            try p.rename("/n/old", "/n/new")
            try p.mkdir("/n/old")
            try expect(try p.text("f"), "kept")
            try expect(p.directory, "/n/new/deep")
            try p.chdir("..")
            try expect(try p.stat(".").name, "new")
            try p.rename("/n/new", "/n/old", .exchange)
            try expect(try p.text("deep/f"), "kept")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func namesThatAreNoTextAreReachableAndComeBack() throws {
        let host = HostFolder()
        let names: [[UInt8]] = [
            [0xFF, 0x61], [0xC3, 0xA9], [0xC3], [0x61, 0x80, 0x62], [0xF4, 0x8F, 0xA0, 0x80], [0xED, 0xA0, 0x80],
            Array(repeating: 0xFE, count: 255), [0xF4, 0x8F], Array("plain".utf8), [0xC0, 0xAF], [0x01, 0x0A],
        ]
        for (n, name) in names.enumerated() {
            #expect(HostName.bytes(HostName.text(name)) == name)
            let path = (Array((host.granted + "/").utf8) + name + [0]).map { CChar(bitPattern: $0) }
            let fd = Glibc.open(path, O_WRONLY | O_CREAT, 0o644)
            #expect(Glibc.write(fd, "\(n)", "\(n)".utf8.count) > 0)
            close(fd)
        }
        let texts = names.map { HostName.text($0) }
        #expect(Set(texts.map { Array($0.utf8) }).count == names.count)
        let seen = try host.run { p throws(SysError) in
            for (n, text) in texts.enumerated() { try expect(try p.text("#Uin/" + text), "\(n)") }
            try p.close(try p.create("#Uin/\u{10F87F}\u{10F800}new", .write, FileMode(rawValue: 0o600)))
            try expect(
                failure { () throws(SysError) in
                    try p.close(
                        try p.create("#Uin/" + String(repeating: "x", count: 256), .write, FileMode(rawValue: 0)))
                }.contains("file name too long"), true)
            return try p.dirread(try p.open("#Uin")).map(\.name)
        }
        for text in texts { #expect(seen.contains { $0.utf8.elementsEqual(text.utf8) }, "\(Array(text.utf8))") }
        let made = (Array((host.granted + "/").utf8) + [0xFF, 0x80] + Array("new".utf8) + [0])
            .map { CChar(bitPattern: $0) }
        #expect(access(made, F_OK) == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func aDirectoryIsReadWholeWhileItsFilesAreRemoved() throws {
        let host = HostFolder()
        let count = 3000
        for n in 0..<count { host.put("in/f\(n)") }
        let (seen, left) = try host.run { p throws(SysError) in
            let fd = try p.open("#Uin")
            var seen: [String] = []
            while true {
                let batch = try p.dirread(fd, limit: 7)
                if batch.isEmpty { break }
                seen += batch.map(\.name)
                for dir in batch { try p.remove("#Uin/\(dir.name)") }
            }
            return (seen, try p.dirread(try p.open("#Uin")).count)
        }
        #expect(seen.count == count && Set(seen).count == count)
        #expect(left == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func appendingWritersLoseNothing() throws {
        let host = HostFolder()
        host.put("in/log")
        try host.run { p throws(SysError) in
            for letter in ["a", "b", "c"] {
                _ = try p.spawn { p throws(SysError) in
                    let fd = try p.open("#Uin/log", .write.union(.append))
                    for _ in 0..<200 { try p.write(fd, "\(letter)\n") }
                    return .ok
                }
            }
            for _ in 0..<3 { _ = try p.wait() }
        }
        #expect(host.get("in/log")?.split(separator: "\n").count == 600)
    }

    @Test(.timeLimit(.minutes(1)))
    func creatingTheSameFileAtOnceOpensItForAll() throws {
        let host = HostFolder()
        let failures = try host.run { p throws(SysError) in
            let failures = Lock([String]())
            for round in 0..<50 {
                for _ in 0..<4 {
                    _ = try p.spawn { p throws(SysError) in
                        let text = failure { () throws(SysError) in
                            try p.close(try p.create("#Uin/f\(round)", .write, FileMode(rawValue: 0o600)))
                        }
                        if !text.isEmpty { failures.withLock { $0.append(text) } }
                        return .ok
                    }
                }
                for _ in 0..<4 { _ = try p.wait() }
            }
            return failures.withLock { $0 }
        }
        #expect(failures == [])
    }

    @Test(.timeLimit(.minutes(1)))
    func aPathLongerThanTheHostTakesIsWalked() throws {
        let host = HostFolder()
        let name = String(repeating: "d", count: 200)
        let text = try host.run { p throws(SysError) in
            try p.bind("#Uin", "/n")
            try p.chdir("/n")
            for _ in 0..<40 {
                try p.mkdir(name)
                try p.chdir(name)
            }
            let fd = try p.create("f", .write, FileMode(rawValue: 0o600))
            try p.write(fd, "deep")
            try p.close(fd)
            let path = "/n/" + String(repeating: name + "/", count: 40)
            try expect(try p.stat(path).name, name)
            return try p.text(path + "f")
        }
        #expect(text == "deep")
    }

    @Test(.timeLimit(.minutes(1)))
    func aWalkedFileHoldsNoDescriptor() throws {
        let host = HostFolder()
        mkdir(host.path + "/in/d", 0o755)
        for n in 0..<200 { host.put("in/d/f\(n)") }
        let (before, walked) = try host.run { p throws(SysError) in
            guard let dev = p.system.device("U") else { throw .badDevice }
            let root = try dev.attach("in", p.caller)
            let before = HostFolder.descriptors
            var held: [Chan] = []
            for n in 0..<200 {
                held.append(
                    try dev.walk(root, ["d", "f\(n)"], MountFilter(MountTable(), root.instance), p.caller).chan)
            }
            let after = HostFolder.descriptors
            return withExtendedLifetime(held) { (before, after) }
        }
        // Other tests of this process open and close meanwhile: far fewer than 200.
        #expect(abs(walked - before) < 100)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("#U", "'#U' bad attach specifier"), ("#Uelse", "'#Uelse' bad attach specifier"),
            ("#U*", "'#U*' the whole host is not shown (start emu with -H)"),
            ("#U/etc", "'#U/etc' bad attach specifier"), ("#U../out", "'#U../out' bad attach specifier"),
        ])
    func whatWasNotGrantedCannotBeAttached(path: String, error: String) throws {
        let said = try HostFolder().run { p throws(SysError) in
            failure { () throws(SysError) in _ = try p.stat(path) }
        }
        #expect(said == error)
    }

    @Test(.timeLimit(.minutes(1)))
    func aReadOnlyGrantIsReadOnly() throws {
        let host = HostFolder()
        host.put("in/f", "text")
        host.put("in/file", "single")
        let errors = try host.run([.read, .execute]) { p throws(SysError) in
            try expect(try p.text("#Uin/f"), "text")
            try expect(try p.text("#Ufile"), "single")
            try p.bind("#Uin", "/n")
            return [
                failure { () throws(SysError) in _ = try p.open("/n/f", .write) },
                failure { () throws(SysError) in _ = try p.create("/n/g", .write, FileMode(rawValue: 0o600)) },
                failure { () throws(SysError) in try p.remove("/n/f") },
                failure { () throws(SysError) in try p.wstat("/n/f", DirChange(length: 0)) },
                failure { () throws(SysError) in try p.rename("/n/f", "/n/h") },
                failure { () throws(SysError) in try p.symlink("f", "/n/s") },
                failure { () throws(SysError) in _ = try p.open("#Ufile", .write) },
            ]
        }
        for error in errors { #expect(error.hasSuffix("permission denied"), "\(error)") }
    }

    /// Walk and open may be one call of the device: mounts and masks are as if they were two.
    @Test(.timeLimit(.minutes(1)))
    func whatIsOpenedWithItsWalkIsWhatTheNameSpaceShows() throws {
        let host = HostFolder()
        mkdir(host.path + "/in/d", 0o755)
        host.put("in/d/f", "host")
        host.put("in/d/g", "other")
        symlink("g", host.path + "/in/d/l")
        mkfifo(host.path + "/in/d/p", 0o600)
        try host.run { p throws(SysError) in
            try p.bind("#Uin", "/n")
            let open = { (path: String, mode: OpenMode) in
                failure { () throws(SysError) in try p.close(try p.open(path, mode)) }
            }
            try expect(try p.text("/n/d/f"), "host")
            try expect(try p.text("/n/d/l"), "other")
            try expect(open("/n/d/f/", .read), "'/n/d/f/' not a directory")
            try expect(open("/n/d", .write), "'/n/d' file is a directory")
            try expect(open("/n/d/p", .nonBlocking), "")
            try p.bind("/n/d/g", "/n/d/f")
            try expect(try p.text("/n/d/f"), "other")
            try p.unmount(nil, "/n/d/f")
            let fd = try p.open("/n/d/f")
            try expect(try p.fd2path(fd), "/n/d/f")
            try p.rename("/n/d/f", "/n/d/h")
            try expect(try p.fd2path(fd), "/n/d/h")
            try p.bind("/n/d", "/n/d", mask: [.read, .execute])
            try expect(open("/n/d/h", .read), "")
            try expect(open("/n/d/h", .readWrite), "'/n/d/h' permission denied")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aSingleFileIsFoundByItsNameAfterItWasReplaced() throws {
        let host = HostFolder()
        host.put("in/file", "first")
        let (first, second) = try host.run { p throws(SysError) in
            let first = try p.text("#Ufile")
            host.put("in/next", "second")
            Glibc.rename(host.path + "/in/next", host.path + "/in/file")
            return (first, try p.text("#Ufile"))
        }
        #expect((first, second) == ("first", "second"))
    }

    @Test(.timeLimit(.minutes(1)))
    func anotherUserIsHeldToTheBitsOfTheFile() throws {
        let host = HostFolder()
        host.put("in/secret", "s")
        chmod(host.path + "/in/secret", 0o600)
        let error = try host.run { p throws(SysError) in
            p.become(Cred(user: "mallory", uid: 54321, gid: 54321))
            try expect(
                failure { () throws(SysError) in try p.wstat("#Uin/secret", DirChange(modified: 0)) },
                "'#Uin/secret' not owner")
            return failure { () throws(SysError) in _ = try p.open("#Uin/secret") }
        }
        #expect(error == "'#Uin/secret' permission denied")
    }

    @Test(.timeLimit(.minutes(1)))
    func closingAFileThatWasOpenedToBeRemovedRemovesIt() throws {
        let host = HostFolder()
        try host.run { p throws(SysError) in
            let fd = try p.create("#Uin/tmp", .write.union(.removeOnClose), FileMode(rawValue: 0o600))
            try expect(host.get("in/tmp"), "")
            try p.close(fd)
            try expect(host.get("in/tmp"), nil)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func statOfTheFileSystemAndALentDescriptorWork() throws {
        let host = HostFolder()
        host.put("in/f", "abcdef")
        try host.run { p throws(SysError) in
            guard let dev = p.system.device("U") else { throw .badDevice }
            let c = try p.openChan("#Uin/f")
            let room = try dev.statfs(c, p.caller)
            try expect(room.blocks > 0 && room.blockSize > 0, true)
            c.offset = 2
            guard let fd = try dev.lend(c, p.caller) else { throw .notSupported }
            var byte: UInt8 = 0
            try expect(Glibc.read(fd, &byte, 1), 1)
            try expect(byte, UInt8(ascii: "c"))
        }
    }
}

/// Fails with what was found where it is not what is wanted.
func expect<T: Equatable>(_ found: T, _ wanted: T) throws(SysError) {
    guard found == wanted else { throw SysError("found \(found), not \(wanted)") }
}
