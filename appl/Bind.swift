import Applib
import Kernel

/// Makes a file or directory seen at another place of the name space.
struct Bind: Command {
    static let usage: Usage = """
        bind [-abc] [-p mask] source target
        -a       behind what is there, in a union
        -b       before what is there, in a union
        -c       new files of the union may be made here
        -p mask  the rights that are left: r read and list, w write, x search and run. With the same file as
                 source and target, that file's rights for good.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(2...2)
        try r.p.bind(words[0], words[1], try r.mountFlags(), mask: try r.mask())
    }
}
