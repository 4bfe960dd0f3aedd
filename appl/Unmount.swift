import Kernel

/// Takes off what was bound or mounted.
struct Unmount: Command {
    static let usage: Usage = """
        unmount [source] target
        Without source, all that is on target. What -p of bind took away does not come back.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...2)
        try r.p.unmount(words.count == 2 ? words[0] : nil, words[words.count - 1])
    }
}
