import Builtins
import Devices
import Kernel

/// Runs `body` as the first process of a system that has the devices and modules of `emu.conf`.
func inProcess<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
    let system = System()
    for make in deviceTable { system.add(make()) }
    system.modules = ModuleTable(moduleTable)
    let result = Lock<Result<T, SysError>?>(nil)
    _ = try system.boot(Cred(user: "glenda", uid: 1000, gid: 1000), args: ["test"]) { p throws(SysError) in
        do throws(SysError) {
            let value = try body(p)
            result.withLock { $0 = .success(value) }
        } catch {
            result.withLock { $0 = .failure(error) }
        }
        return .ok
    }
    _ = system.waitForEnd()
    guard let result = result.withLock({ $0 }) else { throw SysError("the process ended early") }
    return try result.get()
}

/// Calls a function of the module `path` with words, as a shell does, and gives the words of its result.
func run(_ p: Proc, _ path: String, _ words: String...) throws(SysError) -> [String] {
    let module = try p.system.modules.find(path).load()
    guard let index = module.index(of: words[0]) else { throw Value.noFunction }
    return try module.call(index, p, words: Array(words.dropFirst())).words()
}
