import Applib
import Kernel
import Library

/// Builds a name space anew, from a file, and runs a program in it.
struct Newns: Command {
    static let usage: Usage = """
        newns [-a] [-n file] [command [argument ...]]
        -a       add to a copy of this name space, instead of a new one
        -n file  what it is made of (/lib/namespace)
        Without a command, a shell. Where # names are refused, it is completed and not built anew.
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let name = r.options.value("n") ?? "/lib/namespace"
        let text = try r.p.text(of: name)
        let directory = r.p.directory
        let file = NameSpaceFile(name: name, text: text)
        try r.p.pctl(.forkNS)
        if r.has("a") {
            try file.apply(to: r.p)
        } else {
            if r.p.nameSpace.noDevices {
                // Nothing could be attached to a new one.
                try file.complete(r.p)
            } else {
                // The new root is the current directory.
                try r.p.chdir("#/")
                try r.p.pctl(.newNS)
                try file.apply(to: r.p)
            }
            // Where we were need not be there any more.
            do throws(SysError) { try r.p.chdir(directory) } catch { try r.p.chdir("/") }
        }
        try r.become(r.operands.isEmpty ? ["/bin/sh", "-i"] : r.operands)
    }
}
