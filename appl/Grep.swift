import Codec
import Kernel

/// Prints the lines that match one of some patterns.
struct Grep: Command {
    static let usage: Usage = """
        grep [-EFGLRabcHhilnoqrsvwxyz] [-ABCm n] [-e pattern]... [-f file]... [pattern] [file ...]
        -A n        print n lines after each one selected
        -B n        print n lines before it
        -C n        print n lines before and after it
        -E          extended expressions
        -F          the patterns are texts to look for
        -G          basic expressions; so it is where nothing is said
        -H          print names of files
        -L          print only the names of files without a selected line
        -R          as -r, and follow symbolic links
        -a          take all files for text
        -b          print where in the file a line begins, in bytes
        -c          print only how many lines were selected
        -e pattern  a pattern; any of several selects a line
        -f file     patterns, one a line
        -h          print no names of files
        -i          upper and lower case are the same
        -l          print only the names of files with a selected line
        -m n        stop a file after n selected lines
        -n          print line numbers
        -o          print only what matches, each part on a line
        -q          print nothing; end at the first selected line
        -r          search directories, the current one if none is named
        -s          do not tell of files that cannot be read
        -v          select the lines that do not match
        -w          match whole words only
        -x          match whole lines only
        -y          as -i
        -z          lines end in a zero byte
        -number     the same as -C number
        """

    /// How it ends where no line was selected, and where something went wrong: 1 and 2 for a host.
    private static let noMatch: Status = "no match"
    private static let trouble = Status(code: 2)

    /// `-3` is `-C 3`.
    static func arrange(_ arguments: [String]) -> [String] {
        var arranged: [String] = []
        var rest = arguments[...]
        while let word = rest.first, word.hasPrefix("-"), word.count > 1, word != "--" {
            rest = rest.dropFirst()
            let letters = word.dropFirst()
            if letters.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
                arranged.append("-C" + letters)
                continue
            }
            arranged.append(word)
            // A value may look like a number.
            let valued = letters.firstIndex { usage.takesValue($0) }
            if valued == letters.indices.last, let value = rest.popFirst() { arranged.append(value) }
        }
        return arranged + rest
    }

    func run(_ r: Run) throws(SysError) {
        do throws(SysError) {
            let search = try GrepSearch(r, try patterns(r))
            try files(r, search)
            r.status =
                search.selectedAny
                ? (r.status.isOK || r.has("q") ? .ok : Self.trouble) : r.status.isOK ? Self.noMatch : Self.trouble
        } catch {
            if error.code == .killed || r.out.hasFailed || Status(error.sentence) == Run.misused { throw error }
            r.tell(error.description)
            r.status = Self.trouble
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
        let isRecursive = r.has("r") || r.has("R")
        let isHere = names.isEmpty && isRecursive
        if names.isEmpty { names = [isRecursive ? "." : "-"] }
        search.withNames = r.options.last(of: "Hh").map { $0 == "H" } ?? (names.count > 1)
        for name in names {
            if name == "-" {
                try r.going(on: name) { () throws(SysError) in try search.file("(standard input)", 0) }
            } else if isRecursive {
                try tree(r, search, name, isHere: isHere)
            } else {
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
    private func tree(_ r: Run, _ search: GrepSearch, _ root: String, isHere: Bool) throws(SysError) {
        var tree = Tree(r.p, root, follow: r.has("R"))
        while !search.isDone {
            try Thread.check()
            let step: Tree.Step
            do throws(SysError) {
                guard let next = try tree.next() else { return }
                step = next
            } catch {
                try r.warn(error, quietly: r.has("s"))
                continue
            }
            if step.depth == 0, step.visit == .enter, r.options.last(of: "Hh") == nil { search.withNames = true }
            let special: FileMode = [.symlink, .device, .namedPipe, .socket]
            guard step.visit == .file, step.depth == 0 || step.dir.mode.isDisjoint(with: special) else { continue }
            try file(r, search, step.path, shown: isHere ? String(step.path.dropFirst(2)) : step.path)
        }
    }
}
