import Applib
import Kernel

/// Runs a program of the host in this name space: the module `$Vxrun` does it.
struct Vxrun: Command {
    static let usage: Usage = """
        vxrun [-vx] [-m bytes] [-P processes] [-T seconds] [-t seconds] [-w bytes] program [argument ...]
        -v            tell by what each file is read and written
        -x            tell of each call that is answered here
        -m bytes      memory of all together
        -P processes  as many at once
        -T seconds    time
        -t seconds    CPU time of all together
        -w bytes      as many are written
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let operands = try r.operands(1...Int.max)
        let module = try r.p.system.modules.find("$Vxrun").load()
        guard let become = module.index(of: "become") else { throw SysError("$Vxrun: no function become") }
        var words: [String] = []
        for flag in ["v", "x"] where r.has(Character(flag)) { words.append("-\(flag)") }
        for flag in ["m", "P", "T", "t", "w"] {
            if let value = r.options.value(flag) { words += ["-\(flag)", value] }
        }
        r.status = Status(try module.call(become, r.p, words: words + ["--"] + operands).words().first ?? "")
    }
}
