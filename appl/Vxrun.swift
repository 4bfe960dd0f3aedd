import Applib
import Kernel

/// Runs a program of the host in this name space: the module `$Vxrun` does it.
struct Vxrun: Command {
    static let usage: Usage = """
        vxrun [-x] [-m bytes] [-P processes] [-t seconds] program [argument ...]
        -x            tell of each call that is answered here
        -m bytes      address space of each process
        -P processes  as many at once
        -t seconds    CPU time of each process
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let operands = try r.operands(1...Int.max)
        let module = try r.p.system.modules.find("$Vxrun").load()
        guard let become = module.index(of: "become") else { throw SysError("$Vxrun: no function become") }
        var words = r.has("x") ? ["-x"] : []
        for flag in ["m", "P", "t"] {
            if let value = r.options.value(flag) { words += ["-\(flag)", value] }
        }
        r.status = Status(try module.call(become, r.p, words: words + ["--"] + operands).words().first ?? "")
    }
}
