import Applib
import Kernel

/// Prints files with their last line first.
struct Tac: Command {
    static let usage: Usage = """
        tac [-b] [-s separator] [file ...]
        -b, --before               the separator stands before what it goes with
        -s, --separator separator  instead of a newline
        """

    func run(_ r: Run) throws(SysError) {
        let separator = Array((r.options.value("s") ?? "\n").utf8)
        guard !separator.isEmpty else { throw r.misuse("-s: the separator is empty") }
        try r.eachFile { (_, fd) throws(SysError) in
            var text: [UInt8] = []
            var reader = Reader(r, fd)
            try reader.eachBlock { (bytes) throws(SysError) in
                guard text.count + bytes.count <= r.heldLimit else { throw Run.tooMuch }
                text.append(copying: bytes.bytes)
            }
            var end = text.count
            var i = end - separator.count
            while i >= 0 {
                guard text[i] == separator[0], text[i..<i + separator.count].elementsEqual(separator) else {
                    i -= 1
                    continue
                }
                let cut = r.has("b") ? i : i + separator.count
                try r.out.write(text.span.extracting(cut..<end))
                end = cut
                i -= separator.count
                try Thread.check()
            }
            try r.out.write(text.span.extracting(0..<end))
        }
    }
}
