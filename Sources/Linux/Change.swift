import Host
import Kernel

/// Calls that make, remove, move and change files.
extension Request {
    func change(_ call: SystemCall) throws(SysError) -> Answer {
        switch call {
        case .mkdir: try mkdir(try name(0), unsigned(1))
        case .mkdirat: try mkdir(try name(1, at: 0), unsigned(2))
        case .mknod: try mknod(try name(0), unsigned(1))
        case .mknodat: try mknod(try name(1, at: 0), unsigned(2))
        case .rmdir: try rmdir(try name(0))
        case .unlink: try unlink(try name(0))
        case .unlinkat: try unlinkat()
        case .rename: try rename(try name(0), try name(1), 0)
        case .renameat: try rename(try name(1, at: 0), try name(3, at: 2), 0)
        case .renameat2: try rename(try name(1, at: 0), try name(3, at: 2), unsigned(4))
        case .link: try link(try name(0), try name(1), follow: false)
        case .linkat: try linkat()
        case .symlink: try symlink(0, try name(1))
        case .symlinkat: try symlink(0, try name(2, at: 1))
        default: try setStatus(call)
        }
    }

    // MARK: making

    /// The corresponding Linux call is `mkdir(2)`.
    private func mkdir(_ name: Name, _ mode: UInt32) throws(SysError) -> Answer {
        let (directory, last) = try vacancy(name, forDirectory: true)
        let bits = FileMode(linux: ModeBits.directory | mode & 0o1777 & ~proc.umask)
        _ = try tree.create(directory, last, .read, bits, how)
        return .value(0)
    }

    /// Plain files, FIFOs and sockets only: the others are devices' to make. The corresponding Linux call is `mknod(2)`.
    private func mknod(_ name: Name, _ mode: UInt32) throws(SysError) -> Answer {
        switch mode & ModeBits.mask {
        case 0, ModeBits.regular: break
        case ModeBits.socket, ModeBits.pipe:
            let (directory, last) = try vacancy(name)
            _ = try makeNode(directory, last, mode)
            return .value(0)
        case ModeBits.character, ModeBits.block, ModeBits.directory: throw .notOwner
        default: throw .badArg
        }
        let (directory, last) = try vacancy(name)
        _ = try tree.create(directory, last, .read, FileMode(linux: mode & 0o7777 & ~proc.umask), how)
        return .value(0)
    }

    /// A FIFO, or a socket file that nobody answers at, as `mode` says. Devices that keep none throw `.notOwner`.
    func makeNode(_ directory: Chan, _ name: String, _ mode: UInt32) throws(SysError) -> Chan {
        let kind = mode & ModeBits.mask == ModeBits.pipe ? FileMode.namedPipe : .socket
        let mode = FileMode(linux: mode & (ModeBits.mask | 0o7777 & ~proc.umask))
        _ = try tree.create(directory, name, .read, mode, how)
        let c = try tree.walk(directory, name, follow: false, how)
        guard try tree.stat(c, how).mode.contains(kind) else {
            try tree.remove(c, how)
            throw .notOwner
        }
        return c
    }

    /// The corresponding Linux call is `symlink(2)`.
    private func symlink(_ target: Int, _ name: Name) throws(SysError) -> Answer {
        let target = try guest.text(word(target), limit: Self.pathLimit)
        guard !target.isEmpty else { throw .nonexist }
        let (directory, last) = try vacancy(name)
        try tree.symlink(directory, last, to: HostName.text(target), how)
        return .value(0)
    }

    private func linkat() throws(SysError) -> Answer {
        let flags = int(4)
        try check(flags, Flag.follow | Flag.emptyPath)
        let old = try name(1, at: 0, orFile: flags & Flag.emptyPath != 0)
        return try link(old, try name(3, at: 2), follow: flags & Flag.follow != 0)
    }

    /// The corresponding Linux call is `link(2)`.
    private func link(_ old: Name, _ new: Name, follow: Bool) throws(SysError) -> Answer {
        let file = try find(old, follow: follow)
        let (directory, last) = try vacancy(new)
        guard !file.isDirectory else { throw .notOwner }
        try tree.link(file, directory, last, how)
        return .value(0)
    }

    // MARK: removing

    private func unlinkat() throws(SysError) -> Answer {
        try check(int(2), Flag.removeDirectory)
        let name = try name(1, at: 0)
        return int(2) == 0 ? try unlink(name) : try rmdir(name)
    }

    /// The corresponding Linux call is `unlink(2)`.
    private func unlink(_ name: Name) throws(SysError) -> Answer {
        let directory = try directory(of: name)
        guard case .name(let last) = name.last else { throw .isDir }
        let file = try tree.walk(directory, last, follow: false, how)
        guard !file.isDirectory else { throw .isDir }
        guard !name.endsInSlash else { throw .notDir }
        try tree.remove(file, how)
        return .value(0)
    }

    /// The corresponding Linux call is `rmdir(2)`.
    private func rmdir(_ name: Name) throws(SysError) -> Answer {
        let directory = try directory(of: name)
        switch name.last {
        case .dotDot: throw .notEmpty
        case .dot: throw .badArg
        case .root: throw .inUse
        case .name(let last):
            let file = try tree.walk(directory, last, follow: false, how)
            guard file.isDirectory else { throw .notDir }
            try tree.remove(file, how)
        }
        return .value(0)
    }

    // MARK: moving

    /// The corresponding Linux call is `renameat2(2)`.
    private func rename(_ old: Name, _ new: Name, _ flags: UInt32) throws(SysError) -> Answer {
        let kind: Rename
        switch flags {
        case 0: kind = .replace
        case Flag.noReplace: kind = .noReplace
        case Flag.exchange: kind = .exchange
        default: throw .badArg
        }
        let from = try directory(of: old)
        let to = try directory(of: new)
        guard case .name(let oldName) = old.last else { throw .inUse }
        guard case .name(let newName) = new.last else { throw kind == .noReplace ? .exist : .inUse }
        let file = try tree.walk(from, oldName, follow: false, how)
        let other = try existing(newName, in: to)
        if kind == .noReplace, other != nil { throw .exist }
        if kind == .exchange, other == nil { throw .nonexist }
        if !file.isDirectory {
            guard !old.endsInSlash, kind == .exchange || !new.endsInSlash else { throw .notDir }
        }
        if let other {
            if kind == .exchange, new.endsInSlash, !other.isDirectory { throw .notDir }
            if kind == .replace, file.isDirectory != other.isDirectory { throw file.isDirectory ? .notDir : .isDir }
        }
        try tree.rename(file, to: to, as: newName, how, kind)
        return .value(0)
    }
}
