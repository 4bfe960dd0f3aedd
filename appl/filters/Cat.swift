import Applib
import Kernel

/// Copies files to its output, one after the other.
struct Cat: Command {
    static let usage: Usage = """
        cat [-AbeEnstTuv] [file ...]
        -A, --show-all          as -vET
        -b, --number-nonblank   number the lines that are not empty
        -e                      as -vE
        -E, --show-ends         a $ at the end of each line
        -n, --number            number the lines
        -s, --squeeze-blank     one empty line where several stand together
        -t                      as -vT
        -T, --show-tabs         a tab as ^I
        -u                      do not hold back output; it never does
        -v, --show-nonprinting  control characters as ^X, bytes from 128 on as M-x
        """

    func run(_ r: Run) throws(SysError) {
        let ends = r.has("A") || r.has("e") || r.has("E")
        let shown = Self.shown(
            controls: r.has("A") || r.has("e") || r.has("t") || r.has("v"), tabs: r.has("A") || r.has("t") || r.has("T")
        )
        let byLine = r.has("b") || r.has("n") || r.has("s") || ends || shown != nil
        var number = 0
        // A last line without a newline goes on in the next file.
        var isFresh = true
        var wasEmpty = false
        try r.eachFile { (_, fd) throws(SysError) in
            guard byLine else { return try r.copy(fd) }
            var reader = Reader(r, fd)
            while let (isShown, endsInReturn) = try reader.line({ (line) throws(SysError) -> (Bool, Bool) in
                let isEmpty = isFresh && line.isEmpty
                defer { wasEmpty = isEmpty }
                if r.has("s"), wasEmpty, isEmpty { return (false, false) }
                if isFresh, r.has("b") ? !line.isEmpty : r.has("n") {
                    number += 1
                    try r.out.write(String(number).right(6) + "\t")
                }
                // Before a newline whose place is shown, a carriage return is shown too.
                let endsInReturn = ends && !line.isEmpty && line[line.count - 1] == UInt8(ascii: "\r")
                try show(endsInReturn ? line.extracting(0..<line.count - 1) : line, shown, r)
                return (true, endsInReturn)
            }) {
                isFresh = reader.wasEnded
                if endsInReturn { try r.out.write(isFresh ? Array("^M".utf8) : shown?[0x0d] ?? [0x0d]) }
                guard isShown, isFresh else { continue }
                try r.out.write(ends ? "$\n" : "\n")
            }
        }
    }

    private func show(_ line: Span<UInt8>, _ shown: [[UInt8]]?, _ r: Run) throws(SysError) {
        guard let shown else { return try r.out.write(line) }
        for i in line.indices { try r.out.write(shown[Int(line[i])]) }
    }

    /// What stands for each byte; nil where all are themselves.
    private static func shown(controls: Bool, tabs: Bool) -> [[UInt8]]? {
        guard controls || tabs else { return nil }
        return (UInt8.min...UInt8.max).map { byte in
            let isShown = byte == UInt8(ascii: "\t") ? tabs : controls && (byte < 0x20 || byte > 0x7e)
            return isShown ? Array(visible(byte).utf8) : [byte]
        }
    }
}
