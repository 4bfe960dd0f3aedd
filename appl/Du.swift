import Applib
import Kernel
import Shell

/// Tells what files and directories take, in kilobytes.
struct Du: Command {
    static let usage: Usage = """
        du [-0HLPSabchkmsx] [-B size] [-d depth] [-t size] [--exclude glob] [file ...]
        -0, --null             lines end in a zero byte
        -a, --all              tell files too, not directories only
        -B, --block-size size  in units of so many bytes: 1, 1K, 1M
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
        --si                   as -h, with units of 1000
        -t, --threshold size   tell nothing smaller; with a - before it, nothing larger
        -x, --one-file-system  nothing that another device serves
        --exclude glob         leave out what has such a name, or such a path
        --apparent-size        the length of the contents, not what the medium gives them
        """

    /// What is counted already: a file with several names counts once.
    private struct Count {
        var seen: Set<FileIdentity> = []
        var total: UInt64 = 0
    }

    /// What is told, and how.
    private struct Form {
        var unit: UInt64 = 1024
        /// A unit that was named without a number stands behind what is told.
        var unitName = ""
        var least: UInt64 = 0
        var most = UInt64.max
        var excluded: [Pattern] = []
    }

    private func form(_ r: Run) throws(SysError) -> Form {
        var form = Form()
        if let text = r.options.value("B") {
            if let c = text.first, c.isLetter { form.unitName = text }
            guard let size = byteCount((form.unitName.isEmpty ? text : "1" + text)[...]), size > 0 else {
                throw r.misuse("-B: bad size '\(text)'")
            }
            form.unit = UInt64(size)
        }
        if let text = r.options.value("t") {
            let isMost = text.hasPrefix("-")
            guard let size = byteCount(isMost ? text.dropFirst() : text[...]), !isMost || size > 0 else {
                throw r.misuse("-t: bad size '\(text)'")
            }
            if isMost { form.most = UInt64(size) } else { form.least = UInt64(size) }
        }
        form.excluded = r.options.values("exclude").map { Pattern($0) }
        return form
    }

    func run(_ r: Run) throws(SysError) {
        guard !(r.has("a") && r.has("s")) else { throw r.misuse("-a and -s exclude each other") }
        guard !(r.has("d") && r.has("s")) || r.options.value("d") == "0" else {
            throw r.misuse("-d and -s exclude each other")
        }
        let depth = r.has("s") ? 0 : try r.number("d", or: .max)
        let form = try form(r)
        var count = Count()
        for name in r.operands.isEmpty ? ["."] : r.operands {
            try r.going(on: name) { () throws(SysError) in try sum(r, form, name, depth, &count) }
        }
        if r.has("c") { try give(r, form, count.total, "total") }
    }

    private func give(_ r: Run, _ form: Form, _ bytes: UInt64, _ name: String) throws(SysError) {
        guard form.least <= bytes, bytes <= form.most else { return }
        let text =
            switch r.options.given.last(where: { ["h", "b", "k", "m", "B", "si"].contains($0.name) })?.name {
            case "h": brief(bytes)
            case "si": brief(bytes, thousand: true)
            case "b": String(bytes)
            case "m": String(bytes.blocks(of: 1 << 20))
            case "B": String(bytes.blocks(of: form.unit)) + form.unitName
            default: String(bytes.blocks(of: 1024))
            }
        try r.out.write("\(text)\t\(name)" + (r.has("0") ? "\0" : "\n"))
    }

    private func size(_ r: Run, _ dir: Dir) -> UInt64 {
        if r.has("b") || r.has("apparent-size") { return dir.length }
        // A length that is no multiple near the end of the numbers stays what it is.
        return dir.space ?? max(dir.length, dir.length.blocks(of: 1024) &* 1024)
    }

    private func sum(_ r: Run, _ form: Form, _ name: String, _ depth: Int, _ count: inout Count) throws(SysError) {
        let follow = r.options.last(of: "HLP")
        var tree = Tree(r.p, name, follow: follow == "L", followRoot: follow == "H" || follow == "L")
        var sums: [(own: UInt64, below: UInt64)] = []
        var server: (Character, UInt32)?
        while let step = try tree.next(warning: r) {
            let place = (step.dir.type, step.dir.instance)
            if server == nil { server = place }
            if r.has("x"), let server, server != place {
                tree.skip()
                continue
            }
            var isExcluded = false
            for pattern in form.excluded where step.visit != .leave && !isExcluded {
                isExcluded = try pattern.matches(lastName(step.path))
                if !isExcluded { isExcluded = try pattern.matches(step.path) }
            }
            if isExcluded {
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
                if step.depth <= depth { try give(r, form, r.has("S") ? own : own &+ below, step.path) }
                if sums.isEmpty { count.total &+= own &+ below } else { sums[sums.count - 1].below &+= own &+ below }
            case .file:
                if step.dir.links > 1 || follow == "L", !count.seen.insert(step.dir.identity).inserted { continue }
                let own = size(r, step.dir)
                if step.depth == 0 || r.has("a") && step.depth <= depth { try give(r, form, own, step.path) }
                if sums.isEmpty { count.total &+= own } else { sums[sums.count - 1].own &+= own }
            }
        }
    }
}
