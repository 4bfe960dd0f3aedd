import Applib
import Kernel

/// Does nothing, and well.
struct True: Program {
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status { .ok }
}
