import Kernel

/// Copies files.
struct Cp: Command {
    static let usage: Usage = """
        cp [-LPRafinprv] file ... target
        -a  the same as -RpP
        -f  what cannot be written is removed first
        -i  ask before a file is written over
        -L  what a symbolic link leads to
        -n  write over nothing
        -P  symbolic links as links; with -R they always are, but for -L
        -p  permissions and times too
        -R  directories and all below them
        -r  the same
        -v  tell of each; on a terminal, how far a long one is
        """

    func run(_ r: Run) throws(SysError) {
        var copier = Copier(r: r)
        copier.isRecursive = r.has("R") || r.has("r") || r.has("a")
        copier.preserves = r.has("p") || r.has("a")
        copier.keepsLinks = r.options.last(of: "LPa").map { $0 != "L" } ?? copier.isRecursive
        copier.forces = r.has("f")
        try r.eachTarget { (source, target) throws(SysError) in try copier.copy(source, to: target) }
    }
}

extension Run {
    /// Runs `body` on each operand but the last, and the name it is to get: the last operand, or in the directory
    /// that is. What exists is left alone with -n, and asked about with -i. What fails is told, and the next one comes.
    func eachTarget(_ body: (_ source: String, _ target: String) throws(SysError) -> Void) throws(SysError) {
        let words = try operands(2...Int.max)
        let last = words[words.count - 1]
        let isInto = (try? p.stat(last))?.isDirectory ?? false  // what is not there is no directory
        guard isInto || words.count == 2 else { throw SysError(.notDir, subject: last) }
        for source in words.dropLast() {
            try going(on: source) { () throws(SysError) in
                let target = isInto ? join(last, lastName(source)) : last
                let isThere = (try? p.stat(target, follow: false)) != nil  // absent: there is nothing to ask
                if isThere, options.last(of: "nif") != "f" {
                    if options.last(of: "nif") == "n" { return }
                    guard try confirm("overwrite '\(target)'") else { return }
                }
                try body(source, target)
            }
        }
    }
}
