import Applib
import Kernel

/// Cuts a file into files.
struct Split: Command {
    static let usage: Usage = """
        split [-dx] [-a length] [-b size | -l lines] [--additional-suffix text] [file [prefix]]
        -a, --suffix-length length  letters behind the prefix; without, two, and more when those are used up
        -b, --bytes size            so many bytes in each: 512, 4K, 1M
        -d                          digits instead of letters
        -l, --lines lines           so many lines in each (1000)
        -x                          digits of 16
        --additional-suffix text    behind that
        The names are prefixaa, prefixab and so on; the prefix is x.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(0...2)
        let source = words.first ?? "-"
        guard !(r.has("b") && r.has("l")) else { throw r.misuse("-b and -l exclude each other") }
        guard !(r.has("d") && r.has("x")) else { throw r.misuse("-d and -x exclude each other") }
        let behind = r.options.value("additional-suffix") ?? ""
        guard !behind.contains("/") else { throw r.misuse("--additional-suffix: a name has no / in it") }
        let length = r.has("a") ? try r.number("a", or: 2, in: 1...200) : nil
        let digits = Array(r.has("d") ? "0123456789" : r.has("x") ? "0123456789abcdef" : "abcdefghijklmnopqrstuvwxyz")
        var parts = Parts(
            r, prefix: words.count > 1 ? words[1] : "x", behind: behind, length: length, digits: digits)
        let fd = source == "-" ? 0 : try r.open(source)
        var reader = Reader(r, fd)
        if let text = r.options.value("b") {
            guard let size = byteCount(text[...]), size > 0 else { throw r.misuse("-b: bad number '\(text)'") }
            var left = 0
            while let bytes = try reader.copy(left == 0 ? size : left) {
                if left == 0 {
                    try parts.next()
                    left = size
                }
                try parts.write(bytes)
                left -= bytes.count
            }
        } else {
            let most = try r.number("l", or: 1000, in: 1...Int.max)
            var count = 0
            while var line = try reader.line({ Array(copying: $0) }) {
                if count % most == 0 { try parts.next() }
                count += 1
                if reader.wasEnded { line.append(UInt8(ascii: "\n")) }
                try parts.write(line)
            }
        }
        try parts.close()
    }
}

/// The files that come of it, one after the other.
private struct Parts {
    private let r: Run
    private let prefix: String
    private let behind: String
    private let length: Int?
    private let digits: [Character]
    private var count = 0
    private var writer: Writer?

    init(_ r: Run, prefix: String, behind: String, length: Int?, digits: [Character]) {
        (self.r, self.prefix, self.behind, self.length, self.digits) = (r, prefix, behind, length, digits)
    }

    mutating func write(_ bytes: [UInt8]) throws(SysError) {
        try writer?.write(bytes)
        try Thread.check()
    }

    mutating func next() throws(SysError) {
        try close()
        let path = prefix + (try suffix(count)) + behind
        count += 1
        writer = Writer(r.p, try r.p.create(path, .write, FileMode(rawValue: 0o666)))
    }

    mutating func close() throws(SysError) {
        guard let last = writer else { return }
        writer = nil
        try last.flush()
        try r.p.close(last.fd)
    }

    /// The name of part `n`. Where no length is set, the last first letter is kept for names that are two letters longer,
    /// so that they stay in order.
    private func suffix(_ n: Int) throws(SysError) -> String {
        var n = n
        var lead = ""
        var letters = length ?? 2
        let base = digits.count
        if length == nil {
            while true {
                var room = base - 1
                for _ in 1..<letters { room *= base }
                if n < room { break }
                n -= room
                lead.append(digits[base - 1])
                letters += 1
            }
        }
        var text: [Character] = []
        for _ in 0..<letters {
            text.append(digits[n % base])
            n /= base
        }
        guard n == 0 else { throw SysError("there are no more names of this length") }
        return lead + String(text.reversed())
    }
}
