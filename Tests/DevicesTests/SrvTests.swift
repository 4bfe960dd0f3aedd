import Devices
import Kernel
import Testing

@Suite struct SrvTests {
    /// Posts descriptor `fd` as `path`.
    static func post(_ p: Proc, _ fd: Int32, _ path: String, _ perm: UInt32 = 0o600) throws(SysError) {
        let file = try p.create(path, .write, FileMode(rawValue: perm))
        try p.write(file, "\(fd)\n")
        try p.close(file)
    }

    @Test(.timeLimit(.minutes(1))) func aPostedChannelIsTheSameChannel() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let (a, b) = try p.pipe()
            try Self.post(p, a, "/srv/x")
            try p.close(a)
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                let fd = try c.open("/srv/x", .readWrite)
                try c.write(fd, "from the child")
                return .ok
            }
            let text = String(decoding: try p.read(b, 100), as: UTF8.self)
            _ = try p.wait(.pid(pid))
            // Its file is what keeps the channel now.
            try p.remove("/srv/x")
            let end = try p.read(b, 100)
            return [text, "\(end.count)", failure { () throws(SysError) in _ = try p.open("/srv/x") }]
        }
        #expect(got == ["from the child", "0", "'/srv/x' file does not exist"])
    }

    /// How a pipe or a file was opened that is posted, how the posted file is opened, and what comes of it.
    static let modes: [(OpenMode, OpenMode, String)] = [
        (.read, .read, ""),
        (.read, .write, "'/srv/x' permission denied"),
        (.read, .readWrite, "'/srv/x' permission denied"),
        (.read, .execute, "'/srv/x' permission denied"),
        (.readWrite, .read, ""),
        (.readWrite, .write, ""),
        (.readWrite, .readWrite, ""),
        (.readWrite, .write.union(.truncate), "'/srv/x' file already exists"),
        (.write, .read, "'/srv/x' permission denied"),
        (.write, .write, ""),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: modes)
    func openingStaysWithinTheModeOfWhatWasPosted(posted: OpenMode, asked: OpenMode, expected: String) throws {
        let got = try inSystem { p throws(SysError) -> String in
            try p.bind("#s", "/srv", .create)
            try p.bind("#|", "/n")
            try Self.post(p, try p.open("/n/data", posted), "/srv/x")
            return failure { () throws(SysError) in _ = try p.open("/srv/x", asked) }
        }
        #expect(got == expected)
    }

    @Test(.timeLimit(.minutes(1))) func aPathsMaskKeepsWhatCanDoMore() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let (a, _) = try p.pipe()
            try Self.post(p, a, "/srv/x")
            try p.bind("/srv", "/srv", mask: [.read, .execute])
            return [
                failure { () throws(SysError) in _ = try p.open("/srv/x", .write) },
                // Reading would hand over a channel that can be written.
                failure { () throws(SysError) in _ = try p.open("/srv/x", .read) },
                failure { () throws(SysError) in try p.remove("/srv/x") },
                failure { () throws(SysError) in try Self.post(p, a, "/srv/y") },
            ]
        }
        #expect(
            got == [
                "'/srv/x' permission denied", "'/srv/x' permission denied", "'/srv/x' permission denied",
                "'/srv/y' permission denied",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func openingChangesNothingOfThePostersChannel() throws {
        let (mine, theirs) = try inSystem { p throws(SysError) -> (String, String) in
            try p.bind("#s", "/srv", .create)
            let fd = try p.open("/n")
            try Self.post(p, fd, "/srv/x")
            try p.bind("/srv", "/srv", mask: [.read, .execute])
            let other = try p.open("/srv/x")
            return (try p.fd2path(fd), try p.fd2path(other))
        }
        #expect(mine == "/n")
        #expect(theirs == "/n")
    }

    @Test(.timeLimit(.minutes(1))) func aFileBelongsToItsMaker() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let (a, _) = try p.pipe()
            try Self.post(p, a, "/srv/x")
            try Self.post(p, a, "/srv/all", 0o666)
            p.umask = 0
            try p.wstat("/srv/all", DirChange(mode: FileMode(rawValue: 0o666)))
            p.become(Cred(user: "mallory", uid: 1001, gid: 1001))
            let owner = try p.stat("/srv/x").owner
            return [
                owner,
                failure { () throws(SysError) in _ = try p.open("/srv/x") },
                failure { () throws(SysError) in _ = try p.open("/srv/all", .readWrite) },
                failure { () throws(SysError) in try p.remove("/srv/all") },
                failure { () throws(SysError) in try p.wstat("/srv/all", DirChange(name: "mine")) },
                failure { () throws(SysError) in try Self.post(p, a, "/srv/own") },
            ]
        }
        #expect(
            got == [
                "glenda", "'/srv/x' permission denied", "", "'/srv/all' permission denied",
                "'/srv/all' permission denied", "",
            ])
    }

    /// What is written to a new file, and the error.
    static let numbers = [
        "x", "", "-1", "99", "0 0", "99999999999999999999", "1e1", String(repeating: "0", count: 40),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: numbers)
    func whatIsNoDescriptorIsRefused(text: String) throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let file = try p.create("/srv/x", .write, FileMode(rawValue: 0o600))
            let post = failure { () throws(SysError) in try p.write(file, text) }
            return [post, failure { () throws(SysError) in _ = try p.open("/srv/x") }]
        }
        #expect(got[0] == "bad arg in system call" || got[0] == "fd out of range or not open")
        #expect(got[1] == "'/srv/x' i/o on hungup channel")
    }

    @Test(.timeLimit(.minutes(1))) func oneFilePostsOnceAndNeverItsOwnDevice() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let (a, b) = try p.pipe()
            let file = try p.create("/srv/x", .write, FileMode(rawValue: 0o600))
            let own = try p.open("/srv")
            return [
                failure { () throws(SysError) in try p.write(file, "\(own)") },
                failure { () throws(SysError) in try p.write(file, "\(a)") },
                failure { () throws(SysError) in try p.write(file, "\(b)") },
            ]
        }
        #expect(got == ["inappropriate use of fd", "", "device or object already in use"])
    }

    @Test(.timeLimit(.minutes(1))) func directoriesArePrivateOrSharedByName() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let (a, _) = try p.pipe()
            try p.bind("#s", "/srv", .create)
            try Self.post(p, a, "/srv/private")
            try p.bind("#s", "/mnt")
            try p.bind("#sone", "/n", .create)
            try Self.post(p, a, "/n/shared")
            // Nobody has the directory any more; its files keep it.
            try p.unmount(nil, "/n")
            let kept = try p.stat("#sone/shared").name
            try p.remove("#sone/shared")
            return [
                kept,
                failure { () throws(SysError) in _ = try p.stat("/mnt/private") },
                failure { () throws(SysError) in _ = try p.stat("#stwo/shared") },
                failure { () throws(SysError) in _ = try p.stat("#sone/shared") },
            ]
        }
        #expect(
            got == [
                "shared", "'/mnt/private' file does not exist", "'#stwo/shared' file does not exist",
                "'#sone/shared' file does not exist",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func filesAreListedRenamedAndRemovedOnClose() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            let (a, _) = try p.pipe()
            for name in ["c", "a", "b"] { try Self.post(p, a, "/srv/" + name) }
            try p.wstat("/srv/b", DirChange(name: "z"))
            let taken = failure { () throws(SysError) in try p.wstat("/srv/a", DirChange(name: "c")) }
            let dir = try p.open("/srv")
            var names: [String] = []
            while let entry = try p.dirread(dir, limit: 1).first {
                names.append(entry.name)
                if entry.name == "c" { try p.remove("/srv/c") }
            }
            let file = try p.create("/srv/short", .write.union(.removeOnClose), FileMode(rawValue: 0o600))
            try p.write(file, "\(a)")
            let there = try p.stat("/srv/short").name
            try p.close(file)
            return names + [taken, there, failure { () throws(SysError) in _ = try p.stat("/srv/short") }]
        }
        #expect(got == ["c", "a", "z", "'/srv/a' file already exists", "short", "'/srv/short' file does not exist"])
    }

    @Test(.timeLimit(.minutes(1))) func aDirectoryIsNoFileToMakeNorAFileToRead() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/srv", .create)
            return [
                failure { () throws(SysError) in try p.mkdir("/srv/d") },
                failure { () throws(SysError) in _ = try p.create("/srv/r", .read, FileMode(rawValue: 0o600)) },
                failure { () throws(SysError) in try p.remove("#s") },
                failure { () throws(SysError) in try p.bind("#s" + String(repeating: "x", count: 300), "/n") },
            ]
        }
        #expect(got[0] == "'/srv/d' permission denied")
        #expect(got[1] == "'/srv/r' permission denied")
        #expect(got[2] == "'#s' file is a directory")
        #expect(got[3].hasSuffix("bad attach specifier"))
    }
}
