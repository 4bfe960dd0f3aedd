import Kernel

/// Compares two files byte by byte. Status: empty when they are equal, `differ` when not.
struct Cmp: Command {
    static let usage: Usage = """
        cmp [-ls] [-n bytes] file1 [file2 [skip1 [skip2]]]
        -l        tell every byte that differs: place, and both values in octal
        -n bytes  compare so many at most
        -s        tell nothing: the status says it
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(1...4)
        let files = [names[0], names.count > 1 ? names[1] : "-"]
        var readers: [Reader] = []
        for (i, name) in files.enumerated() {
            var reader = Reader(r, name == "-" ? 0 : try r.open(name))
            if names.count > i + 2 {
                guard let skip = Int(names[i + 2]), skip >= 0 else { throw r.misuse("bad skip '\(names[i + 2])'") }
                var left = skip
                while left > 0, let n = try reader.block(left, { $0.count }) { left -= n }
            }
            readers.append(reader)
        }
        let limit = try r.number("n", or: .max)
        var place = 0
        var line = 1
        var last: UInt8 = 0
        while place < limit {
            try Thread.check()
            let want = min(limit - place, Writer.blockSize)
            guard let a = try readers[0].copy(want) else {
                if try readers[1].copy(1) != nil { end(r, files[0], place, line, last) }
                return
            }
            var b: [UInt8] = []
            while b.count < a.count, let more = try readers[1].copy(a.count - b.count) { b += more }
            if !r.has("l"), a == b {
                place += a.count
                line += a.span.count(of: UInt8(ascii: "\n"))
                last = a[a.count - 1]
                continue
            }
            for i in 0..<min(a.count, b.count) {
                place += 1
                if a[i] != b[i] {
                    r.status = "differ"
                    if r.has("s") { return }
                    guard r.has("l") else {
                        return try r.out.line("\(files[0]) \(files[1]) differ: byte \(place), line \(line)")
                    }
                    try r.out.line("\(place) \(Self.octal(a[i])) \(Self.octal(b[i]))")
                }
                if a[i] == UInt8(ascii: "\n") { line += 1 }
                last = a[i]
            }
            if b.count < a.count { return end(r, files[1], place, line, last) }
        }
    }

    private static func octal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 8)
        return String(repeating: " ", count: 3 - digits.utf8.count) + digits
    }

    private func end(_ r: Run, _ name: String, _ place: Int, _ line: Int, _ last: UInt8) {
        r.status = "differ"
        guard !r.has("s") else { return }
        let at = place == 0 ? "which is empty" : "after byte \(place)"
        let lines = place == 0 || r.has("l") ? "" : last == 0x0a ? ", line \(line - 1)" : ", in line \(line)"
        r.tell("EOF on \(name) \(at)\(lines)")
    }
}

extension Reader {
    /// A copy of what comes next, at most `limit` bytes; nil at the end.
    mutating func copy(_ limit: Int) throws(SysError) -> [UInt8]? {
        try block(limit) { bytes in
            var copy = [UInt8]()
            copy.append(copying: bytes.bytes)
            return copy
        }
    }
}
