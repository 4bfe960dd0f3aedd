import Kernel

/// Downs the semaphores that files are, one after the other, and waits where one is at zero.
struct Semdown: Command {
    static let usage: Usage = """
        semdown [-n] file ...
        -n  do not wait: it fails where the semaphore is at zero
        """

    func run(_ r: Run) throws(SysError) {
        for name in try r.operands(1...Int.max) {
            try r.going(on: name) { () throws(SysError) in
                let fd = try r.p.open(name)
                defer { try? r.p.close(fd) }  // nothing was written
                try r.p.semDown(fd, r.has("n") ? .try : .wait)
            }
        }
    }
}
