import Applib
import Kernel

/// Ups the semaphores that files are: each wakes one that waits in `semdown`.
struct Semup: Command {
    static let usage: Usage = """
        semup file ...
        """

    func run(_ r: Run) throws(SysError) {
        for name in try r.operands(1...Int.max) {
            try r.going(on: name) { () throws(SysError) in
                let fd = try r.p.openSemaphore(name)
                defer { try? r.p.close(fd) }  // nothing was written
                try r.p.semUp(fd)
            }
        }
    }
}
