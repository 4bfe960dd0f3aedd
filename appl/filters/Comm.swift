import Applib
import Kernel

/// Lines that two sorted files have in common, and those that only one has.
struct Comm: Command {
    static let usage: Usage = """
        comm [-123z] [--check-order | --nocheck-order] [--output-delimiter text] [--total] file1 file2
        -1                       leave out what is only in file1
        -2                       leave out what is only in file2
        -3                       leave out what is in both
        -z, --zero-terminated    lines end in a zero byte
        --check-order            end where a file is not sorted
        --nocheck-order          do not look; otherwise it is told, once lines were found that only one file has
        --output-delimiter text  stands before a column instead of a tab
        --total                  a last line with how many lines each column has
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(2...2)
        let ending: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        let shown = "123".map { !r.has($0) }
        // A column is as far right as those before it are shown.
        let indents = [0, shown[0] ? 1 : 0, (shown[0] ? 1 : 0) + (shown[1] ? 1 : 0)]
        var readers: [Reader] = []
        for name in names { readers.append(Reader(r, name == "-" ? 0 : try r.open(name), separator: ending)) }
        var heads: [[UInt8]?] = [nil, nil]
        let checks = r.has("check-order") || !r.has("nocheck-order")
        let delimiter = Array((r.options.value("output-delimiter") ?? "\t").utf8)
        var counts = [0, 0, 0]
        var isTold = [false, false]

        func advance(_ i: Int) throws(SysError) {
            let before = heads[i]
            heads[i] = try readers[i].line { line in
                var copy = [UInt8]()
                copy.append(copying: line.bytes)
                return copy
            }
            guard checks, r.has("check-order") || (counts[0] + counts[1] > 0 && !isTold[i]), let before,
                let now = heads[i], now.span.compare(before.span) < 0
            else { return }
            let wrong = SysError("file \(i + 1) is not in sorted order", subject: names[i])
            if r.has("check-order") { throw wrong }
            isTold[i] = true
            try r.warn(wrong)
        }
        func give(_ column: Int, _ line: [UInt8]) throws(SysError) {
            counts[column] += 1
            guard shown[column] else { return }
            for _ in 0..<indents[column] { try r.out.write(delimiter) }
            try r.out.write(line)
            try r.out.put(ending)
        }

        try advance(0)
        try advance(1)
        while true {
            try Thread.check()
            switch (heads[0], heads[1]) {
            case (nil, nil):
                guard r.has("total") else { return }
                let cells = counts.map { Array(String($0).utf8) } + [Array("total".utf8)]
                try r.out.write(Array(cells.joined(separator: delimiter)))
                return try r.out.put(ending)
            case (let a?, nil):
                try give(0, a)
                try advance(0)
            case (nil, let b?):
                try give(1, b)
                try advance(1)
            case (let a?, let b?):
                let c = a.span.compare(b.span)
                if c < 0 {
                    try give(0, a)
                    try advance(0)
                } else if c > 0 {
                    try give(1, b)
                    try advance(1)
                } else {
                    try give(2, a)
                    try advance(0)
                    try advance(1)
                }
            }
        }
    }
}
