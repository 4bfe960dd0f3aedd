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
        var rows: [(Counts, String)] = []
        var total = Counts()
        var sizes = 0
        var isStream = false
        try r.eachFile { (name, fd) throws(SysError) in
            let dir = try r.p.fstat(fd)
            do throws(SysError) { try r.p.seek(fd, 0, .current) } catch {
                guard error.code == .stream else { throw error }
                isStream = true
            }
            sizes = Int(clamping: UInt64(sizes) + min(dir.length, UInt64(Int.max)))
            let counts = try count(r, fd, shown)
            total.add(counts)
            rows.append((counts, r.operands.isEmpty ? "" : name))
        }
        if r.operands.count > 1 { rows.append((total, "total")) }
        // As wide as the sizes are together; a single number needs no column.
        let isSingle = shown.count == 1 && r.operands.count <= 1
        let width = isSingle ? 1 : isStream ? max(7, String(sizes).count) : String(sizes).count
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

    private func count(_ r: Run, _ fd: Int32, _ shown: String) throws(SysError) -> Counts {
        var counts = Counts()
        let onlyLines = !shown.contains { "wmL".contains($0) }
        var inWord = false
        var column = 0
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
                    if isStart, byte >= 0x20, byte != 0x7f { column += 1 }
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
