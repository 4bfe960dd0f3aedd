import Applib
import Kernel

/// Prints parts of lines.
struct Cut: Command {
    static let usage: Usage = """
        cut -b list | -c list | -f list [-nsz] [-d delim] [--complement] [--output-delimiter text] [file ...]
        -b, --bytes list         bytes
        -c, --characters list    characters
        -d, --delimiter delim    what stands between fields (a tab)
        -f, --fields list        fields
        -n                       with -b, cut no character in two
        -s, --only-delimited     with -f, leave out lines without delim
        -z, --zero-terminated    lines end in a zero byte
        --complement             what is not listed instead
        --output-delimiter text  between the parts that are printed, instead of delim
        A list is of numbers from 1 and of ranges n-m, n-, -m, with commas or blanks between.
        """

    /// What is to be printed of each line.
    private struct Plan {
        let list: Ranges
        let delimiter: [UInt8]
        /// Between parts.
        let between: [UInt8]
        let ending: UInt8
        let onlyDelimited: Bool
    }

    func run(_ r: Run) throws(SysError) {
        let kinds = "bcf".filter { r.has($0) }
        guard kinds.count == 1, let kind = kinds.first, let text = r.options.value(kind) else {
            throw r.misuse("one of -b, -c and -f is needed")
        }
        guard kind == "f" || !r.has("d") && !r.has("s") else { throw r.misuse("-d and -s go with -f") }
        let given = try Ranges(text)
        let delimiter = Array((r.options.value("d") ?? "\t").utf8)
        guard delimiter.count <= 1 || r.options.value("d")?.count == 1 else {
            throw SysError("-d: '\(r.options.value("d") ?? "")' is not one character")
        }
        let between = r.options.value("output-delimiter").map { Array($0.utf8) }
        let plan = Plan(
            list: r.has("complement") ? given.complement : given, delimiter: delimiter,
            between: between ?? (kind == "f" ? delimiter : []), ending: r.has("z") ? 0 : UInt8(ascii: "\n"),
            onlyDelimited: r.has("s"))
        try r.eachFile { (_, fd) throws(SysError) in
            var reader = Reader(r, fd, separator: plan.ending)
            try reader.eachLine { (line) throws(SysError) in
                switch kind {
                case "f": try fields(line, plan, r)
                case "b" where !r.has("n"): try bytes(line, plan, r)
                default: try characters(line, plan, byBytes: kind == "b", r)
                }
            }
        }
    }

    private func bytes(_ line: Span<UInt8>, _ plan: Plan, _ r: Run) throws(SysError) {
        var isFirst = true
        for range in plan.list.ranges where range.lowerBound <= line.count {
            if !isFirst { try r.out.write(plan.between) }
            isFirst = false
            try r.out.write(line.extracting(range.lowerBound - 1..<min(range.upperBound, line.count)))
        }
        try r.out.put(plan.ending)
    }

    /// With `byBytes` the list counts bytes, and a character is printed where its last byte is listed.
    private func characters(_ line: Span<UInt8>, _ plan: Plan, byBytes: Bool, _ r: Run) throws(SysError) {
        var place = 0
        var start = 0
        // The range that the character before stands in.
        var last: ClosedRange<Int>?
        for i in line.indices where i + 1 == line.count || line[i + 1] & 0xc0 != 0x80 {
            place = byBytes ? i + 1 : place + 1
            if let range = plan.list.range(of: place) {
                if let last, last != range { try r.out.write(plan.between) }
                last = range
                try r.out.write(line.extracting(start..<i + 1))
            }
            start = i + 1
        }
        try r.out.put(plan.ending)
    }

    private func fields(_ line: Span<UInt8>, _ plan: Plan, _ r: Run) throws(SysError) {
        var start = 0
        var field = 0
        var isFirst = true
        while true {
            let end = Self.find(plan.delimiter, in: line, from: start)
            if field == 0, end == nil {
                if plan.onlyDelimited { return }
                try r.out.write(line)
                return try r.out.put(plan.ending)
            }
            field += 1
            if plan.list.contains(field) {
                if !isFirst { try r.out.write(plan.between) }
                isFirst = false
                try r.out.write(line.extracting(start..<(end ?? line.count)))
            }
            guard let end, field < plan.list.last else { break }
            start = end + max(1, plan.delimiter.count)
        }
        try r.out.put(plan.ending)
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
