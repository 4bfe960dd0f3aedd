import NineP

/// read(5): files and directories.
let transferCases: [Case] = [
    Case("a read past the end gives nothing") { t in
        try t.put("f", "text")
        let fid = try t.opened("f")
        for offset in [4, 5, 1 << 40, 1 << 62] as [UInt64] {
            try t.check(try t.read(fid, at: offset).isEmpty, "at \(offset)")
        }
    },
    Case("a read at offset 2^63 and beyond gives nothing or is refused") { t in
        try t.put("f", "text")
        let fid = try t.opened("f")
        for offset in [1 << 63, .max - 1, .max] as [UInt64] {
            let reply = try t.call(.read(fid: fid, offset: offset, count: 8192))
            try t.check(reply.isError || reply.data.isEmpty, "at \(offset)")
        }
        try t.lives()
    },
    Case("a write at offset 2^63 and beyond is refused and harms nothing") { t in
        let fid = try t.create("f")
        for offset in [1 << 63, .max - 1, .max] as [UInt64] {
            try t.refused(.write(fid: fid, offset: offset, count: 4), data: [1, 2, 3, 4])
        }
        try t.check(try t.stat(fid).length == 0, "nothing is written")
    },
    Case("a read of no bytes gives none") { t in
        try t.put("f", "text")
        try t.check(try t.read(t.opened("f"), 0).isEmpty, "nothing")
    },
    Case("a write of no bytes changes nothing") { t in
        let fid = try t.create("f")
        try t.write(fid, "text")
        try t.check(try t.write(fid, "", at: 100) == 0, "none are written")
        try t.check(try t.stat(fid).length == 4, "its length stays")
    },
    Case("a count larger than msize is cut to what fits") { t in
        let fid = try t.create("f")
        var written = 0
        while written < 3 * t.msize {
            written += try t.write(fid, [UInt8](repeating: 5, count: t.msize - 24), at: UInt64(written))
        }
        for count in [UInt32(t.msize), UInt32(t.msize) + 1, 1 << 31, .max] {
            let data = try t.rpc(.read(fid: fid, offset: 0, count: count)).data
            try t.check(!data.isEmpty && data.count <= t.msize - Wire.readHeader, "\(count) gives \(data.count)")
        }
    },
    Case("the longest read that msize allows is given whole") { t in
        let fid = try t.create("f")
        let size = t.msize - Wire.ioHeader
        try t.write(fid, [UInt8](repeating: 9, count: size))
        try t.check(try t.read(fid, UInt32(size)).count == size, "all of it")
    },
    Case("what is written is read, at any offset") { t in
        let fid = try t.create("f")
        try t.write(fid, "abc", at: 5)
        try t.check(try t.read(fid) == [0, 0, 0, 0, 0, 97, 98, 99], "the hole is zeros")
        try t.check(try t.text(fid, at: 6, 1) == "b", "the middle")
    },
    Case("the version of the qid changes with the contents") { t in
        let fid = try t.create("f")
        var versions: Set<UInt32> = [try t.stat(fid).qid.version]
        for i in 0..<5 {
            try t.write(fid, "\(i)", at: UInt64(i))
            versions.insert(try t.stat(fid).qid.version)
        }
        try t.check(versions.count == 6, "each write makes another")
    },
    Case("two fids of a file see each other's writes") { t in
        let one = try t.create("f")
        let other = try t.opened("f")
        try t.write(one, "text")
        try t.check(try t.text(other) == "text", "at once")
    },
    Case("a directory is read in whole entries, each as its stat") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        for i in 0..<40 { try t.put("name\(i)", "\(i)", in: directory) }
        let fid = try t.opened("d")
        let entries = try t.entries(fid)
        try t.check(Set(entries.map(\.name)) == Set((0..<40).map { "name\($0)" }), "all are there, once")
        try t.check(entries.count == 40, "no more")
        for entry in entries { try t.check(try t.stat("d/\(entry.name)") == entry, "\(entry.name) is as its stat") }
    },
    Case("small reads of a directory give the same entries") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        for i in 0..<40 { try t.put("n\(i)", "", in: directory) }
        for count in [100, 150, 333, 1000] as [UInt32] {
            let names = try t.entries(t.opened("d"), count).map(\.name)
            try t.check(names.count == 40 && Set(names).count == 40, "\(count) bytes at a time: \(names.count)")
        }
    },
    Case("an entry that does not fit is an error and not the end") { t in
        try t.mkdir("d")
        try t.put(String(repeating: "n", count: 60), "", in: t.walk("d"))
        let fid = try t.opened("d")
        try t.refused(.read(fid: fid, offset: 0, count: 40))
        try t.check(try t.entries(fid).count == 1, "it is there for a larger read")
    },
    Case("a directory has no . and no ..") { t in
        try t.check(try !t.entries(t.opened("")).contains { $0.name == "." || $0.name == ".." }, "neither")
    },
    Case("a directory is read anew from offset 0") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        try t.put("a", "", in: directory)
        let fid = try t.opened("d")
        try t.check(try t.entries(fid).map(\.name) == ["a"], "a")
        try t.put("b", "", in: directory)
        try t.check(try Set(t.entries(fid).map(\.name)) == ["a", "b"], "a and b")
    },
    Case("a directory is not read at other offsets than where it ended") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        for i in 0..<4 { try t.put("n\(i)", "", in: directory) }
        let fid = try t.opened("d")
        let n = UInt64(try t.read(fid, 150).count)
        for offset in [n + 1, n - 1, 1, 1 << 40, .max] { try t.refused(.read(fid: fid, offset: offset, count: 8192)) }
        try t.check(try !t.read(fid, at: n).isEmpty, "it goes on where it ended")
    },
    Case("a directory is not written") { t in
        try t.refused(.write(fid: try t.opened(""), offset: 0, count: 1), data: [0])
    },
    Case("entries that are removed while a directory is read harm nothing") { t in
        try t.mkdir("d")
        let directory = try t.walk("d")
        for i in 0..<30 { try t.put("n\(i)", "", in: directory) }
        let fid = try t.opened("d")
        var offset: UInt64 = 0
        var seen: [String] = []
        while case let data = try t.read(fid, at: offset, 300), !data.isEmpty {
            offset += UInt64(data.count)
            var at = 0
            while let entry = try Stat.next(in: data.span, at: &at) {
                seen.append(entry.name)
                try t.rpc(.remove(fid: try t.walk("d/\(entry.name)")))
            }
        }
        try t.check(seen.count == 30 && Set(seen).count == 30, "each was seen once: \(seen.count)")
    },
]
