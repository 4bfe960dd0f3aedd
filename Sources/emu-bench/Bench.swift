import Appl
import CBench
import Devices
import Filters
import Host
import Kernel
import Library
import Mnt

/// `emu-bench [--small] [--emu PATH] [--micro PATH] [PART-OF-NAME ...]` prints one table: what we take, what the host takes
/// for the same, the ratio of the two, what is aimed at, and whether it is reached. `--small` does a tenth of the work.
/// Rows of calls that programs of the host make want `--micro`: Tests/Programs/micro.c, compiled (see .ci/bench).
///
/// Rows of whole commands run the `emu` that stands beside this program, or at PATH. A row that cannot run is an error:
/// the exit status is then 1. A target missed is none.
@main
struct Bench {
    private var small = false
    private var emu: String
    private var micro: String?
    private var wanted: [String] = []

    static func main() {
        do throws(SysError) { try Bench().run() } catch {
            HostEnvironment.complain("emu-bench: \(error)")
            cbench_leave(1)
        }
    }

    private init() throws(SysError) {
        let own = try HostEnvironment.realPath("/proc/self/exe")
        emu = own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/emu"
        var words = CommandLine.arguments.dropFirst()
        while let word = words.popFirst() {
            switch word {
            case "--small": small = true
            case "--emu": emu = words.popFirst() ?? ""
            case "--micro": micro = words.popFirst()
            default: wanted.append(word)
            }
        }
        emu = try HostEnvironment.realPath(emu)
        if let micro { self.micro = try HostEnvironment.realPath(micro) }
    }

    /// Measures the rows as the first process of a system whose name space is that of `emu`.
    private func run() throws(SysError) {
        let bytes: Int64 = small ? 10_000_000 : 100_000_000
        try answered(cbench_enter(bytes))
        if let micro { try answered(cbench_command("/bin/cp\n\(micro)\nmicro", 1)) }
        var grants = HostGrants()
        grants.trees["host"] = .init(try HostEnvironment.realPath("."))
        grants.network = .all  // servers are at unix sockets, too
        let system = System(grants: grants)
        for program in Filters.programTable + Appl.programTable { system.add(program) }
        for make in Devices.deviceTable + Mnt.deviceTable { system.add(make()) }
        let port = Int32(try answered(Int64(cbench_serve())))
        let rows =
            callRows + processRows + codecRows + mountRows(port) + peerRows(emu) + commandRows(emu)
            + nativeRows(emu, small: small)
        let small = self.small
        let wanted = self.wanted
        let ids = HostEnvironment.ids
        let cred = Cred(user: "bench", uid: ids.user, gid: ids.group)
        _ = try system.boot(cred, args: ["bench"]) { (p) throws(SysError) in
            try Self.buildNameSpace(p)
            var failed = 0
            print(Table.head)
            for row in rows where wanted.isEmpty || wanted.contains(where: row.name.contains) {
                let (line, ran) = row.measure(p, small: small)
                print(line)
                if !ran { failed += 1 }
            }
            return failed == 0 ? .ok : Status("\(failed) rows cannot run")
        }
        let status = system.waitForEnd()?.status ?? "lost"
        if !status.isOK { throw SysError(status.text) }
        cbench_leave(0)
    }

    private static func buildNameSpace(_ p: Proc) throws(SysError) {
        let fd = try p.open("/lib/namespace")
        let text = String(decoding: try p.readn(fd, 1 << 20), as: UTF8.self)
        try p.close(fd)
        try p.environment.set("user", Array("bench".utf8), 0)
        try NameSpaceFile(name: "/lib/namespace", text: text).apply(to: p)
        try p.mkdir("/n/host")
        try p.bind("#Uhost", "/n/host", .create)
    }
}

/// An answer of the C side: throws where it is the negative of an errno.
@discardableResult
func answered(_ answer: Int64) throws(SysError) -> Int64 {
    if answer < 0 { throw SysError(errno: Int32(clamping: -answer)) }
    return answer
}
