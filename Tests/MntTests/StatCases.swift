import NineP

/// stat(5).
let statCases: [Case] = [
    Case("the root is called /") { t in
        try t.check(try t.stat(0).name == "/", "/")
    },
    Case("the type of the qid is the mode's high byte") { t in
        try t.put("f", "x")
        try t.mkdir("d")
        for name in ["f", "d", ""] {
            let stat = try t.stat(name)
            try t.check(stat.qid.type.rawValue == UInt8(stat.mode.rawValue >> 24), "of '\(name)'")
        }
    },
    Case("a directory has length 0") { t in
        try t.mkdir("d")
        try t.put("f", "x", in: t.walk("d"))
        try t.check(try t.stat("d").length == 0, "0")
    },
    Case("an entry's names are those of the user") { t in
        try t.put("f", "x")
        let stat = try t.stat("f")
        try t.check(!stat.uid.isEmpty && !stat.gid.isEmpty, "they are there")
    },
    Case("a Twstat that changes nothing succeeds") { t in
        try t.put("f", "x")
        let before = try t.stat("f")
        try t.wstat(t.walk("f")) { _ in }
        try t.check(try t.stat("f") == before, "nothing is changed")
    },
    Case("a Twstat that changes nothing commits what was written") { t in
        let fid = try t.create("f")
        try t.write(fid, "x")
        try t.wstat(fid) { _ in }
    },
    Case("a Twstat of all that stat told succeeds and changes nothing") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        let before = try t.stat(fid)
        try t.rpc(.wstat(fid: fid, stat: before))
        try t.check(try t.stat("f") == before, "nothing is changed")
    },
    Case("the permission bits can be changed") { t in
        try t.put("f", "x")
        try t.wstat(t.walk("f")) { $0.mode = FileMode(rawValue: 0o421) }
        try t.check(try t.stat("f").mode.rawValue == 0o421, "0421")
    },
    Case("the times can be changed, and stay") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        try t.wstat(fid) { $0.mtime = 1_000_000_000 }
        try t.check(try t.stat("f").mtime == 1_000_000_000, "mtime")
        try t.wstat(fid) { $0.mtime = 4_000_000_000 }
        try t.check(try t.stat("f").mtime == 4_000_000_000, "mtime after 2038")
    },
    Case("the length can be changed, both ways") { t in
        let fid = try t.create("f")
        try t.write(fid, "some text")
        try t.wstat(t.walk("f")) { $0.length = 4 }
        try t.check(try t.text(fid) == "some", "cut")
        try t.wstat(fid) { $0.length = 6 }
        try t.check(try t.read(fid) == [115, 111, 109, 101, 0, 0], "zeros")
    },
    Case("an absurd length is refused and harms nothing") { t in
        try t.put("f", "text")
        for length in [1 << 63, .max - 1] as [UInt64] {
            try t.wstatRefused(t.walk("f")) { $0.length = length }
        }
        try t.check(try t.stat("f").length == 4, "4")
    },
    Case("length and mtime together leave the mtime that was asked for") { t in
        try t.put("f", "some text")
        try t.wstat(t.walk("f")) {
            $0.length = 4
            $0.mtime = 1_000_000_000
        }
        let stat = try t.stat("f")
        try t.check(stat.length == 4 && stat.mtime == 1_000_000_000, "both")
    },
    Case("a file can be renamed, and its fids stay") { t in
        let open = try t.create("f")
        let fid = try t.walk("f")
        try t.wstat(fid) { $0.name = "g" }
        try t.check(try t.stat(fid).name == "g", "the fid says so")
        try t.check(try t.exists("g") && !t.exists("f"), "it is found there")
        try t.write(open, "x")
        try t.check(try t.text(t.opened("g")) == "x", "what is open is the same file")
    },
    Case("fids below a directory that is renamed stay") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        try t.put("f", "x", in: directory)
        let fid = try t.walk("d/f")
        try t.wstat(directory) { $0.name = "e" }
        try t.check(try t.stat(fid).name == "f", "stat")
        try t.open(fid)
        try t.check(try t.text(fid) == "x", "read")
        try t.check(try t.exists("e/f"), "it is found there")
        try t.check(
            try t.stat(t.walk("..", from: t.walk("e/f/..".replacing("/f/..", with: "")))).name == "/", "above it")
    },
    Case("a rename to a name that is taken is refused") { t in
        try t.put("f", "x")
        try t.put("g", "y")
        try t.wstatRefused(t.walk("f")) { $0.name = "g" }
        try t.check(try t.text(t.opened("f")) == "x" && t.text(t.opened("g")) == "y", "both are as they were")
    },
    Case("a rename to an odd name is refused") { t in
        try t.put("f", "x")
        for name in [".", "..", "a/b", "/", "../g"] { try t.wstatRefused(t.walk("f")) { $0.name = name } }
        try t.check(try t.exists("f"), "it is there")
    },
    Case("a rename to its own name succeeds") { t in
        try t.put("f", "x")
        try t.wstat(t.walk("f")) { $0.name = "f" }
        try t.check(try t.exists("f"), "it is there")
    },
    Case("a rename needs the right to write the directory") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        try t.put("f", "x", in: directory)
        try t.wstat(directory) { $0.mode = FileMode(rawValue: 0o555).union(.directory) }
        try t.wstatRefused(t.walk("d/f")) { $0.name = "g" }
        try t.wstat(directory) { $0.mode = FileMode(rawValue: 0o755).union(.directory) }
        try t.check(try t.exists("d/f"), "it is there")
    },
    Case("the root is not renamed") { t in
        try t.wstatRefused(0) { $0.name = "other" }
        try t.lives()
    },
    Case("a file does not become a directory, nor a directory a file") { t in
        try t.put("f", "x")
        try t.mkdir("d")
        try t.wstatRefused(t.walk("f")) { $0.mode = FileMode(rawValue: 0o755).union(.directory) }
        try t.wstatRefused(t.walk("d")) { $0.mode = FileMode(rawValue: 0o644) }
    },
    Case("a directory's length is not changed") { t in
        try t.mkdir("d")
        try t.wstatRefused(t.walk("d")) { $0.length = 10 }
        try t.wstat(t.walk("d")) { $0.length = 0 }
    },
    Case("what no Twstat may change is refused") { t in
        try t.put("f", "x")
        let fid = try t.walk("f")
        try t.wstatRefused(fid) { $0.type = 1 }
        try t.wstatRefused(fid) { $0.dev = 99_999 }
        try t.wstatRefused(fid) { $0.qid = Qid(path: 1, version: 1, type: .file) }
        try t.wstatRefused(fid) { $0.muid = "nobody-known" }
        try t.wstatRefused(fid) { $0.uid = "nobody-known" }
    },
    Case("a group that is not one's own is refused") { t in
        try t.put("f", "x")
        try t.wstatRefused(t.walk("f")) { $0.gid = "nobody-known" }
    },
    Case("all changes are made or none: a bad name spares the mode") { t in
        try t.put("f", "some text")
        try t.put("g", "")
        try t.wstatRefused(t.walk("f")) {
            $0.mode = FileMode(rawValue: 0o600)
            $0.length = 2
            $0.mtime = 1_000_000_000
            $0.name = "g"
        }
        let stat = try t.stat("f")
        try t.check(stat.mode.permissions == 0o644 && stat.length == 9 && stat.mtime != 1_000_000_000, "as it was")
    },
    Case("all changes are made or none: a bad group spares the name and the length") { t in
        try t.put("f", "some text")
        try t.wstatRefused(t.walk("f")) {
            $0.gid = "nobody-known"
            $0.length = 2
            $0.name = "g"
        }
        try t.check(try t.stat("f").length == 9, "its length is as it was")
        try t.check(try !t.exists("g"), "its name is as it was")
    },
    Case("the length of a file that may not be written is not changed") { t in
        try t.put("f", "some text", 0o444)
        try t.wstatRefused(t.walk("f")) { $0.length = 2 }
        try t.check(try t.stat("f").length == 9, "9")
    },
    Case("a stat in Twstat whose sizes disagree ends the connection") { t in
        let fid = try t.walk("")
        try t.write(raw(126, little(fid) + little(UInt16(60)) + little(UInt16(10)) + [UInt8](repeating: 0, count: 58)))
        try t.hangsUp()
    },
]
