import Devices
import Host
import Kernel
import KernelTestSupport
import Testing

/// Runs `body` as the first process of a system that has the devices of `emu.conf`, and ends the system.
func inSystem<T: Sendable>(
    grants: HostGrants = HostGrants(), account: Account = Account(),
    _ body: @escaping @Sendable (Proc) throws(SysError) -> T
) throws -> T {
    try inSystem(deviceTable.map { $0() }, grants: grants, account: account, body)
}

/// What a call throws, as a person sees it; empty where it throws nothing.
func failure(_ body: () throws(SysError) -> Void) -> String {
    do throws(SysError) { try body() } catch { return error.description }
    return ""
}

/// Runs the body of a test that is a host process of its own: what it throws is told.
func reporting(_ body: () throws -> Void) {
    do { try body() } catch { Issue.record("\(error)") }
}

/// Waits until `condition` holds, at most half a minute; whether it does.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = HostClock.monotonic() + 30_000_000_000
    let parker = Parker()
    while !condition() {
        guard HostClock.monotonic() < end else { return false }
        _ = parker.park(until: HostClock.monotonic() + 1_000_000)
    }
    return true
}

/// Waits until process `pid` waits for something.
func untilBlocked(_ p: Proc, _ pid: Int32) throws(SysError) {
    guard eventually({ p.system.proc(pid)?.isBlocked ?? false }) else { throw SysError("it does not block") }
}

extension Proc {
    /// What can be read of `path` in one read.
    func text(_ path: String) throws(SysError) -> String {
        let fd = try open(path)
        let bytes = try read(fd, 4096)
        try close(fd)
        return String(decoding: bytes, as: UTF8.self)
    }
}
