import Kernel

/// Prints parts of lines.
struct Cut: Command {
    static let usage: Usage = """
        cut -b list | -c list | -f list [-ns] [-d delim] [file ...]
        -b list   bytes
        -c list   characters
        -d delim  what stands between fields (a tab)
        -f list   fields
        -n        with -b, cut no character in two
        -s        with -f, leave out lines without delim
        A list is of numbers from 1 and of ranges n-m, n-, -m, with commas or blanks between.
        """

    func run(_ r: Run) throws(SysError) {
        let kinds = "bcf".filter { r.has($0) }
        guard kinds.count == 1, let kind = kinds.first, let text = r.options.value(kind) else {
            throw r.misuse("one of -b, -c and -f is needed")
        }
        let list = try Ranges(text)
        let delimiter = Array((r.options.value("d") ?? "\t").utf8)
        guard delimiter.count <= 1 || r.options.value("d")?.count == 1 else {
            throw SysError("-d: '\(r.options.value("d") ?? "")' is not one character")
        }
        try r.eachFile { (_, fd) throws(SysError) in
            var reader = Reader(r, fd)
            try reader.eachLine { (line) throws(SysError) in
                switch kind {
                case "f": try fields(line, list, delimiter, r)
                case "b" where !r.has("n"): try bytes(line, list, r)
                default: try characters(line, list, byBytes: kind == "b", r)
                }
            }
        }
    }

    private func bytes(_ line: Span<UInt8>, _ list: Ranges, _ r: Run) throws(SysError) {
        for range in list.ranges where range.lowerBound <= line.count {
            try r.out.write(line.extracting(range.lowerBound - 1..<min(range.upperBound, line.count)))
        }
        try r.out.put(UInt8(ascii: "\n"))
    }

    /// With `byBytes` the list counts bytes, and a character is printed where its last byte is listed.
    private func characters(_ line: Span<UInt8>, _ list: Ranges, byBytes: Bool, _ r: Run) throws(SysError) {
        var place = 0
        var start = 0
        for i in line.indices where i + 1 == line.count || line[i + 1] & 0xc0 != 0x80 {
            place = byBytes ? i + 1 : place + 1
            if list.contains(place) { try r.out.write(line.extracting(start..<i + 1)) }
            start = i + 1
        }
        try r.out.put(UInt8(ascii: "\n"))
    }

    private func fields(_ line: Span<UInt8>, _ list: Ranges, _ delimiter: [UInt8], _ r: Run) throws(SysError) {
        var start = 0
        var field = 0
        var isFirst = true
        while true {
            let end = Self.find(delimiter, in: line, from: start)
            if field == 0, end == nil {
                if !r.has("s") { try r.out.line(line) }
                return
            }
            field += 1
            if list.contains(field) {
                if !isFirst { try r.out.write(delimiter) }
                isFirst = false
                try r.out.write(line.extracting(start..<(end ?? line.count)))
            }
            guard let end, field < list.last else { break }
            start = end + max(1, delimiter.count)
        }
        try r.out.put(UInt8(ascii: "\n"))
    }

    /// The next place of `delimiter`; an empty one is the zero byte.
    private static func find(_ delimiter: [UInt8], in line: Span<UInt8>, from start: Int) -> Int? {
        let first = delimiter.first ?? 0
        var i = start
        while i < line.count, let n = line.extracting(i..<line.count).firstIndex(of: first) {
            let place = i + n
            let rest = line.count - place
            if delimiter.count <= 1 { return place }
            if rest >= delimiter.count, delimiter.indices.allSatisfy({ line[place + $0] == delimiter[$0] }) {
                return place
            }
            i = place + 1
        }
        return nil
    }
}
