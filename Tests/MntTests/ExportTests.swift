import Kernel
import KernelTestSupport
import Mnt
import NineP
import Testing

@Suite("The exporter")
struct ExportTests {
    /// A pipe of the system under /tmp/pipe, whose other end is the descriptor that is given.
    private static func pipe(_ p: Proc) throws -> Int32 {
        try p.mkdir("/tmp/pipe")
        try p.bind("#|", "/tmp/pipe")
        return try p.open("/tmp/pipe/data1", .readWrite)
    }

    /// Gives `body` an end of a pipe, and a client's fid of the other.
    private func servingPipe(_ body: @Sendable (Proc, Int32, Talk, UInt32) throws -> Void) async throws {
        try await serving { p in
            let end = try Self.pipe(p)
            let t = try p.serve()
            try t.start(.plan9)
            try body(p, end, t, try t.opened("pipe/data", .readWrite))
            try p.close(end)
        }
    }

    @Test("what is mounted below the directory is served, and .. leads out of it again", .timeLimit(.minutes(1)))
    func mounts() async throws {
        try await serving { p in
            try p.mkdir("/tmp/m")
            try p.bind("#Rother", "/tmp/m", .create)
            try p.put("/tmp/m/f", "in m")
            try p.mkdir("/tmp/m/d")
            let t = try p.serve()
            try t.start(.plan9)
            #expect(try t.text(t.opened("m/f")) == "in m")
            #expect(try t.stat(t.walk("m/d/../..")).qid == t.stat(0).qid)
            #expect(try t.stat("m").name == "m")
            #expect(try t.entries(t.opened("")).map(\.name) == ["m"])
            #expect(try t.entries(t.opened("")) == [t.stat("m")])
            // What something is mounted on stays.
            try t.refused(.remove(fid: t.walk("m")))
            try t.wstatRefused(t.walk("m")) { $0.name = "n" }
            try t.put("g", "made", in: t.walk("m"))
            #expect(try p.text("/tmp/m/g") == "made")
            // Later changes are seen.
            try p.unmount(nil, "/tmp/m")
            #expect(try !t.exists("m/f"))
        }
    }

    @Test(
        "a union is one directory: the first that has a name wins, new files go where they may", .timeLimit(.minutes(1))
    )
    func unions() async throws {
        try await serving { p in
            for name in ["a", "b", "u"] { try p.mkdir("/tmp/\(name)") }
            try p.put("/tmp/a/f", "a's")
            try p.put("/tmp/b/f", "b's")
            try p.put("/tmp/b/g", "b's")
            try p.bind("/tmp/a", "/tmp/u")
            try p.bind("/tmp/b", "/tmp/u", [.after, .create])
            for dialect in [Dialect.plan9, .linux] {
                let t = try p.serve("/tmp/u")
                try t.start(dialect)
                if dialect == .plan9 {
                    #expect(try t.text(t.opened("f")) == "a's")
                    #expect(try t.entries(t.opened("")).map(\.name).sorted() == ["f", "g"])
                    try t.put("h", "new")
                    #expect(try p.text("/tmp/b/h") == "new")
                    try t.refused(.create(fid: t.walk(""), name: "f", perm: FileMode(rawValue: 0o644), mode: .write))
                    try t.rpc(.remove(fid: t.walk("h")))
                } else {
                    let fid = try t.lopened("")
                    let all = try t.dirents(fid)
                    #expect(all.map(\.name) == [".", "..", "f", "g"])
                    for i in all.indices {
                        #expect(try t.dirents(fid, from: all[i].offset).map(\.name) == all[(i + 1)...].map(\.name))
                    }
                }
            }
        }
    }

    @Test("files of different trees have different qids, the same at each walk", .timeLimit(.minutes(1)))
    func qids() async throws {
        try await serving { p in
            for i in 0..<20 {
                try p.mkdir("/tmp/m\(i)")
                try p.bind("#Rtree\(i)", "/tmp/m\(i)", .create)
                try p.put("/tmp/m\(i)/f", "")
            }
            let t = try p.serve()
            try t.start(.plan9)
            var seen: Set<UInt64> = [try t.stat(0).qid.path]
            for i in 0..<20 {
                for name in ["m\(i)", "m\(i)/f"] {
                    let qid = try t.stat(name).qid
                    #expect(seen.insert(qid.path).inserted, "\(name)")
                    #expect(try t.stat(name).qid == qid)
                }
            }
        }
    }

    @Test("the export's mask counts everywhere", .timeLimit(.minutes(1)), arguments: [Dialect.plan9, .linux])
    func masks(_ dialect: Dialect) async throws {
        try await serving { p in
            try p.mkdir("/tmp/m")
            try p.bind("#Rother", "/tmp/m", .create)
            for name in ["/tmp/f", "/tmp/m/f"] { try p.put(name, "text") }
            var options = Export.Options()
            options.mask = [.read, .execute]
            let t = try p.serve("/tmp", options)
            try t.start(dialect)
            for directory in ["", "m/"] {
                let d = try t.walk(directory)
                let f = try t.walk(directory + "f")
                if dialect == .plan9 {
                    #expect(try t.text(t.opened(directory + "f")) == "text")
                    try t.refused(.open(fid: f, mode: .write))
                    try t.refused(.open(fid: f, mode: NineP.OpenMode(rawValue: 0x40)))
                    try t.refused(.create(fid: d, name: "g", perm: FileMode(rawValue: 0o644), mode: .read))
                    try t.wstatRefused(f) { $0.mode = FileMode(rawValue: 0o777) }
                    try t.wstatRefused(f) { $0.name = "g" }
                } else {
                    #expect(try t.text(t.lopened(directory + "f")) == "text")
                    try t.refused(.lopen(fid: f, flags: .writeOnly))
                    try t.refused(.lcreate(fid: d, name: "g", flags: .readWrite, mode: 0o644, gid: Wire.noUser))
                    try t.refused(.mkdir(dfid: d, name: "g", mode: 0o755, gid: Wire.noUser))
                    try t.refused(.symlink(fid: d, name: "g", symtgt: "x", gid: Wire.noUser))
                    try t.refused(.link(dfid: d, fid: f, name: "g"))
                    try t.refused(.rename(fid: f, dfid: d, name: "g"))
                    try t.refused(.renameat(olddirfid: d, oldname: "f", newdirfid: d, newname: "g"))
                    try t.refused(.unlinkat(dirfid: d, name: "f", flags: []))
                    try t.refused(.setattr(fid: f, attr: t.changed(.mode) { $0.mode = 0o777 }))
                }
                try t.refused(.remove(fid: f))
            }
            #expect(try p.names("/tmp") == ["m", "f"] || p.names("/tmp") == ["f", "m"])
        }
    }

    @Test("a path's mask counts in what is served through it", .timeLimit(.minutes(1)))
    func pathMask() async throws {
        try await serving { p in
            try p.mkdir("/tmp/m")
            try p.put("/tmp/m/f", "text")
            try p.bind("/tmp/m", "/tmp/m", mask: .read)
            let t = try p.serve()
            try t.start(.plan9)
            #expect(try t.exists("m") && !t.exists("m/f"))
        }
    }

    @Test("9P2000 follows symbolic links, which lead nowhere outside", .timeLimit(.minutes(1)))
    func links() async throws {
        try await serving { p in
            try p.mkdir("/tmp/top")
            try p.mkdir("/tmp/top/d")
            try p.put("/tmp/secret", "outside")
            try p.put("/tmp/top/d/f", "text")
            for (target, name) in [
                ("d", "dir"), ("d/f", "file"), ("/d/f", "rooted"), ("../secret", "up"), ("/tmp/secret", "out"),
                ("no", "nowhere"), ("loop", "loop"),
            ] { try p.symlink(target, "/tmp/top/\(name)") }
            let t = try p.serve("/tmp/top")
            try t.start(.plan9)
            for name in ["dir/f", "file", "rooted"] { #expect(try t.text(t.opened(name)) == "text") }
            for name in ["up", "out", "nowhere", "loop"] {
                let stat = try t.stat(name)
                #expect(!stat.qid.isSymlink && !stat.qid.isDirectory && stat.name == name)
                try t.refused(.open(fid: t.walk(name), mode: .read))
            }
            #expect(try t.stat("dir").name == "dir" && t.stat("dir").qid == t.stat("d").qid)
            for entry in try t.entries(t.opened("")) { #expect(try t.stat(entry.name) == entry) }
            // To remove and to rename a link is to remove and to rename the link.
            try t.wstat(t.walk("dir")) { $0.name = "dir2" }
            #expect(try p.readlink("/tmp/top/dir2") == "d")
            for name in ["dir2", "nowhere", "file"] { try t.rpc(.remove(fid: t.walk(name))) }
            #expect(try p.text("/tmp/top/d/f") == "text")
        }
    }

    @Test("a read that waits stalls nobody, and is answered when there is something", .timeLimit(.minutes(1)))
    func waits() async throws {
        try await servingPipe { p, end, t, fid in
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 901)
            for _ in 0..<20 { try t.lives() }
            try p.write(end, "one")
            let first = try t.hear()
            #expect(first?.tag == 900 && first?.data == Array("one".utf8))
            try p.write(end, "two")
            let second = try t.hear()
            #expect(second?.tag == 901 && second?.data == Array("two".utf8))
        }
    }

    @Test("a flush withdraws a read that waits; what comes later is for the next", .timeLimit(.minutes(1)))
    func flushes() async throws {
        try await servingPipe { p, end, t, fid in
            for round in 0..<50 {
                try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
                try t.ask(.flush(oldtag: 900), tag: 901)
                try t.ask(.flush(oldtag: 900), tag: 902)
                #expect(try t.hear()?.tag == 901)
                #expect(try t.hear()?.tag == 902)
                // Its tag may be used again.
                try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
                try p.write(end, "\(round)")
                #expect(try t.hear()?.data == Array("\(round)".utf8))
            }
        }
    }

    @Test("a tag that is in use is refused while its request waits", .timeLimit(.minutes(1)))
    func tags() async throws {
        try await servingPipe { p, end, t, fid in
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
            #expect(try t.call(.stat(fid: 0), tag: 900).isError)
            try p.write(end, "x")
            #expect(try t.hear()?.data == [120])
        }
    }

    @Test("a clunk while a read waits is answered, and so is the read", .timeLimit(.minutes(1)))
    func clunks() async throws {
        try await servingPipe { p, end, t, fid in
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
            try t.clunk(fid)
            try p.write(end, "x")
            #expect(try t.hear()?.data == [120])
        }
    }

    @Test("a write that waits for room is taken whole", .timeLimit(.minutes(1)))
    func writes() async throws {
        try await serving { p in
            let end = try Self.pipe(p)
            let t = try p.serve()
            try t.start(.plan9, msize: 1 << 20)
            let fid = try t.opened("pipe/data", .readWrite)
            let size = 500_000
            try t.ask(
                .write(fid: fid, offset: 0, count: UInt32(size)), tag: 900, data: [UInt8](repeating: 7, count: size))
            try t.ask(.write(fid: fid, offset: 0, count: 1), tag: 901, data: [8])
            try t.lives()
            let got = try p.readn(end, size + 1)
            #expect(got.count == size + 1 && got.last == 8 && got.dropLast().allSatisfy { $0 == 7 })
            let answers = try [t.hear(), t.hear()]
            #expect(answers.map { $0?.tag } == [900, 901])
            guard case .write(UInt32(size)) = answers[0]?.message else {
                Issue.record("\(String(describing: answers[0]))")
                return
            }
            try p.close(end)
        }
    }

    @Test(
        "a client that goes away leaves nothing: waiting reads, open files, locks, what was to be removed",
        .timeLimit(.minutes(1)), arguments: [false, true])
    func hangup(hostile: Bool) async throws {
        try await serving { p in
            let end = try Self.pipe(p)
            let other = try p.open("/tmp/pipe/data")
            let export = try Export("/tmp", of: p)
            for _ in 0..<20 {
                let (ours, its) = try p.pipe()
                let t = try p.connect(export, ours, its)
                try t.start(.linux)
                let fid = try t.lopened("pipe/data", .readWrite)
                for tag in 900..<910 as Range<UInt16> { try t.ask(.read(fid: fid, offset: 0, count: 100), tag: tag) }
                #expect(try t.lock(t.lcreate("locked"), .write, 0, 0) == 0)
                try t.start(.plan9)
                let clunked = try t.opened("pipe/data", .readWrite)
                for tag in 920..<930 as Range<UInt16> {
                    try t.ask(.read(fid: clunked, offset: 0, count: 100), tag: tag)
                }
                try t.clunk(clunked)
                _ = try t.create("gone", 0o644, NineP.OpenMode(rawValue: 2 | NineP.OpenMode.removeOnClose))
                for _ in 0..<100 { _ = try t.walk("") }
                if hostile {
                    try t.write([1, 0, 0, 0, 0, 0, 0])
                    try t.hangsUp()
                }
                try p.close(ours)
                #expect(try inTime { p.system.processCount == 1 })
            }
            #expect(try p.names("/tmp").sorted() == ["locked", "pipe"])
            let t = try p.connect(export)
            try t.start(.linux)
            #expect(try t.lock(t.lopened("locked", .readWrite), .write, 0, 0) == 0)
            try p.close(other)
            try p.close(end)
        }
    }

    @Test("a client that asks for much and reads nothing is slowed down, and nobody else", .timeLimit(.minutes(1)))
    func slow() async throws {
        try await serving { p in
            let export = try Export("/tmp", of: p)
            let (ours, its) = try p.pipe()
            let t = try p.connect(export, ours, its)
            try t.start(.plan9)
            let fid = try t.create("f")
            try t.write(fid, [UInt8](repeating: 1, count: 60_000))
            let request = try t.frame(.read(fid: fid, offset: 0, count: 60_000), tag: 1)
            let asker = try p.spawn([.forkFD], fds: [ours]) { child throws(SysError) in
                for _ in 0..<100_000 { try child.write(ours, request) }
                return .ok
            }
            #expect(try inTime { p.system.proc(asker)?.isBlocked ?? false })
            try p.sleep(milliseconds: 100)
            #expect(p.system.proc(asker)?.isBlocked ?? false)
            let other = try p.connect(export)
            try other.start(.plan9)
            for _ in 0..<20 { try other.lives() }
            try p.close(ours)
            p.system.proc(asker)?.kill()
            _ = try p.wait(.pid(asker))
        }
    }

    @Test("a hostile frame is told of in the log, and others are served on", .timeLimit(.minutes(1)))
    func hostile() async throws {
        try await serving { p in
            let export = try Export("/tmp", of: p)
            let (good, bad) = (try p.connect(export), try p.connect(export))
            try good.start(.plan9)
            try bad.start(.plan9)
            try bad.write([2, 0, 0, 0, 9, 9, 9])
            try bad.hangsUp()
            #expect(try inTime { (try? p.logged())?.contains("malformed frame") ?? false })
            try good.lives()
        }
    }

    @Test("an exclusive file is open once, whoever opens it", .timeLimit(.minutes(1)))
    func exclusive() async throws {
        try await serving { p in
            let export = try Export("/tmp", of: p)
            let (one, other) = (try p.connect(export), try p.connect(export))
            try one.start(.plan9)
            try other.start(.plan9)
            let fid = try one.create("f", 0o644 | FileMode.exclusive.rawValue)
            let why = try other.refused(.open(fid: other.walk("f"), mode: .read))
            #expect(why == "exclusive use file already open")
            try one.clunk(fid)
            try other.open(other.walk("f"))
        }
    }

    @Test("a tree that is mounted from elsewhere is served on, in order and without stalling", .timeLimit(.minutes(1)))
    func again() async throws {
        try await serving { p in
            try p.mkdir("/tmp/far")
            let end = try Self.pipe(p)
            let (ours, its) = try p.pipe()
            let first = try p.fildes(its)
            try p.close(its)
            let export = try Export("/tmp", of: p)
            _ = try p.spawn([.forkFD, .noWait], fds: []) { _ throws(SysError) in
                try export.serve(first, first, peer: "first")
                return .ok
            }
            try p.mkdir("/tmp/n")
            try p.mount(ours, "/tmp/n")
            let t = try p.serve("/tmp/n")
            try t.start(.plan9)
            try t.put("f", "text")
            #expect(try p.text("/tmp/f") == "text")
            // Requests that depend on each other, sent together.
            for _ in 0..<20 {
                try t.ask(.walk(fid: 0, newfid: 90, names: ["f"]), tag: 1)
                try t.ask(.open(fid: 90, mode: .read), tag: 2)
                try t.ask(.read(fid: 90, offset: 0, count: 100), tag: 3)
                try t.ask(.clunk(fid: 90), tag: 4)
                for _ in 0..<4 {
                    let reply = try t.hear()
                    #expect(reply?.isError == false, "\(String(describing: reply))")
                    if reply?.tag == 3 { #expect(reply?.data == Array("text".utf8)) }
                }
            }
            // One that waits, there, and is withdrawn.
            let fid = try t.opened("pipe/data", .readWrite)
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
            try t.lives()
            try t.ask(.flush(oldtag: 900), tag: 901)
            #expect(try t.hear()?.tag == 901)
            try t.ask(.read(fid: fid, offset: 0, count: 100), tag: 900)
            try p.write(end, "x")
            #expect(try t.hear()?.data == [120])
            try p.close(end)
        }
    }
}
