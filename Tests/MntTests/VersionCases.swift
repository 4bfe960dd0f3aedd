import NineP

/// version(5) and attach(5).
let versionCases: [Case] = [
    Case("msize is the smaller of both", started: false) { t in
        try t.version(.plan9, msize: 4096)
        try t.check(t.msize == 4096, "4096 is taken")
        guard case .version(let size, _) = try t.rpc(.version(msize: .max, version: "9P2000")).message else { return }
        try t.check(size < UInt32.max, "the server has a limit")
    },
    Case("a tiny msize is refused", started: false) { t in
        for size in [0, 1, 6, 23, 63] as [UInt32] { try t.refused(.version(msize: size, version: "9P2000")) }
    },
    Case("a version that is not known is answered by unknown", started: false) { t in
        for version in ["9P1999", "", "styx", "9p2000", "9P20000", "unknown"] {
            let reply = try t.rpc(.version(msize: 8192, version: version))
            guard case .version(_, "unknown") = reply.message else { throw Wrong("'\(version)': \(reply.message)") }
        }
    },
    Case("a suffix that is not spoken is cut at the dot", started: false) { t in
        for version in ["9P2000.x", "9P2000.", "9P2000.L.foo"] {
            let reply = try t.rpc(.version(msize: 8192, version: version))
            guard case .version(_, "9P2000") = reply.message else { throw Wrong("'\(version)': \(reply.message)") }
        }
    },
    Case("nothing is granted before a version is agreed on", started: false) { t in
        try t.refused(.attach(fid: 0, afid: Wire.noFid, uname: "glenda", aname: ""))
        try t.refused(.stat(fid: 0))
        try t.refused(.flush(oldtag: 3))
        try t.start(.plan9)
    },
    Case("nothing is granted after unknown", started: false) { t in
        try t.start(.plan9)
        try t.rpc(.version(msize: 8192, version: "9Z"))
        try t.refused(.stat(fid: 0))
        try t.start(.plan9)
    },
    Case("the tag of Tversion is echoed, whatever it is", started: false) { t in
        try t.check(try t.call(.version(msize: 8192, version: "9P2000"), tag: Wire.noTag).tag == Wire.noTag, "NOTAG")
        try t.check(try t.call(.version(msize: 8192, version: "9P2000"), tag: 5).tag == 5, "5")
    },
    Case("another Tversion frees all fids") { t in
        let fid = try t.create("held")
        try t.version(.plan9)
        try t.refused(.stat(fid: 0))
        try t.refused(.read(fid: fid, offset: 0, count: 1))
        try t.attach(fid)
    },
    Case("another Tversion removes what was open to be removed") { t in
        try t.create("gone", 0o644, NineP.OpenMode(rawValue: 2 | NineP.OpenMode.removeOnClose))
        try t.start(.plan9)
        try t.check(try !t.exists("gone"), "it is removed")
    },
    Case("a fid that is in use cannot be attached to") { t in
        try t.refused(.attach(fid: 0, afid: Wire.noFid, uname: "glenda", aname: ""))
        try t.lives()
    },
    Case("several fids may attach, each to the same root") { t in
        try t.check(try t.attach(1) == t.stat(0).qid, "the root is the root")
    },
    Case("an afid that is none is refused") { t in
        for afid in [0, 77] as [UInt32] {
            try t.refused(.attach(fid: 5, afid: afid, uname: "glenda", aname: ""))
        }
        try t.refused(.stat(fid: 5))
    },
    Case("Tauth is refused where nobody asks for it") { t in
        try t.refused(.auth(afid: 9, uname: "glenda", aname: ""))
        try t.refused(.read(fid: 9, offset: 0, count: 10))
    },
    Case("an aname that is not there is refused, and the fid stays free") { t in
        try t.refused(.attach(fid: 5, afid: Wire.noFid, uname: "glenda", aname: "/no/such"))
        try t.attach(5)
    },
    Case("NOFID is no fid") { t in
        try t.refused(.attach(fid: Wire.noFid, afid: Wire.noFid, uname: "glenda", aname: ""))
        try t.refused(.walk(fid: 0, newfid: Wire.noFid, names: []))
    },
]
