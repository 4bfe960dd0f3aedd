import Applib
import Kernel

/// Builds a name space anew, from a file, and runs a program in it.
struct Newns: Command {
    static let usage: Usage = """
        newns [-a] [-n file] [command [argument ...]]
        -a       add to a copy of this name space, instead of a new one
        -n file  what it is made of (/lib/namespace)
        Without a command, a shell.
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let name = r.options.value("n") ?? "/lib/namespace"
        let text = try r.p.text(of: name)
        let directory = r.p.directory
        try r.p.pctl(.forkNS)
        if !r.has("a") {
            // The new root is the current directory.
            try r.p.chdir("#/")
            try r.p.pctl(.newNS)
        }
        try NameSpaceFile(name: name, text: text).apply(to: r.p)
        if !r.has("a") {
            // Where we were need not be there any more.
            do throws(SysError) { try r.p.chdir(directory) } catch { try r.p.chdir("/") }
        }
        try r.become(r.operands.isEmpty ? ["/bin/sh", "-i"] : r.operands)
    }
}
