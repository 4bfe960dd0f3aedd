import Kernel

/// Lines that two sorted files have in common, and those that only one has.
struct Comm: Command {
    static let usage: Usage = """
        comm [-123z] file1 file2
        -1  leave out what is only in file1
        -2  leave out what is only in file2
        -3  leave out what is in both
        -z  lines end in a zero byte
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

        func advance(_ i: Int) throws(SysError) {
            let before = heads[i]
            heads[i] = try readers[i].line { line in
                var copy = [UInt8]()
                copy.append(copying: line.bytes)
                return copy
            }
            if let before, let now = heads[i], now.span.compare(before.span) < 0 {
                throw SysError("file \(i + 1) is not in sorted order", subject: names[i])
            }
        }
        func give(_ column: Int, _ line: [UInt8]) throws(SysError) {
            guard shown[column] else { return }
            for _ in 0..<indents[column] { try r.out.put(0x09) }
            try r.out.write(line)
            try r.out.put(ending)
        }

        try advance(0)
        try advance(1)
        while true {
            try Thread.check()
            switch (heads[0], heads[1]) {
            case (nil, nil): return
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
