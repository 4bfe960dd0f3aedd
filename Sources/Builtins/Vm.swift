import Kernel

/// The builtin module `$Vm`: what is in this emu, what the calling process can reach, and why.
struct Vm: VmModule {
    func whence(_ p: Proc, _ path: String) throws(SysError) -> Place {
        let found = try p.whence(path)
        return Place(
            path: found.path, server: found.server, mask: found.mask.description,
            mounts: found.crossed.filter { $0.kind != .own }.map(\.command))
    }

    func modules(_ p: Proc) throws(SysError) -> [String] { p.system.modules.entries.map(\.path) }

    func signatures(_ p: Proc, _ path: String) throws(SysError) -> [String] {
        try p.system.modules.find(path).functions.map(\.description)
    }

    /// The root, then the mounts in the order in which they were made, then each device that a `#` name reaches.
    func nsaudit(_ p: Proc) throws(SysError) -> [String] {
        let root = try p.whence("/", bare: true)
        let space = p.nameSpace
        let entries = space.table.entries
        let seals = entries.filter { $0.kind == .seal && $0.target == "/" }
        var lines = ["\(seals.reduce(root.mask) { $0.intersection($1.mask) }) \(root.server) /"]
        for entry in entries where entry.kind != .seal {
            let server = entry.root.map { "#\($0.dev.letter)" } ?? entry.source
            lines.append("\(entry.mask) \(server) \(entry.target)")
        }
        guard !space.noDevices else { return lines }
        return lines + p.system.devices.map { "\(Mask.all) #\($0.letter) #" }
    }
}
