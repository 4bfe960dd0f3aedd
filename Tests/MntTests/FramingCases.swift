import NineP

/// A frame of `type` with `body` behind its header and the size that it has, or another.
func raw(_ type: UInt8, tag: UInt16 = 1, _ body: [UInt8], size: Int? = nil) -> [UInt8] {
    let n = UInt32(size ?? 7 + body.count)
    return little(n) + [type] + little(tag) + body
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> (8 * T($0))) }
}

/// `s[s]`.
func string(_ s: String) -> [UInt8] { little(UInt16(s.utf8.count)) + s.utf8 }

/// intro(5): what is a frame, and what becomes of those that are none.
let framingCases: [Case] = [
    Case("a frame whose size is less than its header ends the connection") { t in
        try t.write([3, 0, 0, 0, 120, 1, 0])
        try t.hangsUp()
    },
    Case("a frame of size zero ends the connection") { t in
        try t.write([UInt8](repeating: 0, count: 16))
        try t.hangsUp()
    },
    Case("a frame longer than msize ends the connection") { t in
        try t.write(raw(120, little(UInt32(0)), size: t.msize + 1))
        try t.hangsUp()
    },
    Case("a frame of the size of msize is taken") { t in
        let fid = try t.create("large")
        let data = [UInt8](repeating: 7, count: t.msize - Wire.writeHeader)
        try t.check(try t.write(fid, data) == data.count, "all of it is written")
    },
    Case("before Tversion a frame has 8216 bytes at most", started: false) { t in
        try t.write(raw(100, tag: Wire.noTag, [UInt8](repeating: 0, count: 9000)))
        try t.hangsUp()
    },
    Case("bytes behind the last field end the connection") { t in
        try t.write(raw(120, little(UInt32(0)) + [0]))
        try t.hangsUp()
    },
    Case("a field that is cut ends the connection") { t in
        try t.write(raw(120, [0, 0]))
        try t.hangsUp()
    },
    Case("a string that runs past the frame ends the connection") { t in
        try t.write(raw(104, little(UInt32(5)) + little(Wire.noFid) + little(UInt16(200)) + [65, 66]))
        try t.hangsUp()
    },
    Case("a count of names that runs past the frame ends the connection") { t in
        try t.write(raw(110, little(UInt32(0)) + little(UInt32(9)) + little(UInt16(16)) + string("a")))
        try t.hangsUp()
    },
    Case("data that run past the frame end the connection") { t in
        let fid = try t.create("f")
        try t.write(raw(118, little(fid) + little(UInt64(0)) + little(UInt32(4096)) + [1, 2, 3]))
        try t.hangsUp()
    },
    Case("frames may come a byte at a time") { t in
        for byte in try t.frame(t.statting(0), tag: 7) { try t.write([byte]) }
        try t.check(try t.hear()?.tag == 7, "it is answered")
    },
    Case("many frames may come at once, and each is answered") { t in
        let all = try (1...200).flatMap { try t.frame(t.statting(0), tag: $0) }
        try t.write(all)
        for tag in 1...200 { try t.check(try t.hear()?.tag == UInt16(tag), "\(tag) is answered in its turn") }
    },
    Case("a message of no known type is refused") { t in
        for type in [0, 8, 99, 128, 255] as [UInt8] {
            try t.write(raw(type, []))
            try t.check(try t.hear()?.isError == true, "type \(type) is refused")
        }
        try t.lives()
    },
    Case("a reply is no request") { t in
        for type in [101, 107, 111, 117] as [UInt8] {
            try t.write(raw(type, []))
            try t.check(try t.hear()?.isError == true, "type \(type) is refused")
        }
        try t.lives()
    },
    Case("a message of the other dialect is refused") { t in
        try t.write(raw(24, little(UInt32(0)) + little(UInt64.max)))
        try t.check(try t.hear()?.isError == true, "Tgetattr is refused")
        try t.lives()
    },
    Case("a name that is no UTF-8 is refused") { t in
        try t.write(
            raw(110, little(UInt32(0)) + little(UInt32(9)) + little(UInt16(1)) + little(UInt16(2)) + [0xc3, 0x28]))
        try t.check(try t.hear()?.isError == true, "it is refused")
        try t.lives()
    },
    Case("a name with a NUL is refused") { t in
        try t.refused(.walk(fid: 0, newfid: 9, names: ["a\u{0}b"]))
        try t.lives()
    },
    Case("an error fits the smallest msize", started: false) { t in
        try t.start(.plan9, msize: Wire.leastMsize)
        try t.refused(.walk(fid: 0, newfid: 9, names: [String(repeating: "\u{e9}", count: 60)]))
    },
]
