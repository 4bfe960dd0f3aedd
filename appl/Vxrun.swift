import Applib
import Kernel

/// Runs a program of the host in this name space: the module `$Vxrun` does it.
struct Vxrun: Program {
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        let module = try p.system.modules.find("$Vxrun").load()
        guard let become = module.index(of: "become") else { throw SysError("$Vxrun: no function become") }
        let words = try module.call(become, p, words: Array(args.dropFirst())).words()
        return Status(words.first ?? "")
    }
}
