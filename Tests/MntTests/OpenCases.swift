import NineP

extension NineP.OpenMode {
    static func | (mode: NineP.OpenMode, flags: UInt8) -> NineP.OpenMode {
        NineP.OpenMode(rawValue: mode.rawValue | flags)
    }
}

/// open(5) and remove(5).
let openCases: [Case] = [
    Case("a second open of a fid is refused") { t in
        try t.put("f", "x")
        let fid = try t.opened("f")
        try t.refused(.open(fid: fid, mode: .read))
        try t.check(try t.text(fid) == "x", "it is still open")
    },
    Case("a mode with bits that mean nothing is refused") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        for bits in [0x04, 0x08, 0x80, 0xff] as [UInt8] {
            try t.refused(.open(fid: fid, mode: NineP.OpenMode(rawValue: bits)))
        }
        try t.open(fid)
    },
    Case("OCEXEC says nothing to a server") { t in
        try t.put("f", "x")
        try t.open(t.walk("f"), .read | NineP.OpenMode.closeOnExec)
    },
    Case("a directory is opened for reading only") { t in
        let fid = try t.walk("")
        for mode in [.write, .readWrite, .read | 0x10, .read | 0x40] as [NineP.OpenMode] {
            try t.refused(.open(fid: fid, mode: mode))
        }
        try t.open(fid)
    },
    Case("OEXEC of a directory is for searching it") { t in
        let fid = try t.walk("")
        try t.open(fid, .exec)
    },
    Case("OTRUNC empties the file") { t in
        try t.put("f", "some text")
        let fid = try t.opened("f", .write | NineP.OpenMode.truncate)
        try t.check(try t.stat(fid).length == 0, "it is empty")
    },
    Case("OTRUNC needs the right to write") { t in
        try t.put("f", "some text", 0o444)
        let fid = try t.walk("f")
        try t.refused(.open(fid: fid, mode: .read | NineP.OpenMode.truncate))
        try t.check(try t.stat(fid).length == 9, "nothing is lost")
    },
    Case("the permission bits are looked at when a file is opened") { t in
        try t.put("r", "x", 0o400)
        try t.put("w", "x", 0o200)
        try t.refused(.open(fid: try t.walk("r"), mode: .write))
        try t.refused(.open(fid: try t.walk("r"), mode: .exec))
        try t.refused(.open(fid: try t.walk("w"), mode: .read))
        try t.refused(.open(fid: try t.walk("w"), mode: .readWrite))
        try t.check(try t.text(t.opened("r")) == "x", "r is read")
        try t.write(t.opened("w", .write), "y")
    },
    Case("the permission bits are not looked at afterwards") { t in
        try t.put("f", "x")
        let fid = try t.opened("f", .readWrite)
        try t.wstat(t.walk("f")) { $0.mode = [] }
        try t.check(try t.text(fid) == "x", "it is read")
        try t.write(fid, "y")
    },
    Case("OEXEC of a file lets it be read") { t in
        try t.put("f", "x", 0o755)
        try t.check(try t.text(t.opened("f", .exec)) == "x", "it is read")
    },
    Case("a file that is open for reading is not written") { t in
        try t.put("f", "x")
        try t.refused(.write(fid: try t.opened("f"), offset: 0, count: 1), data: [1])
    },
    Case("a file that is open for writing is not read") { t in
        try t.put("f", "x")
        try t.refused(.read(fid: try t.opened("f", .write), offset: 0, count: 1))
    },
    Case("a fid that is not open is neither read nor written") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        try t.refused(.read(fid: fid, offset: 0, count: 1))
        try t.refused(.write(fid: fid, offset: 0, count: 1), data: [1])
    },
    Case("ORCLOSE removes the file at the clunk") { t in
        try t.put("f", "x")
        let fid = try t.opened("f", .read | NineP.OpenMode.removeOnClose)
        try t.check(try t.text(fid) == "x", "it is there")
        try t.clunk(fid)
        try t.check(try !t.exists("f"), "it is gone")
    },
    Case("ORCLOSE needs the right to write the directory") { t in
        try t.mkdir("d")
        let fid = try t.walk("d")
        try t.put("f", "x", in: fid)
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o555).union(.directory) }
        try t.refused(.open(fid: try t.walk("d/f"), mode: .read | NineP.OpenMode.removeOnClose))
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o755).union(.directory) }
        try t.check(try t.exists("d/f"), "it is there")
    },
    Case("create makes a file and opens it") { t in
        let fid = try t.create("new", 0o600)
        try t.check(try t.write(fid, "text") == 4, "it is written")
        try t.check(try t.text(fid) == "text", "it is read")
        let stat = try t.stat(fid)
        try t.check(stat.name == "new" && stat.mode.permissions == 0o600 && stat.length == 4, "its entry is right")
        try t.check(try t.stat("new").qid.path == stat.qid.path, "it is found")
    },
    Case("create in what is no directory is refused") { t in
        try t.put("f", "x")
        try t.refused(.create(fid: try t.walk("f"), name: "g", perm: FileMode(rawValue: 0o644), mode: .read))
    },
    Case("create of a name that is taken is refused, and the fid stays on the directory") { t in
        try t.put("f", "x")
        let fid = try t.walk("")
        try t.refused(.create(fid: fid, name: "f", perm: FileMode(rawValue: 0o644), mode: .write))
        try t.check(try t.text(t.opened("f")) == "x", "the file is as it was")
        try t.rpc(.create(fid: fid, name: "g", perm: FileMode(rawValue: 0o644), mode: .write))
    },
    Case("create on an open fid is refused") { t in
        let fid = try t.create("f")
        try t.refused(.create(fid: fid, name: "g", perm: FileMode(rawValue: 0o644), mode: .read))
        let directory = try t.walk("")
        try t.open(directory)
        try t.refused(.create(fid: directory, name: "g", perm: FileMode(rawValue: 0o644), mode: .read))
    },
    Case("create of . and .. and odd names is refused") { t in
        let fid = try t.walk("")
        for name in [".", "..", "", "a/b", "/", "\u{0}", "../x"] {
            try t.refused(.create(fid: fid, name: name, perm: FileMode(rawValue: 0o644), mode: .read))
            try t.refused(.create(fid: fid, name: name, perm: FileMode(rawValue: 0o755).union(.directory), mode: .read))
        }
        try t.lives()
    },
    Case("a file's bits are those of the directory at most") { t in
        try t.mkdir("d", 0o750)
        let directory = try t.walk("d")
        for (perm, got) in [(0o666, 0o640), (0o777, 0o751), (0o644, 0o640)] as [(UInt32, UInt32)] {
            let fid = try t.create("f\(perm)", in: directory, perm)
            try t.check(try t.stat(fid).mode.permissions == got, "\(perm) becomes \(got)")
        }
    },
    Case("a new directory's bits are those of the directory at most") { t in
        try t.mkdir("d", 0o750)
        let directory = try t.walk("d")
        try t.mkdir("e", 0o777, in: directory)
        try t.check(try t.stat("d/e").mode.permissions == 0o750, "0750")
    },
    Case("what a new file is open for is not judged by its bits") { t in
        let fid = try t.create("f", 0o000)
        try t.write(fid, "x")
        try t.check(try t.text(fid) == "x", "it is read")
    },
    Case("create needs the right to write the directory") { t in
        try t.mkdir("d", 0o555)
        let fid = try t.walk("d")
        try t.refused(.create(fid: fid, name: "f", perm: FileMode(rawValue: 0o644), mode: .write))
        try t.check(try t.stat(fid).name == "d", "the fid stays on the directory")
    },
    Case("a directory that is made is open for reading") { t in
        let fid = try t.create("d", 0o755 | FileMode.directory.rawValue, .read)
        try t.check(try t.entries(fid).isEmpty, "it is empty")
        try t.check(try t.stat(fid).qid.isDirectory, "it is a directory")
    },
    Case("a directory is not made open for writing") { t in
        let perm = FileMode(rawValue: 0o755).union(.directory)
        try t.refused(.create(fid: try t.walk(""), name: "d", perm: perm, mode: .write))
        try t.refused(.create(fid: try t.walk(""), name: "d", perm: perm, mode: .readWrite))
        try t.check(try !t.exists("d"), "nothing is made")
    },
    Case("a file made with ORCLOSE goes with its fid") { t in
        let fid = try t.create("f", 0o644, .readWrite | NineP.OpenMode.removeOnClose)
        try t.check(try t.exists("f"), "it is there")
        try t.clunk(fid)
        try t.check(try !t.exists("f"), "it is gone")
    },
    Case("an exclusive file is open once") { t in
        let fid = try t.create("f", 0o644 | FileMode.exclusive.rawValue)
        try t.check(try t.stat(fid).mode.contains(.exclusive), "it says so")
        let other = try t.walk("f")
        try t.refused(.open(fid: other, mode: .read))
        try t.clunk(fid)
        try t.open(other)
        try t.refused(.open(fid: try t.walk("f"), mode: .read))
    },
    Case("what is written to an append-only file goes to its end") { t in
        let fid = try t.create("f", 0o644 | FileMode.append.rawValue)
        try t.write(fid, "one")
        try t.write(fid, "two", at: 0)
        try t.check(try t.text(fid) == "onetwo", "nothing is overwritten")
        try t.check(try t.stat(fid).qid.type.contains(.append), "its qid says so")
    },
    Case("OTRUNC does not cut an append-only file") { t in
        let fid = try t.create("f", 0o644 | FileMode.append.rawValue)
        try t.write(fid, "one")
        let other = try t.opened("f", .write | NineP.OpenMode.truncate)
        try t.check(try t.stat(other).length == 3, "it is whole")
    },
    Case("remove removes, and frees the fid") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        try t.rpc(.remove(fid: fid))
        try t.check(try !t.exists("f"), "it is gone")
        try t.refused(.stat(fid: fid))
    },
    Case("remove frees the fid even where it fails") { t in
        try t.mkdir("d")
        let fid = try t.walk("d")
        try t.put("f", "x", in: fid)
        try t.refused(.remove(fid: fid))
        try t.refused(.stat(fid: fid))
        try t.check(try t.exists("d/f"), "nothing is removed")
    },
    Case("remove needs the right to write the directory") { t in
        try t.mkdir("d")
        let fid = try t.walk("d")
        try t.put("f", "x", in: fid)
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o555).union(.directory) }
        try t.refused(.remove(fid: try t.walk("d/f")))
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o755).union(.directory) }
        try t.check(try t.exists("d/f"), "it is there")
    },
    Case("the root is not removed") { t in
        try t.refused(.remove(fid: try t.walk("")))
        try t.lives()
    },
    Case("what is removed while it is open can be read and written and asked about") { t in
        let fid = try t.create("f")
        try t.write(fid, "before")
        try t.rpc(.remove(fid: try t.walk("f")))
        try t.write(fid, "after!", at: 6)
        try t.check(try t.text(fid) == "beforeafter!", "it is all there")
        try t.check(try t.stat(fid).length == 12, "it has its length")
        try t.clunk(fid)
    },
    Case("what is removed while it is open can be cut") { t in
        let fid = try t.create("f")
        try t.write(fid, "before")
        try t.rpc(.remove(fid: try t.walk("f")))
        try t.wstat(fid) { $0.length = 2 }
        try t.check(try t.text(fid) == "be", "it is cut")
    },
    Case("a file that is made anew under an old name is another file") { t in
        try t.put("f", "x")
        let qid = try t.stat("f").qid
        try t.rpc(.remove(fid: try t.walk("f")))
        try t.put("f", "x")
        try t.check(try t.stat("f").qid.path != qid.path, "its qid is another")
    },
]
