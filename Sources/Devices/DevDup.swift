import Host
import Kernel

/// The caller's open files by number: opening `N` gives the Chan of descriptor N, as `dup` does; `Nctl` tells what it is.
/// `#dstd` has the first three by the names that scripts of other systems use: `stdin`, `stdout`, `stderr`.
///
/// It owns nothing: the caller's Fgrp holds the descriptors, or the host those of its programs. The corresponding Inferno page is `dup(3)`.
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

    /// The system refers to its devices.
    private struct Home {
        weak var system: System?
    }

    private let home = Lock(Home())

    func start(_ system: System) { home.withLock { $0.system = system } }

    /// Who calls, if it is a program of the host whose call we answer.
    private func process(_ caller: Caller) throws(SysError) -> Proc {
        let system = home.withLock { $0.system }
        guard let proc = system?.proc(caller.pid) ?? Thread.running?.proc else { throw .badFd }
        return proc
    }

    private func file(_ fd: Int32, _ caller: Caller) throws(SysError) -> Chan {
        try process(caller).files.chan(fd)
    }

    /// A copy of a descriptor that the host keeps; nil where it is a Chan of ours.
    private func hosts(_ fd: Int32, _ caller: Caller) throws(SysError) -> HostFd? {
        let proc = try process(caller)
        guard let runner = proc.runner else { return nil }
        do throws(SysError) { _ = try proc.files.chan(fd) } catch { return try runner.take(fd) }
        return nil
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
        do throws(SysError) {
            let isHosts = try hosts(fd, caller) != nil
            if ctl || !isHosts { _ = try file(fd, caller) }
        } catch { throw .nonexist }
        return c.sibling(Self.qid(fd, ctl: ctl))
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        if c.isDirectory { return dir(Dirtab(c.qid.path == 0 ? "#d" : "#dstd", c.qid, mode: 0o555), caller) }
        let fd = Self.descriptor(c)
        let isHosts = try hosts(fd, caller) != nil
        if isHosts, !Self.isCtl(c) { return dir(Dirtab(String(fd), c.qid, mode: 0o600), caller) }
        return dir(row(fd, try file(fd, caller), ctl: Self.isCtl(c)), caller)
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        if c.qid.path == Self.named.path {
            return Self.names.enumerated().dropFirst(Int(clamping: cookie)).prefix(limit)
                .map { (dir(Dirtab($1, Self.qid(Int32($0), ctl: false), mode: 0o600), caller), UInt64($0) + 1) }
        }
        let rows = try process(caller).files.all.lazy.flatMap {
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
        // It is opened by being lent; there is nothing of it here.
        let isHosts = try hosts(Self.descriptor(c), caller) != nil
        if isHosts { return c.opened(mode) }
        let file = try file(Self.descriptor(c), caller)
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
        guard Self.isCtl(c) else { throw .badUseFd }
        return read(text: descriptorLine(fd, try file(fd, caller)), into: &buffer, at: offset)
    }

    /// Those that are no ctl files are never open, but to a program of the host: the file they stand for is.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        guard !c.isDirectory, !Self.isCtl(c) else { return try lendCopy(c, caller) }
        guard let runner = try process(caller).runner else { throw .badFd }
        return try c.lend(runner.take(Self.descriptor(c)), sharesOffset: false)
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        guard !c.isDirectory, !Self.isCtl(c) else { return try copyIdentity(c) }
        if let fd = try hosts(Self.descriptor(c), caller) { return HostIdentity(try HostStat(fd.number)) }
        let file = try file(Self.descriptor(c), caller)
        return try file.dev.hostIdentity(file, caller)
    }
}
