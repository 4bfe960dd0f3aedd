import Applib
import Kernel

/// Prints who a process acts as.
struct Id: Command {
    static let usage: Usage = """
        id [-Ggnru]
        -g, --group   the number of the group
        -G, --groups  the names of all groups, with -n; else the number of the one that has one
        -n, --name    with -g or -u: names
        -r, --real    with -g or -u: of who started it, not of who it acts as
        -u, --user    the number of the user
        """

    func run(_ r: Run) throws(SysError) {
        _ = try r.operands(0...0)
        let cred = r.p.cred
        let group = cred.groups.first ?? cred.user
        let which = "ugG".filter { r.has($0) }
        guard which.count <= 1 else { throw r.misuse("-u, -g and -G exclude each other") }
        guard !which.isEmpty || !r.has("n") && !r.has("r") else { throw r.misuse("-n and -r go with -u, -g or -G") }
        let uid = r.has("r") ? cred.uid.real : cred.uid.effective
        let gid = r.has("r") ? cred.gid.real : cred.gid.effective
        switch which {
        case "u": try r.out.line(r.has("n") ? cred.user : String(uid))
        case "g": try r.out.line(r.has("n") ? group : String(gid))
        case "G": try r.out.line(r.has("n") ? cred.groups.joined(separator: " ") : String(gid))
        default: try r.out.line("uid=\(uid)(\(cred.user)) gid=\(gid)(\(group)) groups=" + groups(cred, gid))
        }
    }

    /// Only the first has a number.
    private func groups(_ cred: Cred, _ gid: UInt32) -> String {
        cred.groups.enumerated().map { $0 == 0 ? "\(gid)(\($1))" : $1 }.joined(separator: ",")
    }
}
