import Applib
import Kernel

/// Copies files.
struct Cp: Command {
    static let usage: Usage = """
        cp [-HLPRTadfilnprsuvx] file ... target | -t directory file ...
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
        -x, --one-file-system      of a directory that another device serves, only the name
        --parents                  into the directory goes all of a file's path
        --preserve[=what]          as -p; with links or all, the names of one file are names of one copy too
        --remove-destination       what is there is removed first
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
        copier.removes = r.has("remove-destination")
        copier.staysOnServer = r.has("x")
        for list in r.options.values("preserve") { try preserve(list, &copier, r) }
        try r.eachTarget { (source, target) throws(SysError) in
            try copier.copy(source, to: r.has("parents") ? try below(source, r) : target)
        }
    }

    /// Owner, mode and times come together.
    private func preserve(_ list: String, _ copier: inout Copier, _ r: Run) throws(SysError) {
        let words = Set(list.split(separator: ",").map(String.init))
        let usual: Set = ["mode", "ownership", "timestamps"]
        guard words.isSubset(of: usual.union(["links", "all"])),
            words.isDisjoint(with: usual) || usual.isSubset(of: words)
        else { throw r.misuse("--preserve=\(list): not in this emu (mode,ownership,timestamps together, links, all)") }
        if words != ["links"] { copier.preserves = true }
        if words.contains("links") || words.contains("all") { copier.keepsNames = true }
    }

    /// The name of all of a file's path in the directory that is copied to, whose directories are made.
    private func below(_ source: String, _ r: Run) throws(SysError) -> String {
        let top = r.options.value("t") ?? r.operands.last ?? "."
        guard !r.has("T"), try r.p.stat(top).isDirectory else { throw SysError(.notDir, subject: top) }
        var (from, to) = (isRooted(source) ? "/" : "", top)
        for name in pathNames(source).dropLast() {
            from = from.isEmpty ? name : join(from, name)
            to = join(to, name)
            do throws(SysError) { try r.p.mkdir(to, try r.p.stat(from).mode.permissions | 0o700) } catch {
                guard error.code == .exist else { throw error }
            }
        }
        return join(to, lastName(source))
    }
}
