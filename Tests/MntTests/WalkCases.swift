import NineP

/// clunk(5) and walk(5).
let walkCases: [Case] = [
    Case("a fid that is not known is refused by every message") { t in
        let stat = Stat.untouched
        for message: Tmessage in [
            .walk(fid: 77, newfid: 78, names: []), .open(fid: 77, mode: .read),
            .create(fid: 77, name: "x", perm: FileMode(rawValue: 0o644), mode: .read),
            .read(fid: 77, offset: 0, count: 1), .write(fid: 77, offset: 0, count: 0), .clunk(fid: 77),
            .remove(fid: 77), .stat(fid: 77), .wstat(fid: 77, stat: stat),
        ] { try t.refused(message) }
    },
    Case("a fid that was clunked is not known") { t in
        let fid = try t.walk("")
        try t.clunk(fid)
        try t.refused(t.statting(fid))
        try t.refused(.clunk(fid: fid))
    },
    Case("a walk without names clones") { t in
        let fid = try t.walk("")
        try t.check(try t.stat(fid).qid == t.stat(0).qid, "it is the same file")
        try t.clunk(fid)
        try t.lives()
    },
    Case("a walk of a fid to itself without names changes nothing") { t in
        try t.walk("", from: 0, to: 0)
        try t.lives()
    },
    Case("a newfid that is in use is refused") { t in
        let fid = try t.walk("")
        try t.refused(.walk(fid: 0, newfid: fid, names: []))
        try t.check(try t.stat(fid).qid == t.stat(0).qid, "it stays what it was")
    },
    Case("a walk gives a qid for each name") { t in
        try t.mkdir("a")
        let a = try t.walk("a")
        try t.put("f", "x", in: a)
        let qids = try t.walk("a/f", from: 0, to: 50)
        try t.check(try qids[0] == t.stat(a).qid, "the first is the directory's")
        try t.check(try qids[1] == t.stat(50).qid, "the second is the file's")
    },
    Case("sixteen names are walked, seventeen are refused") { t in
        let names = [String](repeating: "..", count: 16)
        try t.rpc(.walk(fid: 0, newfid: 50, names: names))
        let many = little(UInt32(0)) + little(UInt32(51)) + little(UInt16(17))
        try t.write(raw(110, many + (0..<17).flatMap { _ in string("..") }))
        try t.check(try t.hear()?.isError == true, "seventeen are refused")
        try t.refused(t.statting(51))
    },
    Case("a walk whose first name is not there is refused and makes no fid") { t in
        let why = try t.refused(.walk(fid: 0, newfid: 50, names: ["no", "such"]))
        try t.check(["file does not exist", "No such file or directory", "2"].contains(why), "it says why: \(why)")
        try t.refused(t.statting(50))
    },
    Case("a walk that ends early gives the qids so far and makes no fid") { t in
        try t.mkdir("a")
        guard case .walk(let qids) = try t.rpc(.walk(fid: 0, newfid: 50, names: ["a", "no", "b"])).message else {
            return
        }
        try t.check(qids.count == 1, "one qid")
        try t.refused(t.statting(50))
    },
    Case("a fid that walks itself stays where it was when the walk ends early") { t in
        try t.mkdir("a")
        let fid = try t.walk("")
        try t.rpc(.walk(fid: fid, newfid: fid, names: ["a", "no"]))
        try t.check(try t.stat(fid).qid == t.stat(0).qid, "it is at the root")
        try t.walk("a", from: fid, to: fid)
        try t.check(try t.stat(fid).qid == t.stat("a").qid, "it moves when the walk succeeds")
    },
    Case("a file is no directory to walk through") { t in
        try t.put("f", "x")
        try t.check(try !t.exists("f/x"), "nothing is below a file")
        let fid = try t.walk("f")
        try t.refused(.walk(fid: fid, newfid: 60, names: ["x"]))
        try t.refused(.walk(fid: fid, newfid: 60, names: [".."]))
    },
    Case(".. at the root is the root") { t in
        let fid = try t.walk("../..")
        try t.check(try t.stat(fid).qid == t.stat(0).qid, "it is the root")
    },
    Case(".. leads to the directory above") { t in
        try t.mkdir("a")
        try t.mkdir("b", in: t.walk("a"))
        let fid = try t.walk("a/b/..")
        try t.check(try t.stat(fid).qid == t.stat("a").qid, "it is a")
        try t.check(try t.stat(t.walk("a/../../a/b/../..")).qid == t.stat(0).qid, "it is the root")
    },
    Case(".. at the root of an attach to a directory is that directory") { t in
        try t.mkdir("a")
        let qid = try t.attach(5, aname: "a")
        try t.check(try qid == t.stat("a").qid, "it is a")
        let fid = try t.walk("..", from: 5)
        try t.check(try t.stat(fid).qid == qid, "it stays")
    },
    Case("a name with a slash is refused") { t in
        try t.mkdir("a")
        for name in ["/", "a/", "/a", "../a", "../../../etc", "a/../a"] {
            try t.refused(.walk(fid: 0, newfid: 50, names: [name]))
        }
        try t.refused(t.statting(50))
    },
    Case("an empty name is refused") { t in
        try t.refused(.walk(fid: 0, newfid: 50, names: [""]))
        try t.refused(t.statting(50))
    },
    Case("a very long name is not there") { t in
        try t.refused(.walk(fid: 0, newfid: 50, names: [String(repeating: "n", count: 30_000)]))
        try t.lives()
    },
    Case("an open fid cannot be walked") { t in
        try t.walk("", from: 0, to: 60)
        try t.open(60)
        try t.refused(.walk(fid: 60, newfid: 61, names: []))
        try t.refused(t.statting(61))
    },
    Case("a directory that may not be searched is not walked") { t in
        try t.mkdir("shut")
        let fid = try t.walk("shut")
        try t.put("f", "x", in: fid)
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o600).union(.directory) }
        let found = try t.exists("shut/f")
        try t.wstat(fid) { $0.mode = FileMode(rawValue: 0o700).union(.directory) }
        try t.check(!found, "f is not found")
        try t.check(try t.exists("shut/f"), "f is found again")
    },
    Case("20 000 clones work or are refused, and the connection goes on") { t in
        for fid in 1000..<21000 as Range<UInt32> {
            if try t.call(.walk(fid: 0, newfid: fid, names: [])).isError { break }
        }
        try t.lives()
    },
]
