import Host
import Kernel

extension Request {
    /// The corresponding Linux call is `open(2)`.
    func open(_ name: Name, _ bits: UInt32, _ mode: UInt32) throws(SysError) -> Answer {
        let flags = OpenFlags(rawValue: bits)
        let closes = flags.contains(.closeOnExec)
        if flags.contains(.path) { return .open(try place(name, flags), closeOnExec: closes) }
        guard !flags.contains(.temporary) else { throw .notSupported }
        guard flags.access != 3, !flags.isSuperset(of: [.create, .directory]) else { throw .badArg }
        var how = OpenMode(rawValue: UInt16(truncatingIfNeeded: flags.access))
        if closes { how.insert(.closeOnExec) }
        if flags.contains(.append) { how.insert(.append) }
        if flags.contains(.nonBlocking) { how.insert(.nonBlocking) }
        let c =
            flags.contains(.create)
            ? try create(name, flags, how, mode)
            : try open(name, flags, flags.contains(.truncate) ? how.union(.truncate) : how)
        return .open(c, closeOnExec: closes)
    }

    /// A file that is only named, which needs no right to it.
    private func place(_ name: Name, _ flags: OpenFlags) throws(SysError) -> Chan {
        let c = try find(name, follow: !flags.contains(.noFollow))
        guard c.isDirectory || !flags.contains(.directory) else { throw .notDir }
        return c.mode == nil ? c : c.clone()
    }

    private func open(_ name: Name, _ flags: OpenFlags, _ mode: OpenMode) throws(SysError) -> Chan {
        let follow = !flags.contains(.noFollow)
        guard flags.contains(.directory) else {
            return try tree.open(name.text, from: name.from, follow: follow, mode, how)
        }
        // What is no directory is not touched.
        let c = try find(name, follow: follow)
        guard c.isDirectory else { throw .notDir }
        return try tree.open(c, mode, how)
    }

    /// How often a name is looked up again when somebody else has made or removed the file meanwhile.
    private static let attempts = 8

    private func create(
        _ name: Name, _ flags: OpenFlags, _ mode: OpenMode, _ perm: UInt32
    ) throws(SysError) -> Chan {
        guard case .name = name.last, !name.endsInSlash else { throw .isDir }
        let isNew = flags.contains(.exclusive)
        let bits = FileMode(linux: perm & 0o7777 & ~proc.umask)
        var attempt = 1
        while true {
            do throws(SysError) {
                let (found, directory, last) = try tree.findNew(
                    name.text, from: name.from, follow: !isNew && !flags.contains(.noFollow), how)
                guard let found else { return try tree.create(directory, last, mode, bits, how) }
                guard !isNew else { throw .exist }
                guard !found.qid.isSymlink else { throw .tooManyLinks }
                guard !found.isDirectory else { throw .isDir }
                return try tree.open(found, flags.contains(.truncate) ? mode.union(.truncate) : mode, how)
            } catch {
                let isRace = !isNew && (error.code == .exist || error.code == .stale)
                guard isRace, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// The corresponding Linux call is `access(2)`.
    func access(_ name: Name, _ rights: Int32, follow: Bool = true) throws(SysError) -> Answer {
        guard let mask = Mask(exactly: rights) else { throw .badArg }
        try tree.access(try find(name, follow: follow), mask, how)
        return .value(0)
    }

    /// The corresponding Linux call is `readlink(2)`.
    func readlink(_ name: Name, _ address: UInt64, _ size: Int32) throws(SysError) -> Answer {
        guard size > 0 else { throw .badArg }
        let c = try find(name, follow: false)
        // A link that was followed by its slash is none.
        guard c.qid.isSymlink else { throw name.isEmpty ? .nonexist : .badArg }
        let bytes = HostName.bytes(try tree.readlink(c, how)).prefix(Int(size))
        try guest.write(Array(bytes), address)
        return .value(UInt64(bytes.count))
    }
}

extension Mask {
    /// The rights that access(2) is asked about: R_OK, W_OK, X_OK.
    fileprivate init?(exactly rights: Int32) {
        guard rights & ~7 == 0 else { return nil }
        self.init(rawValue: UInt8(truncatingIfNeeded: rights))
    }
}
