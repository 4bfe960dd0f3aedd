import Host
import Kernel
import Synchronization

/// Files of the host: the directories that the system was granted, and nothing beside them.
///
/// `#Uhome` attaches the grant `home`. What is opened, made or changed is reached from the root's descriptor alone (see
/// `HostTree`); symbolic links are files here, followed by the kernel in our name space. A walked Chan holds no
/// descriptor; an open one owns its own. The corresponding Inferno page is `fs(3)`.
final class DevFs: Dev {
    let letter: Character = "U"
    let name = "fs"
    let instance = Instance.new()

    private struct State {
        var grants = HostGrants()
        var trees: [String: FsTree] = [:]
    }

    private let state = Lock(State())
    private let oneByOne: Bool

    /// `oneByOne` walks as a host without openat2 has to.
    init(oneByOne: Bool) { self.oneByOne = oneByOne }

    convenience init() { self.init(oneByOne: false) }

    func start(_ system: System) { state.withLock { $0.grants = system.grants } }

    /// Only what was granted when the system was made can be attached.
    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        let (known, grant) = state.withLock { ($0.trees[spec], $0.grants.trees[spec]) }
        if let known { return root(known) }
        guard let grant else {
            throw spec == "*" ? SysError("the whole host is not shown (start emu with -H)") : .badSpec
        }
        let made = try FsTree(spec, grant, oneByOne: oneByOne)
        // Two at once: the first one stays, so that its files keep their identity.
        return root(
            state.withLock { s in
                if let known = s.trees[spec] { return known }
                s.trees[spec] = made
                return made
            })
    }

    private func root(_ tree: FsTree) -> Chan {
        Chan(
            self, instance: tree.instance, qid: tree.rootQid, auxiliary: FsPlace(tree, tree.root), mask: tree.mask)
    }

    /// Where a Chan's file is, open or not.
    func place(_ c: Chan) throws(SysError) -> FsPlace {
        if let place = c.auxiliary as? FsPlace { return place }
        guard let open = c.auxiliary as? FsOpen else { throw .hungup }
        return open.place
    }

    func unopened(_ c: Chan) -> AnyObject? { (c.auxiliary as? FsOpen)?.place ?? c.auxiliary }

    func regain(_ c: Chan, _ fd: Int32) throws(SysError) -> Chan {
        let copy = try HostFiles.duplicate(fd)
        let stat = try HostStat(copy.number)
        guard Qid(stat).path == c.qid.path else { throw .stale }
        let regained = c.clone()
        regained.auxiliary = FsOpen(try place(c), FsFound(fd: copy, stat: stat))
        return regained
    }

    /// The host decides what its own user may; others may what the file's bits say, too.
    func check(_ rights: Mask, _ qid: Qid, _ stat: HostStat, _ caller: Caller) throws(SysError) {
        guard caller.cred.uid.effective != HostUsers.own else { return }
        guard caller.cred.may(Dir("", qid, stat), rights) else { throw .perm }
    }

    // MARK: walk and stat

    func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        let place = try place(c)
        for name in names { try HostTree.check(name: name) }
        let isOwn = caller.cred.uid.effective == HostUsers.own
        if isOwn, filter.isEmpty || names.count == 1 {
            do throws(SysError) { return try leap(c, place, names, filter, caller) } catch {
                guard names.count > 1 else { throw error }
                // The usual reason to look for what is not there is to make it: its directory is one leap away.
                if error.code == .nonexist, let w = try? leap(c, place, names.dropLast(), filter, caller),
                    w.chan.isDirectory
                {
                    return w
                }
            }
        }
        return try stepwise(c, place, names, filter, caller)
    }

    /// All names at once.
    private func leap(
        _ c: Chan, _ place: FsPlace, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        let tree = place.tree
        let epoch = tree.now
        let path = FsFile.join(tree.path(place.file), names)
        // What is in an open directory is there, whatever has become of its path.
        let inside = names.count == 1 ? c.auxiliary as? FsOpen : nil
        if case .open(let mode) = filter.purpose, mode.access != 3, !mode.contains(.truncate),
            let opened = try openAtOnce(c, tree, path, epoch, mode, filter, inside)
        {
            return Walked(chan: opened, count: names.count)
        }
        let stat =
            if let inside, let name = names.first { try HostStat(inside.number, name) } else {
                try tree.stat(path, caller)
            }
        let found = chan(c, tree, path, stat, epoch)
        let told = filter.isForStat ? Dir(names.last ?? "", found.qid, stat) : nil
        return Walked(chan: found, count: names.count, stat: told)
    }

    /// The file at `path`, open; nil where it is mounted on, or takes more than a host open: that is the kernel's to ask
    /// for. Its kind is known before it is opened, since to open a device node is to do something to the device.
    private func openAtOnce(
        _ c: Chan, _ tree: FsTree, _ path: String, _ epoch: Int, _ mode: OpenMode, _ filter: MountFilter,
        _ inside: FsOpen?
    ) throws(SysError) -> Chan? {
        let (above, name) = FsFile.split(path)
        let open = { (directory: Int32) throws(SysError) -> Chan? in
            let seen = try HostStat(directory, name)
            guard seen.kind == .regular || seen.kind == .directory, !filter.contains(Qid(seen)),
                // Why it could not be opened is told by the open that comes then.
                let fd = try? HostFiles.open(name, in: directory, HostFiles.flags(mode))
            else { return nil }
            let stat = try HostStat(fd.number)
            guard stat.identity == seen.identity else { return nil }
            let opened = self.chan(c, tree, path, stat, epoch)
            opened.auxiliary = FsOpen(try self.place(opened), FsFound(fd: fd, stat: stat))
            return opened.opened(mode)
        }
        if let inside { return try open(inside.number) }
        return try tree.host.withDirectory(above, open)
    }

    /// Name by name, each in the directory that the one before has opened, so that the filter sees all of them.
    private func stepwise(
        _ c: Chan, _ place: FsPlace, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        let tree = place.tree
        let epoch = tree.now
        var path = tree.path(place.file)
        var fd = try tree.host.open(path, HostFiles.nameOnly)
        var stat = try HostStat(fd.number)
        var here = c
        var count = 0
        for name in names {
            do throws(SysError) {
                guard stat.kind == .directory else { throw .notDir }
                try check(.execute, here.qid, stat, caller)
                fd = try HostFiles.open(name, in: fd.number, HostFiles.nameOnly)
                stat = try HostStat(fd.number)
            } catch {
                if count == 0 { throw error }
                break
            }
            path = FsFile.join(path, [name])
            here = chan(c, tree, path, stat, epoch)
            count += 1
            if !here.isDirectory || filter.contains(here.qid) { break }
        }
        return Walked(chan: here, count: count)
    }

    private func chan(_ c: Chan, _ tree: FsTree, _ path: String, _ stat: HostStat, _ epoch: Int) -> Chan {
        c.sibling(Qid(stat), auxiliary: FsPlace(tree, FsFile(path, kind: stat.kind, epoch: epoch)))
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let place = try place(c)
        let tree = place.tree
        let epoch = tree.now
        let path = tree.path(place.file)
        if place.file === tree.root { return root(tree) }
        let above = FsFile.split(path).0
        if above == tree.root.path { return root(tree) }
        return chan(c, tree, above, try tree.host.stat(above), epoch)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let place = try place(c)
        let stat: HostStat
        if let open = c.auxiliary as? FsOpen {
            stat = try HostStat(open.number)
        } else {
            stat = try place.tree.stat(place.file, c.qid, caller)
        }
        return Dir(place.name, Qid(path: c.qid.path, version: stat.version, type: c.qid.type), stat)
    }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        let place = try place(c)
        let found = try place.tree.open(place.file, c.qid, HostFiles.nameOnly, caller)
        return try HostFiles.readlink(found.fd.number)
    }

    func access(_ c: Chan, _ rights: Mask, _ caller: Caller) throws(SysError) {
        let place = try place(c)
        let found = try place.tree.open(place.file, c.qid, HostFiles.nameOnly, caller)
        try check(rights, c.qid, found.stat, caller)
        guard HostFiles.may(found.fd.number, rights.rawValue) else { throw .perm }
    }

    func statfs(_ c: Chan, _ caller: Caller) throws(SysError) -> FileSystemStatus {
        let place = try place(c)
        let found = try place.tree.open(place.file, c.qid, HostFiles.nameOnly, caller)
        let room = try HostFiles.room(found.fd.number)
        return FileSystemStatus(
            blockSize: room.blockSize, blocks: room.blocks, free: room.free, available: room.available,
            files: room.files, filesFree: room.filesFree)
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        let place = try place(c)
        let tree = place.tree
        switch place.file.kind {
        case .symlink: throw .tooManyLinks
        case .socket: throw .noSuchDevice
        case .device, .block, .unknown:
            guard tree.opensDevices else { throw SysError("device files of the host are off (start emu with -H)") }
        default: break
        }
        if place.file.kind == .pipe, mode.access == 1 || mode.access == 0 && !mode.contains(.nonBlocking) {
            c.auxiliary = try openFifo(place, c.qid, mode, caller, how)
            return c.opened(mode)
        }
        let truncates = mode.contains(.truncate) && place.file.kind == .regular
        let found = try tree.open(place.file, c.qid, HostFiles.flags(mode, writable: truncates), caller)
        try check(mode.needs, c.qid, found.stat, caller)
        if mode.access == 3, !HostFiles.may(found.fd.number, Mask.execute.rawValue) { throw .perm }
        if truncates { try HostFiles.setLength(found.fd.number, 0) }
        c.auxiliary = FsOpen(place, found)
        return c.opened(mode)
    }

    /// Opens a FIFO for reading or for writing: the other end must be open, or is waited for.
    ///
    /// The host tells a writer whether there is a reader, and a reader nothing: it has to wait to know.
    private func openFifo(
        _ place: FsPlace, _ qid: Qid, _ mode: OpenMode, _ caller: Caller, _ how: How
    ) throws(SysError) -> FsOpen {
        let tree = place.tree
        let writes = mode.access == 1
        try check(mode.needs, qid, try tree.open(place.file, qid, HostFiles.nameOnly, caller).stat, caller)
        if writes {
            do throws(SysError) {
                return FsOpen(place, try tree.open(place.file, qid, HostFiles.flags(OpenMode.write), caller))
            } catch {
                guard error.code == .noSuchDevice, !mode.contains(.nonBlocking) else { throw error }
            }
        }
        guard how == .wait else { throw .wouldBlock }
        return try Thread.interruptibly { call in
            do throws(SysError) {
                let fd = try tree.host.openWaiting(tree.path(place.file), writes ? .write : .read, call)
                let stat = try HostStat(fd.number)
                guard stat.identity == qid.path else { throw .stale }
                return .success(FsOpen(place, FsFound(fd: fd, stat: stat)))
            } catch { return .failure(error) }
        }
    }

    func close(_ c: Chan) {
        // Nobody is left to hear why it could not be removed.
        if c.mode?.contains(.removeOnClose) == true { try? removeOpen(c) }
    }

    func flush(_ c: Chan, _ caller: Caller) throws(SysError) {
        guard c.mode?.canWrite == true, let open = c.auxiliary as? FsOpen, open.stream == nil else { return }
        try HostFiles.flush(open.number)
    }

    private func opened(_ c: Chan) throws(SysError) -> FsOpen {
        guard let open = c.auxiliary as? FsOpen else { throw .badUseFd }
        return open
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let open = try opened(c)
        if let stream = open.stream { return try stream.read(into: &buffer, how) }
        if let shared = c.description(at: offset) { return try HostIO.read(shared, into: &buffer) }
        return try HostIO.pread(open.number, into: &buffer, at: offset)
    }

    func fill(
        _ conduit: Conduit, from c: Chan, at offset: UInt64, _ count: Int, _ caller: Caller
    ) throws(SysError) -> Bool {
        let open = try opened(c)
        guard open.stream == nil else { return false }
        do throws(SysError) { try conduit.fill(from: open.number, at: offset, count) } catch {
            // There are files that the host makes as they are read.
            guard error.code == .badArg else { throw error }
            return false
        }
        return true
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let open = try opened(c)
        if let stream = open.stream { return try stream.write(bytes, how) }
        if let shared = c.description(at: offset) { return try HostIO.write(shared, bytes) }
        return try HostIO.pwrite(open.number, bytes, at: offset)
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try opened(c).readdir(after: cookie, limit: limit, namesOnly: false)
    }

    func readnames(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try opened(c).readdir(after: cookie, limit: limit, namesOnly: true)
    }

    func fsync(_ c: Chan, _ caller: Caller) throws(SysError) { try HostFiles.sync(opened(c).number) }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        (c.auxiliary as? FsOpen)?.stream?.poll(events, waiter) ?? events.intersection([.read, .write])
    }

    /// The descriptor itself, whose offset is the Chan's then; a FIFO or device is opened once more, since ours never waits.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        let open = try opened(c)
        if c.isDirectory { return open.number }
        guard open.stream != nil else { return try c.lend(open.number) }
        if let number = c.lent { return number }
        let waits = c.mode?.contains(.nonBlocking) != true
        return try c.lend(HostFiles.again(open.number, .init(c.mode), waits: waits), sharesOffset: false)
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        if let open = c.auxiliary as? FsOpen { return HostIdentity(try HostStat(open.number)) }
        let place = try place(c)
        return HostIdentity(try place.tree.stat(place.file, c.qid, caller))
    }

    func hostPath(_ c: Chan) -> String? {
        guard let place = try? place(c) else { return nil }  // no place, no path
        return place.tree.hostPath(place.file)
    }

    func seekable(_ c: Chan) -> Bool { (c.auxiliary as? FsOpen)?.stream == nil }
}

/// What a Chan that is not open refers to.
final class FsPlace: Sendable {
    let tree: FsTree
    let file: FsFile

    init(_ tree: FsTree, _ file: FsFile) {
        self.tree = tree
        self.file = file
    }

    /// The name the file has now.
    var name: String { file === tree.root ? "#U\(tree.spec)" : FsFile.split(tree.path(file)).1 }
}

/// What an open Chan refers to: it owns the descriptor, which is closed with the last Chan that has it.
final class FsOpen: Sendable {
    let place: FsPlace
    let number: Int32
    /// Where reads and writes may have to wait; it owns the descriptor then.
    let stream: PolledStream?
    private let fd: HostFd?
    /// Of a directory that is read; taken out by who reads.
    private let directory = Lock<HostDirectory?>(nil)
    /// The host may have locks of it.
    let hasLocks = Atomic(false)

    init(_ place: FsPlace, _ found: consuming FsFound) {
        self.place = place
        number = found.fd.number
        switch found.stat.kind {
        case .pipe, .device:
            let isFifo = found.stat.kind == .pipe
            stream = PolledStream(HostStream(owning: found.releaseFd(), isFifo: isFifo))
            fd = nil
        default:
            stream = nil
            fd = found.releaseFd()
        }
    }

    deinit {
        // To close is not enough: a child that is just being started has a copy of the descriptor for a moment.
        if hasLocks.load(ordering: .relaxed) { _ = try? HostLock.set(number, .unlock, 0..<(.max)) }
    }

    func readdir(
        after cookie: UInt64, limit: Int, namesOnly: Bool
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var reader: HostDirectory
        if let kept = directory.withLock({ $0.take() }) {
            reader = kept
        } else {
            reader = HostDirectory(try HostFiles.open(".", in: number, HostFiles.directory))
        }
        var entries: [(entry: Dir, cookie: UInt64)] = []
        var failure: SysError?
        do throws(SysError) {
            var at = cookie
            while entries.count < limit, let next = try reader.next(after: at) {
                at = next.cookie
                if namesOnly, let dir = Dir(next) {
                    entries.append((dir, at))
                    continue
                }
                // One that was removed since is passed over.
                guard let stat = try? HostStat(reader.number, next.name) else { continue }
                entries.append((Dir(next.name, Qid(stat), stat), next.cookie))
            }
        } catch { failure = error }
        var back: HostDirectory? = consume reader
        directory.swap(&back)
        if let failure, entries.isEmpty { throw failure }
        return entries
    }
}

extension HostFiles {
    /// A mode of ours in the host's flags; `writable` where more is to be done than the mode says.
    static func flags(_ mode: OpenMode, writable: Bool = false) -> Int32 {
        flags(!mode.canWrite && writable ? .readWrite : Access(mode), append: mode.contains(.append))
    }
}

extension HostFiles.Access {
    /// What a Chan that is open with `mode` may do; to execute a file is to read it.
    init(_ mode: OpenMode?) {
        self = mode?.canWrite != true ? .read : mode?.canRead == true ? .readWrite : .write
    }
}

extension FsFound {
    consuming func releaseFd() -> HostFd { fd }
}
