import Applib
import Kernel

/// Shows text a page at a time.
struct P: Command {
    static let usage: Usage = """
        p [-n lines] [file ...]
        -n lines  of a page; else those of the terminal, else 22
        -lines    the same as -n lines
        After each page a newline on /dev/cons shows the next, and q ends.
        """

    func run(_ r: Run) throws(SysError) {
        let window = r.p.window(1)
        let lines = try r.number(
            "n", or: max(2, (window?.rows ?? 0) > 0 ? (window?.rows ?? 24) - 2 : 22), in: 1...100_000)
        var keyboard: Int32?
        var isDone = false
        try r.eachFile { (_, fd) throws(SysError) in
            var reader = Reader(r, fd)
            var shown = 0
            while !isDone, try reader.line({ (line) throws(SysError) in try r.out.line(line) }) != nil {
                shown += 1
                guard shown == lines else { continue }
                shown = 0
                try r.out.flush()
                if keyboard == nil { keyboard = try r.p.open("/dev/cons") }
                if let keyboard { isDone = try !goesOn(keyboard, r) }
            }
        }
    }

    /// Waits for a line of the person's.
    private func goesOn(_ fd: Int32, _ r: Run) throws(SysError) -> Bool {
        var answer: [UInt8] = []
        while answer.last != UInt8(ascii: "\n") {
            let bytes = try r.p.read(fd, 256)
            if bytes.isEmpty { return false }
            answer += bytes.prefix(max(0, 256 - answer.count))
            if answer.count >= 256 { break }
        }
        return answer.first != UInt8(ascii: "q")
    }
}
