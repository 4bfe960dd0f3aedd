import Kernel

/// Tells how files differ. Status: empty when they are equal, `differ` when not.
struct Diff: Command {
    static let usage: Usage = """
        diff [-abiNqrsuw] [-U lines] file1 file2
        -a        compare as text what has zero bytes
        -b        an amount of blanks equals any other
        -i        lower case equals upper case
        -N        an absent file counts as empty
        -q        tell only that they differ
        -r        go down into directories
        -s        tell of files that are equal
        -u        unified: three lines around each change
        -U lines  unified, with so many lines around
        -w        blanks do not count
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(2...2)
        try compare(r, names[0], names[1], 0)
    }

    private static let depthLimit = 200

    private func isDirectory(_ r: Run, _ name: String) throws(SysError) -> Bool {
        name == "-" ? false : try r.p.stat(name).isDirectory
    }

    private func compare(_ r: Run, _ one: String, _ two: String, _ depth: Int) throws(SysError) {
        try Thread.check()
        let (a, b) = (try isDirectory(r, one), try isDirectory(r, two))
        if a && b {
            guard depth == 0 || r.has("r") else { return try r.out.line("Common subdirectories: \(one) and \(two)") }
            guard depth < Self.depthLimit else { throw SysError("directories too deep", subject: one) }
            return try compareDirectories(r, one, two, depth)
        }
        if depth == 0, a != b {
            // A file stands for the one of its name in the directory.
            let name = Self.last(a ? two : one)
            return try compareFiles(r, a ? "\(one)/\(name)" : one, b ? "\(two)/\(name)" : two, depth)
        }
        if a != b {
            r.status = "differ"
            let what = { (isDir: Bool) in isDir ? "directory" : "regular file" }
            return try r.out.line("File \(one) is a \(what(a)) while file \(two) is a \(what(b))")
        }
        try compareFiles(r, one, two, depth)
    }

    private static func last(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private func names(_ r: Run, _ directory: String) throws(SysError) -> [String] {
        let fd = try r.p.open(directory)
        defer { try? r.p.close(fd) }  // it was read: nothing is lost
        var names: [String] = []
        while true {
            let entries = try r.p.dirread(fd)
            if entries.isEmpty { return names.sorted() }
            names += entries.map(\.name)
        }
    }

    private func compareDirectories(_ r: Run, _ one: String, _ two: String, _ depth: Int) throws(SysError) {
        let (a, b) = (try names(r, one), try names(r, two))
        let (inA, inB) = (Set(a), Set(b))
        for name in inA.union(inB).sorted() {
            let (x, y) = ("\(one)/\(name)", "\(two)/\(name)")
            if inA.contains(name), inB.contains(name) {
                try r.going(on: x) { () throws(SysError) in try compare(r, x, y, depth + 1) }
            } else if r.has("N"), try !isDirectory(r, inA.contains(name) ? x : y) {
                try r.going(on: x) { () throws(SysError) in try compareFiles(r, x, y, depth + 1) }
            } else {
                r.status = "differ"
                try r.out.line("Only in \(inA.contains(name) ? one : two): \(name)")
            }
        }
    }

    // MARK: two files

    private struct Text {
        var lines: [[UInt8]] = []
        var endsInNewline = true
        var isBinary = false
    }

    private func text(_ r: Run, _ name: String) throws(SysError) -> Text {
        var text = Text()
        if r.has("N"), name != "-", (try? r.p.stat(name)) == nil { return text }  // it counts as empty
        let fd = name == "-" ? 0 : try r.open(name)
        defer { if fd != 0 { try? r.p.close(fd) } }  // it was read: nothing is lost
        var reader = Reader(r, fd)
        while true {
            let line = try reader.line { bytes -> [UInt8] in
                var copy = [UInt8]()
                copy.append(copying: bytes.bytes)
                return copy
            }
            guard let line else { break }
            if line.span.firstIndex(of: 0) != nil { text.isBinary = true }
            text.lines.append(line)
            if text.lines.count & 0xfff == 0 { try Thread.check() }
        }
        text.endsInNewline = reader.wasEnded
        return text
    }

    private func compareFiles(_ r: Run, _ one: String, _ two: String, _ depth: Int) throws(SysError) {
        let (a, b) = (try text(r, one), try text(r, two))
        if (a.isBinary || b.isBinary) && !r.has("a") || r.has("q") {
            let same =
                r.has("q") && !a.isBinary && !b.isBinary
                ? try changes(r, a, b).isEmpty : a.lines == b.lines && a.endsInNewline == b.endsInNewline
            guard !same else { return try tellEqual(r, one, two) }
            r.status = "differ"
            let what = r.has("q") ? "Files" : "Binary files"
            return try r.out.line("\(what) \(one) and \(two) differ")
        }
        let changes = try changes(r, a, b)
        guard !changes.isEmpty else { return try tellEqual(r, one, two) }
        r.status = "differ"
        let unified = r.has("u") || r.has("U")
        if depth > 0 { try r.out.line("diff \(Self.flags(r)) \(one) \(two)") }
        if unified {
            try giveUnified(r, changes, a, b, one, two)
        } else {
            for c in changes { try giveNormal(r, c, a, b) }
        }
    }

    private static func flags(_ r: Run) -> String {
        "-" + "abiNruw".filter { r.has($0) } + (r.options.value("U").map { " -U \($0)" } ?? "")
    }

    private func tellEqual(_ r: Run, _ one: String, _ two: String) throws(SysError) {
        if r.has("s") { try r.out.line("Files \(one) and \(two) are identical") }
    }

    /// Numbers the lines, equal ones alike, and compares the numbers.
    private func changes(_ r: Run, _ a: Text, _ b: Text) throws(SysError) -> [Change] {
        var known: [[UInt8]: Int32] = [:]
        let plain = !r.has("b") && !r.has("w") && !r.has("i")
        func numbers(_ text: Text) -> [Int32] {
            text.lines.indices.map { i in
                var line = plain ? text.lines[i] : normal(r, text.lines[i])
                // A last line without its newline is another line.
                if i == text.lines.count - 1, !text.endsInNewline, !r.has("b"), !r.has("w") { line.append(0x0a) }
                if let n = known[line] { return n }
                let n = Int32(truncatingIfNeeded: known.count)
                known[line] = n
                return n
            }
        }
        return try DiffScript.changes(numbers(a), numbers(b))
    }

    private func normal(_ r: Run, _ line: [UInt8]) -> [UInt8] {
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
        if r.has("b"), out.last == 0x20 { out.removeLast() }
        return out
    }

    private func give(_ r: Run, _ mark: String, _ text: Text, _ range: Range<Int>) throws(SysError) {
        for i in range {
            try r.out.write(mark)
            try r.out.write(text.lines[i])
            try r.out.put(0x0a)
            if i == text.lines.count - 1, !text.endsInNewline { try r.out.line("\\ No newline at end of file") }
        }
    }

    private func giveNormal(_ r: Run, _ c: Change, _ a: Text, _ b: Text) throws(SysError) {
        func place(_ range: Range<Int>) -> String {
            range.isEmpty
                ? "\(range.lowerBound)"
                : range.count == 1 ? "\(range.upperBound)" : "\(range.lowerBound + 1),\(range.upperBound)"
        }
        try r.out.line(place(c.a) + (c.a.isEmpty ? "a" : c.b.isEmpty ? "d" : "c") + place(c.b))
        try give(r, "< ", a, c.a)
        if !c.a.isEmpty, !c.b.isEmpty { try r.out.line("---") }
        try give(r, "> ", b, c.b)
    }

    private func giveUnified(
        _ r: Run, _ changes: [Change], _ a: Text, _ b: Text, _ one: String, _ two: String
    ) throws(SysError) {
        let context = try r.number("U", or: 3, in: 0...1 << 30)
        for (mark, name) in [("---", one), ("+++", two)] { try r.out.line("\(mark) \(name)") }
        func place(_ range: Range<Int>) -> String {
            switch range.count {
            case 0: "\(range.lowerBound),0"
            case 1: "\(range.upperBound)"
            default: "\(range.lowerBound + 1),\(range.count)"
            }
        }
        var i = 0
        while i < changes.count {
            var last = i
            while last + 1 < changes.count, changes[last + 1].a.lowerBound - changes[last].a.upperBound <= 2 * context {
                last += 1
            }
            let before = min(context, changes[i].a.lowerBound)
            let after = min(context, a.lines.count - changes[last].a.upperBound)
            let whole = changes[i].a.lowerBound - before..<changes[last].a.upperBound + after
            let other = changes[i].b.lowerBound - before..<changes[last].b.upperBound + after
            try r.out.line("@@ -\(place(whole)) +\(place(other)) @@")
            var at = whole.lowerBound
            for c in changes[i...last] {
                try give(r, " ", a, at..<c.a.lowerBound)
                try give(r, "-", a, c.a)
                try give(r, "+", b, c.b)
                at = c.a.upperBound
            }
            try give(r, " ", a, at..<whole.upperBound)
            i = last + 1
        }
    }
}
