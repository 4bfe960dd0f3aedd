import CBench
import Devices
import Host
import Kernel

/// `emu-bench [--small] [PART-OF-NAME ...]` prints one table: what we take, what the host takes for the same, the ratio
/// of the two, and what is aimed at. `--small` does a tenth of the work.
@main
struct Bench {
    static func main() throws {
        let small = CommandLine.arguments.dropFirst().first == "--small"
        let wanted = Array(CommandLine.arguments.dropFirst(small ? 2 : 1))
        let system = System()
        for make in deviceTable { system.add(make()) }
        let done = Parker()
        _ = try system.boot(Cred(user: "bench", uid: 0, gid: 0), args: ["bench"]) { p in
            defer { done.unpark() }
            print(Table.head)
            for row in callRows + processRows where wanted.isEmpty || wanted.contains(where: row.name.contains) {
                print(row.measure(p, small: small))
            }
            return .ok
        }
        while !done.park(until: nil) {}
    }
}
