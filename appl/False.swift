import Applib
import Kernel

/// Does nothing, and fails.
struct False: Program {
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status { Status(code: 1) }
}
