import Kernel

/// Copies files to its output, one after the other.
struct Cat: Command {
    static let usage: Usage = """
        cat [-bnsu] [file ...]
        -b  number the lines that are not empty
        -n  number the lines
        -s  one empty line where several stand together
        -u  do not hold back output; it never does
        """

    func run(_ r: Run) throws(SysError) {
        let lines = r.has("b") || r.has("n") || r.has("s")
        var number = 0
        // A last line without a newline goes on in the next file.
        var isFresh = true
        var wasEmpty = false
        try r.eachFile { (_, fd) throws(SysError) in
            guard lines else { return try r.copy(fd) }
            var reader = Reader(r, fd)
            while let isShown = try reader.line({ (line) throws(SysError) -> Bool in
                let isEmpty = isFresh && line.isEmpty
                defer { wasEmpty = isEmpty }
                if r.has("s"), wasEmpty, isEmpty { return false }
                if isFresh, r.has("b") ? !line.isEmpty : r.has("n") {
                    number += 1
                    try r.out.write(String(number).right(6) + "\t")
                }
                try r.out.write(line)
                return true
            }) {
                isFresh = reader.wasEnded
                if isShown, isFresh { try r.out.put(UInt8(ascii: "\n")) }
            }
        }
    }
}
