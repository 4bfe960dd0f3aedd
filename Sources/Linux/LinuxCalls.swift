import Host
import Kernel

/// The Linux personality: system calls of programs, answered as Linux would in the process's name space.
///
/// What a call does is done when it is answered. It keeps nothing of its own: all that a process has is in its Proc and
/// behind its descriptors. The page is `linux(3)`.
public struct LinuxCalls: Personality {
    public init() {}

    public func answer(_ call: Call, _ guest: any Guest, _ how: How) throws(SysError) -> Answer {
        guard let name = guest.machine.call(call.number) else { throw .notHere }
        return try Request(guest, call, how).answer(name)
    }

    public func execution(
        of path: String, _ arguments: [[UInt8]], _ environment: [[UInt8]], in proc: Proc
    ) throws(SysError) -> Execution {
        let tree = Subtree(of: proc)
        let c = try tree.find(path, from: proc.dot, .wait).chan
        return try Loader(proc, tree, .wait).load(c, path, arguments, environment)
    }
}
