import Applib
import Kernel

/// Prints where symbolic links lead.
struct Readlink: Command {
    static let usage: Usage = """
        readlink [-efmnqsvz] file ...
        -e, --canonicalize-existing  the path without links, . and ..; all of it is there
        -f, --canonicalize           the same; the last name may be missing
        -m, --canonicalize-missing   the same; any name may
        -n, --no-newline             none behind a single path
        -q, -s, --quiet, --silent    do not say what is wrong; so it is
        -v, --verbose                say it
        -z, --zero                   a zero byte instead of a newline
        """

    func run(_ r: Run) throws(SysError) {
        let paths = try r.operands(1...Int.max)
        let isQuiet = r.options.last(of: "qv") != "v"
        let end = r.has("z") ? "\0" : r.has("n") && paths.count == 1 ? "" : "\n"
        for path in paths {
            try r.going(on: path, quietly: isQuiet) { () throws(SysError) in
                let target =
                    switch r.options.last(of: "efm") {
                    case "e": try RealPath.of(path, .all, r.p)
                    case "f": try RealPath.of(path, .allButLast, r.p)
                    case "m": try RealPath.of(path, .any, r.p)
                    default: try r.p.readlink(path)
                    }
                try r.out.write(target + end)
            }
        }
    }
}
