import Applib
import Kernel

/// Makes the tree of a device seen at a place of the name space.
struct Mount: Command {
    static let usage: Usage = """
        mount [-abc] [-p mask] device directory [spec]
        -a       behind what is there, in a union
        -b       before what is there, in a union
        -c       new files of the union may be made here
        -p mask  the rights that are left: r read and list, w write, x search and run
        A device is a name such as '#R'; spec is what the device is told. Servers elsewhere: not in this emu.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(2...3)
        let source = words[0]
        guard source.hasPrefix("#") else { throw SysError("not in this emu", subject: source) }
        let spec = words.count == 3 ? words[2] : ""
        guard !source.contains("/") else { throw SysError(.badSpec, subject: source) }
        try r.p.bind(source + spec, words[1], try r.mountFlags(), mask: try r.mask())
    }
}
