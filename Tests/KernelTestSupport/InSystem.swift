import Host
import Kernel

/// Runs `body` as process 1 of a system of its own that has `devices`, among them one with the letter `/`, and ends the
/// system. The calling thread waits; what `body` expects of a test it returns or throws, since it runs on another.
public func inSystem<T: Sendable>(
    _ devices: [any Dev], programs: [ProgramEntry] = [], modules: [ModuleEntry] = [], grants: HostGrants = HostGrants(),
    account: Account = Account(), as cred: Cred = Cred(user: "glenda", uid: 1000, gid: 1000),
    _ body: @escaping @Sendable (Proc) throws(SysError) -> T
) throws -> T {
    let system = System(account: account, grants: grants)
    for program in programs { system.add(program) }
    for device in devices { system.add(device) }
    system.modules = ModuleTable(modules)
    return try system.result(as: cred, of: body)
}

extension System {
    /// Boots, runs `body` as process 1 on behalf of `cred`, and ends the system.
    public func result<T: Sendable>(
        as cred: Cred, of body: @escaping @Sendable (Proc) throws(SysError) -> T
    ) throws -> T {
        let result = Lock<Result<T, SysError>?>(nil)
        _ = try boot(cred, args: ["test"]) { (p) throws(SysError) in
            do throws(SysError) {
                let value = try body(p)
                result.withLock { $0 = .success(value) }
            } catch {
                result.withLock { $0 = .failure(error) }
            }
            return .ok
        }
        _ = waitForEnd()
        shutdown(until: HostClock.monotonic() + 5_000_000_000)
        guard let result = result.withLock({ $0 }) else { throw SysError("the process ended early") }
        return try result.get()
    }
}
