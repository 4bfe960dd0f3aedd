import Applib
import Kernel
import Library

/// Makes the tree of a server, or of a device, seen at a place of the name space.
struct Mount: Command {
    static let usage: Usage = """
        mount [-aAbcCR] [-p mask] [-t dialect] [-T seconds] server directory [spec]
        -a          behind what is there, in a union
        -A          of tls: the server may be anybody
        -b          before what is there, in a union
        -c          new files of the union may be made here
        -C          keep what was read, as long as the server says that the file is the same
        -p mask     the rights that are left: r read and list, w write, x search and run
        -R          connect anew when the connection has ended
        -t dialect  speak 9p2000 or 9p2000.L, and nothing else
        -T seconds  how long the server may let nothing be heard (60)
        A server is an address net!host!service, a file that is its channel, - or a number for a descriptor that is, or
        {command}, which serves its standard input. A device is a name such as '#R'. Spec is what they are told.
        """

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(2...3)
        var mount = ServerMount(words[0], on: words[1])
        if words.count == 3 { mount.spec = words[2] }
        mount.flags = try r.mountFlags()
        mount.mask = try r.mask()
        mount.caches = r.has("C")
        mount.reconnects = r.has("R")
        mount.anybody = r.has("A")
        if let name = r.options.value("t") { mount.dialect = try ServerMount.dialect(name) }
        if let text = r.options.value("T") { mount.seconds = try ServerMount.seconds(text) }
        try mount.apply(to: r.p)
    }
}
