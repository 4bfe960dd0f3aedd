import Applib
import Kernel
import Shell

/// Walks trees of files and does something with those that an expression chooses.
struct Find: Program {
    private static let usage: Usage = """
        find [-HLP] [path ...] [expression]
        -name pat  -iname pat  -path pat  -ipath pat  -regex re  -iregex re    by name or whole path
        -type c    f d l p s c               by kind
        -lname pat  -ilname pat              by where a symbolic link leads
        -size n[ckMG]  -empty  -links n  -inum n  -samefile file
        -mtime n  -mmin n  -newer file       by age; +n more, -n less; a for accessed, c for changed
        -newermt date  -neweram file ...     by age, any of a, c, m on the left, and t, a date, on the right
        -user u  -group g  -perm mode  -nouser  -nogroup
        -maxdepth n  -mindepth n  -depth  -xdev
        -print  -print0  -printf format  -ls  -delete  -prune  -quit
        -exec command {} ;  -exec command {} +  -execdir ...  -ok command {} ;
        ! e  e -a e  e -o e  e , e  ( e )
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        var rest = args.dropFirst()
        if rest == ["-h"] || rest == ["--help"] {
            try p.write(1, Self.usage.help)
            return .ok
        }
        var links = "-P"
        while let flag = rest.first, ["-H", "-L", "-P"].contains(flag) {
            links = flag
            rest = rest.dropFirst()
        }
        if rest.first == "--" { rest = rest.dropFirst() }
        let paths = rest.prefix { !$0.hasPrefix("-") && $0 != "(" && $0 != "!" }
        var parser = FindParser(p, rest.dropFirst(paths.count), follow: links == "-L")
        var test: FindTest
        do throws(SysError) { test = try parser.parse() } catch {
            try p.write(2, "find: \(error)\n\(Self.usage.synopsis)\n")
            return Run.misused
        }
        if !parser.hasAction { test = .and([test, .action(.print(ending: UInt8(ascii: "\n")))]) }
        let finder = Finder(Run(p, Options(), Self.usage), parser, test)
        for path in paths.isEmpty ? ["."] : Array(paths) {
            try finder.walk(path, follow: links == "-L", followRoot: links != "-P")
            if finder.isDone { break }
        }
        try finder.finish()
        return finder.r.status
    }
}

/// One walk after the other, and what the actions have left to do.
private final class Finder {
    let r: Run
    private let test: FindTest
    private let parser: FindParser
    /// Files that wait for an `-exec ... +`, for each, and the directory that they wait in.
    private var waiting: [(files: [String], directory: String?)]
    private(set) var isDone = false
    private var isPruned = false

    /// Bytes of arguments for one command.
    private static let batchLimit = 128 << 10

    init(_ r: Run, _ parser: FindParser, _ test: FindTest) {
        self.r = r
        self.test = test
        self.parser = parser
        waiting = parser.batches.map { _ in ([], nil) }
    }

    func walk(_ root: String, follow: Bool, followRoot: Bool) throws(SysError) {
        var tree = Tree(r.p, root, follow: follow, followRoot: followRoot, order: nil)
        var server: (Character, UInt32)?
        while !isDone, let step = try tree.next(warning: r) {
            let place = (step.dir.type, step.dir.instance)
            if server == nil { server = place }
            let isElsewhere = parser.staysOnServer && server.map { $0 != place } ?? false
            let isTurn = step.visit == .file || (parser.depthFirst ? step.visit == .leave : step.visit == .enter)
            isPruned = false
            if isTurn { try consider(step, root) }
            let isDeepest = step.depth >= parser.maxDepth || isElsewhere
            if step.visit == .enter, isDeepest || isPruned && !parser.depthFirst {
                tree.skip()
                // A directory that is not entered is not left: with -depth its turn is now.
                if parser.depthFirst { try consider(step, root) }
            }
        }
    }

    private func consider(_ step: Tree.Step, _ root: String) throws(SysError) {
        guard step.depth >= parser.minDepth, step.depth <= parser.maxDepth, !isDone else { return }
        let file = FindFile(path: step.path, root: root, dir: step.dir, depth: step.depth)
        try r.going(on: step.path) { () throws(SysError) in _ = try decide(test, file) }
    }

    private func decide(_ test: FindTest, _ file: FindFile) throws(SysError) -> Bool {
        switch test {
        case .and(let all):
            for test in all where try !decide(test, file) { return false }
            return true
        case .or(let all):
            for test in all where try decide(test, file) { return true }
            return false
        case .both(let all):
            var last = true
            for test in all { last = try decide(test, file) }
            return last
        case .not(let a): return try !decide(a, file)
        case .test(let ask): return isDone ? false : try ask(file)
        case .action(let action): return isDone ? false : try act(action, file)
        }
    }

    private func act(_ action: FindAction, _ file: FindFile) throws(SysError) -> Bool {
        switch action {
        case .print(let ending):
            try r.out.write(file.path)
            try r.out.put(ending)
        case .format(let format): try r.out.write(try format.text(of: file, r.p))
        case .list:
            try r.out.flush()
            return try run(["ls", "-ld", file.path])
        case .prune: isPruned = true
        case .quit: isDone = true
        case .delete:
            if file.path != "." { try r.p.remove(file.path) }
        case .exec(let e): return try run(e, file)
        }
        return true
    }

    private func run(_ e: FindExec, _ file: FindFile) throws(SysError) -> Bool {
        let directory = e.isLocal ? parentName(file.path) : nil
        let path = e.isLocal ? "./" + lastName(file.path) : file.path
        if let batch = e.batch {
            if waiting[batch].directory != directory { try send(batch) }
            waiting[batch].directory = directory
            waiting[batch].files.append(path)
            let bytes = waiting[batch].files.reduce(0) { $0 + $1.utf8.count + 1 }
            if bytes > Self.batchLimit { try send(batch) }
            return true
        }
        let words = e.command.map { $0.replacing("{}", with: path) }
        if e.asks {
            try r.out.flush()
            try r.p.write(2, "< \(e.command.first ?? "") ... \(path) > ? ")
            guard try r.answer(from: 0) else { return false }
        }
        return try run(words, in: directory)
    }

    private func send(_ batch: Int) throws(SysError) {
        let files = waiting[batch].files
        guard !files.isEmpty else { return }
        waiting[batch].files = []
        let command = parser.batches[batch] + files
        if try !run(command, in: waiting[batch].directory), r.status.isOK { r.status = Status(code: 1) }
    }

    func finish() throws(SysError) {
        for i in parser.batches.indices { try r.going(on: "-exec") { () throws(SysError) in try send(i) } }
        try r.out.flush()
    }

    /// Runs a command to its end; whether it went well.
    private func run(_ words: [String], in directory: String? = nil) throws(SysError) -> Bool {
        try r.out.flush()
        return try r.p.wait(.pid(try r.p.start(words, directory: directory))).status.isOK
    }
}
