import Applib
import Kernel

/// Copies a line of its input to its output, and reads no further.
struct Read: Command {
    static let usage: Usage = """
        read [-mr] [-n count] [-c count] [file]
        -c count  so many bytes instead
        -m        all the lines that are left
        -n count  so many lines (1)
        -r        a backslash is a byte like others; it always is
        At the end of the input the status is eof.
        """

    func run(_ r: Run) throws(SysError) {
        _ = try r.operands(0...1)
        let lines = try r.number("n", or: 1)
        try r.eachFile { (_, fd) throws(SysError) in
            if let count = r.options.value("c") {
                guard let n = Int(count), n >= 0 else { throw SysError("-c: bad number '\(count)'") }
                return try copy(bytes: n, fd, r)
            }
            if r.has("m") { return try r.copy(fd) }
            var found = 0
            while found < lines, try copyLine(fd, r) { found += 1 }
            if found == 0, lines > 0 { r.status = "eof" }
        }
    }

    /// Byte by byte: what stands behind the line is somebody else's. False at the end.
    private func copyLine(_ fd: Int32, _ r: Run) throws(SysError) -> Bool {
        var line: [UInt8] = []
        while true {
            let byte = try r.p.read(fd, 1)
            guard let c = byte.first else { break }
            line.append(c)
            if c == UInt8(ascii: "\n") { break }
            guard line.count < Reader.lineLimit else { throw SysError("line too long") }
        }
        try r.out.write(line)
        return !line.isEmpty
    }

    private func copy(bytes count: Int, _ fd: Int32, _ r: Run) throws(SysError) {
        var left = count
        while left > 0 {
            let bytes = try r.p.read(fd, min(left, Writer.blockSize))
            if bytes.isEmpty { break }
            try r.out.write(bytes)
            left -= bytes.count
        }
        if left == count, count > 0 { r.status = "eof" }
    }
}
