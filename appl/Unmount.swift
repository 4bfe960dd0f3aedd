import Applib
import Kernel

/// Takes off what was bound or mounted.
struct Unmount: Command {
    static let usage: Usage = """
        unmount [-f] [source] target
        -f  hang up what is open there: whoever reads or writes it, and who waits in it, gets an error
        Without source, all that is on target. What -p of bind took away does not come back.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...2)
        try r.p.unmount(words.count == 2 ? words[0] : nil, words[words.count - 1], force: r.has("f"))
    }
}
