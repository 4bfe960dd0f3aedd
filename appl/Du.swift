import Kernel

/// Tells what files and directories take, in kilobytes.
struct Du: Command {
    static let usage: Usage = """
        du [-abchsS] [-d depth] [file ...]
        -a        tell files too, not directories only
        -b        bytes of the contents
        -c        a total at the end
        -d depth  tell nothing deeper than that
        -h        sizes with K, M, G
        -s        only what was asked for
        -S        directories without those below them
        """

    func run(_ r: Run) throws(SysError) {
        guard !(r.has("a") && r.has("s")) else { throw r.misuse("-a and -s exclude each other") }
        let depth = r.has("s") ? 0 : try r.number("d", or: .max)
        var total: UInt64 = 0
        var seen: Set<FileIdentity> = []
        for name in r.operands.isEmpty ? ["."] : r.operands {
            try r.going(on: name) { () throws(SysError) in total &+= try sum(r, name, depth, &seen) }
        }
        if r.has("c") { try give(r, total, "total") }
    }

    private func give(_ r: Run, _ bytes: UInt64, _ name: String) throws(SysError) {
        let text =
            if r.has("h") { Self.human(bytes) } else if r.has("b") { String(bytes) } else {
                String((bytes + 1023) / 1024)
            }
        try r.out.line("\(text)\t\(name)")
    }

    /// Rounded up, one decimal below ten: `1.5K`.
    static func human(_ bytes: UInt64) -> String {
        var scale: UInt64 = 1
        var letters = "KMGTPE".makeIterator()
        var letter: Character?
        while bytes / scale >= 1024, let next = letters.next() {
            scale <<= 10
            letter = next
        }
        guard let letter else { return String(bytes) }
        let tenths = bytes / scale * 10 + (bytes % scale * 10 + scale - 1) / scale
        if tenths < 100 { return "\(tenths / 10).\(tenths % 10)\(letter)" }
        let whole = (tenths + 9) / 10
        return whole == 1024 && letter != "E" ? "1.0\(letters.next() ?? "E")" : "\(whole)\(letter)"
    }

    private func size(_ r: Run, _ dir: Dir) -> UInt64 {
        r.has("b") ? dir.length : dir.space ?? (dir.length + 1023) / 1024 * 1024
    }

    private func sum(_ r: Run, _ name: String, _ depth: Int, _ seen: inout Set<FileIdentity>) throws(SysError) -> UInt64
    {
        var tree = Tree(r.p, name)
        var sums: [UInt64] = []
        var total: UInt64 = 0
        while true {
            try Thread.check()
            let step: Tree.Step
            do throws(SysError) {
                guard let next = try tree.next() else { return total }
                step = next
            } catch {
                try r.warn(error)
                continue
            }
            switch step.visit {
            case .enter:
                sums.append(size(r, step.dir))
            case .leave:
                let own = sums.popLast() ?? 0
                if step.depth <= depth { try give(r, own, step.path) }
                total = own
                if !sums.isEmpty, !r.has("S") { sums[sums.count - 1] &+= own }
            case .file:
                // A file with several names counts once.
                if step.dir.links > 1, !seen.insert(step.dir.identity).inserted { continue }
                let own = size(r, step.dir)
                if step.depth == 0 || r.has("a") && step.depth <= depth { try give(r, own, step.path) }
                if sums.isEmpty { total = own } else { sums[sums.count - 1] &+= own }
            }
        }
    }
}
