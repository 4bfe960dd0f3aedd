import Applib
import Kernel

/// Does nothing, and well.
struct True: Program {
    static let usage: Usage = """
        true [argument ...]
        Nothing is done, and that well, whatever the arguments are.
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        if Self.usage.isAsked(args) { try p.write(1, Self.usage.help) }
        return .ok
    }
}
