import Applib
import Kernel

/// Tells what files and directories take, in kilobytes.
struct Du: Command {
    static let usage: Usage = """
        du [-HLPSabchkmsx] [-d depth] [file ...]
        -a, --all              tell files too, not directories only
        -b, --bytes            bytes of the contents
        -c, --total            a total at the end
        -d, --max-depth depth  tell nothing deeper than that
        -H, -D                 what an operand that is a symbolic link leads to
        -h, --human-readable   sizes with K, M, G
        -k                     in kilobytes; that is the standard
        -L, --dereference      what any symbolic link leads to
        -m                     in megabytes
        -P, --no-dereference   symbolic links themselves; that is the standard
        -S, --separate-dirs    directories without those below them
        -s, --summarize        only what was asked for
        -x, --one-file-system  nothing that another device serves
        --apparent-size        the length of the contents, not what the medium gives them
        """

    /// What is counted already: a file with several names counts once.
    private struct Count {
        var seen: Set<FileIdentity> = []
        var total: UInt64 = 0
    }

    func run(_ r: Run) throws(SysError) {
        guard !(r.has("a") && r.has("s")) else { throw r.misuse("-a and -s exclude each other") }
        guard !(r.has("d") && r.has("s")) || r.options.value("d") == "0" else {
            throw r.misuse("-d and -s exclude each other")
        }
        let depth = r.has("s") ? 0 : try r.number("d", or: .max)
        var count = Count()
        for name in r.operands.isEmpty ? ["."] : r.operands {
            try r.going(on: name) { () throws(SysError) in try sum(r, name, depth, &count) }
        }
        if r.has("c") { try give(r, count.total, "total") }
    }

    private func give(_ r: Run, _ bytes: UInt64, _ name: String) throws(SysError) {
        let text =
            switch r.options.last(of: "hbkm") {
            case "h": brief(bytes)
            case "b": String(bytes)
            case "m": String(bytes.blocks(of: 1 << 20))
            default: String(bytes.blocks(of: 1024))
            }
        try r.out.line("\(text)\t\(name)")
    }

    private func size(_ r: Run, _ dir: Dir) -> UInt64 {
        if r.has("b") || r.has("apparent-size") { return dir.length }
        // A length that is no multiple near the end of the numbers stays what it is.
        return dir.space ?? max(dir.length, dir.length.blocks(of: 1024) &* 1024)
    }

    private func sum(_ r: Run, _ name: String, _ depth: Int, _ count: inout Count) throws(SysError) {
        let follow = r.options.last(of: "HLP")
        var tree = Tree(r.p, name, follow: follow == "L", followRoot: follow == "H" || follow == "L")
        var sums: [(own: UInt64, below: UInt64)] = []
        var server: (Character, UInt32)?
        while true {
            try Thread.check()
            let step: Tree.Step
            do throws(SysError) {
                guard let next = try tree.next() else { return }
                step = next
            } catch {
                try r.warn(error)
                continue
            }
            let place = (step.dir.type, step.dir.instance)
            if server == nil { server = place }
            if r.has("x"), let server, server != place {
                tree.skip()
                continue
            }
            switch step.visit {
            case .enter:
                guard count.seen.insert(step.dir.identity).inserted else {
                    tree.skip()
                    continue
                }
                sums.append((size(r, step.dir), 0))
            case .leave:
                guard let (own, below) = sums.popLast() else { continue }
                if step.depth <= depth { try give(r, r.has("S") ? own : own &+ below, step.path) }
                if sums.isEmpty { count.total &+= own &+ below } else { sums[sums.count - 1].below &+= own &+ below }
            case .file:
                if step.dir.links > 1 || follow == "L", !count.seen.insert(step.dir.identity).inserted { continue }
                let own = size(r, step.dir)
                if step.depth == 0 || r.has("a") && step.depth <= depth { try give(r, own, step.path) }
                if sums.isEmpty { count.total &+= own } else { sums[sums.count - 1].own &+= own }
            }
        }
    }
}
