import Host
import Kernel
import Synchronization

/// One granted directory (or file) of the host: what an attach of `#U` gives. Made at its first attach, kept for good.
///
/// A file that is not open is its path from the root and its identity; a rename through us is remembered here, so that who
/// holds the old path finds the file under the new one. `renames` has its lock; `epoch` repeats its end, to be read
/// without.
final class FsTree: Sendable {
    let host: HostTree
    let spec: String
    let mask: Mask
    /// Whether device nodes may be opened.
    let opensDevices: Bool
    let instance = Instance.new()
    let rootQid: Qid
    let root: FsFile

    /// Host path of the directory that `host` is.
    private let directory: String
    private let renames = Lock(FsRenames())
    private let epoch = Atomic<Int>(0)

    init(_ spec: String, _ grant: HostGrants.Tree, oneByOne: Bool = false) throws(SysError) {
        self.spec = spec
        mask = grant.mask
        opensDevices = grant.devices
        var base = ""
        var directory = grant.path
        if !HostEnvironment.isDirectory(directory), let slash = directory.lastIndex(of: "/") {
            // A single file is found by its name each time: programs replace such files.
            base = String(directory[directory.index(after: slash)...])
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
        self.directory = directory
        host = try HostTree(directory, oneByOne: oneByOne)
        let stat = try host.stat(base)
        root = FsFile(base, kind: stat.kind, epoch: 0)
        rootQid = Qid(stat)
    }

    /// Where `file` is now, from the root.
    func path(_ file: FsFile) -> String {
        if file.epoch == epoch.load(ordering: .acquiring) { return file.path }
        return renames.withLock { $0.follow(file.path, since: file.epoch) }
    }

    /// What the host calls `file` now.
    func hostPath(_ file: FsFile) -> String {
        let path = path(file)
        return path.isEmpty ? directory : (directory == "/" ? "" : directory) + "/" + path
    }

    /// To be read before a path is resolved: what is renamed later is followed from there on.
    var now: Int { epoch.load(ordering: .acquiring) }

    func renamed(_ from: String, to: String, exchanged: Bool) {
        renames.withLock { r in
            r.add(from, to, exchanged)
            epoch.store(r.end, ordering: .releasing)
        }
    }

    /// The file, opened with `flags`. Throws `.stale` where another file has its path now.
    func open(_ file: FsFile, _ qid: Qid, _ flags: Int32, _ caller: Caller) throws(SysError) -> FsFound {
        while true {
            let start = now
            do throws(SysError) {
                let fd = try open(path(file), flags, caller)
                let stat = try HostStat(fd.number)
                guard isSame(file, qid, stat) else { throw .stale }
                return FsFound(fd: fd, stat: stat)
            } catch {
                // It may have been renamed through us just now.
                guard now != start, error.code == .nonexist || error.code == .stale else { throw error }
            }
        }
    }

    /// What the file is. Throws `.stale` as `open` does.
    func stat(_ file: FsFile, _ qid: Qid, _ caller: Caller) throws(SysError) -> HostStat {
        while true {
            let start = now
            do throws(SysError) {
                let stat = try stat(path(file), caller)
                guard isSame(file, qid, stat) else { throw .stale }
                return stat
            } catch {
                guard now != start, error.code == .nonexist || error.code == .stale else { throw error }
            }
        }
    }

    /// What is at `path`; a symbolic link is itself.
    func stat(_ path: String, _ caller: Caller) throws(SysError) -> HostStat {
        let (above, name) = FsFile.split(path)
        guard let directory = try directory(above, caller) else { return try host.stat(path) }
        return try HostStat(directory.fd.number, name)
    }

    private func open(_ path: String, _ flags: Int32, _ caller: Caller) throws(SysError) -> HostFd {
        let (above, name) = FsFile.split(path)
        guard let directory = try directory(above, caller) else { return try host.open(path, flags) }
        return try HostFiles.open(name, in: directory.fd.number, flags)
    }

    /// The directory at `path`, found once in a moment of the caller's; nil where he has none, and for the root.
    private func directory(_ path: String, _ caller: Caller) throws(SysError) -> FsDirectories.Place? {
        guard !path.isEmpty, let known = caller.moment?.kept(by: instance, FsDirectories.init) else { return nil }
        return try known.place(path, in: host)
    }

    /// Runs `body` on the file's directory and its name there. The root has neither: throws `.perm`.
    func withParent<R>(
        _ file: FsFile, _ qid: Qid, _ body: (_ directory: Int32, _ name: String) throws(SysError) -> R
    ) throws(SysError) -> R {
        guard file !== root else { throw .perm }
        let (above, name) = FsFile.split(path(file))
        return try host.withDirectory(above) { (directory) throws(SysError) in
            guard isSame(file, qid, try HostStat(directory, name)) else { throw .stale }
            return try body(directory, name)
        }
    }

    /// Runs `body` on the descriptor of a directory.
    func withDirectory<R>(
        _ file: FsFile, _ qid: Qid, _ body: (_ directory: Int32) throws(SysError) -> R
    ) throws(SysError) -> R {
        guard file.kind == .directory else { throw .notDir }
        return try host.withDirectory(path(file)) { (directory) throws(SysError) in
            guard isSame(file, qid, try HostStat(directory)) else { throw .stale }
            return try body(directory)
        }
    }

    private func isSame(_ file: FsFile, _ qid: Qid, _ stat: HostStat) -> Bool {
        file === root || stat.identity == qid.path
    }
}

/// Directories by their paths from the root, as they were found in one moment.
final class FsDirectories: Sendable {
    final class Place: Sendable {
        let fd: HostFd

        init(_ fd: consuming HostFd) { self.fd = fd }
    }

    /// Descriptors at most; with more, all are let go of.
    private static let limit = 64

    private let places = Lock<[String: Place]>([:])

    func place(_ path: String, in host: HostTree) throws(SysError) -> Place {
        if let known = places.withLock({ $0[path] }) { return known }
        let found = Place(try host.open(path, HostFiles.directoryOnly))
        places.withLock { p in
            if p.count == Self.limit { p = [:] }
            p[path] = found
        }
        return found
    }
}

/// An open descriptor of a file, and what the file is.
struct FsFound: ~Copyable {
    let fd: HostFd
    let stat: HostStat
}

/// A file of a tree that is not open: where it was found. Immutable.
final class FsFile: Sendable {
    /// Names joined by `/`; empty for the root.
    let path: String
    let kind: HostFile.Kind
    /// How many renames the tree had seen.
    let epoch: Int

    init(_ path: String, kind: HostFile.Kind, epoch: Int) {
        self.path = path
        self.kind = kind
        self.epoch = epoch
    }

    /// The directory and the last name of a path.
    static func split(_ path: String) -> (String, String) {
        guard let slash = path.utf8.lastIndex(of: 0x2F) else { return ("", path) }
        return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
    }

    static func join(_ path: String, _ names: ArraySlice<String>) -> String {
        var path = path
        for name in names {
            if !path.isEmpty { path += "/" }
            path += name
        }
        return path
    }
}

/// The renames through us that somebody may still have to follow: the last ones, oldest first.
struct FsRenames {
    private struct Move {
        let from: String
        let to: String
        let exchanged: Bool
    }

    /// Who holds a path for longer than this many renames keeps the old path, which may be stale then.
    static let limit = 4096

    private var moves: [Move] = []
    /// Renames that are forgotten.
    private var start = 0

    var end: Int { start + moves.count }

    mutating func add(_ from: String, _ to: String, _ exchanged: Bool) {
        if moves.count == Self.limit {
            moves.removeFirst(Self.limit / 2)
            start += Self.limit / 2
        }
        moves.append(Move(from: from, to: to, exchanged: exchanged))
    }

    /// Where a file is that stood at `path` after `epoch` renames.
    func follow(_ path: String, since epoch: Int) -> String {
        var path = path
        for move in moves[min(moves.count, max(0, epoch - start))...] {
            if let rest = Self.below(move.from, path) {
                path = move.to + rest
            } else if move.exchanged, let rest = Self.below(move.to, path) {
                path = move.from + rest
            }
        }
        return path
    }

    /// What follows `top` in `path`, which is `top` or below it. Compared as bytes: names that look alike are not the same.
    private static func below(_ top: String, _ path: String) -> Substring? {
        guard path.utf8.starts(with: top.utf8) else { return nil }
        let rest = path.utf8.dropFirst(top.utf8.count)
        return rest.isEmpty || rest.first == 0x2F ? Substring(rest) : nil
    }
}

extension Qid {
    /// A host file's: the same as long as it is the same file.
    init(_ stat: HostStat) {
        self.init(path: stat.identity, version: stat.version, type: QidType(stat.kind))
    }
}

extension QidType {
    fileprivate init(_ kind: HostFile.Kind) {
        self =
            switch kind {
            case .directory: .directory
            case .symlink: .symlink
            default: .file
            }
    }
}

extension FileMode {
    /// What stands in a mode for a kind of file that 9P2000 has no qid type for.
    fileprivate init(_ kind: HostFile.Kind) {
        self =
            switch kind {
            case .pipe: .namedPipe
            case .socket: .socket
            case .device: .device
            case .block: [.device, .block]
            default: []
            }
    }
}

extension Dir {
    /// What the host tells of a file.
    init(_ name: String, _ qid: Qid, _ stat: HostStat) {
        var mode = FileMode(rawValue: stat.permissions & 0o777 | UInt32(qid.type.rawValue) << 24)
        mode.formUnion(FileMode(stat.kind))
        if stat.permissions & 0o4000 != 0 { mode.insert(.setuid) }
        if stat.permissions & 0o2000 != 0 { mode.insert(.setgid) }
        if stat.permissions & 0o1000 != 0 { mode.insert(.sticky) }
        let user = HostUsers.name(user: stat.userID)
        self.init(
            name: name, qid: qid, mode: mode, length: stat.kind == .directory ? 0 : stat.size, accessed: stat.accessed,
            modified: stat.modified, changed: stat.changed, owner: user, group: HostUsers.name(group: stat.groupID),
            modifier: user, ownerID: stat.userID, groupID: stat.groupID, links: stat.links, rdev: stat.rdev,
            space: stat.space,
            inode: Inode(
                device: stat.device, number: stat.inode, size: stat.size, blockSize: stat.blockSize))
    }
}

extension Dir {
    /// What a directory of the host tells of an entry by itself; nil where it leaves out the kind.
    init?(_ entry: HostDirectory.Entry) {
        guard let kind = entry.kind else { return nil }
        let qid = Qid(path: entry.inode, version: 0, type: QidType(kind))
        let mode = FileMode(rawValue: UInt32(qid.type.rawValue) << 24).union(FileMode(kind))
        let inode = Inode(device: 0, number: entry.inode, size: 0, blockSize: 0)
        self.init(name: entry.name, qid: qid, mode: mode, inode: inode)
    }
}

extension FileMode {
    /// The twelve bits as a host takes them.
    var hostBits: UInt32 {
        permissions | (contains(.setuid) ? 0o4000 : 0) | (contains(.setgid) ? 0o2000 : 0)
            | (contains(.sticky) ? 0o1000 : 0)
    }
}
