import Kernel
import Shell

/// Tells how files differ. Status: empty when they are equal, `differ` when not.
struct Diff: Command {
    static let usage: Usage = """
        diff [-aBbcefiNnpqrsTtuwZ] [-C lines | -U lines] [-I pattern] [-L label]... [-x glob]... file1 file2
        -a, --text                      compare as text what has zero bytes
        -B, --ignore-blank-lines        changes of empty lines alone are none
        -b, --ignore-space-change       an amount of blanks equals any other
        -c                              with three lines of context around each change
        -C lines                        the same, with so many lines
        --context[=lines]               the same
        -e, --ed                        a script for ed
        -f                              like one, from the first change to the last
        -I, --ignore-matching-lines pattern  changes of lines that match alone are none
        -i, --ignore-case               lower case equals upper case
        -L, --label label               stands for a file's name and time, the first for file1
        -N, --new-file                  an absent file counts as empty
        -n, --rcs                       as RCS keeps it
        -p, --show-c-function           with -c and -u, the function that a change is in
        -q, --brief                     tell only that they differ
        -r, --recursive                 go down into directories
        -s, --report-identical-files    tell of files that are equal
        --strip-trailing-cr             a carriage return at the end of a line is none
        -T, --initial-tab               a tab before each line's text
        -t, --expand-tabs               tabs as blanks
        -u                              unified: three lines around each change
        -U lines                        unified, with so many lines around
        --unified[=lines]               the same
        -w, --ignore-all-space          blanks do not count
        -x, --exclude glob              leave out files of directories whose name matches
        -Z, --ignore-trailing-space     blanks at the end of a line do not count
        """
    static let trouble: Int32 = 2

    /// `-u5` is `-U5`, and so is `-c5`.
    static func arrange(_ arguments: [String]) -> [String] {
        let flags = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<flags].map { word in
            let digits = word.reversed().prefix { $0.isASCII && $0.isNumber }.count
            let letters = word.dropLast(digits)
            guard digits > 0, word.hasPrefix("-"), !word.hasPrefix("--"), let form = letters.last, "uc".contains(form),
                !letters.dropLast().contains(where: { usage.takesValue($0) })
            else { return word }
            return letters.dropLast() + form.uppercased() + word.suffix(digits)
        } + arguments[flags...]
    }

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(2...2)
        let files = try DiffFiles(try DiffFormat(r), r)
        var trees = DiffTrees(r, files)
        try trees.compare(names[0], names[1])
    }
}

/// The way through two trees, or to two files. Pairs that are still to be compared stand in a list: a deep tree cannot exhaust a
/// stack.
private struct DiffTrees {
    private let r: Run
    private let files: DiffFiles
    private let excluded: [Pattern]

    private struct Pair {
        let one: String
        let two: String
        let depth: Int
        /// What each is; nil where it is not there.
        let a: Dir?
        let b: Dir?
    }

    /// The directories that the current pair stands in, from the first.
    private var above: [(a: FileIdentity?, b: FileIdentity?)] = []

    init(_ r: Run, _ files: DiffFiles) {
        self.r = r
        self.files = files
        excluded = r.options.values("x").map { Pattern($0) }
    }

    mutating func compare(_ one: String, _ two: String) throws(SysError) {
        let (a, b) = (try look(one), try look(two))
        if a == nil, b == nil { throw SysError(.nonexist, subject: one) }
        if let a, let b, a.isDirectory != b.isDirectory {
            // A file stands for the one of its name in the directory.
            let name = lastName(a.isDirectory ? two : one)
            return try files.compare(
                a.isDirectory ? join(one, name) : one, b.isDirectory ? join(two, name) : two, isBelow: false)
        }
        var pairs = [Pair(one: one, two: two, depth: 0, a: a, b: b)]
        while let pair = pairs.popLast() {
            try Thread.check()
            if pair.depth == 0 {
                try compare(pair, &pairs)
            } else {
                try r.going(on: pair.one) { () throws(SysError) in try compare(pair, &pairs) }
            }
        }
    }

    /// What a file is; with -N nil where it is not there. Descriptor 0 is like a file.
    private func look(_ path: String) throws(SysError) -> Dir? {
        if path == "-" { return try r.p.fstat(0) }
        do throws(SysError) { return try r.p.stat(path) } catch {
            guard r.has("N"), error.code == .nonexist else { throw error }
            return nil
        }
    }

    private mutating func compare(_ pair: Pair, _ pairs: inout [Pair]) throws(SysError) {
        let isDirectory = (pair.a ?? pair.b)?.isDirectory ?? false
        guard let a = pair.a, let b = pair.b else {
            guard r.has("N"), !isDirectory || r.has("r") || pair.depth == 0 else {
                r.status = "differ"
                let path = pair.a == nil ? pair.two : pair.one
                let name = lastName(path)
                return try r.out.line("Only in \(path.dropLast(name.count + 1)): \(name)")
            }
            if isDirectory { return try enter(pair, &pairs) }
            return try files.compare(pair.one, pair.two, isBelow: pair.depth > 0)
        }
        if a.isDirectory, b.isDirectory {
            guard pair.depth == 0 || r.has("r") else {
                return try r.out.line("Common subdirectories: \(pair.one) and \(pair.two)")
            }
            return try enter(pair, &pairs)
        }
        if pair.depth > 0, !a.isRegular || !b.isRegular {
            r.status = "differ"
            return try r.out.line("File \(pair.one) is a \(a.kindName) while file \(pair.two) is a \(b.kindName)")
        }
        try files.compare(pair.one, pair.two, isBelow: pair.depth > 0)
    }

    private mutating func enter(_ pair: Pair, _ pairs: inout [Pair]) throws(SysError) {
        above.removeLast(above.count - pair.depth)
        let here = (a: pair.a?.identity, b: pair.b?.identity)
        // What is absent is in no loop.
        guard !above.contains(where: { $0.a == here.a && $0.b == here.b }) else { throw SysError("directory loop") }
        above.append(here)
        let (inA, inB) = (try names(pair.one, pair.a), try names(pair.two, pair.b))
        // The last of the list comes first.
        for name in inA.union(inB).sorted(by: { $1.utf8.lexicographicallyPrecedes($0.utf8) }) {
            let (x, y) = (join(pair.one, name), join(pair.two, name))
            try r.going(on: x) { () throws(SysError) in
                pairs.append(
                    Pair(
                        one: x, two: y, depth: pair.depth + 1, a: inA.contains(name) ? try r.p.stat(x) : nil,
                        b: inB.contains(name) ? try r.p.stat(y) : nil))
            }
        }
    }

    private func names(_ path: String, _ dir: Dir?) throws(SysError) -> Set<String> {
        guard dir != nil else { return [] }
        var names: Set<String> = []
        for entry in try r.p.entries(of: path) {
            var isExcluded = false
            for pattern in excluded where try pattern.matches(entry.name) { isExcluded = true }
            if !isExcluded { names.insert(entry.name) }
        }
        return names
    }
}
