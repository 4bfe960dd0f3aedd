import Applib
import Kernel

/// Prints the current directory.
struct Pwd: Command {
    static let usage: Usage = """
        pwd [-LP]
        -L  the path as it was walked; it always is
        -P  the same: symbolic links were replaced when they were followed
        """

    func run(_ r: Run) throws(SysError) {
        _ = try r.operands(0...0)
        try r.out.line(r.p.directory)
    }
}
