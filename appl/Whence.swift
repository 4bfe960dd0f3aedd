import Applib
import Kernel

/// Says why a path leads where it does: the mounts on the way, the server, and the rights that are left.
struct Whence: Command {
    static let usage: Usage = """
        whence [-v] path ...
        -v  the number of the server's tree and the file's qid too
        """

    func run(_ r: Run) throws(SysError) {
        for path in try r.operands(1...Int.max) {
            try r.going(on: path) { () throws(SysError) in
                let route = try r.p.whence(path)
                try r.out.line(route.path)
                for entry in route.crossed where entry.kind != .own { try r.out.line("\t" + entry.command) }
                for entry in route.union where !route.crossed.contains(where: { $0 === entry }) {
                    try r.out.line("\talso " + (entry.kind == .own ? "what is below" : entry.command))
                }
                var server = "\tserver \(route.server) \(route.device)"
                if r.has("v") {
                    let qid = route.qid
                    server += ", tree \(route.instance), qid \(String(qid.path, radix: 16)).\(qid.version)"
                }
                try r.out.line(server)
                try r.out.line("\trights \(route.mask)")
            }
        }
    }
}
