import Applib
import Codec
import Kernel
import Shell

/// Prints the lines that match one of some patterns.
struct Grep: Command {
    static let usage: Usage = """
        grep [-EFGHILRZabchilnoqrsvwxyz] [-ABCm n] [-d how] [-e pattern]... [-f file]... [pattern] [file ...]
        -A, --after-context n        print n lines after each one selected
        -B, --before-context n       print n lines before it
        -C, --context n              print n lines before and after it
        -E, --extended-regexp        extended expressions
        -F, --fixed-strings          the patterns are texts to look for
        -G, --basic-regexp           basic expressions; so it is where nothing is said
        -H, --with-filename          print names of files
        -I                           take no binary file for one that matches
        -L, --files-without-match    print only the names of files without a selected line
        -R, --dereference-recursive  as -r, and follow symbolic links
        -Z, --null                   a zero byte behind names of files
        -a, --text                   take all files for text
        --binary-files type          how files with zero bytes are taken: binary, text (as -a) or without-match (as -I)
        -b, --byte-offset            print where in the file a line begins, in bytes
        -c, --count                  print only how many lines were selected
        --color[=when]               mark what matches: always, never, or auto (on a terminal)
        --colour[=when]              as --color
        -d, --directories how        a directory that is named: read it (and fail), skip it, or recurse
        -e, --regexp pattern         a pattern; any of several selects a line
        --exclude glob               leave out files whose name matches
        --exclude-dir glob           leave out directories whose name matches
        -f, --file file              patterns, one a line
        -h, --no-filename            print no names of files
        -i, --ignore-case            upper and lower case are the same
        --include glob               only files whose name matches
        --label name                 what descriptor 0 is called
        -l, --files-with-matches     print only the names of files with a selected line
        --line-buffered              do not hold back output; it never does while it waits for input
        -m, --max-count n            stop a file after n selected lines
        -n, --line-number            print line numbers
        -o, --only-matching          print only what matches, each part on a line
        -q, --quiet, --silent        print nothing; end at the first selected line
        -r, --recursive              search directories, the current one if none is named
        -s, --no-messages            do not tell of files that cannot be read
        -v, --invert-match           select the lines that do not match
        -w, --word-regexp            match whole words only
        -x, --line-regexp            match whole lines only
        -y                           as -i
        -z, --null-data              lines end in a zero byte
        -number                      the same as -C number
        """
    static let trouble: Int32 = 2

    /// How it ends where no line was selected.
    private static let noMatch: Status = "no match"

    /// `-3` is `-C 3`.
    static func arrange(_ arguments: [String]) -> [String] {
        var arranged: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" { return arranged + [word] + rest }
            let letters = word.dropFirst()
            guard word.hasPrefix("-"), !letters.isEmpty, !word.hasPrefix("--") else {
                arranged.append(word)
                continue
            }
            let valued = letters.firstIndex { usage.takesValue($0) } ?? letters.endIndex
            let digits = letters[..<valued].filter { $0.isASCII && $0.isNumber }
            if !digits.isEmpty {
                arranged.append("-C" + digits)
                let others = letters[..<valued].filter { !digits.contains($0) } + letters[valued...]
                if others.isEmpty { continue }
                arranged.append("-" + others)
            } else {
                arranged.append(word)
            }
            // A value may look like a number.
            if valued < letters.endIndex, letters.index(after: valued) == letters.endIndex, let value = rest.popFirst()
            {
                arranged.append(value)
            }
        }
        return arranged
    }

    func run(_ r: Run) throws(SysError) {
        let search = try GrepSearch(r, try patterns(r))
        try files(r, search)
        if search.selectedAny {
            if r.has("q") { r.status = .ok }
        } else if r.status.isOK {
            r.status = Self.noMatch
        }
    }

    /// The expression of all patterns; the first operand, if none was given by a flag, is taken off the files.
    private func patterns(_ r: Run) throws(SysError) -> Regex {
        var texts = r.options.values("e")
        for name in r.options.values("f") {
            let fd = name == "-" ? 0 : try r.open(name)
            var reader = Reader(r, fd)
            while let line = try reader.text() { texts.append(line) }
            if fd != 0 { try r.p.close(fd) }
        }
        if !r.has("e"), !r.has("f") {
            guard let first = r.options.operands.first else { throw r.misuse("no pattern") }
            texts.append(first)
        }
        var options: Regex.Options = []
        switch r.options.last(of: "EFG") {
        case "E": break
        case "F": options.insert(.literal)
        default: options.insert(.basic)
        }
        if r.has("i") || r.has("y") { options.insert(.ignoreCase) }
        if r.has("w") { options.insert(.word) }
        if r.has("x") { options.insert(.whole) }
        // A newline in a pattern stands between two.
        let all = texts.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
        return try Regex(anyOf: all, options)
    }

    private func files(_ r: Run, _ search: GrepSearch) throws(SysError) {
        var names = r.operands
        if !r.has("e"), !r.has("f") { names.removeFirst() }
        let how = r.options.value("d") ?? "read"
        guard ["read", "skip", "recurse"].contains(how) else { throw r.misuse("-d: bad value '\(how)'") }
        let isRecursive = r.has("r") || r.has("R") || how == "recurse"
        let filter = GrepFilter(r.options)
        let isHere = names.isEmpty && isRecursive
        if names.isEmpty { names = [isRecursive ? "." : "-"] }
        search.withNames = r.options.last(of: "Hh").map { $0 == "H" } ?? (names.count > 1)
        for name in names {
            if name == "-" {
                try r.going(on: name) { () throws(SysError) in
                    try search.file(r.options.value("label") ?? "(standard input)", 0)
                }
            } else if isRecursive {
                try tree(r, search, name, filter, isHere: isHere)
            } else if try !filter.leavesOut(file: name), how != "skip" || (try? r.p.stat(name))?.isDirectory != true {
                try file(r, search, name, shown: name)
            }
            if search.isDone { return }
        }
    }

    private func file(_ r: Run, _ search: GrepSearch, _ path: String, shown: String) throws(SysError) {
        try r.going(on: path, quietly: r.has("s")) { () throws(SysError) in
            let fd = try r.open(path)
            defer { try? r.p.close(fd) }  // it was only read
            try search.file(shown, fd)
        }
    }

    /// Searches `root` and what is below it: files, and what is neither only where it was named.
    private func tree(
        _ r: Run, _ search: GrepSearch, _ root: String, _ filter: GrepFilter, isHere: Bool
    ) throws(SysError) {
        var tree = Tree(r.p, root, follow: r.has("R"))
        while !search.isDone, let step = try tree.next(warning: r, quietly: r.has("s")) {
            if step.visit == .enter, step.depth > 0 || !isHere, try filter.leavesOut(directory: step.path) {
                tree.skip()
                continue
            }
            if step.depth == 0, step.visit == .enter, r.options.last(of: "Hh") == nil { search.withNames = true }
            let special: FileMode = [.symlink, .device, .namedPipe, .socket]
            guard step.visit == .file, step.depth == 0 || step.dir.mode.isDisjoint(with: special) else { continue }
            if try filter.leavesOut(file: step.path) { continue }
            try file(r, search, step.path, shown: isHere ? String(step.path.dropFirst(2)) : step.path)
        }
    }
}

/// Which files `--include`, `--exclude` and `--exclude-dir` leave out.
private struct GrepFilter {
    /// In the order in which they were given.
    private var files: [(pattern: Pattern, isIncluded: Bool)] = []
    private var directories: [Pattern] = []

    init(_ options: Options) {
        for flag in options.given {
            switch flag.name {
            case "include": files.append((Pattern(flag.value), true))
            case "exclude": files.append((Pattern(flag.value), false))
            case "exclude-dir":
                let text = flag.value
                directories.append(Pattern(text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text))
            default: break
            }
        }
    }

    /// The last pattern that matches decides; where none does, a file is in unless the first was an `--include`.
    func leavesOut(file path: String) throws(SysError) -> Bool {
        guard let first = files.first else { return false }
        let name = lastName(path)
        var isIncluded = !first.isIncluded
        for file in files where try file.pattern.matches(name) { isIncluded = file.isIncluded }
        return !isIncluded
    }

    func leavesOut(directory path: String) throws(SysError) -> Bool {
        let name = lastName(path)
        for pattern in directories where try pattern.matches(name) { return true }
        return false
    }
}
