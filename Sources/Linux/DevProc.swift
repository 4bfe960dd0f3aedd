import Host
import Kernel

/// What Linux programs find in `/proc`: the processes by number, and texts about the system, as Linux writes them.
///
/// It owns nothing: each open makes the text that it then reads. A process of an engine that numbers its processes
/// itself sees those, by its numbers (`Numbered`); all others see all, by ours. Who does not own a process reads of it
/// what everybody may. The corresponding Linux page is `proc(5)`.
final class DevProc: Dev {
    let letter: Character = "x"
    let name = "proc"
    let instance = Instance.new()

    /// The system refers to its devices.
    private struct Home {
        weak var system: System?
    }

    private let home = Lock(Home())

    func start(_ system: System) { home.withLock { $0.system = system } }

    private func system() throws(SysError) -> System {
        guard let system = home.withLock({ $0.system }) else { throw .shutdown }
        return system
    }

    /// A file: of the system, of a process, or one of a process's descriptors. In a qid's path the pid stands above 32 bits,
    /// the kind of file in the eight below them, a descriptor at the bottom.
    enum File: Equatable {
        case system(Int)
        case process(Int32, ProcessFile)
        case descriptor(Int32, Int32)
        /// The same of what has no path: the open file itself.
        case openFile(Int32, Int32)
        /// The directory of descriptors of whoever asks.
        case own

        private static let ownPath: UInt64 = 0xffff_ffff

        var path: UInt64 {
            switch self {
            case .own: Self.ownPath
            case .system(let n): UInt64(n)
            case .process(let pid, let file): UInt64(UInt32(bitPattern: pid)) << 32 | UInt64(file.number) << 24
            case .descriptor(let pid, let fd):
                UInt64(UInt32(bitPattern: pid)) << 32 | 0xff << 24 | UInt64(fd) & 0xff_ffff
            case .openFile(let pid, let fd): UInt64(UInt32(bitPattern: pid)) << 32 | 0xfe << 24 | UInt64(fd) & 0xff_ffff
            }
        }

        init?(_ path: UInt64) {
            let pid = Int32(truncatingIfNeeded: path >> 32)
            if path == Self.ownPath {
                self = .own
            } else if pid == 0 {
                guard path < UInt64(SystemFile.all.count) else { return nil }
                self = .system(Int(path))
            } else if path >> 24 & 0xff == 0xff {
                self = .descriptor(pid, Int32(path & 0xff_ffff))
            } else if path >> 24 & 0xff == 0xfe {
                self = .openFile(pid, Int32(path & 0xff_ffff))
            } else {
                guard let file = ProcessFile(number: Int(path >> 24 & 0xff)) else { return nil }
                self = .process(pid, file)
            }
        }

        var type: QidType {
            switch self {
            case .system(let n): SystemFile.all[n].kind.type
            case .process(_, let file): file.type
            case .descriptor: .symlink
            case .openFile: .file
            case .own: .directory
            }
        }

        var qid: Qid { Qid(path: path, type: type) }

        var permissions: UInt32 {
            switch self {
            case .system(let n): type == .symlink ? 0o777 : type == .directory ? 0o555 : SystemFile.all[n].mode
            case .process(_, let file): file.permissions
            case .descriptor, .openFile: 0o700
            case .own: 0o555
            }
        }
    }

    private static func file(_ c: Chan) throws(SysError) -> File {
        guard let file = File(c.qid.path) else { throw .nonexist }
        return file
    }

    // MARK: who sees whom

    /// The processes as `caller` numbers them.
    private func view(_ caller: Caller) throws(SysError) -> ProcessView {
        ProcessView(try system(), asker: caller.pid)
    }

    private func proc(_ pid: Int32) throws(SysError) -> Proc {
        guard let proc = try system().proc(pid) else { throw .nonexist }
        return proc
    }

    // MARK: names

    /// `#xfd` is the directory of descriptors of whoever asks, for `/dev/fd`.
    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        switch spec {
        case "": Chan(self, qid: File.system(0).qid)
        case "fd": Chan(self, qid: File.own.qid)
        default: throw .badSpec
        }
    }

    /// The file that `c` is, `own` as that of the caller.
    private static func file(_ c: Chan, _ caller: Caller) throws(SysError) -> File {
        let file = try file(c)
        return file == .own ? .process(caller.pid, .fd) : file
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let file: File
        switch try Self.file(c, caller) {
        case .system(let n):
            if let i = SystemFile.all.firstIndex(where: { $0.parent == n && $0.name == name }) {
                file = .system(i)
            } else {
                guard n == 0, let number = Int32(name), String(number) == name, number > 0,
                    let proc = try view(caller).proc(number)
                else { throw .nonexist }
                file = .process(proc.pid, .directory)
            }
        case .process(let pid, .directory):
            guard !name.isEmpty, let found = ProcessFile(rawValue: name) else { throw .nonexist }
            file = .process(pid, found)
        case .process(let pid, .fd):
            guard let fd = Int32(name), String(fd) == name, fd >= 0,
                let known = try descriptors(proc(pid)).first(where: { $0.fd == fd })
            else { throw .nonexist }
            file = known.path == nil ? .openFile(pid, fd) : .descriptor(pid, fd)
        default: throw .notDir
        }
        return c.sibling(file.qid)
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let above: File
        switch try Self.file(c) {
        case .system(let n): above = .system(SystemFile.all[n].parent)
        case .own: above = .own
        case .process(_, .directory): above = .system(0)
        case .process(let pid, _): above = .process(pid, .directory)
        case .descriptor(let pid, _), .openFile(let pid, _): above = .process(pid, .fd)
        }
        return c.sibling(above.qid)
    }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        switch try Self.file(c) {
        case .system(let n):
            guard case .link(let target) = SystemFile.all[n].kind else { throw .badArg }
            if let target { return target }
            guard let me = try system().proc(caller.pid), let number = try view(caller).number(me) else {
                throw .nonexist
            }
            return String(number)
        case .process(let pid, let file):
            let proc = try readable(pid, caller)
            switch file {
            case .exe: return proc.program
            case .cwd: return proc.directory
            case .root: return "/"
            default: throw .badArg
            }
        case .descriptor(let pid, let fd):
            guard let path = try descriptors(readable(pid, caller)).first(where: { $0.fd == fd })?.path else {
                throw .nonexist
            }
            return path
        case .openFile, .own: throw .badArg
        }
    }

    /// The process, where its own user asks.
    private func readable(_ pid: Int32, _ caller: Caller) throws(SysError) -> Proc {
        let proc = try proc(pid)
        guard proc.cred.user == caller.cred.user else { throw .perm }
        return proc
    }

    private func descriptors(_ proc: Proc) -> [(fd: Int32, path: String?)] {
        (proc.runner as? any Numbered)?.descriptors ?? proc.files.all.map { ($0.fd, $0.chan.path) }
    }

    // MARK: stat

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        try entry(Self.file(c), caller)
    }

    private func entry(_ file: File, _ caller: Caller) throws(SysError) -> Dir {
        let name: String
        var owner: Proc?
        switch file {
        case .own: name = "#xfd"
        case .system(let n): name = n == 0 ? "#x" : SystemFile.all[n].name
        case .process(let pid, let file):
            let proc = try proc(pid)
            owner = proc
            name = file == .directory ? String(try view(caller).number(proc) ?? pid) : file.rawValue
        case .descriptor(let pid, let fd), .openFile(let pid, let fd):
            owner = try proc(pid)
            name = String(fd)
        }
        var dir = dir(Dirtab(name, file.qid, mode: file.permissions), caller)
        if let owner { dir.belong(to: owner.cred) }
        return dir
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        switch try Self.file(c, caller) {
        case .system(let n):
            let from = Int(clamping: cookie)
            var rows: [(entry: Dir, cookie: UInt64)] = []
            for i in SystemFile.all.indices.dropFirst(max(1, from)) where rows.count < limit {
                guard SystemFile.all[i].parent == n else { continue }
                rows.append((try entry(.system(i), caller), UInt64(i) + 1))
            }
            guard n == 0 else { return rows }
            // The processes stand behind the last of the system's files.
            let first = UInt64(SystemFile.all.count)
            for (number, proc) in try view(caller).all where rows.count < limit && first + UInt64(number) > cookie {
                // One that has gone since is passed over.
                guard let entry = try? entry(.process(proc.pid, .directory), caller) else { continue }
                rows.append((entry, first + UInt64(number)))
            }
            return rows
        case .process(let pid, .directory):
            return try ProcessFile.allCases.dropFirst(Int(clamping: cookie) + 1).prefix(limit).map {
                (file) throws(SysError) in (try entry(.process(pid, file), caller), UInt64(file.number))
            }
        case .process(let pid, .fd):
            let all = try descriptors(readable(pid, caller)).filter { UInt64($0.fd) >= cookie }.prefix(limit)
            return try all.map { (row) throws(SysError) in
                let file = row.path == nil ? File.openFile(pid, row.fd) : .descriptor(pid, row.fd)
                return (try entry(file, caller), UInt64(row.fd) + 1)
            }
        default: throw .notDir
        }
    }

    // MARK: files

    /// What an open file says: made at its first read, so that it is of one moment.
    private final class Text: Sendable {
        let bytes: [UInt8]

        init(_ bytes: [UInt8]) { self.bytes = bytes }
    }

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        if case .openFile(let pid, _) = try Self.file(c) {
            // It is opened by being lent; there is nothing of it here.
            _ = try readable(pid, caller)
            return c.opened(mode)
        }
        guard !mode.canWrite, !mode.contains(.truncate), mode.access != OpenMode.execute.access else { throw .perm }
        let view = try view(caller)
        switch try Self.file(c) {
        case .system(let n):
            guard case .text(let text) = SystemFile.all[n].kind else { break }
            c.auxiliary = Text(Array(text(view, caller).utf8))
        case .process(let pid, let file):
            guard file.type == .file else { break }
            let proc = try proc(pid)
            c.auxiliary = Text(try file.bytes(proc, view, caller))
        case .descriptor, .openFile: throw .tooManyLinks
        case .own: break
        }
        return c.opened(mode)
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        guard let text = c.auxiliary as? Text else { throw .badUseFd }
        return read(bytes: text.bytes, into: &buffer, at: offset)
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        if case .openFile(let pid, let fd) = try Self.file(c) {
            guard let peer = try readable(pid, caller).runner as? any Numbered else { return nil }
            return try c.lend(peer.take(fd), sharesOffset: false)
        }
        return c.auxiliary is Text ? try lendCopy(c, caller) : nil
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        if case .openFile = try Self.file(c) { return nil }
        return c.qid.type == .file ? try copyIdentity(c) : nil
    }
}
