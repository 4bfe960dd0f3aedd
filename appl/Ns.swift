import Applib
import Kernel

/// Prints a name space as commands that make it again, masks and the current directory too.
struct Ns: Command {
    static let usage: Usage = """
        ns [pid]
        """

    func run(_ r: Run) throws(SysError) {
        if let pid = try r.operands(0...1).first {
            guard let number = Int32(pid) else { throw SysError("bad process '\(pid)'") }
            do throws(SysError) { return try r.out.line(try r.p.text(of: "/prog/\(number)/ns")) } catch {
                guard error.code == .nonexist else { throw error }
                throw SysError(.noProcess, subject: pid)
            }
        }
        try r.out.write(r.p.nameSpaceScript)
    }
}
