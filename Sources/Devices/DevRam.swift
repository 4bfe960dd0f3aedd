import Host
import Kernel

/// Files in memory. `#R` is a tree that all share, `#Rname` the tree of that name, made when it is first attached.
///
/// A file lives while it has a name or is open. Its memory is charged to the view that asked for it, and all RAM files
/// together take at most half of the host's. See `ram(3)`; the corresponding Plan 9 page is `ramfs(4)`.
final class DevRam: Dev {
    let letter: Character = "R"
    let name = "ram"
    let instance = Instance.new()

    /// Roots of the trees, by attach specifier.
    private let roots = Lock<[String: RamName]>([:])
    let limit: Int
    let account: Account
    private let idle = RamIdle()

    /// Bits of a mode that a file can be made with, or be given.
    static let bits = FileMode(rawValue: 0o777)
        .union([.append, .exclusive, .temporary, .setuid, .setgid, .sticky])
    private static let linkLimit: UInt32 = 65_000

    init(limit: Int = HostMemory.physical / 2) {
        self.limit = limit
        account = Account(limits: [.memory: limit])
    }

    /// Names refer to those above and below: they are taken apart one by one, however deep the tree is.
    deinit {
        var names = roots.withLock { Array($0.values) }
        while let name = names.popLast() {
            name.directory = nil
            names += name.file.entries?.empty() ?? []
        }
    }

    func space(_ caller: Caller) -> RamSpace { RamSpace(view: caller.account, device: account) }

    func place(_ c: Chan) throws(SysError) -> RamName {
        guard let name = c.auxiliary as? RamName else { throw .hungup }
        return name
    }

    // MARK: names

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        let root = try roots.withLock { (roots) throws(SysError) -> RamName in
            if let root = roots[spec] { return root }
            let tree = RamTree()
            let file = try make(FileMode(rawValue: 0o777).union(.directory), tree, caller)
            let root = try RamName("/", file, tree, space(caller))
            file.links = 1
            roots[spec] = root
            return root
        }
        return Chan(
            self, instance: root.tree.instance, qid: root.tree.lock.withLock { _ in root.qid }, auxiliary: root)
    }

    /// A file without a name.
    private func make(
        _ mode: FileMode, target: String? = nil, group: String? = nil, _ tree: RamTree, _ caller: Caller
    ) throws(SysError) -> RamFile {
        let id = tree.lock.withLock { numbers -> UInt64 in
            numbers.last += 1
            return numbers.last
        }
        return try RamFile(id, mode, target: target, group: group, caller, space(caller))
    }

    func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked {
        var here = try place(c)
        var count = 0
        let qid = try here.tree.lock.withLock { (_) throws(SysError) -> Qid in
            for name in names {
                do throws(SysError) { here = try Self.child(name, of: here, caller) } catch {
                    if count == 0 { throw error }
                    break
                }
                count += 1
                if here.file.entries == nil || filter.contains(here.qid) { break }
            }
            return here.qid
        }
        return Walked(chan: c.sibling(qid, auxiliary: here), count: count)
    }

    private static func child(_ name: String, of here: RamName, _ caller: Caller) throws(SysError) -> RamName {
        guard let entries = here.file.entries else { throw .notDir }
        guard here.file.may(caller, .execute) else { throw .perm }
        guard let found = entries[name] else { throw .nonexist }
        return found
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let here = try place(c)
        let (above, qid) = here.tree.lock.withLock { _ in
            let above = here.directory ?? here
            return (above, above.qid)
        }
        return c.sibling(qid, auxiliary: above)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let here = try place(c)
        return here.tree.lock.withLock { _ in here.stat() }
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let here = try place(c)
        return try here.tree.lock.withLock { (_) throws(SysError) in
            guard let entries = here.file.entries else { throw .notDir }
            here.file.accessed = caller.clock.now()
            return entries.names(after: cookie, limit).map { ($0.stat(), $0.cookie) }
        }
    }

    // MARK: making and removing

    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        let kind = perm.intersection(Self.bits.union([.directory, .socket]))
        if kind.contains(.directory), mode.canWrite || mode.contains(.truncate) { throw .isDir }
        let made = try add(name, to: c, mode: kind, open: true, caller)
        return c.sibling(made.qid, auxiliary: made.name).opened(mode)
    }

    func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError) {
        _ = try add(name, to: c, mode: FileMode(rawValue: 0o777).union(.symlink), target: target, caller)
    }

    /// Makes a file and its name in directory `c`.
    private func add(
        _ name: String, to c: Chan, mode: FileMode, target: String? = nil, open: Bool = false, _ caller: Caller
    ) throws(SysError) -> (name: RamName, qid: Qid) {
        let directory = try place(c)
        let file = try make(mode, target: target, group: try stat(c, caller).group, directory.tree, caller)
        let made = try RamName(name, file, directory.tree, space(caller))
        return try directory.tree.lock.withLock { (numbers) throws(SysError) in
            try Self.checkFree(name, in: directory, caller)
            Self.insert(made, in: directory, caller)
            file.links = 1
            numbers.files += 1
            if open { file.opens = 1 }
            return (made, made.qid)
        }
    }

    /// Throws where `name` is taken, is none, or the caller may not change `directory`.
    static func checkFree(_ name: String, in directory: RamName, _ caller: Caller) throws(SysError) {
        guard let entries = directory.file.entries else { throw .notDir }
        guard !directory.isRemoved else { throw .nonexist }
        guard !name.isEmpty, name != ".", name != ".." else { throw .badChar }
        guard directory.file.may(caller, [.write, .execute]) else { throw .perm }
        guard entries[name] == nil else { throw .exist }
    }

    private static func insert(_ name: RamName, in directory: RamName, _ caller: Caller) {
        name.directory = directory
        directory.file.entries?.insert(name)
        directory.file.touch(caller)
    }

    /// Takes a name out of its directory. The file stays while it has others.
    private static func unlink(_ name: RamName, _ numbers: inout RamTree.Numbers, _ caller: Caller?) {
        guard let directory = name.directory else { return }
        directory.file.entries?.remove(name)
        if let caller {
            directory.file.touch(caller)
            name.file.changed = directory.file.modified
        }
        name.directory = nil
        name.file.links -= 1
        if name.file.links == 0 { numbers.files -= 1 }
    }

    /// Throws where the caller may not take `name` away, or it is a directory that is not empty.
    private static func checkRemovable(_ name: RamName, _ caller: Caller) throws(SysError) {
        guard let directory = name.directory else { throw name.isRemoved ? .nonexist : .perm }
        guard directory.file.may(caller, [.write, .execute]) else { throw .perm }
        let user = caller.cred.user
        guard !directory.file.mode.contains(.sticky) || user == name.file.owner || user == directory.file.owner
        else { throw .perm }
        guard name.file.entries?.isEmpty ?? true else { throw .notEmpty }
    }

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        let here = try place(c)
        try here.tree.lock.withLock { (numbers) throws(SysError) in
            try Self.checkRemovable(here, caller)
            Self.unlink(here, &numbers, caller)
        }
    }

    func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError) {
        let (old, directory) = (try place(file), try place(c))
        guard old.tree === directory.tree else { throw .crossDevice }
        let made = try RamName(name, old.file, old.tree, space(caller))
        try directory.tree.lock.withLock { (_) throws(SysError) in
            guard old.file.entries == nil else { throw .perm }
            guard !old.isRemoved else { throw .nonexist }
            guard old.file.links < Self.linkLimit else { throw .linkCount }
            try Self.checkFree(name, in: directory, caller)
            Self.insert(made, in: directory, caller)
            old.file.links += 1
            old.file.changed = directory.file.modified
        }
    }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        guard let target = try place(c).file.target else { throw .badArg }
        return target
    }

    func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        let (source, target) = (try place(from), try place(to))
        guard source.tree === target.tree else { throw .crossDevice }
        try source.tree.lock.withLock { (numbers) throws(SysError) in
            guard let moved = source.file.entries?[name], moved === file.auxiliary else { throw .nonexist }
            guard let there = target.file.entries else { throw .notDir }
            let known = there[newName]
            switch (how, known) {
            case (.noReplace, .some): throw .exist
            case (.exchange, nil): throw .nonexist
            case (.exchange, .some(let other)): try Self.exchange(moved, other, caller)
            case (_, .some(let other)): try Self.replace(other, by: moved, &numbers, caller)
            case (_, nil): try Self.move(moved, to: target, as: newName, caller)
            }
        }
    }

    /// Throws where the caller may not take `name` out of its directory, empty or not.
    static func checkMovable(_ name: RamName, _ caller: Caller) throws(SysError) {
        do throws(SysError) { try checkRemovable(name, caller) } catch {
            guard error.code == .notEmpty else { throw error }
        }
    }

    static func move(
        _ name: RamName, to directory: RamName, as newName: String, _ caller: Caller
    ) throws(SysError) {
        try checkMovable(name, caller)
        try checkFree(newName, in: directory, caller)
        guard !directory.isInside(name) else { throw .badArg }
        let before = name.directory
        before?.file.entries?.remove(name)
        before?.file.touch(caller)
        name.name = newName
        insert(name, in: directory, caller)
        name.file.changed = directory.file.modified
    }

    private static func replace(
        _ other: RamName, by name: RamName, _ numbers: inout RamTree.Numbers, _ caller: Caller
    ) throws(SysError) {
        guard other.file !== name.file else { return }
        guard let directory = other.directory else { throw .nonexist }
        let newName = other.name
        switch (name.file.entries, other.file.entries) {
        case (.some, nil): throw .notDir
        case (nil, .some): throw .isDir
        default: break
        }
        try checkMovable(name, caller)
        try checkRemovable(other, caller)
        guard !directory.isInside(name) else { throw .badArg }
        unlink(other, &numbers, caller)
        try move(name, to: directory, as: newName, caller)
    }

    private static func exchange(_ a: RamName, _ b: RamName, _ caller: Caller) throws(SysError) {
        try checkMovable(a, caller)
        try checkMovable(b, caller)
        guard let first = a.directory, let second = b.directory, !second.isInside(a), !first.isInside(b)
        else { throw .badArg }
        (a.name, b.name) = (b.name, a.name)
        (a.cookie, b.cookie) = (b.cookie, a.cookie)
        (a.directory, b.directory) = (second, first)
        first.file.entries?.replace(a, with: b)
        second.file.entries?.replace(b, with: a)
        for directory in [first, second] { directory.file.touch(caller) }
        a.file.changed = first.file.modified
        b.file.changed = first.file.modified
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        let here = try place(c)
        let file = here.file
        try here.tree.lock.withLock { (_) throws(SysError) in
            guard file.target == nil else { throw .badArg }
            guard !file.mode.contains(.socket) else { throw .noSuchDevice }
            // To remove a file is a right on its directory, not on it.
            guard file.may(caller, mode.subtracting(.removeOnClose).needs) else { throw .perm }
            if mode.contains(.removeOnClose) { try Self.checkRemovable(here, caller) }
            guard !file.mode.contains(.exclusive) || file.opens == 0 else { throw .inUse }
            // What can only be appended to is not cut; open(5).
            if mode.contains(.truncate), file.entries == nil, !file.mode.contains(.append) {
                try file.contents.truncate(to: 0)
                file.touch(caller)
            }
            file.opens += 1
        }
        return c.opened(mode)
    }

    func close(_ c: Chan) {
        guard let here = c.auxiliary as? RamName else { return }
        let removes = c.mode?.contains(.removeOnClose) ?? false
        let becomesIdle = here.tree.lock.withLock { numbers in
            here.file.opens -= 1
            if removes, here.directory != nil, here.file.entries?.isEmpty ?? true { Self.unlink(here, &numbers, nil) }
            guard here.file.opens == 0, here.file.contents.host != nil, !here.file.isIdle else { return false }
            here.file.isIdle = true
            return true
        }
        if becomesIdle { idle.add(here.file, here.tree) }
    }

    /// Bytes that are copied without letting others at the tree.
    private static let stride = 1 << 20

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let here = try place(c)
        let file = here.file
        if let shared = c.description(at: offset) { return try HostIO.read(shared, into: &buffer) }
        var done = 0
        var got = 0
        repeat {
            let size = min(Self.stride, buffer.byteCount - done)
            let (at, overflow) = offset.addingReportingOverflow(UInt64(done))
            guard !overflow else { break }
            let host = here.tree.lock.withLock { _ -> RamHost? in
                if let host = file.contents.host { return host }
                file.accessed = caller.clock.now()
                got = file.contents.read(at: at, size, into: &buffer, at: done)
                return nil
            }
            if let host {
                var rest = buffer._mutatingExtracting(done..<buffer.byteCount)
                return done + (try HostIO.pread(host.file.number, into: &rest, at: at))
            }
            done += got
        } while got == Self.stride && done < buffer.byteCount
        return done
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let here = try place(c)
        guard bytes.byteCount > 0 else { return 0 }
        let file = here.file
        let space = space(caller)
        let appends = c.mode?.contains(.append) ?? false
        var done = 0
        var got = 0
        repeat {
            let size = min(Self.stride, bytes.byteCount - done)
            let piece = bytes.extracting(done..<done + size)
            let (at, overflow) = offset.addingReportingOverflow(UInt64(done))
            do throws(SysError) {
                guard !overflow else { throw .fileTooBig }
                let host = try here.tree.lock.withLock { (_) throws(SysError) -> RamHost? in
                    if let host = file.contents.host { return host }
                    let end = appends || file.mode.contains(.append)
                    got = try file.contents.write(piece, at: end ? file.contents.length : at, space)
                    file.touch(caller)
                    return nil
                }
                if let host {
                    let rest = bytes.extracting(done..<bytes.byteCount)
                    let end = appends || file.mode.contains(.append)
                    return done + (try write(c, to: host, rest, at: at, appends: end))
                }
            } catch {
                guard done > 0 else { throw error }
                break
            }
            done += got
        } while got == Self.stride && done < bytes.byteCount
        return done
    }
}
