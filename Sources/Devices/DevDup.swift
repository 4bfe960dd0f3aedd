import Kernel

/// The caller's open files by number: opening `N` gives the Chan of descriptor N, as `dup` does; `Nctl` tells what it is.
/// `#dstd` has the first three by the names that scripts of other systems use: `stdin`, `stdout`, `stderr`.
///
/// It owns nothing: the caller's Fgrp holds the descriptors. The corresponding Inferno page is `dup(3)`.
final class DevDup: Dev {
    let letter: Character = "d"
    let name = "dup"
    let instance = Instance.new()

    private static let named = Qid(path: 1 << 40, type: .directory)
    private static let names = ["stdin", "stdout", "stderr"]

    /// Qid paths: 0 is the directory, 2N+1 descriptor N, 2N+2 its ctl file; 1 << 40 is the directory of names.
    private static func qid(_ fd: Int32, ctl: Bool) -> Qid { Qid(path: UInt64(fd) * 2 + (ctl ? 2 : 1)) }
    private static func descriptor(_ c: Chan) -> Int32 { Int32(truncatingIfNeeded: (c.qid.path - 1) / 2) }
    private static func isCtl(_ c: Chan) -> Bool { !c.isDirectory && c.qid.path % 2 == 0 }

    private func files() throws(SysError) -> Fgrp {
        guard let thread = Thread.running else { throw .badFd }
        return thread.proc.files
    }

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        switch spec {
        case "": Chan(self, qid: Qid(path: 0, type: .directory))
        case "std": Chan(self, qid: Self.named)
        default: throw .badSpec
        }
    }

    private func row(_ fd: Int32, _ c: Chan, ctl: Bool) -> Dirtab {
        guard !ctl else { return Dirtab("\(fd)ctl", Self.qid(fd, ctl: true), mode: 0o400) }
        let mode: UInt32 =
            switch c.mode?.access {
            case 1: 0o200
            case 2: 0o600
            default: 0o400
            }
        return Dirtab(String(fd), Self.qid(fd, ctl: false), mode: mode)
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        if c.qid.path == Self.named.path {
            guard let fd = Self.names.firstIndex(of: name) else { throw .nonexist }
            return c.sibling(Self.qid(Int32(fd), ctl: false))
        }
        let ctl = name.hasSuffix("ctl")
        let digits = ctl ? name.dropLast(3) : name[...]
        // One name for each number: no sign, no zeros before it.
        guard let fd = Int32(digits), String(fd) == digits, fd >= 0 else { throw .nonexist }
        do throws(SysError) { _ = try files().chan(fd) } catch { throw .nonexist }
        return c.sibling(Self.qid(fd, ctl: ctl))
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        if c.isDirectory { return dir(Dirtab(c.qid.path == 0 ? "#d" : "#dstd", c.qid, mode: 0o555), caller) }
        let fd = Self.descriptor(c)
        return dir(row(fd, try files().chan(fd), ctl: Self.isCtl(c)), caller)
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        if c.qid.path == Self.named.path {
            return Self.names.enumerated().dropFirst(Int(clamping: cookie)).prefix(limit)
                .map { (dir(Dirtab($1, Self.qid(Int32($0), ctl: false), mode: 0o600), caller), UInt64($0) + 1) }
        }
        let rows = try files().all.lazy.flatMap {
            [self.row($0.fd, $0.chan, ctl: false), self.row($0.fd, $0.chan, ctl: true)]
        }
        return rows.filter { $0.qid.path > cookie }.prefix(limit).map { (self.dir($0, caller), $0.qid.path) }
    }

    /// A descriptor's file opens as what it already is, in no other way than it was opened; it is not truncated, but
    /// whoever asks for that must have it open for writing.
    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        if c.isDirectory || Self.isCtl(c) {
            guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
            return c.opened(mode)
        }
        let file = try files().chan(Self.descriptor(c))
        guard let opened = file.mode, !mode.canRead || opened.canRead,
            !mode.needs.contains(.write) || opened.canWrite
        else {
            throw .badUseFd
        }
        return file
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let fd = Self.descriptor(c)
        return read(text: descriptorLine(fd, try files().chan(fd)), into: &buffer, at: offset)
    }

    /// Those that are no ctl files are never open: the file they stand for is.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? { try lendCopy(c, caller) }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        guard !c.isDirectory, !Self.isCtl(c) else { return try copyIdentity(c) }
        let file = try files().chan(Self.descriptor(c))
        return try file.dev.hostIdentity(file, caller)
    }
}
