import Applib
import Kernel

/// Prints the beginning of files.
struct Head: Command {
    static let usage: Usage = """
        head [-qvz] [-n count | -c count] [file ...]
        -c, --bytes count       so many bytes; with - before the number, all but so many at the end
        -n, --lines count       so many lines (10); the same with - before it
        -q, --quiet, --silent   no names between files
        -v, --verbose           names, for a single file too
        -z, --zero-terminated   lines end in a zero byte
        -count                  the same as -n count; with c behind it, as -c count
        A count may end in b (512), K, M, G, kB and the like.
        """

    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, first.hasPrefix("-"), let now = Amount.old(first, flags: "qvz") else {
            return arguments
        }
        return now + arguments.dropFirst()
    }

    func run(_ r: Run) throws(SysError) {
        let isBytes = r.options.last(of: "cn") == "c"
        let amount = try Amount(r.options.value(isBytes ? "c" : "n") ?? "10")
        let withNames = r.options.last(of: "qv").map { $0 == "v" } ?? (r.operands.count > 1)
        let ending: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        var isFirst = true
        try r.eachFile { (name, fd) throws(SysError) in
            if withNames {
                try r.out.write((isFirst ? "" : "\n") + "==> \(name == "-" ? "standard input" : name) <==\n")
            }
            isFirst = false
            var reader = Reader(r, fd, separator: ending)
            switch (amount.isFromOther, isBytes) {
            case (false, true): try first(amount.count, bytesOf: &reader, r)
            case (false, false): try first(amount.count, linesOf: &reader, ending, r)
            case (true, true): try allBut(amount.count, bytesOf: &reader, r)
            case (true, false): try allBut(amount.count, linesOf: &reader, ending, r)
            }
            try reader.giveBack()
        }
    }

    private func first(_ count: Int, bytesOf reader: inout Reader, _ r: Run) throws(SysError) {
        var left = count
        while left > 0,
            let n = try reader.block(
                left,
                { (bytes) throws(SysError) in
                    try r.out.write(bytes)
                    return bytes.count
                })
        { left -= n }
    }

    private func first(_ count: Int, linesOf reader: inout Reader, _ ending: UInt8, _ r: Run) throws(SysError) {
        for _ in 0..<count {
            guard try reader.line({ (line) throws(SysError) in try r.out.write(line) }) != nil else { return }
            if reader.wasEnded { try r.out.put(ending) }
        }
    }

    /// The last lines are held back until it is known that others follow.
    private func allBut(_ count: Int, linesOf reader: inout Reader, _ ending: UInt8, _ r: Run) throws(SysError) {
        var held: [[UInt8]] = []
        var next = 0
        var size = 0
        while let line = try reader.line({ (line) throws(SysError) in [UInt8](copying: line) }) {
            let whole = reader.wasEnded ? line + [ending] : line
            size += whole.count
            if held.count < count {
                held.append(whole)
            } else if count == 0 {
                try r.out.write(whole)
                size = 0
            } else {
                try r.out.write(held[next])
                size -= held[next].count
                held[next] = whole
                next = (next + 1) % count
            }
            guard size <= r.heldLimit else { throw Run.tooMuch }
        }
    }

    private func allBut(_ count: Int, bytesOf reader: inout Reader, _ r: Run) throws(SysError) {
        var held: [UInt8] = []
        try reader.eachBlock { (bytes) throws(SysError) in
            held.append(copying: bytes.bytes)
            if held.count > count {
                try r.out.write(held.span.extracting(0..<held.count - count))
                held.removeFirst(held.count - count)
            }
            guard held.count <= r.heldLimit else { throw Run.tooMuch }
        }
    }
}
