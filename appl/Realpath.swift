import Applib
import Kernel

/// Prints paths without symbolic links, `.` and `..`.
struct Realpath: Command {
    static let usage: Usage = """
        realpath [-emqz] [--relative-to dir] file ...
        -e, --canonicalize-existing  all of it is there; without, the last name may be missing
        -m, --canonicalize-missing   any name may be missing
        -q, --quiet                  do not say what is wrong
        -z, --zero                   a zero byte instead of a newline
        --relative-to dir            as it is reached from dir
        """

    func run(_ r: Run) throws(SysError) {
        let names: RealPath.Names =
            switch r.options.last(of: "em") {
            case "e": .all
            case "m": .any
            default: .allButLast
            }
        let base = try r.options.value("relative-to").map { (d) throws(SysError) in try RealPath.of(d, names, r.p) }
        for path in try r.operands(1...Int.max) {
            try r.going(on: path, quietly: r.has("q")) { () throws(SysError) in
                let real = try RealPath.of(path, names, r.p)
                try r.out.write((base.map { RealPath.relative(real, to: $0) } ?? real) + (r.has("z") ? "\0" : "\n"))
            }
        }
    }
}
