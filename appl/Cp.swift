import Applib
import Kernel

/// Copies files.
struct Cp: Command {
    static let usage: Usage = """
        cp [-HLPRTadfilnprsuv] file ... target | -t directory file ...
        -a, --archive              the same as -dpR
        -d                         symbolic links as links, and the names of one file as names of one copy
        -f, --force                what cannot be written is removed first
        -H                         with -R, what an operand that is a symbolic link leads to
        -i, --interactive          ask before a file is written over
        -L, --dereference          what a symbolic link leads to
        -l, --link                 other names of the files, not copies
        -n, --no-clobber           write over nothing
        -P, --no-dereference       symbolic links as links; with -R they always are, but for -H and -L
        -p                         owner, permissions and times too
        -R, -r, --recursive        directories and all below them
        -s, --symbolic-link        symbolic links to the files, not copies
        -T, --no-target-directory  the target is a name, not a directory to copy into
        -t, --target-directory directory  copy into that
        -u, --update               write over older files only
        -v, --verbose              tell of each; on a terminal, how far a long one is
        """

    func run(_ r: Run) throws(SysError) {
        guard !(r.has("l") && r.has("s")) else { throw r.misuse("-l and -s exclude each other") }
        var copier = Copier(r)
        copier.kind = r.has("l") ? .link : r.has("s") ? .symlink : .contents
        copier.isRecursive = r.has("R") || r.has("a")
        copier.preserves = r.has("p") || r.has("a")
        copier.keepsNames = r.has("d") || r.has("a")
        let links = r.options.last(of: "HLPad") ?? (copier.isRecursive || r.has("l") ? "P" : "L")
        copier.follows = links == "L"
        copier.followsOperands = links == "L" || links == "H"
        copier.forces = r.has("f")
        copier.deciding = "ni"
        try r.eachTarget { (source, target) throws(SysError) in try copier.copy(source, to: target) }
    }
}
