import Kernel
import Shell

/// Walks trees of files and does something with those that an expression chooses.
struct Find: Program {
    private static let usage: Usage = """
        find [-HLP] [path ...] [expression]
        -name pat  -iname pat  -path pat   by name or whole path
        -type c    f d l p s c             by kind
        -size n[ckMG]  -empty  -links n    by size
        -mtime n  -mmin n  -newer file     by age; +n more, -n less
        -user u  -group g  -perm mode      by owner and rights
        -maxdepth n  -mindepth n  -depth   how deep, and files before their directory
        -print  -print0  -ls  -delete  -prune  -quit
        -exec command {} ;  -exec command {} +
        ! e  e -a e  e -o e  ( e )
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        var rest = args.dropFirst()
        if rest == ["-h"] || rest == ["--help"] {
            try p.write(1, Self.usage.help)
            return .ok
        }
        var follow = false
        while let flag = rest.first, ["-H", "-L", "-P"].contains(flag) {
            follow = flag == "-L"
            rest = rest.dropFirst()
        }
        let paths = rest.prefix { !$0.hasPrefix("-") && $0 != "(" && $0 != "!" }
        var parser = FindParser(p, rest.dropFirst(paths.count))
        var test: FindTest
        do throws(SysError) { test = try parser.parse() } catch {
            try p.write(2, "find: \(error)\n\(Self.usage.synopsis)\n")
            return Run.misused
        }
        if !parser.hasAction { test = .and(test, .action(.print(ending: UInt8(ascii: "\n")))) }
        let finder = Finder(Run(p, Options(), Self.usage), parser, test)
        for path in paths.isEmpty ? ["."] : Array(paths) {
            try finder.walk(path, follow: follow)
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
    /// Files that wait for an `-exec ... +`, for each.
    private var waiting: [[String]]
    private(set) var isDone = false
    private var isPruned = false

    /// Bytes of arguments for one command.
    private static let batchLimit = 128 << 10

    init(_ r: Run, _ parser: FindParser, _ test: FindTest) {
        self.r = r
        self.test = test
        self.parser = parser
        waiting = parser.batches.map { _ in [] }
    }

    func walk(_ root: String, follow: Bool) throws(SysError) {
        var tree = Tree(r.p, root, follow: follow, order: nil)
        while !isDone {
            try Thread.check()
            let step: Tree.Step
            do throws(SysError) {
                guard let next = try tree.next() else { return }
                step = next
            } catch {
                try r.warn(error)
                continue
            }
            let isTurn = step.visit == .file || (parser.depthFirst ? step.visit == .leave : step.visit == .enter)
            isPruned = false
            if isTurn, step.depth >= parser.minDepth, step.depth <= parser.maxDepth {
                let file = FindFile(path: step.path, dir: step.dir, depth: step.depth)
                try r.going(on: step.path) { () throws(SysError) in _ = try decide(test, file) }
            }
            let isDeepest = step.depth >= parser.maxDepth
            if step.visit == .enter, isDeepest || isPruned && !parser.depthFirst {
                tree.skip()
                // A directory that is not entered is not left: with -depth its turn is now.
                if parser.depthFirst, step.depth >= parser.minDepth {
                    let file = FindFile(path: step.path, dir: step.dir, depth: step.depth)
                    try r.going(on: step.path) { () throws(SysError) in _ = try decide(test, file) }
                }
            }
        }
    }

    private func decide(_ test: FindTest, _ file: FindFile) throws(SysError) -> Bool {
        switch test {
        case .and(let a, let b): return try decide(a, file) ? try decide(b, file) : false
        case .or(let a, let b): return try decide(a, file) ? true : try decide(b, file)
        case .not(let a): return try !decide(a, file)
        case .test(let ask): return try ask(file)
        case .action(let action): return try act(action, file)
        }
    }

    private func act(_ action: FindAction, _ file: FindFile) throws(SysError) -> Bool {
        switch action {
        case .print(let ending):
            try r.out.write(file.path)
            try r.out.put(ending)
        case .list:
            try r.out.flush()
            return try run(["ls", "-ld", file.path])
        case .prune: isPruned = true
        case .quit: isDone = true
        case .delete:
            if file.path != "." { try r.p.remove(file.path) }
        case .exec(let command, let batch?):
            waiting[batch].append(file.path)
            if waiting[batch].reduce(0, { $0 + $1.utf8.count + 1 }) > Self.batchLimit { try send(batch, command) }
        case .exec(let command, nil):
            return try run(
                command.map { word in
                    word.split(separator: "{}", omittingEmptySubsequences: false).joined(separator: file.path)
                })
        }
        return true
    }

    private func send(_ batch: Int, _ command: [String]) throws(SysError) {
        let files = waiting[batch]
        waiting[batch] = []
        guard !files.isEmpty else { return }
        if try !run(command + files), r.status.isOK { r.status = "a command failed" }
    }

    func finish() throws(SysError) {
        for (i, command) in parser.batches.enumerated() { try send(i, command) }
        try r.out.flush()
    }

    /// Runs a command to its end; whether it went well.
    private func run(_ words: [String]) throws(SysError) -> Bool {
        try r.out.flush()
        let path = words[0].utf8.contains(UInt8(ascii: "/")) ? words[0] : "/bin/\(words[0])"
        _ = try r.p.prepare(path, words)
        let pid = try r.p.spawn(args: words) { (child) throws(SysError) in try child.exec(path, words) }
        return try r.p.wait(.pid(pid)).status.isOK
    }
}
