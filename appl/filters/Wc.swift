import Applib
import Kernel

/// Counts lines, words, characters and bytes.
struct Wc: Command {
    static let usage: Usage = """
        wc [-Lclmw] [file ...]
        -c, --bytes            bytes
        -L, --max-line-length  columns of the longest line
        -l, --lines            lines
        -m, --chars            characters
        -w, --words            words
        """

    private struct Counts {
        var lines = 0
        var words = 0
        var characters = 0
        var bytes = 0
        var longest = 0

        mutating func add(_ other: Counts) {
            lines += other.lines
            words += other.words
            characters += other.characters
            bytes += other.bytes
            longest = max(longest, other.longest)
        }
    }

    func run(_ r: Run) throws(SysError) {
        let wanted = "lwmcL".filter { r.has($0) }
        let shown = wanted.isEmpty ? "lwc" : wanted
        let names = r.operands.isEmpty ? ["-"] : r.operands
        let width = width(of: names, shown.count, r)
        var rows: [(Counts, String)] = []
        var total = Counts()
        for name in names {
            try r.going(on: name) { () throws(SysError) in
                let fd: Int32
                do throws(SysError) { fd = name == "-" ? 0 : try r.open(name) } catch {
                    // There is such a file, with nothing to count.
                    if error.code == .isDir { rows.append((Counts(), name)) }
                    throw error
                }
                let counts = try count(r, fd, shown)
                if fd != 0 { try r.p.close(fd) }
                total.add(counts)
                rows.append((counts, r.operands.isEmpty ? "" : name))
            }
        }
        if r.operands.count > 1 { rows.append((total, "total")) }
        for (counts, name) in rows {
            let cells = shown.map { flag -> String in
                switch flag {
                case "l": String(counts.lines).right(width)
                case "w": String(counts.words).right(width)
                case "m": String(counts.characters).right(width)
                case "c": String(counts.bytes).right(width)
                default: String(counts.longest).right(width)
                }
            }
            try r.out.line((cells + (name.isEmpty ? [] : [name])).joined(separator: " "))
        }
    }

    /// As wide as the sizes are together, at least 7 where something has none; a single number needs no column.
    private func width(of names: [String], _ columns: Int, _ r: Run) -> Int {
        if columns == 1, names.count == 1 { return 1 }
        var least = 1
        var sizes: UInt64 = 0
        for name in names {
            // What is wrong with it is told when it is opened.
            guard let dir = name == "-" ? try? r.p.fstat(0) : try? r.p.stat(name) else { continue }
            if dir.isRegular {
                let (sum, overflow) = sizes.addingReportingOverflow(dir.length)
                sizes = overflow ? .max : sum
            } else {
                least = 7
            }
        }
        return max(least, String(sizes).count)
    }

    private func count(_ r: Run, _ fd: Int32, _ shown: String) throws(SysError) -> Counts {
        var counts = Counts()
        let onlyLines = !shown.contains { "wmL".contains($0) }
        var inWord = false
        var column = 0
        // Of the character that is being read: its bits so far, and how many bytes are to come.
        var (bits, missing) = (UInt32(0), 0)
        let measures = shown.contains("L")
        var reader = Reader(r, fd)
        try reader.eachBlock { (bytes) throws(SysError) in
            counts.bytes += bytes.count
            if onlyLines {
                counts.lines += bytes.count(of: UInt8(ascii: "\n"))
                return
            }
            for i in bytes.indices {
                let byte = bytes[i]
                // Bytes that go on with a character begin with 10.
                let isStart = byte & 0xc0 != 0x80
                if isStart { counts.characters += 1 }
                switch byte {
                case UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0x0c:
                    if byte == UInt8(ascii: "\n") { counts.lines += 1 }
                    counts.longest = max(counts.longest, column)
                    column = 0
                    inWord = false
                case UInt8(ascii: "\t"):
                    column = (column | 7) + 1
                    inWord = false
                case UInt8(ascii: " "), 0x0b:
                    if byte == UInt8(ascii: " ") { column += 1 }
                    inWord = false
                default:
                    if byte < 0x80 {
                        if byte >= 0x20, byte != 0x7f { column += 1 }
                    } else if measures {
                        if isStart {
                            missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1
                            bits = UInt32(byte) & (0x3f >> UInt32(missing))
                        } else if missing > 0 {
                            missing -= 1
                            bits = bits << 6 | UInt32(byte & 0x3f)
                            if missing == 0 { column += Unicode.Scalar(bits)?.columns ?? 0 }
                        }
                    }
                    if !inWord, byte > 0x20, byte != 0x7f {
                        counts.words += 1
                        inWord = true
                    }
                }
            }
        }
        counts.longest = max(counts.longest, column)
        return counts
    }
}
