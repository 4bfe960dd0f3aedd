import Builtins
import Devices
import Kernel
import KernelTestSupport

/// Runs `body` as the first process of a system that has the devices and modules of `emu.conf`.
func inProcess<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
    try inSystem(deviceTable.map { $0() }, modules: moduleTable, body)
}

/// Calls a function of the module `path` with words, as a shell does, and gives the words of its result.
func run(_ p: Proc, _ path: String, _ words: String...) throws(SysError) -> [String] {
    let module = try p.system.modules.find(path).load()
    guard let index = module.index(of: words[0]) else { throw Value.noFunction }
    return try module.call(index, p, words: Array(words.dropFirst())).words()
}
