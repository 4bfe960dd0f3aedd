import NineP

/// flush(5), and many requests at once.
let flushCases: [Case] = [
    Case("a flush of a tag that is not known is answered") { t in
        for tag in [0, 7, 0xffff] as [UInt16] { try t.rpc(.flush(oldtag: tag)) }
    },
    Case("a flush of a request that is answered is answered") { t in
        let tag = try t.call(t.statting(0)).tag
        try t.rpc(.flush(oldtag: tag))
    },
    Case("a flush of itself is answered") { t in
        try t.check(try t.call(.flush(oldtag: 9), tag: 9).tag == 9, "9")
    },
    Case("a flush of a flush is answered") { t in
        try t.ask(.flush(oldtag: 50), tag: 51)
        try t.ask(.flush(oldtag: 51), tag: 52)
        try t.check(try t.hear()?.tag == 51, "the first")
        try t.check(try t.hear()?.tag == 52, "the second")
    },
    Case("several flushes of a tag are answered in their order") { t in
        for tag in 60..<70 as Range<UInt16> { try t.ask(.flush(oldtag: 50), tag: tag) }
        for tag in 60..<70 as Range<UInt16> { try t.check(try t.hear()?.tag == tag, "\(tag)") }
    },
    Case("requests that depend on each other may be sent together") { t in
        try t.put("f", "text")
        for _ in 0..<50 {
            try t.ask(.walk(fid: 0, newfid: 90, names: ["f"]), tag: 1)
            try t.ask(t.opening(90), tag: 2)
            try t.ask(.read(fid: 90, offset: 0, count: 100), tag: 3)
            try t.ask(.clunk(fid: 90), tag: 4)
            var data: [UInt8] = []
            for _ in 0..<4 {
                guard let reply = try t.hear(), !reply.isError else { throw Wrong("one is refused") }
                if reply.tag == 3 { data = reply.data }
            }
            try t.check(data == Array("text".utf8), "the text is read")
        }
    },
    Case("what depends on a walk that fails is refused") { t in
        try t.ask(.walk(fid: 0, newfid: 90, names: ["no"]), tag: 1)
        try t.ask(t.opening(90), tag: 2)
        try t.ask(.clunk(fid: 90), tag: 3)
        for _ in 0..<3 { try t.check(try t.hear()?.isError == true, "refused") }
    },
    Case("sixty-four requests may be outstanding") { t in
        let fid = try t.create("f")
        let data = [UInt8](repeating: 3, count: 1000)
        for i in 0..<64 as Range<UInt16> {
            try t.ask(.write(fid: fid, offset: UInt64(i) * 1000, count: 1000), tag: i, data: data)
        }
        for _ in 0..<64 { try t.check(try t.hear()?.isError == false, "written") }
        try t.check(try t.stat(fid).length == 64_000, "all of it")
    },
    Case("a name that the client made is at once there for others") { t in
        try t.ask(.walk(fid: 0, newfid: 90, names: []), tag: 1)
        try t.ask(t.creating(90, "f"), tag: 2)
        try t.ask(.write(fid: 90, offset: 0, count: 2), tag: 3, data: [104, 105])
        try t.ask(.clunk(fid: 90), tag: 4)
        try t.ask(.walk(fid: 0, newfid: 90, names: ["f"]), tag: 5)
        try t.ask(t.statting(90), tag: 6)
        for tag in 1...6 as ClosedRange<UInt16> {
            guard let reply = try t.hear(), reply.tag == tag, !reply.isError else { throw Wrong("\(tag)") }
            if case .stat(let stat) = reply.message { try t.check(stat.length == 2, "two bytes") }
            if case .getattr(let attr) = reply.message { try t.check(attr.size == 2, "two bytes") }
        }
    },
]
