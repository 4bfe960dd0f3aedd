import Glibc
import Host
import Synchronization
import Testing

@testable import Devices
@testable import Kernel

/// What a granted directory must not let out of: each attempt with openat2 and without.
@Suite struct FsEscapeTests {
    private static let links = [
        ("/etc/passwd", "absolute"), ("../out/secret", "relative"), ("../../../../../../etc/passwd", "far"),
        ("d/../../out/secret", "through a directory"), ("/proc/self/root/etc/passwd", "magic"), ("loop", "itself"),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func aSymbolicLinkLeadsNowhereOutside(oneByOne: Bool) throws {
        let host = HostFolder()
        host.put("out/secret", "secret")
        mkdir(host.path + "/in/d", 0o755)
        symlink("../out", host.path + "/in/up")
        symlink("/etc", host.path + "/in/etc")
        symlink("loop", host.path + "/in/loop")
        for (n, link) in Self.links.enumerated() { symlink(link.0, host.path + "/in/l\(n)") }
        let reached = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            try p.bind("#Uin", "/n")
            var reached: [String] = []
            for path in (0..<Self.links.count).map({ "/n/l\($0)" }) + ["/n/up/secret", "/n/etc/passwd", "/n/loop/x"] {
                if failure({ () throws(SysError) in _ = try p.open(path) }).isEmpty { reached.append(path) }
                if failure({ () throws(SysError) in
                    try p.close(try p.create(path, .write, FileMode(rawValue: 0o600)))
                }).isEmpty {
                    reached.append("create \(path)")
                }
            }
            return reached
        }
        #expect(reached == [])
        #expect(host.get("out/secret") == "secret")
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func linksAreFollowedInOurNameSpace(oneByOne: Bool) throws {
        let host = HostFolder()
        mkdir(host.path + "/in/d", 0o755)
        host.put("in/d/f", "inside")
        symlink("d/f", host.path + "/in/near")
        symlink("/n/d/f", host.path + "/in/ours")
        symlink("../d", host.path + "/in/d/back")
        let texts = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            try p.bind("#Uin", "/n")
            return [try p.text("/n/near"), try p.text("/n/ours"), try p.text("/n/d/back/back/f")]
        }
        #expect(texts == ["inside", "inside", "inside"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func namesThatAreNoNamesAreRefusedByTheDeviceItself(oneByOne: Bool) throws {
        let host = HostFolder()
        host.put("out/secret", "secret")
        mkdir(host.path + "/in/d", 0o755)
        let reached = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            guard let dev = p.system.device("U") else { throw .badDevice }
            let root = try dev.attach("in", p.caller)
            var reached: [String] = []
            for names in [
                ["..", "out", "secret"], ["d", "..", "..", "out"], ["../out"], ["d/../../out"], [""], ["."], ["d\0"],
            ] {
                let filter = MountFilter(MountTable(), root.instance)
                if (try? dev.walk(root, names[...], filter, p.caller)) != nil { reached.append("walk \(names)") }
                guard let name = names.last, name.contains("/") || name.contains(".") || name.isEmpty else { continue }
                if (try? dev.create(root, name, .write, FileMode(rawValue: 0o600), p.caller)) != nil {
                    reached.append("create \(name)")
                }
                if (try? dev.symlink(root, name, to: "x", p.caller)) != nil { reached.append("symlink \(name)") }
                if (try? dev.wstat(root, DirChange(name: name), p.caller)) != nil { reached.append("wstat \(name)") }
            }
            let up = try dev.parent(root, p.caller)
            try expect(up.qid.path, root.qid.path)
            return reached
        }
        #expect(reached == [])
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func theMagicLinksOfProcLeadNowhere(oneByOne: Bool) throws {
        let reached = try HostFolder().run(oneByOne: oneByOne) { p throws(SysError) in
            try p.bind("#Uproc", "/prog")
            return [
                "self/root/etc/passwd", "self/cwd/Package.swift", "\(getpid())/root/etc/passwd", "self/exe",
                "self/fd/0",
            ]
            .filter { path in failure { () throws(SysError) in _ = try p.open("/prog/" + path) }.isEmpty }
        }
        #expect(reached == [])
    }

    /// While a directory inside and a link that leads outside take turns in one name.
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func noRaceOfRenamesLeadsOutside(oneByOne: Bool) throws {
        let host = HostFolder()
        mkdir(host.path + "/in/a", 0o755)
        mkdir(host.path + "/in/a/b", 0o755)
        host.put("in/a/b/f", "inside")
        mkdir(host.path + "/out/b", 0o755)
        host.put("out/b/f", "outside")
        symlink("../out", host.path + "/in/link")
        let stop = Atomic<Bool>(false)
        let done = Parker()
        precondition(
            HostThread.start {
                while !stop.load(ordering: .relaxed) {
                    try? HostFiles.rename(
                        host.path + "/in/a", in: AT_FDCWD, to: AT_FDCWD, as: host.path + "/in/link", .exchange)
                }
                done.unpark()
            })
        let (inside, bad) = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            try p.bind("#Uin", "/n")
            var (inside, bad) = (0, [String]())
            for round in 0..<4000 {
                do throws(SysError) {
                    let text = try p.text("/n/a/b/f")
                    if text == "inside" { inside += 1 } else { bad.append(text) }
                } catch {}  // refused: right while the link stands there
                // Nothing may be made, changed or removed outside either.
                _ = try? p.wstat("/n/a/b/f", DirChange(mode: FileMode(rawValue: 0o600 | UInt32(round & 0o77))))
                if round % 8 == 0, let fd = try? p.create("/n/a/b/new", .write, FileMode(rawValue: 0o600)) {
                    try? p.close(fd)
                    try? p.remove("/n/a/b/new")
                }
            }
            return (inside, bad)
        }
        stop.store(true, ordering: .relaxed)
        _ = done.park()
        #expect(bad == [])
        #expect(inside > 0)
        #expect(host.get("out/b/new") == nil)
        var s = stat()
        stat(host.path + "/out/b/f", &s)
        #expect(s.st_mode & 0o777 == 0o644)
    }

    /// A directory that is moved out while somebody stands in it takes nobody along.
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func whatIsMovedOutIsGone(oneByOne: Bool) throws {
        let host = HostFolder()
        mkdir(host.path + "/in/d", 0o755)
        host.put("in/d/f", "moved")
        let error = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            try p.bind("#Uin", "/n")
            try p.chdir("/n/d")
            try expect(try p.text("f"), "moved")
            Glibc.rename(host.path + "/in/d", host.path + "/out/d")
            return failure { () throws(SysError) in _ = try p.open("f") }
        }
        #expect(error == "'f' file does not exist")
    }

    /// What was found in a moment may be used until it ends; what is renamed through us meanwhile is seen at once.
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func whatWasFoundInAMomentEndsWithIt(oneByOne: Bool) throws {
        let host = HostFolder()
        mkdir(host.path + "/in/d", 0o755)
        mkdir(host.path + "/in/d/e", 0o755)
        host.put("in/d/e/f", "moved")
        let counts = try host.run(oneByOne: oneByOne) { p throws(SysError) in
            guard let dev = p.system.device("U") else { throw .badDevice }
            let moment = Moment()
            let caller = Caller(
                cred: p.caller.cred, clock: p.caller.clock, account: p.caller.account, moment: moment)
            let root = try dev.attach("in", caller)
            let filter = MountFilter(MountTable(), root.instance)
            func count(_ names: [String]) throws(SysError) -> Int {
                try dev.walk(root, names[...], filter, caller).count
            }
            moment.begin()
            var counts = [try count(["d", "e", "f"])]
            try dev.wstat(try dev.walk(root, ["d", "e"], filter, caller).chan, DirChange(name: "x"), caller)
            counts += [try count(["d", "e", "f"]), try count(["d", "x", "f"])]
            Glibc.rename(host.path + "/in/d/x", host.path + "/out/x")
            moment.end()
            counts.append(try count(["d", "x", "f"]))
            moment.begin()
            counts.append(try count(["d", "x", "f"]))
            moment.end()
            return counts
        }
        #expect(counts == [3, 1, 3, 1, 1])
    }

    @Test(.timeLimit(.minutes(1)))
    func anotherFileOfTheNameIsNotTheFileThatWasFound() throws {
        let host = HostFolder()
        host.put("in/f", "first")
        try host.run { p throws(SysError) in
            guard let dev = p.system.device("U") else { throw .badDevice }
            let root = try dev.attach("in", p.caller)
            let c = try dev.walk(root, ["f"], MountFilter(MountTable(), root.instance), p.caller).chan
            host.put("in/g", "second")
            Glibc.rename(host.path + "/in/g", host.path + "/in/f")
            let errors = [
                failure { () throws(SysError) in _ = try dev.open(c, .read, p.caller, .wait) },
                failure { () throws(SysError) in _ = try dev.stat(c, p.caller) },
                failure { () throws(SysError) in try dev.remove(c, p.caller) },
                failure { () throws(SysError) in try dev.wstat(c, DirChange(length: 0), p.caller) },
            ]
            try expect(errors, Array(repeating: "stale file handle", count: 4))
            try expect(try p.text("#Uin/f"), "second")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func deviceNodesOpenOnlyWhereThatWasGranted() throws {
        let host = HostFolder()
        // A node of our own needs privileges that this host may not give: then the name says what is there.
        let made = mknod(host.path + "/in/null", S_IFCHR | 0o666, 0x0103) == 0
        guard made else { return }
        for granted in [false, true] {
            let error = try host.run(devices: granted) { p throws(SysError) in
                failure { () throws(SysError) in try p.write(try p.open("#Uin/null", .write), "x") }
            }
            #expect(error == (granted ? "" : "'#Uin/null' device files of the host are off (start emu with -H)"))
        }
    }
}
