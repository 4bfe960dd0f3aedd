import Applib
import Kernel

/// Does nothing, and fails.
struct False: Program {
    static let usage: Usage = """
        false [argument ...]
        Nothing is done, and that badly, whatever the arguments are; after --help too.
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        if Self.usage.isAsked(args) { try p.write(1, Self.usage.help) }
        return Status(code: 1)
    }
}
