import Applib
import Kernel
import Shell

/// Tells how files differ. Status: empty when they are equal, `differ` when not.
struct Diff: Command {
    static let usage: Usage = """
        diff [-aBbcdefiNnpqrsTtuwZ] [-C lines | -U lines] [-I pattern] [-L label]... [-x glob]... file1 file2
        -a, --text                      compare as text what has zero bytes
        -B, --ignore-blank-lines        changes of empty lines alone are none
        -b, --ignore-space-change       an amount of blanks equals any other
        -c                              with three lines of context around each change
        -C lines                        the same, with so many lines
        --context[=lines]               the same
        -d, --minimal                   a shortest script, whatever it costs
        -e, --ed                        a script for ed
        -f                              like one, from the first change to the last
        -I, --ignore-matching-lines pattern  changes of lines that match alone are none
        -i, --ignore-case               lower case equals upper case
        -L, --label label               stands for a file's name and time, the first for file1
        -N, --new-file                  an absent file counts as empty
        --normal                        the standard form
        -n, --rcs                       as RCS keeps it
        -p, --show-c-function           the function that a change is in, with -c (which it means where no form is given) or -u
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
        /// The name in the directories that are compared.
        var name = ""
        /// What each is; nil where it is not there.
        var a: Dir?
        var b: Dir?
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
        if pair.a == nil || pair.b == nil, !r.has("N") {
            r.status = r.status.code < 2 ? "differ" : r.status
            let path = pair.a == nil ? pair.two : pair.one
            // As the directory was given: it may end in a slash.
            let directory = path.dropLast(pair.name.count)
            let isGiven = r.operands.contains { $0 == directory }
            return try r.out.line("Only in \(isGiven ? directory : directory.dropLast()): \(pair.name)")
        }
        if isDirectory, pair.a?.isDirectory ?? true, pair.b?.isDirectory ?? true {
            if let a = pair.a, let b = pair.b, a.identity == b.identity { return }
            guard pair.depth == 0 || r.has("r") else {
                return try r.out.line("Common subdirectories: \(pair.one) and \(pair.two)")
            }
            return try enter(pair, &pairs)
        }
        guard let a = pair.a, let b = pair.b else {
            return try files.compare(pair.one, pair.two, isBelow: pair.depth > 0)
        }
        if pair.depth > 0, !a.isRegular || !b.isRegular {
            r.status = r.status.code < 2 ? "differ" : r.status
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
        let (inA, inB) = (try entries(pair.one, pair.a), try entries(pair.two, pair.b))
        // The last of the list comes first.
        for name in Set(inA.keys).union(inB.keys).sorted(by: { $1.utf8.lexicographicallyPrecedes($0.utf8) }) {
            let (x, y) = (join(pair.one, name), join(pair.two, name))
            try r.going(on: inA[name] == nil ? y : x) { () throws(SysError) in
                var next = Pair(one: x, two: y, depth: pair.depth + 1, name: name, a: inA[name], b: inB[name])
                // What is only there need not lead anywhere.
                if next.a != nil && next.b != nil || r.has("N") {
                    if next.a != nil { next.a = try r.p.stat(x) }
                    if next.b != nil { next.b = try r.p.stat(y) }
                }
                pairs.append(next)
            }
        }
    }

    private func entries(_ path: String, _ dir: Dir?) throws(SysError) -> [String: Dir] {
        guard dir != nil else { return [:] }
        var entries: [String: Dir] = [:]
        for entry in try r.p.entries(of: path) {
            var isExcluded = false
            for pattern in excluded where try pattern.matches(entry.name) { isExcluded = true }
            if !isExcluded { entries[entry.name] = entry }
        }
        return entries
    }
}
