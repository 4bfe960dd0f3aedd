import Kernel

/// Servers elsewhere: what is mounted by `Proc.mount` on a descriptor. It has no tree of its own, and cannot be named.
///
/// A Chan keeps a MntFile, and that a fid of the server. `links` knows the conversations by their wires, so that several
/// mounts of one wire share one; a conversation lives as long as Chans of it do. The corresponding page of Inferno is
/// `mnt(3)`.
final class DevMnt: MountDevice {
    let letter: Character = "M"
    let name = "mnt"
    let instance = Instance.new()
    let mayBlock = true

    private struct Known {
        weak var link: MntLink?
    }

    private struct Owner {
        weak var system: System?
    }

    private let links = Lock([ObjectIdentifier: Known]())
    private let system = Lock(Owner())

    func start(_ system: System) { self.system.withLock { $0.system = system } }

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan { throw .noAttach }

    func mount(
        _ wire: Chan, _ spec: String, _ options: ServerOptions, _ caller: Caller
    ) throws(SysError) -> Chan {
        let link = link(wire, options, caller)
        try link.session.open(link)
        let tree = try link.session.tree(link, spec, caller)
        return Chan(self, instance: tree.instance, qid: tree.qid, auxiliary: MntFile(tree, "", tree.qid, nil))
    }

    /// The conversation on `wire`: the one that is held there, or a new one.
    private func link(_ wire: Chan, _ options: ServerOptions, _ caller: Caller) -> MntLink {
        let system = system.withLock { $0.system }
        let new = MntLink(wire, options, caller) { [weak system] in system?.log($0) }
        let key = ObjectIdentifier(wire)
        let (link, seen) = links.withLock { links -> (MntLink, [MntLink]) in
            // Those that are gone are swept; what is looked at is let go of after the lock.
            let seen = links.values.compactMap(\.link)
            if let known = links[key]?.link, known.wire === wire, !known.isOver { return (known, seen) }
            if links.count > 2 * seen.count + 8 { links = links.filter { $0.value.link != nil } }
            links[key] = Known(link: new)
            return (new, seen)
        }
        return withExtendedLifetime(seen) { link }
    }

    private func file(_ c: Chan) throws(SysError) -> MntFile {
        guard let file = c.auxiliary as? MntFile else { throw .shutdown }
        return file
    }

    func open(_ c: Chan) throws(SysError) -> MntOpen {
        guard let open = try file(c).open else { throw .badUseFd }
        return open
    }

    private func chan(_ file: MntFile, like c: Chan) -> Chan { c.sibling(file.qid, auxiliary: file) }

    // MARK: names

    func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        let file = try file(c)
        let found = try file.tree.retrying { () throws(SysError) in try file.walk(names, filter, caller) }
        let chan = chan(found.file, like: c)
        if let mode = found.mode { _ = chan.opened(mode, iounit: found.file.open?.most ?? 0) }
        return Walked(chan: chan, count: found.count, stat: found.stat)
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let file = try file(c)
        return chan(try file.tree.retrying { () throws(SysError) in try file.parent() }, like: c)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let file = try file(c)
        return try file.tree.retrying { () throws(SysError) in try file.stat(caller) }
    }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        let file = try file(c)
        return try file.tree.retrying { () throws(SysError) in try file.readlink() }
    }

    func statfs(_ c: Chan, _ caller: Caller) throws(SysError) -> FileSystemStatus {
        let file = try file(c)
        let status = try file.tree.retrying { () throws(SysError) in try file.statfs() }
        return status ?? FileSystemStatus(blockSize: 4096, blocks: 0, free: 0, available: 0, files: 0, filesFree: 0)
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: Kernel.OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        let file = try file(c)
        // A clone of a directory that is open, made to read it: one fid does for both.
        if c.isDirectory, file.open != nil { return c.opened(mode) }
        guard how == .wait else { throw .wouldBlock }
        let opened = try file.tree.retrying(isOnce: mode.contains(.truncate)) { () throws(SysError) in
            try file.opened(mode)
        }
        c.auxiliary = opened
        c.update(opened.qid)
        return c.opened(mode, iounit: opened.open?.most ?? 0)
    }

    func create(
        _ c: Chan, _ name: String, _ mode: Kernel.OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        let file = try file(c)
        let made = try file.tree.retrying(isOnce: true) { () throws(SysError) in
            try file.create(name, mode, perm, caller)
        }
        return chan(made, like: c).opened(mode, iounit: made.open?.most ?? 0)
    }

    func close(_ c: Chan) { (c.auxiliary as? MntFile)?.open?.close() }

    func flush(_ c: Chan, _ caller: Caller) throws(SysError) { try file(c).open?.flush() }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try open(c).read(into: &buffer, at: offset, how)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let open = try open(c)
        return try open.tree.retrying(isOnce: true) { () throws(SysError) in try open.write(bytes, at: offset, how) }
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let open = try open(c)
        return try open.tree.retrying { () throws(SysError) in
            try open.entries(after: cookie, limit: limit, caller)
        }
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard !c.isDirectory, let open = (c.auxiliary as? MntFile)?.open else {
            return events.intersection([.read, .write])
        }
        return open.poll(events, at: c.offset, waiter)
    }

    // MARK: changes

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        try file.tree.retrying(isOnce: true) { () throws(SysError) in try file.remove() }
    }

    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        try file.open?.settle()
        try file.tree.retrying(isOnce: true) { () throws(SysError) in try file.wstat(change, caller) }
    }

    func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        let (file, from, to) = (try self.file(file), try self.file(from), try self.file(to))
        try file.tree.retrying(isOnce: true) { () throws(SysError) in
            try file.rename(name, in: from, to: to, as: newName, how)
        }
    }

    func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        try file.tree.retrying(isOnce: true) { () throws(SysError) in try file.symlink(name, to: target, caller) }
    }

    func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError) {
        let (directory, old) = (try self.file(c), try self.file(file))
        try old.tree.retrying(isOnce: true) { () throws(SysError) in try directory.link(old, name) }
    }

    func fsync(_ c: Chan, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        try file.open?.flush()
        try file.commit()
    }
}

extension MountFilter {
    /// How what is walked to is to be opened. A directory may not be run, and a server may let it be opened for that.
    var openMode: Kernel.OpenMode? {
        if case .open(let mode) = purpose, mode.access != OpenMode.execute.access { mode } else { nil }
    }
}
