import Applib
import Kernel

/// Says what system this is.
struct Uname: Command {
    static let usage: Usage = """
        uname [-amnrs]
        -a, --all             all of it
        -m, --machine         the machine's kind, as hosts call it
        -n, --nodename        this system's name, which is in /dev/sysname
        -r, --kernel-release  its version
        -s, --kernel-name     what it is
        """

    #if arch(arm64)
        private static let machine = "aarch64"
    #elseif arch(x86_64)
        private static let machine = "x86_64"
    #else
        private static let machine = "unknown"
    #endif

    func run(_ r: Run) throws(SysError) {
        _ = try r.operands(0...0)
        let shown = r.has("a") ? "snrm" : "snrm".filter { r.has($0) }
        let cells = try (shown.isEmpty ? "s" : shown).map { (letter) throws(SysError) -> String in
            switch letter {
            case "s": return "emu"
            case "n": return try r.p.text(of: "/dev/sysname", limit: 1024)
            case "r": return System.version
            default: return Self.machine
            }
        }
        try r.out.line(cells.joined(separator: " "))
    }
}
