import Applib
import Kernel

/// Compares two files byte by byte. Status: empty when they are equal, `differ` when not.
struct Cmp: Command {
    static let usage: Usage = """
        cmp [-bls] [-i skip[:skip]] [-n bytes] file1 [file2 [skip1 [skip2]]]
        -b, --print-bytes            show the bytes that differ
        -i, --ignore-initial skip    leave out so many bytes at the beginning, of each file its own where there are two
        -l, --verbose                tell every byte that differs: place, and both values in octal
        -n, --bytes bytes            compare so many at most
        -s, --quiet, --silent        tell nothing: the status says it
        Numbers may end in K, M, G, kB and the like.
        """
    static let trouble: Int32 = 2

    private struct File {
        let name: String
        var reader: Reader
        /// Bytes that are to be compared, where that is known.
        let length: Int?
    }

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(1...4)
        guard !r.has("l") || !r.has("s") else { throw r.misuse("-l and -s exclude each other") }
        let skips = try skips(r, names)
        var files: [File] = []
        for (i, name) in [names[0], names.count > 1 ? names[1] : "-"].enumerated() {
            let fd = name == "-" ? 0 : try r.open(name)
            let dir = try r.p.fstat(fd)
            let length = dir.isRegular ? max(0, Int(clamping: dir.length) - skips[i]) : nil
            var reader = Reader(r, fd)
            var left = skips[i]
            while left > 0, let n = try reader.block(left, { $0.count }) { left -= n }
            files.append(File(name: name, reader: reader, length: length))
        }
        try compare(r, &files, limit: try Self.size(r.options.value("n") ?? String(Int.max), r))
    }

    /// Bytes left out at the beginning of each file.
    private func skips(_ r: Run, _ names: [String]) throws(SysError) -> [Int] {
        guard let given = r.options.value("i") else {
            return [
                names.count > 2 ? try Self.size(names[2], r) : 0, names.count > 3 ? try Self.size(names[3], r) : 0,
            ]
        }
        guard names.count < 3 else { throw r.misuse("skips are given twice") }
        let parts = given.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return [try Self.size(parts[0], r), try Self.size(parts[parts.count - 1], r)]
    }

    private static func size(_ text: String, _ r: Run) throws(SysError) -> Int {
        guard let n = byteCount(text[...]) else { throw r.misuse("bad number '\(text)'") }
        return n
    }

    private func compare(_ r: Run, _ files: inout [File], limit: Int) throws(SysError) {
        let width = String(min(limit, files.compactMap(\.length).min() ?? .max)).count
        var place = 0
        var line = 1
        var last: UInt8 = 0
        while place < limit {
            try Thread.check()
            let want = min(limit - place, Writer.blockSize)
            guard let a = try files[0].reader.copy(want) else {
                if try files[1].reader.copy(1) != nil { end(r, files[0].name, place, line, last) }
                return
            }
            var b: [UInt8] = []
            while b.count < a.count, let more = try files[1].reader.copy(a.count - b.count) { b += more }
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
                    let (x, y) = (Self.octal(a[i]), Self.octal(b[i]))
                    guard r.has("l") else {
                        let bytes = " is \(x) \(visible(a[i])) \(y) \(visible(b[i]))"
                        return try r.out.line(
                            "\(files[0].name) \(files[1].name) differ: byte \(place), line \(line)"
                                + (r.has("b") ? bytes : ""))
                    }
                    let bytes = " \(x) \(visible(a[i]).left(4)) \(y) \(visible(b[i]))"
                    try r.out.line(String(place).right(width) + (r.has("b") ? bytes : " \(x) \(y)"))
                }
                if a[i] == UInt8(ascii: "\n") { line += 1 }
                last = a[i]
            }
            if b.count < a.count { return end(r, files[1].name, place, line, last) }
        }
    }

    private static func octal(_ byte: UInt8) -> String { String(byte, radix: 8).right(3) }

    private func end(_ r: Run, _ name: String, _ place: Int, _ line: Int, _ last: UInt8) {
        r.status = "differ"
        guard !r.has("s") else { return }
        let at = place == 0 ? "which is empty" : "after byte \(place)"
        let lines = place == 0 || r.has("l") ? "" : last == 0x0a ? ", line \(line - 1)" : ", in line \(line)"
        r.tell("EOF on \(name) \(at)\(lines)")
    }
}
