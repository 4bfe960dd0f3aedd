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
