import Applib
import Kernel

/// Prints the end of files.
struct Tail: Command {
    static let usage: Usage = """
        tail [-Ffqrvz] [-n count | -c count] [-s seconds] [--follow[=how]] [--retry] [file ...]
        -c, --bytes count            so many bytes; with + before the number, from that byte on
        -F                           as --follow=name --retry
        -f                           go on with what is added
        --follow[=how]               the same; with name, go on with whatever file has the name
        -n, --lines count            so many lines (10); with + before it, from that line on
        -q, --quiet, --silent        no names between files
        -r                           the lines in reverse
        --retry                      wait for a file that is not there
        -s, --sleep-interval seconds  with -f, how long to wait between two looks (1)
        -v, --verbose                names, for a single file too
        -z, --zero-terminated        lines end in a zero byte
        -count                       the same as -n count; with c behind it, as -c count
        A count may end in b (512), K, M, G, kB and the like.
        """

    /// `tail +3` is `tail -n +3`, `tail -5f` is `tail -n 5 -f`.
    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, let now = Amount.old(first, flags: "fFqrv") else { return arguments }
        return now + arguments.dropFirst()
    }

    func run(_ r: Run) throws(SysError) {
        let isBytes = r.options.last(of: "cn") == "c"
        let given = r.options.value(isBytes ? "c" : "n")
        let amount = try Amount(given ?? "10", sign: "+")
        let withNames = r.options.last(of: "qv").map { $0 == "v" } ?? (r.operands.count > 1)
        let separator: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        guard !r.has("r") || !amount.isFromOther else { throw r.misuse("-r goes with no + before the count") }
        guard !r.has("retry") || r.has("F") || r.options.value("follow") == "name" else {
            throw r.misuse("--retry goes with --follow=name")
        }
        var isFirst = true
        func show(_ name: String, _ fd: Int32) throws(SysError) {
            if withNames { try r.out.write(Follower.header(name, isFirst: isFirst)) }
            isFirst = false
            switch (amount.isFromOther, isBytes) {
            case (true, _): try from(amount.count, isBytes, fd, separator, r)
            case (false, true): try last(bytes: amount.count, fd, r)
            case (false, false): try last(lines: r.has("r") && given == nil ? .max : amount.count, fd, separator, r)
            }
        }
        guard r.has("f") || r.has("F") || r.has("follow") else { return try r.eachFile(show) }
        var follower = try Follower(r, withNames: withNames)
        for name in r.operands.isEmpty ? ["-"] : r.operands {
            try r.going(on: name) { () throws(SysError) in
                guard let fd = try follower.add(name) else { return }
                do throws(SysError) { try show(name, fd) } catch {
                    try follower.loseLast()
                    throw error
                }
            }
        }
        try follower.follow()
    }

    /// All from line or byte `start` on, counted from 1.
    private func from(_ start: Int, _ isBytes: Bool, _ fd: Int32, _ separator: UInt8, _ r: Run) throws(SysError) {
        var reader = Reader(r, fd, separator: separator)
        var left = max(start, 1) - 1
        if isBytes {
            while left > 0, let n = try reader.block(left, { (bytes) throws(SysError) in bytes.count }) { left -= n }
        } else {
            while left > 0, try reader.line({ (_) throws(SysError) in }) != nil { left -= 1 }
        }
        try reader.eachBlock { (bytes) throws(SysError) in try r.out.write(bytes) }
    }

    private func last(bytes count: Int, _ fd: Int32, _ r: Run) throws(SysError) {
        try skipAhead(fd, count, r)
        let kept = try keep(fd, r) { $0.count - count }
        try r.out.write(kept.span.extracting(max(0, kept.count - count)..<kept.count))
    }

    private func last(
        lines count: Int, _ fd: Int32, _ separator: UInt8, _ r: Run
    ) throws(SysError) {
        // A file that can be sought in is looked at from its end, in growing steps.
        let length = Int(clamping: try r.p.fstat(fd).length)
        var size = Writer.blockSize
        while count < .max, size < length, try canSeek(fd, to: length - size, r) {
            let end = try keep(fd, r) { _ in 0 }
            if let start = Self.start(of: count, linesIn: end, separator), start > 0 {
                return try print(end, from: start, separator, r)
            }
            size = size > length / 4 ? length : size * 4
        }
        if length > 0, size > Writer.blockSize { _ = try canSeek(fd, to: 0, r) }
        let kept = try keep(fd, r) { kept in
            count == .max ? 0 : Self.start(of: count, linesIn: kept, separator) ?? 0
        }
        try print(kept, from: count == .max ? 0 : Self.start(of: count, linesIn: kept, separator) ?? 0, separator, r)
    }

    private func print(_ bytes: [UInt8], from start: Int, _ separator: UInt8, _ r: Run) throws(SysError) {
        guard r.has("r") else { return try r.out.write(bytes.span.extracting(start..<bytes.count)) }
        var end = bytes.count
        while end > start {
            // The newline that ends a line is not the one before it.
            let before = bytes[start..<end - 1].lastIndex(of: separator)
            let line = (before.map { $0 + 1 } ?? start)..<end
            try r.out.write(bytes.span.extracting(line))
            end = line.lowerBound
        }
    }

    /// Where the last `count` lines begin; nil where there are fewer.
    private static func start(of count: Int, linesIn bytes: [UInt8], _ separator: UInt8) -> Int? {
        guard count > 0 else { return bytes.count }
        var left = count
        var end = bytes.count
        if bytes.last == separator { end -= 1 }
        while let newline = bytes[..<end].lastIndex(of: separator) {
            left -= 1
            if left == 0 { return newline + 1 }
            end = newline
        }
        return nil
    }

    /// Reads to the end. Now and then what `surplus` says is dropped in front.
    private func keep(_ fd: Int32, _ r: Run, _ surplus: ([UInt8]) -> Int) throws(SysError) -> [UInt8] {
        var kept: [UInt8] = []
        var reader = Reader(r, fd)
        var limit = 1 << 20
        try reader.eachBlock { (bytes) throws(SysError) in
            kept.append(copying: bytes.bytes)
            guard kept.count > limit else { return }
            kept.removeFirst(max(0, surplus(kept)))
            limit = max(1 << 20, kept.count * 2)
            guard kept.count <= r.heldLimit else { throw Run.tooMuch }
        }
        return kept
    }

    private func skipAhead(_ fd: Int32, _ count: Int, _ r: Run) throws(SysError) {
        let length = Int(clamping: try r.p.fstat(fd).length)
        if length > count { _ = try canSeek(fd, to: length - count, r) }
    }

    private func canSeek(_ fd: Int32, to offset: Int, _ r: Run) throws(SysError) -> Bool {
        do throws(SysError) { try r.p.seek(fd, Int64(offset)) } catch {
            guard error.code == .stream else { throw error }
            return false
        }
        return true
    }
}
