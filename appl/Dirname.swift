import Applib
import Kernel

/// Prints what stands before the last name of a path.
struct Dirname: Command {
    static let usage: Usage = """
        dirname [-z] path ...
        -z, --zero  a zero byte instead of a newline behind each
        """

    func run(_ r: Run) throws(SysError) {
        for path in try r.operands(1...Int.max) { try r.out.write(parentName(path) + (r.has("z") ? "\0" : "\n")) }
    }
}
