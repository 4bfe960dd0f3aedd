import Applib
import Kernel

extension Proc {
    /// Opens a file as a semaphore; one that is not there is made.
    func openSemaphore(_ path: String) throws(SysError) -> Int32 {
        do throws(SysError) { return try open(path) } catch {
            guard error.code == .nonexist else { throw error }
            do throws(SysError) { try close(create(path, [.write, .exclusive], FileMode(rawValue: 0o666))) } catch {
                // Another was faster.
                guard error.code == .exist else { throw error }
            }
            return try open(path)
        }
    }
}

/// Downs the semaphores that files are, one after the other, and waits where one is at zero.
struct Semdown: Command {
    static let usage: Usage = """
        semdown [-n] file ...
        -n  do not wait: it fails where the semaphore is at zero
        """

    func run(_ r: Run) throws(SysError) {
        for name in try r.operands(1...Int.max) {
            try r.going(on: name) { () throws(SysError) in
                let fd = try r.p.openSemaphore(name)
                defer { try? r.p.close(fd) }  // nothing was written
                try r.p.semDown(fd, r.has("n") ? .try : .wait)
            }
        }
    }
}
