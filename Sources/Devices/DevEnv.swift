import Host
import Kernel

/// Environment variables as files, each process's own: `#e` shows those of the group of whoever walks there.
///
/// It owns nothing: an Egrp holds the variables, and a Chan knows its Egrp from the walk on, so that an open file stays in
/// the group it was found in. The corresponding Inferno page is `env(3)`.
final class DevEnv: Dev {
    let letter: Character = "e"
    let name = "env"
    let instance = Instance.new()

    private static let mode: UInt32 = 0o666

    /// What a Chan of a variable refers to; its qid path is the variable's id.
    private final class File: Sendable {
        let group: Egrp
        let name: String

        init(_ group: Egrp, _ name: String) {
            self.group = group
            self.name = name
        }
    }

    /// The caller's group. Throws `.noEnv` where no process calls.
    private func group(_ caller: Caller) throws(SysError) -> Egrp {
        let system = home.withLock { $0.system }
        guard let proc = system?.proc(caller.pid) ?? Thread.running?.proc else { throw .noEnv }
        return proc.environment
    }

    /// The system refers to its devices.
    private struct Home {
        weak var system: System?
    }

    private let home = Lock(Home())

    func start(_ system: System) { home.withLock { $0.system = system } }

    private func file(_ c: Chan) throws(SysError) -> File {
        guard let file = c.auxiliary as? File else { throw .isDir }
        return file
    }

    private func variable(_ c: Chan) throws(SysError) -> Egrp.Variable {
        let file = try file(c)
        guard let variable = file.group[file.name], variable.id == c.qid.path else { throw .nonexist }
        return variable
    }

    private func entry(_ name: String, _ variable: Egrp.Variable, _ caller: Caller) -> Dir {
        let qid = Qid(path: variable.id, version: variable.version)
        var dir = dir(Dirtab(name, qid, length: UInt64(variable.value.count), mode: Self.mode), caller)
        (dir.accessed, dir.modified, dir.changed) = (variable.modified, variable.modified, variable.modified)
        return dir
    }

    // MARK: names

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let group = try group(caller)
        guard let variable = group[name] else { throw .nonexist }
        return c.sibling(Qid(path: variable.id, version: variable.version), auxiliary: File(group, name))
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        if c.isDirectory { return dir(Dirtab("#e", c.qid, mode: 0o777), caller) }
        return entry(try file(c).name, try variable(c), caller)
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try group(caller).variables(after: cookie, limit).map { (entry($0.name, $0.variable, caller), $0.variable.id) }
    }

    // MARK: files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        if mode.contains(.truncate), !c.isDirectory { try change(c, caller) { $0 = [] } }
        return c.opened(mode)
    }

    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        guard c.isDirectory, !perm.contains(.directory) else { throw .perm }
        let group = try group(caller)
        let variable = try group.make(name, caller.clock.now())
        return c.sibling(Qid(path: variable.id), auxiliary: File(group, name)).opened(mode)
    }

    func close(_ c: Chan) {
        guard let file = c.auxiliary as? File, c.mode?.contains(.removeOnClose) ?? false else { return }
        file.group.remove(file.name, id: c.qid.path)
    }

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        guard !c.isDirectory else { throw .perm }
        let file = try file(c)
        guard file.group.remove(file.name, id: c.qid.path) else { throw .nonexist }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        read(bytes: try variable(c).value, into: &buffer, at: offset)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let appends = c.mode?.contains(.append) ?? false
        try change(c, caller) { (value) throws(SysError) in
            let (end, overflow) = UInt64(bytes.byteCount).addingReportingOverflow(appends ? 0 : offset)
            guard !overflow, end <= UInt64(Egrp.valueLimit) else { throw .noEnv }
            let start = appends ? value.count : Int(offset)
            let added = [UInt8](copying: bytes)
            if value.count < start { value += [UInt8](repeating: 0, count: start - value.count) }
            value.replaceSubrange(start..<min(value.count, start + added.count), with: added)
        }
        return bytes.byteCount
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? { try lendCopy(c, caller) }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? { try copyIdentity(c) }

    /// Only the length of a variable can be changed.
    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        guard let length = change.length, change == DirChange(length: length), !c.isDirectory else { throw .perm }
        guard length <= UInt64(Egrp.valueLimit) else { throw .noEnv }
        try self.change(c, caller) { value in
            let length = Int(length)
            value = Array(value.prefix(length))
            value += [UInt8](repeating: 0, count: length - value.count)
        }
    }

    private func change(
        _ c: Chan, _ caller: Caller, _ body: (inout [UInt8]) throws(SysError) -> Void
    ) throws(SysError) {
        let file = try file(c)
        try file.group.change(file.name, c.qid.path, caller.clock.now(), body)
    }
}
