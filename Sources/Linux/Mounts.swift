import Host
import Kernel

/// Calls that rearrange the name space. A process may always rearrange its own: all that it can find was its own before.
extension Request {
    /// MS_* of mount(2).
    private enum MountBit {
        static let readOnly: UInt64 = 1
        static let noExec: UInt64 = 8
        static let remount: UInt64 = 32
        static let bind: UInt64 = 4096
        static let move: UInt64 = 8192
        /// Who else sees a mount: MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED. Nobody does.
        static let sharing: UInt64 = 0xf << 17
    }

    /// Binds, and trees of ours by the names of their kinds. The corresponding Linux call is `mount(2)`.
    func mount() throws(SysError) -> Answer {
        let flags = word(3)
        let target = try name(1)
        let on = try tree.mountPoint(target.text, from: target.from, how)
        if flags & MountBit.sharing != 0 { return .value(0) }
        guard flags & MountBit.move == 0 else { throw .badArg }
        var mask = Mask.all
        if flags & MountBit.readOnly != 0 { mask.remove(.write) }
        // x is the right to search, too: a tree without it is shut.
        if flags & MountBit.noExec != 0, flags & MountBit.bind != 0 { throw .badArg }
        let from: Chan
        let source: String
        if flags & MountBit.remount != 0 {
            // What has become less stays so.
            guard mask != .all else { return .value(0) }
            (from, source) = (on, on.path)
        } else if flags & MountBit.bind != 0 {
            from = try find(try name(0))
            source = from.path
        } else {
            source = try device(try guest.text(word(2), limit: 64))
            try proc.mountDevice(source, on: on, mask: mask == .all ? nil : mask)
            return .value(0)
        }
        try proc.bind(from, on: on, mask: mask == .all ? nil : mask)
        return .value(0)
    }

    /// Our name for a kind of file system, which may be one of ours already: `#I`. Throws `.noSuchDevice`'s sibling for kinds that we have not.
    private func device(_ kind: [UInt8]) throws(SysError) -> String {
        switch String(decoding: kind, as: UTF8.self) {
        case "proc": return "#x"
        case let name where name.hasPrefix("#"): return name
        case "tmpfs", "ramfs": return "#Rview\(Instance.new())"
        default: throw .badDevice
        }
    }

    /// The corresponding Linux call is `umount2(2)`.
    func unmount() throws(SysError) -> Answer {
        // MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW.
        try check(int(1), 1 | 2 | 8)
        let target = try name(0)
        try proc.unmount(on: try tree.mountPoint(target.text, from: target.from, how), force: int(1) & 1 != 0)
        return .value(0)
    }

    /// A name space of the process's own. The corresponding Linux call is `unshare(2)`.
    func unshare() throws(SysError) -> Answer {
        // CLONE_FS goes with it: here each process has a directory of its own.
        let shared: UInt64 = 0x200
        guard word(0) & ~(Flag.newNameSpace | shared) == 0 else { throw .notOwner }
        if word(0) & Flag.newNameSpace != 0 { _ = try proc.pctl(.forkNS) }
        return .value(0)
    }

    /// PR_EMU_PCTL, no number of Linux's: "emu".
    private static let pctl: Int32 = 0x656d75
    /// What it may change: name space, environment, `#` names. The rest is the engine's.
    private static let sharing: ProcFlags = [.newNS, .forkNS, .noDevices, .newEnv, .forkEnv]

    /// `prctl(PR_EMU_PCTL, flags)` is our `pctl`, by the numbers of `sys-pctl(2)`.
    func prctl() throws(SysError) -> Answer {
        guard int(0) == Self.pctl else { throw .badArg }
        let flags = ProcFlags(rawValue: unsigned(1))
        guard word(1) >> 32 == 0, flags.isSubset(of: Self.sharing) else { throw .badArg }
        _ = try proc.pctl(flags)
        return .value(0)
    }
}
