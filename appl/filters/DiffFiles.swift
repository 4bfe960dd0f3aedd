import Applib
import Codec
import Kernel

/// One of two files that are compared.
struct DiffText {
    let name: String
    /// Nanoseconds since 1970; 0 where the file is not there.
    var modified: Int64 = 0
    var lines: [[UInt8]] = []
    var endsInNewline = true
    var isBinary = false
}

/// Compares pairs of files, and prints what changes one to the other.
struct DiffFiles {
    private let r: Run
    private let format: DiffFormat
    private let ignored: Matcher?

    init(_ format: DiffFormat, _ r: Run) throws(SysError) {
        self.r = r
        self.format = format
        let patterns = r.options.values("I")
        ignored = patterns.isEmpty ? nil : try Regex(anyOf: patterns, .basic).matcher()
    }

    /// `isBelow`: the files stand in directories that are compared, so that their names must be told.
    func compare(_ one: String, _ two: String, isBelow: Bool) throws(SysError) {
        let (a, b) = (try text(one), try text(two))
        let isBinary = (a.isBinary || b.isBinary) && !r.has("a")
        let changes =
            isBinary
            ? a.lines == b.lines && a.endsInNewline == b.endsInNewline ? [] : [Change(a: 0..<1, b: 0..<1)]
            : try changes(a, b)
        let ignorable = isBinary ? [false] : try changes.map { (c) throws(SysError) in try isIgnorable(c, a, b) }
        if !isBinary, !r.has("q") { try format.tellOpenEnds([a, b]) }
        guard zip(changes, ignorable).contains(where: { !$1 }) else {
            if r.has("s") { try r.out.line("Files \(one) and \(two) are identical") }
            return
        }
        r.status = r.status.code < 2 ? "differ" : r.status
        if r.has("q") || isBinary {
            return try r.out.line("\(r.has("q") ? "Files" : "Binary files") \(one) and \(two) differ")
        }
        if isBelow { try r.out.line((["diff"] + flags + [one, two]).joined(separator: " ")) }
        try format.print(changes, ignorable, a, b)
    }

    /// The flags as they were given, to be told again.
    private var flags: [String] {
        var words = Array(r.p.args.dropFirst())
        for operand in r.operands {
            if let i = words.lastIndex(of: operand) { words.remove(at: i) }
        }
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:@_^")
        return words.map { $0.allSatisfy(plain.contains) ? $0 : "'\($0)'" }
    }

    /// Bytes that a line takes besides its own.
    private static let lineCost = 40

    private func text(_ name: String) throws(SysError) -> DiffText {
        var text = DiffText(name: name)
        let fd: Int32
        do throws(SysError) { fd = name == "-" ? 0 : try r.open(name) } catch {
            // With -N it counts as empty.
            guard r.has("N"), error.code == .nonexist else { throw error }
            return text
        }
        defer { if fd != 0 { try? r.p.close(fd) } }  // it was read: nothing is lost
        text.modified = fd == 0 ? r.p.caller.clock.now() : try r.p.fstat(fd).modified
        var reader = Reader(r, fd)
        var held = 0
        while let line = try reader.line({ (bytes) throws(SysError) in [UInt8](copying: bytes) }) {
            if line.span.firstIndex(of: 0) != nil { text.isBinary = true }
            let strips = r.has("strip-trailing-cr") && line.last == UInt8(ascii: "\r")
            text.lines.append(strips ? line.dropLast() : line)
            held += line.count + Self.lineCost
            guard held <= r.heldLimit else { throw Run.tooMuch }
            if text.lines.count & 0xfff == 0 { try Thread.check() }
        }
        text.endsInNewline = reader.wasEnded
        return text
    }

    // MARK: what differs

    /// Numbers the lines, equal ones alike, and compares the numbers.
    private func changes(_ a: DiffText, _ b: DiffText) throws(SysError) -> [Change] {
        var known: [[UInt8]: Int32] = [:]
        let blanks = r.has("b") || r.has("w") || r.has("Z")
        let plain = !blanks && !r.has("i")
        let endsCount = !blanks && !format.isEditor
        func numbers(_ text: DiffText) -> [Int32] {
            text.lines.indices.map { i in
                var line = plain ? text.lines[i] : normal(text.lines[i])
                // A last line without its newline is another line.
                if i == text.lines.count - 1, !text.endsInNewline, endsCount { line.append(0x0a) }
                if let n = known[line] { return n }
                let n = Int32(truncatingIfNeeded: known.count)
                known[line] = n
                return n
            }
        }
        return try DiffScript.changes(numbers(a), numbers(b), isShortest: r.has("d"))
    }

    /// A line without what does not count.
    private func normal(_ line: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for c in line {
            if SortOrder.isBlank(c) || c == 0x0d || c == 0x0b || c == 0x0c {
                if r.has("w") { continue }
                if r.has("b") {
                    if out.last != 0x20 { out.append(0x20) }
                    continue
                }
            }
            out.append(r.has("i") && c >= 0x41 && c <= 0x5a ? c | 0x20 : c)
        }
        while r.has("b") || r.has("Z"), let c = out.last, SortOrder.isBlank(c) || c == 0x0d || c == 0x0b || c == 0x0c {
            out.removeLast()
        }
        return out
    }

    /// Whether all lines of a change are such that -B or -I leave them out.
    private func isIgnorable(_ c: Change, _ a: DiffText, _ b: DiffText) throws(SysError) -> Bool {
        guard r.has("B") || ignored != nil else { return false }
        for (text, range) in [(a, c.a), (b, c.b)] {
            for line in text.lines[range] {
                if r.has("B"), line.isEmpty { continue }
                guard let ignored, try ignored.matches(line.span.bytes) else { return false }
            }
        }
        return true
    }
}
