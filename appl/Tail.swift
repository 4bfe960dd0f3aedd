import Kernel

/// Prints the end of files.
struct Tail: Command {
    static let usage: Usage = """
        tail [-fqrv] [-n count | -c count] [-s seconds] [file ...]
        -c count    so many bytes; with + before the number, from that byte on
        -f          go on with what is added
        -n count    so many lines (10); with + before it, from that line on
        -q          no names between files
        -r          the lines in reverse
        -s seconds  with -f, how long to wait between two looks (1)
        -v          names, for a single file too
        -count      the same as -n count
        """

    /// `tail +3` is `tail -n +3`.
    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, first.hasPrefix("+"), Int(first.dropFirst()) != nil else { return arguments }
        return ["-n", first] + arguments.dropFirst()
    }

    func run(_ r: Run) throws(SysError) {
        let isBytes = r.options.last(of: "cn") == "c"
        let given = r.options.value(isBytes ? "c" : "n")
        let amount = try Amount(given ?? "10", sign: "+")
        let withNames = r.options.last(of: "qv").map { $0 == "v" } ?? (r.operands.count > 1)
        let pause = try r.number("s", or: 1, in: 0...86400)
        guard !r.has("f") || r.operands.count <= 1 else { throw SysError("-f goes with one file") }
        var isFirst = true
        try r.eachFile { (name, fd) throws(SysError) in
            if withNames {
                try r.out.write((isFirst ? "" : "\n") + "==> \(name == "-" ? "standard input" : name) <==\n")
            }
            isFirst = false
            switch (amount.isFromOther, isBytes) {
            case (true, _): try from(amount.count, isBytes, fd, r)
            case (false, true): try last(bytes: amount.count, fd, r)
            case (false, false): try last(lines: r.has("r") && given == nil ? .max : amount.count, fd, r)
            }
            if r.has("f") { try follow(fd, pause, r) }
        }
    }

    /// All from line or byte `start` on, counted from 1.
    private func from(_ start: Int, _ isBytes: Bool, _ fd: Int32, _ r: Run) throws(SysError) {
        var reader = Reader(r, fd)
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

    private func last(lines count: Int, _ fd: Int32, _ r: Run) throws(SysError) {
        // A file that can be sought in is looked at from its end, in growing steps.
        let length = Int(clamping: try r.p.fstat(fd).length)
        var size = Writer.blockSize
        while count < .max, size < length, try canSeek(fd, to: length - size, r) {
            let end = try keep(fd, r) { _ in 0 }
            if let start = Self.start(of: count, linesIn: end), start > 0 { return try print(end, from: start, r) }
            size *= 4
        }
        if length > 0, size > Writer.blockSize { _ = try canSeek(fd, to: 0, r) }
        let kept = try keep(fd, r) { kept in
            count == .max ? 0 : Self.start(of: count, linesIn: kept) ?? 0
        }
        try print(kept, from: count == .max ? 0 : Self.start(of: count, linesIn: kept) ?? 0, r)
    }

    private func print(_ bytes: [UInt8], from start: Int, _ r: Run) throws(SysError) {
        guard r.has("r") else { return try r.out.write(bytes.span.extracting(start..<bytes.count)) }
        var end = bytes.count
        while end > start {
            // The newline that ends a line is not the one before it.
            let before = bytes[start..<end - 1].lastIndex(of: UInt8(ascii: "\n"))
            let line = (before.map { $0 + 1 } ?? start)..<end
            try r.out.write(bytes.span.extracting(line))
            end = line.lowerBound
        }
    }

    /// Where the last `count` lines begin; nil where there are fewer.
    private static func start(of count: Int, linesIn bytes: [UInt8]) -> Int? {
        guard count > 0 else { return bytes.count }
        var left = count
        var end = bytes.count
        if bytes.last == UInt8(ascii: "\n") { end -= 1 }
        while let newline = bytes[..<end].lastIndex(of: UInt8(ascii: "\n")) {
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
            guard kept.count <= Run.heldLimit else { throw Run.tooMuch }
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

    private func follow(_ fd: Int32, _ pause: Int, _ r: Run) throws(SysError) {
        while true {
            try r.copy(fd)
            // A file that was cut is read from its beginning.
            let length = try r.p.fstat(fd).length
            do throws(SysError) {
                if length > 0, try r.p.seek(fd, 0, .current) > length { try r.p.seek(fd, 0) }
            } catch {
                guard error.code == .stream else { throw error }
                return  // what was a pipe has ended for good
            }
            try r.p.sleep(milliseconds: max(100, Int64(pause) * 1000))
        }
    }
}
