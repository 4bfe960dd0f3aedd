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
        return Chan(self, instance: tree.instance, qid: tree.qid, auxiliary: MntFile(tree, tree.root))
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

    private func open(_ c: Chan) throws(SysError) -> MntOpen {
        guard let open = try file(c).open else { throw .badUseFd }
        return open
    }

    // MARK: names

    func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        let found = try file(c).walk(names, filter, caller)
        return Walked(chan: c.sibling(found.qid, auxiliary: found.file), count: found.count, stat: found.stat)
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let (up, qid) = try file(c).parent()
        return c.sibling(qid, auxiliary: up)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir { try file(c).stat(caller) }

    // MARK: open files

    func open(_ c: Chan, _ mode: Kernel.OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        let file = try file(c)
        // A clone of a directory that is open, made to read it: one fid does for both.
        if c.isDirectory, file.open != nil { return c.opened(mode) }
        guard how == .wait else { throw .wouldBlock }
        let (opened, qid) = try file.open(mode, isDirectory: c.isDirectory)
        c.auxiliary = opened
        c.update(qid)
        return c.opened(mode, iounit: opened.open?.most ?? 0)
    }

    func create(
        _ c: Chan, _ name: String, _ mode: Kernel.OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        let (made, qid) = try file(c).create(name, mode, perm)
        return c.sibling(qid, auxiliary: made).opened(mode, iounit: made.open?.most ?? 0)
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
        try open(c).write(bytes, at: offset, how)
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try open(c).entries(after: cookie, limit: limit, caller)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard !c.isDirectory, let open = (c.auxiliary as? MntFile)?.open else {
            return events.intersection([.read, .write])
        }
        return open.poll(events, at: c.offset, waiter)
    }

    // MARK: changes

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) { try file(c).remove() }

    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        try file(c).wstat(change, isDirectory: c.isDirectory)
    }

    func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        try self.file(file).rename(to: newName, in: self.file(to), isSame: from.qid.path == to.qid.path, how)
    }

    func fsync(_ c: Chan, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        try file.open?.flush()
        try file.commit()
    }
}
