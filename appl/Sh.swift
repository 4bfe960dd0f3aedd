import Applib
import Kernel
import Shell

/// The command interpreter; all of it is in `Shell`. The corresponding Inferno page is `sh(1)`.
struct Sh: Program {
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status { try Shell.main(p, args) }
}
