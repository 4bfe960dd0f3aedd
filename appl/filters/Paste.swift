import Applib
import Kernel

/// Puts lines of files beside each other.
struct Paste: Command {
    static let usage: Usage = """
        paste [-sz] [-d list] [file ...]
        -d, --delimiters list  what stands between, each in its turn, instead of tabs; \\n \\t \\\\ and \\0 for nothing
        -s, --serial           the lines of each file in one
        -z, --zero-terminated  lines end in a zero byte
        """

    func run(_ r: Run) throws(SysError) {
        let ending: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        let delimiters = try list(r)
        let names = r.operands.isEmpty ? ["-"] : r.operands
        if r.has("s") {
            return try r.eachFile { (_, fd) throws(SysError) in
                var reader = Reader(r, fd, separator: ending)
                var count = 0
                try reader.eachLine { (line) throws(SysError) in
                    if count > 0 { try r.out.write(delimiters[(count - 1) % delimiters.count]) }
                    count += 1
                    try r.out.write(line)
                }
                try r.out.put(ending)
            }
        }
        var readers: [Reader] = []
        // Each - takes the next line of descriptor 0.
        var places: [Int] = []
        var input: Int?
        for name in names {
            if name == "-", let input {
                places.append(input)
                continue
            }
            if name == "-" { input = readers.count }
            places.append(readers.count)
            readers.append(Reader(r, name == "-" ? 0 : try r.open(name), separator: ending))
        }
        var ended = [Bool](repeating: false, count: places.count)
        while true {
            var row: [UInt8] = []
            for (column, place) in places.enumerated() {
                if column > 0 { row += delimiters[(column - 1) % delimiters.count] }
                guard !ended[column] else { continue }
                let took: Void? = try readers[place].line { row.append(copying: $0.bytes) }
                ended[column] = took == nil
                guard row.count <= Reader.lineLimit else { throw SysError("line too long") }
            }
            guard ended.contains(false) else { return }
            row.append(ending)
            try r.out.write(row)
            try Thread.check()
        }
    }

    /// The characters of -d, with `\n` and the like for what they stand for.
    private func list(_ r: Run) throws(SysError) -> [[UInt8]] {
        let marks: [Character: [UInt8]] = [
            "0": [], "n": [10], "t": [9], "b": [8], "f": [12], "r": [13], "v": [11],
        ]
        var rest = (r.options.value("d") ?? "\t")[...]
        var list: [[UInt8]] = []
        while let c = rest.popFirst() {
            guard c == "\\" else {
                list.append(Array(String(c).utf8))
                continue
            }
            guard let next = rest.popFirst() else { throw r.misuse("-d: a \\ ends the list") }
            list.append(marks[next] ?? Array(String(next).utf8))
        }
        return list.isEmpty ? [[]] : list
    }
}
