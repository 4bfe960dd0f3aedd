import NineP

extension Talk {
    /// A new fid for a new file, open.
    func lcreate(
        _ name: String, _ mode: UInt32 = 0o644, _ flags: OpenFlags = .readWrite, in directory: UInt32 = 0
    ) throws -> UInt32 {
        let fid = try walk("", from: directory)
        try rpc(.lcreate(fid: fid, name: name, flags: flags, mode: mode, gid: Wire.noUser))
        return fid
    }

    func lopened(_ path: String, _ flags: OpenFlags = []) throws -> UInt32 {
        let fid = try walk(path)
        try rpc(.lopen(fid: fid, flags: flags))
        return fid
    }

    func lput(_ name: String, _ text: String, in directory: UInt32 = 0, _ mode: UInt32 = 0o644) throws {
        let fid = try lcreate(name, mode, in: directory)
        try write(fid, text)
        try clunk(fid)
    }

    func lmkdir(_ name: String, in directory: UInt32 = 0, _ mode: UInt32 = 0o755) throws {
        try rpc(.mkdir(dfid: directory, name: name, mode: mode, gid: Wire.noUser))
    }

    func attr(_ fid: UInt32) throws -> Attr {
        guard case .getattr(let attr) = try rpc(.getattr(fid: fid, requestMask: .all)).message else {
            throw Wrong("no attributes")
        }
        try check(attr.valid.isSuperset(of: .basic), "all that stat(2) tells is there")
        return attr
    }

    func attr(_ path: String) throws -> Attr {
        let fid = try walk(path)
        defer { try? clunk(fid) }  // a case that cares clunks itself
        return try attr(fid)
    }

    func setattr(_ fid: UInt32, _ valid: SetAttr.Valid, _ body: (inout SetAttr) -> Void = { _ in }) throws {
        try rpc(.setattr(fid: fid, attr: changed(valid, body)))
    }

    func changed(_ valid: SetAttr.Valid, _ body: (inout SetAttr) -> Void) -> SetAttr {
        var attr = SetAttr(valid: valid)
        body(&attr)
        return attr
    }

    /// All entries of an open directory behind `offset`.
    func dirents(_ fid: UInt32, from offset: UInt64 = 0, _ count: UInt32 = 8192) throws -> [Dirent] {
        var offset = offset
        var found: [Dirent] = []
        while case let data = try rpc(.readdir(fid: fid, offset: offset, count: count)).data, !data.isEmpty {
            var at = 0
            while let entry = try Dirent.next(in: data.span, at: &at) { found.append(entry) }
            offset = found.last?.offset ?? offset
        }
        return found
    }

    func lock(_ fid: UInt32, _ kind: LockRange.Kind, _ start: UInt64, _ length: UInt64, by id: UInt32 = 1) throws
        -> UInt8
    {
        let range = LockRange(kind, start: start, length: length, procID: id, clientID: "test")
        guard case .lock(let status) = try rpc(.lock(fid: fid, flags: [], range: range)).message else { return 255 }
        return status.rawValue
    }

    func getlock(_ fid: UInt32, _ kind: LockRange.Kind, by id: UInt32 = 1) throws -> LockRange {
        let range = LockRange(kind, start: 0, length: 0, procID: id, clientID: "test")
        guard case .getlock(let found) = try rpc(.getlock(fid: fid, range: range)).message else { return range }
        return found
    }
}

/// errno numbers of Linux, as Rlerror has them.
private enum Number {
    static let perm = "1", noent = "2", badf = "9", access = "13", exist = "17", notdir = "20", isdir = "21"
    static let inval = "22", notempty = "39", loop = "40", notsup = "95"
}

/// What only 9P2000.L has, as diod's protocol.md and the Linux manual tell of it.
let linuxCases: [Case] = [
    Case("9P2000.L is agreed to", .linux, started: false) { t in try t.start(.linux) },
    Case("another Tversion may choose the other dialect", .linux) { t in
        try t.start(.plan9)
        _ = try t.stat(0)
        try t.start(.linux)
        _ = try t.attr(0)
    },
    Case("messages of 9P2000 alone are refused", .linux) { t in
        let stat = Stat.untouched
        for message: Tmessage in [
            .stat(fid: 0), .open(fid: 0, mode: .read), .wstat(fid: 0, stat: stat),
            .create(fid: 0, name: "x", perm: FileMode(rawValue: 0o644), mode: .read),
        ] { try t.refused(message) }
        _ = try t.attr(0)
    },
    Case("errors are numbers", .linux) { t in
        try t.lput("f", "x")
        try t.lmkdir("d")
        let f = try t.walk("f")
        try t.check(try t.refused(.walk(fid: 0, newfid: 90, names: ["no"])) == Number.noent, "ENOENT")
        try t.check(try t.refused(.walk(fid: f, newfid: 90, names: ["no"])) == Number.notdir, "ENOTDIR")
        try t.check(
            try t.refused(.mkdir(dfid: 0, name: "d", mode: 0o755, gid: Wire.noUser)) == Number.exist, "EEXIST")
        try t.check(try t.refused(.lopen(fid: t.walk("d"), flags: .writeOnly)) == Number.isdir, "EISDIR")
        try t.check(try t.refused(.read(fid: f, offset: 0, count: 1)) == Number.badf, "EBADF")
        try t.check(try t.refused(.getattr(fid: 91, requestMask: .basic)) == Number.badf, "EBADF for a fid")
    },
    Case("every message of 9P2000.L refuses a fid that is not known", .linux) { t in
        let range = LockRange(.read, start: 0, length: 0, procID: 1, clientID: "x")
        for message: Tmessage in [
            .statfs(fid: 77), .lopen(fid: 77, flags: []),
            .lcreate(fid: 77, name: "x", flags: [], mode: 0o644, gid: 0),
            .symlink(fid: 77, name: "x", symtgt: "y", gid: 0),
            .mknod(dfid: 77, name: "x", mode: 0o100644, major: 0, minor: 0, gid: 0),
            .rename(fid: 77, dfid: 0, name: "x"), .rename(fid: 0, dfid: 77, name: "x"), .readlink(fid: 77),
            .getattr(fid: 77, requestMask: .basic), .setattr(fid: 77, attr: SetAttr(valid: .mode)),
            .xattrwalk(fid: 77, newfid: 78, name: "user.x"),
            .xattrcreate(fid: 77, name: "user.x", attrSize: 1, flags: XattrFlags(rawValue: 0)),
            .readdir(fid: 77, offset: 0, count: 100), .fsync(fid: 77, datasync: 0),
            .lock(fid: 77, flags: [], range: range), .getlock(fid: 77, range: range),
            .link(dfid: 77, fid: 0, name: "x"), .link(dfid: 0, fid: 77, name: "x"),
            .mkdir(dfid: 77, name: "x", mode: 0o755, gid: 0),
            .renameat(olddirfid: 77, oldname: "x", newdirfid: 0, newname: "y"),
            .renameat(olddirfid: 0, oldname: "x", newdirfid: 77, newname: "y"),
            .unlinkat(dirfid: 77, name: "x", flags: []),
        ] { try t.refused(message) }
        _ = try t.attr(0)
    },
    Case("lopen opens as Linux's flags say", .linux) { t in
        try t.lput("f", "some text")
        try t.check(try t.text(t.lopened("f")) == "some text", "O_RDONLY")
        try t.write(t.lopened("f", .writeOnly), "S")
        try t.check(try t.text(t.lopened("f", .readWrite)) == "Some text", "O_RDWR")
        let cut = try t.lopened("f", [.writeOnly, .truncate])
        try t.check(try t.attr(cut).size == 0, "O_TRUNC")
        try t.refused(.lopen(fid: t.walk("f"), flags: OpenFlags(rawValue: 3)))
        try t.check(try t.refused(.lopen(fid: t.walk("f"), flags: .directory)) == Number.notdir, "O_DIRECTORY")
    },
    Case("O_APPEND writes at the end", .linux) { t in
        try t.lput("f", "one")
        let fid = try t.lopened("f", [.writeOnly, .append])
        try t.write(fid, "two", at: 0)
        try t.check(try t.text(t.lopened("f")) == "onetwo", "at the end")
    },
    Case("flags that are the client's own harm nothing", .linux) { t in
        try t.lput("f", "x")
        let flags: OpenFlags = [.nonBlocking, .largeFile, .closeOnExec, .noFollow, .noTerminal, .sync, .create]
        try t.check(try t.text(t.lopened("f", flags)) == "x", "it is read")
    },
    Case("the open mode is kept to", .linux) { t in
        try t.lput("f", "x")
        try t.refused(.write(fid: t.lopened("f"), offset: 0, count: 1), data: [1])
        try t.refused(.read(fid: t.lopened("f", .writeOnly), offset: 0, count: 1))
    },
    Case("lcreate makes a file and opens it", .linux) { t in
        let fid = try t.lcreate("f", 0o640, [.readWrite, .create, .exclusive])
        try t.write(fid, "text")
        let attr = try t.attr(fid)
        try t.check(attr.mode == 0o100640 && attr.size == 4, "its bits and its length")
    },
    Case("lcreate with O_EXCL of a name that is taken is refused", .linux) { t in
        try t.lput("f", "text")
        let fid = try t.walk("")
        let message = Tmessage.lcreate(
            fid: fid, name: "f", flags: [.readWrite, .create, .exclusive, .truncate], mode: 0o644, gid: Wire.noUser)
        try t.check(try t.refused(message) == Number.exist, "EEXIST")
        try t.check(try t.text(t.lopened("f")) == "text", "it is as it was")
        try t.check(try t.attr(fid).qid.isDirectory, "the fid stays on the directory")
    },
    Case("lcreate without O_EXCL opens what is there", .linux) { t in
        try t.lput("f", "text")
        try t.check(try t.text(t.lcreate("f", 0o644, [.readWrite, .create])) == "text", "it is read")
    },
    Case("an open fid can be cloned, and the clone is not open", .linux) { t in
        try t.lput("f", "x")
        let fid = try t.lopened("f")
        let clone = try t.walk("", from: fid)
        try t.refused(.read(fid: clone, offset: 0, count: 1))
        try t.rpc(.lopen(fid: clone, flags: []))
        try t.check(try t.text(clone) == "x", "it can be opened")
    },
    Case("an open fid that walks itself is open no more", .linux) { t in
        try t.lmkdir("d")
        let fid = try t.lopened("", .directory)
        try t.walk("d", from: fid, to: fid)
        try t.refused(.readdir(fid: fid, offset: 0, count: 1000))
        try t.rpc(.lopen(fid: fid, flags: .directory))
        try t.check(try t.dirents(fid).count == 2, "it can be opened")
    },
    Case("mkdir makes a directory and gives its qid", .linux) { t in
        guard case .mkdir(let qid) = try t.rpc(.mkdir(dfid: 0, name: "d", mode: 0o700, gid: Wire.noUser)).message
        else { return }
        let attr = try t.attr("d")
        try t.check(attr.qid == qid && attr.mode == 0o040700, "it is there")
        try t.check(attr.nlink >= 1, "it has links")
    },
    Case("new names may not be . or .. or have a slash", .linux) { t in
        try t.lput("f", "x")
        let f = try t.walk("f")
        for name in [".", "..", "", "a/b"] {
            try t.refused(.mkdir(dfid: 0, name: name, mode: 0o755, gid: 0))
            try t.refused(.symlink(fid: 0, name: name, symtgt: "x", gid: 0))
            try t.refused(.link(dfid: 0, fid: f, name: name))
            try t.refused(.renameat(olddirfid: 0, oldname: "f", newdirfid: 0, newname: name))
            try t.refused(.rename(fid: f, dfid: 0, name: name))
            try t.refused(.lcreate(fid: 0, name: name, flags: .readWrite, mode: 0o644, gid: 0))
            try t.refused(.unlinkat(dirfid: 0, name: name, flags: .removeDirectory))
        }
        try t.check(try t.text(t.lopened("f")) == "x", "f is as it was")
    },
    Case("a symbolic link is itself", .linux) { t in
        try t.lput("f", "text")
        guard case .symlink(let qid) = try t.rpc(.symlink(fid: 0, name: "l", symtgt: "f", gid: Wire.noUser)).message
        else { return }
        try t.check(qid.isSymlink, "its qid says so")
        let fid = try t.walk("l")
        let attr = try t.attr(fid)
        try t.check(attr.mode & 0o170000 == 0o120000 && attr.size == 1, "it has a link's mode and length")
        guard case .readlink("f") = try t.rpc(.readlink(fid: fid)).message else { throw Wrong("it leads to f") }
        try t.check(try t.refused(.lopen(fid: fid, flags: [])) == Number.loop, "it is not opened")
        try t.refused(.walk(fid: fid, newfid: 90, names: ["x"]))
    },
    Case("a symbolic link to outside is only text", .linux) { t in
        try t.rpc(.symlink(fid: 0, name: "l", symtgt: "/etc/../../../secret", gid: Wire.noUser))
        let fid = try t.walk("l")
        guard case .readlink("/etc/../../../secret") = try t.rpc(.readlink(fid: fid)).message else {
            throw Wrong("it is given as it was made")
        }
        try t.check(try !t.exists("l/x"), "nobody follows it")
    },
    Case("readlink of what is no link is refused", .linux) { t in
        try t.lput("f", "x")
        try t.check(try t.refused(.readlink(fid: t.walk("f"))) == Number.inval, "EINVAL")
    },
    Case("a hard link is another name of the file", .linux) { t in
        try t.lput("f", "text")
        try t.rpc(.link(dfid: 0, fid: t.walk("f"), name: "g"))
        let (f, g) = (try t.attr("f"), try t.attr("g"))
        try t.check(f.qid == g.qid && f.nlink == 2, "one file with two names")
        try t.rpc(.unlinkat(dirfid: 0, name: "f", flags: []))
        try t.check(try t.text(t.lopened("g")) == "text" && t.attr("g").nlink == 1, "the other name stays")
    },
    Case("a directory gets no hard link", .linux) { t in
        try t.lmkdir("d")
        try t.refused(.link(dfid: 0, fid: t.walk("d"), name: "e"))
    },
    Case("mknod of a device is refused", .linux) { t in
        for kind in [0o020666, 0o060666, 0o010666, 0o140666] as [UInt32] {
            let reply = try t.call(.mknod(dfid: 0, name: "n", mode: kind, major: 1, minor: 3, gid: Wire.noUser))
            guard case .lerror(let number) = reply.message else { return try t.check(false, "it was made") }
            try t.check([1, 95].contains(number), "EPERM, or EOPNOTSUPP as with diod: \(number)")
        }
        try t.check(try !t.exists("n"), "nothing is made")
    },
    Case("renameat moves a file, and over another", .linux) { t in
        try t.lmkdir("d")
        try t.lput("f", "one")
        let d = try t.walk("d")
        try t.lput("g", "two", in: d)
        try t.rpc(.renameat(olddirfid: 0, oldname: "f", newdirfid: d, newname: "g"))
        try t.check(try t.text(t.lopened("d/g")) == "one" && !t.exists("f"), "it is there alone")
    },
    Case("renameat of what is not there is refused", .linux) { t in
        try t.check(
            try t.refused(.renameat(olddirfid: 0, oldname: "no", newdirfid: 0, newname: "x")) == Number.noent, "ENOENT")
    },
    Case("a directory is not moved into itself", .linux) { t in
        try t.lmkdir("d")
        let d = try t.walk("d")
        try t.lmkdir("e", in: d)
        let e = try t.walk("d/e")
        try t.refused(.renameat(olddirfid: 0, oldname: "d", newdirfid: e, newname: "f"))
        try t.refused(.rename(fid: d, dfid: e, name: "f"))
        try t.check(try t.exists("d/e"), "it is where it was")
    },
    Case("a directory that is not empty is not replaced", .linux) { t in
        try t.lmkdir("d")
        try t.lmkdir("e")
        try t.lput("f", "x", in: t.walk("e"))
        let why = try t.refused(.renameat(olddirfid: 0, oldname: "d", newdirfid: 0, newname: "e"))
        try t.check(why == Number.notempty || why == Number.exist, "ENOTEMPTY: \(why)")
    },
    Case("rename moves the file of a fid, and the fid stays with it", .linux) { t in
        try t.lmkdir("d")
        let open = try t.lcreate("f")
        let fid = try t.walk("f")
        try t.rpc(.rename(fid: fid, dfid: t.walk("d"), name: "g"))
        try t.write(open, "x")
        try t.check(try t.attr(fid).size == 1, "the fid stays")
        try t.check(try t.text(t.lopened("d/g")) == "x" && !t.exists("f"), "it is found there")
    },
    Case("fids below a directory that is moved stay", .linux) { t in
        try t.lmkdir("d")
        try t.lmkdir("e")
        try t.lput("f", "x", in: t.walk("d"))
        let fid = try t.walk("d/f")
        try t.rpc(.renameat(olddirfid: 0, oldname: "d", newdirfid: t.walk("e"), newname: "d2"))
        try t.rpc(.lopen(fid: fid, flags: []))
        try t.check(try t.text(fid) == "x", "it is read")
        try t.check(try t.exists("e/d2/f"), "it is found there")
    },
    Case("unlinkat removes a file, and a directory where asked", .linux) { t in
        try t.lput("f", "x")
        try t.lmkdir("d")
        try t.check(
            try t.refused(.unlinkat(dirfid: 0, name: "f", flags: .removeDirectory)) == Number.notdir, "ENOTDIR")
        try t.check(try t.refused(.unlinkat(dirfid: 0, name: "d", flags: [])) == Number.isdir, "EISDIR")
        try t.rpc(.unlinkat(dirfid: 0, name: "f", flags: []))
        try t.rpc(.unlinkat(dirfid: 0, name: "d", flags: .removeDirectory))
        try t.check(try !t.exists("f") && !t.exists("d"), "both are gone")
    },
    Case("unlinkat of a directory that is not empty is refused", .linux) { t in
        try t.lmkdir("d")
        try t.lput("f", "x", in: t.walk("d"))
        let why = try t.refused(.unlinkat(dirfid: 0, name: "d", flags: .removeDirectory))
        try t.check(why == Number.notempty || why == Number.exist, "ENOTEMPTY: \(why)")
    },
    Case("what is unlinked while it is open stays as it is", .linux) { t in
        let fid = try t.lcreate("f")
        try t.write(fid, "before")
        try t.rpc(.unlinkat(dirfid: 0, name: "f", flags: []))
        try t.write(fid, "after", at: 6)
        try t.check(try t.text(fid) == "beforeafter", "read and write")
        try t.setattr(fid, .size) { $0.size = 3 }
        try t.check(try t.attr(fid).size == 3, "getattr and setattr")
        try t.rpc(.fsync(fid: fid, datasync: 0))
        try t.clunk(fid)
    },
    Case("remove works as in 9P2000", .linux) { t in
        try t.lput("f", "x")
        let fid = try t.walk("f")
        try t.rpc(.remove(fid: fid))
        try t.check(try !t.exists("f"), "it is gone")
        try t.refused(.getattr(fid: fid, requestMask: .basic))
    },
    Case("getattr tells what the file is", .linux) { t in
        let fid = try t.lcreate("f", 0o604)
        try t.write(fid, [UInt8](repeating: 1, count: 1000))
        let attr = try t.attr("f")
        try t.check(attr.mode == 0o100604 && attr.size == 1000 && attr.nlink == 1, "mode, size, links")
        try t.check(attr.mtime.sec > 1_600_000_000 && attr.mtime.nsec < 1_000_000_000, "times")
        try t.check(try t.attr(0).mode & 0o170000 == 0o040000, "the root is a directory")
    },
    Case("setattr changes the mode and keeps the kind", .linux) { t in
        try t.lput("f", "x")
        try t.lmkdir("d")
        try t.setattr(t.walk("f"), .mode) { $0.mode = 0o100751 }
        try t.setattr(t.walk("d"), .mode) { $0.mode = 0o711 }
        try t.check(try t.attr("f").mode == 0o100751 && t.attr("d").mode == 0o040711, "both")
    },
    Case("setattr sets times to the nanosecond", .linux) { t in
        try t.lput("f", "x")
        let time = Timespec(sec: 1_234_567_890, nsec: 123_456_789)
        try t.setattr(t.walk("f"), [.mtime, .mtimeSet, .atime, .atimeSet]) { ($0.mtime, $0.atime) = (time, time) }
        let attr = try t.attr("f")
        try t.check(attr.mtime == time && attr.atime == time, "both")
    },
    Case("setattr sets times to now where none is given", .linux) { t in
        try t.lput("f", "x")
        let fid = try t.walk("f")
        try t.setattr(fid, [.mtime, .mtimeSet]) { $0.mtime = Timespec(sec: 1) }
        try t.setattr(fid, .mtime)
        try t.check(try t.attr(fid).mtime.sec > 1_600_000_000, "now")
    },
    Case("setattr cuts and lengthens", .linux) { t in
        try t.lput("f", "some text")
        try t.setattr(t.walk("f"), .size) { $0.size = 4 }
        try t.check(try t.text(t.lopened("f")) == "some", "cut")
        try t.setattr(t.walk("f"), .size) { $0.size = 5 }
        try t.check(try t.read(t.lopened("f")).count == 5, "longer")
        try t.refused(.setattr(fid: t.walk("f"), attr: t.changed(.size) { $0.size = .max }))
        try t.refused(.setattr(fid: 0, attr: t.changed(.size) { $0.size = 1 }))
    },
    Case("setattr of size and mtime leaves the mtime that was asked for", .linux) { t in
        try t.lput("f", "some text")
        try t.setattr(t.walk("f"), [.size, .mtime, .mtimeSet]) {
            $0.size = 4
            $0.mtime = Timespec(sec: 1000)
        }
        let attr = try t.attr("f")
        try t.check(attr.size == 4 && attr.mtime.sec == 1000, "both")
    },
    Case("setattr to another's uid is refused", .linux) { t in
        try t.lput("f", "x")
        let fid = try t.walk("f")
        let own = try t.attr(fid).uid
        try t.refused(.setattr(fid: fid, attr: t.changed([.uid, .mode]) { ($0.uid, $0.mode) = (own &+ 5, 0o777) }))
        try t.check(try t.attr(fid).mode & 0o777 == 0o644, "nothing else is changed")
        try t.setattr(fid, .uid) { $0.uid = own }
    },
    Case("setattr of nothing, and of the ctime alone, succeeds", .linux) { t in
        try t.lput("f", "x")
        try t.setattr(t.walk("f"), [])
        try t.setattr(t.walk("f"), .ctime)
    },
    Case("readdir gives all entries with . and ..", .linux) { t in
        try t.lmkdir("d")
        let d = try t.walk("d")
        for i in 0..<40 { try t.lput("n\(i)", "", in: d) }
        try t.rpc(.symlink(fid: d, name: "l", symtgt: "n0", gid: Wire.noUser))
        try t.lmkdir("e", in: d)
        let entries = try t.dirents(t.lopened("d", .directory))
        try t.check(Set(entries.map(\.name)) == Set([".", "..", "l", "e"] + (0..<40).map { "n\($0)" }), "all")
        try t.check(entries.count == 44, "each once")
        for entry in entries where entry.name != "." && entry.name != ".." {
            try t.check(try t.attr("d/\(entry.name)").qid == entry.qid, "\(entry.name)'s qid")
        }
        try t.check(entries.first { $0.name == "l" }?.type == 10, "DT_LNK")
        try t.check(entries.first { $0.name == "e" }?.type == 4, "DT_DIR")
    },
    Case("readdir goes on behind any entry that it gave", .linux) { t in
        try t.lmkdir("d")
        let d = try t.walk("d")
        for i in 0..<30 { try t.lput("n\(i)", "", in: d) }
        let fid = try t.lopened("d")
        let all = try t.dirents(fid)
        for i in [0, 1, 2, 3, 17, 30, 31] {
            let rest = try t.dirents(fid, from: all[i].offset, 200)
            try t.check(rest.map(\.name) == all[(i + 1)...].map(\.name), "behind \(all[i].name)")
        }
    },
    Case("readdir gives what is left when entries are removed meanwhile", .linux) { t in
        try t.lmkdir("d")
        let d = try t.walk("d")
        for i in 0..<30 { try t.lput("n\(i)", "", in: d) }
        let fid = try t.lopened("d")
        var offset: UInt64 = 0
        var seen = 0
        while case let data = try t.rpc(.readdir(fid: fid, offset: offset, count: 300)).data, !data.isEmpty {
            var at = 0
            while let entry = try Dirent.next(in: data.span, at: &at) {
                offset = entry.offset
                guard entry.name != ".", entry.name != ".." else { continue }
                try t.rpc(.unlinkat(dirfid: d, name: entry.name, flags: []))
                seen += 1
            }
        }
        try t.check(seen == 30, "each was seen once: \(seen)")
    },
    Case("readdir with too little room is refused", .linux) { t in
        try t.refused(.readdir(fid: t.lopened(""), offset: 0, count: 10))
    },
    Case("readdir of what is no directory, and of what is not open, is refused", .linux) { t in
        try t.lput("f", "x")
        try t.refused(.readdir(fid: t.lopened("f"), offset: 0, count: 1000))
        try t.refused(.readdir(fid: 0, offset: 0, count: 1000))
        try t.refused(.read(fid: t.lopened(""), offset: 0, count: 1000))
    },
    Case("readdir at an offset that was never given harms nothing", .linux) { t in
        let fid = try t.lopened("")
        for offset in [1 << 40, 1 << 63, .max] as [UInt64] {
            _ = try t.call(.readdir(fid: fid, offset: offset, count: 1000))
        }
        _ = try t.attr(0)
    },
    Case("statfs tells of the room", .linux) { t in
        guard case .statfs(let room) = try t.rpc(.statfs(fid: 0)).message else { return }
        try t.check(room.bsize > 0 && room.blocks >= room.bfree && room.namelen > 0, "it makes sense")
    },
    Case("fsync of an open file succeeds, of another is refused", .linux) { t in
        let fid = try t.lcreate("f")
        try t.write(fid, "x")
        try t.rpc(.fsync(fid: fid, datasync: 1))
        try t.refused(.fsync(fid: t.walk("f"), datasync: 0))
    },
    Case("extended attributes are served or refused with EOPNOTSUPP", .linux) { t in
        try t.lput("f", "x")
        let fid = try t.walk("f")
        let reply = try t.call(.xattrwalk(fid: fid, newfid: 90, name: "user.none"))
        if case .lerror(let number) = reply.message { try t.check([95, 61].contains(number), "\(number)") }
        if !reply.isError { try t.clunk(90) }
    },
    Case("a lock hinders another process's, and goes with its unlock", .linux) { t in
        let fid = try t.lcreate("f")
        let other = try t.lopened("f", .readWrite)
        try t.check(try t.lock(fid, .write, 0, 10) == 0, "it is taken")
        try t.check(try t.lock(other, .write, 5, 10, by: 2) == 1, "an overlapping one is blocked")
        try t.check(try t.lock(other, .read, 5, 1, by: 2) == 1, "a reader's too")
        try t.check(try t.lock(other, .write, 10, 10, by: 2) == 0, "the next range is free")
        try t.check(try t.lock(fid, .unlock, 0, 0) == 0, "it is given up")
        try t.check(try t.lock(other, .write, 0, 0, by: 2) == 0, "all is free")
    },
    Case("readers share a range", .linux) { t in
        let fid = try t.lcreate("f")
        let other = try t.lopened("f", .readWrite)
        try t.check(try t.lock(fid, .read, 0, 0) == 0 && t.lock(other, .read, 0, 0, by: 2) == 0, "both")
        try t.check(try t.lock(fid, .write, 0, 0) == 1, "no writer beside them")
    },
    Case("an unlock in the middle leaves both ends", .linux) { t in
        let fid = try t.lcreate("f")
        let other = try t.lopened("f", .readWrite)
        _ = try t.lock(fid, .write, 0, 30)
        _ = try t.lock(fid, .unlock, 10, 10)
        try t.check(try t.lock(other, .write, 9, 1, by: 2) == 1, "the first end")
        try t.check(try t.lock(other, .write, 20, 1, by: 2) == 1, "the second end")
        try t.check(try t.lock(other, .write, 10, 10, by: 2) == 0, "the middle is free")
    },
    Case("getlock tells who is in the way", .linux) { t in
        let fid = try t.lcreate("f")
        let other = try t.lopened("f", .readWrite)
        _ = try t.lock(fid, .write, 3, 4, by: 41)
        let found = try t.getlock(other, .read, by: 2)
        try t.check(found.kind == .write && found.start == 3 && found.length == 4 && found.procID == 41, "\(found)")
        try t.check(try t.getlock(fid, .write, by: 41).kind == .unlock, "one's own is not")
    },
    Case("a clunk gives up the locks of its fid", .linux) { t in
        let fid = try t.lcreate("f")
        let other = try t.lopened("f", .readWrite)
        _ = try t.lock(fid, .write, 0, 0)
        try t.clunk(fid)
        try t.check(try t.lock(other, .write, 0, 0, by: 2) == 0, "it is free")
    },
    Case("another Tversion gives up all locks", .linux) { t in
        _ = try t.lock(t.lcreate("f"), .write, 0, 0)
        try t.start(.linux)
        try t.check(try t.lock(t.lopened("f", .readWrite), .write, 0, 0, by: 2) == 0, "it is free")
    },
    Case("a lock of an odd kind is refused, absurd ranges harm nothing", .linux) { t in
        let fid = try t.lcreate("f")
        let odd = LockRange(.init(rawValue: 9), start: 0, length: 0, procID: 1, clientID: "x")
        try t.refused(.lock(fid: fid, flags: [], range: odd))
        _ = try t.lock(fid, .write, .max, .max)
        _ = try t.lock(fid, .write, 5, .max)
        _ = try t.lock(fid, .unlock, .max, 0)
        try t.check(try t.lock(fid, .unlock, 0, 0) == 0, "all is given up")
    },
]
