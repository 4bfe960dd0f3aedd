import Host
import Kernel
import Linux

/// What stands for the directories of our name space in the descriptors of programs: an empty directory each, in a tree
/// that is mounted nowhere, one for each of our file systems (and one for all that are too many). Nothing can be reached
/// from one, and what a program does with one by a name comes to us.
///
/// A directory is known by the file and the path that it was found by, and has the same number each time; a read position
/// is the offset of the descriptor, so that dup, fork and lseek do what they should.
final class VxDirectories: Sendable {
    struct Key: Hashable {
        let instance: UInt32
        let qid: UInt64
        let path: String
    }

    /// A tree, which has a number among the host's file systems.
    final class Tree: Sendable {
        let root: HostMount
        let device: UInt64

        init(_ root: HostMount) throws(SysError) {
            device = try HostStat(root.number).device
            self.root = root
        }
    }

    /// One that a program may have open.
    final class Place: Sendable {
        let key: Key
        let tree: Tree
        let name: String
        let identity: FileIdentity
        let chan: Chan
        /// The permissions that the empty directory has, and its times.
        let shown: Lock<(mode: UInt32, accessed: Int64?, modified: Int64?)>

        init(_ key: Key, _ tree: Tree, _ name: String, _ stat: HostStat, _ chan: Chan) {
            self.key = key
            self.tree = tree
            self.name = name
            self.chan = chan
            identity = FileIdentity(device: tree.device, inode: stat.inode)
            shown = Lock((stat.permissions, nil, nil))
        }
    }

    fileprivate struct State {
        var byKey: [Key: Place] = [:]
        /// The last one that was found by a path.
        var byPath: [String: Place] = [:]
        var byIdentity: [FileIdentity: Place] = [:]
        /// By our numbers of file systems.
        var trees: [UInt32: Tree] = [:]
        /// Those that nobody has opened, oldest first; what was opened since is passed over.
        var unopened: [Place] = []
        var firstUnopened = 0
        var opened: Set<FileIdentity> = []
        var count = 0
        /// Those that are being read: their Chans, open, the last one used at the end.
        var readers: [(identity: FileIdentity, chan: Chan)] = []
    }

    /// Chans that are kept open for reading: each has a descriptor of ours.
    private static let readers = 64

    /// Most that are kept; the tree has room for more.
    static let limit = 100_000

    /// Most trees, each of which has a descriptor of ours.
    private static let trees = 64

    private let host: HostView
    private let first: Tree
    private let state = Lock(State())

    init(_ host: HostView) throws(SysError) {
        self.host = host
        first = try Tree(host.directories)
    }

    /// The tree for one of our file systems.
    private func tree(_ instance: UInt32) -> Tree {
        let (known, isFull) = state.withLock { ($0.trees[instance], $0.trees.count >= Self.trees) }
        if let known { return known }
        // Where there are no more, the numbers are the only thing that is wrong.
        guard !isFull, let root = try? host.anotherTree() else { return first }
        guard let made = try? Tree(root) else { return first }
        return state.withLock { s in
            let tree = s.trees[instance] ?? made
            s.trees[instance] = tree
            return tree
        }
    }

    /// The place of a directory, made where there is none yet.
    func place(_ c: Chan) throws(SysError) -> Place {
        let key = Key(instance: c.instance, qid: c.qid.path, path: c.path)
        if let known = state.withLock({ $0.byKey[key] }) { return known }
        try forgetOne()
        let name = state.withLock { s -> String in
            s.count += 1
            return String(s.count)
        }
        let tree = tree(c.instance)
        _ = try HostFiles.makeDirectory(name, in: tree.root.number, 0o755)
        let made = Place(key, tree, name, try HostStat(tree.root.number, name), c.mode == nil ? c : c.clone())
        let known = state.withLock { s -> Place? in
            if let known = s.byKey[key] { return known }
            s.byKey[key] = made
            s.byPath[key.path] = made
            s.byIdentity[made.identity] = made
            s.unopened.append(made)
            return nil
        }
        guard let known else { return made }
        // Two at once: the first one stays. Nobody knows this one.
        try HostFiles.remove(name, in: tree.root.number, isDirectory: true)
        return known
    }

    /// Where there are too many, the oldest that no program can have open goes. Throws `.noFd` where there is none.
    private func forgetOne() throws(SysError) {
        let old = try state.withLock { (s) throws(SysError) -> Place? in
            guard s.byKey.count >= Self.limit else { return nil }
            while s.firstUnopened < s.unopened.count {
                let place = s.unopened[s.firstUnopened]
                s.firstUnopened += 1
                if s.opened.contains(place.identity) { continue }
                s.byKey[place.key] = nil
                if s.byPath[place.key.path] === place { s.byPath[place.key.path] = nil }
                s.byIdentity[place.identity] = nil
                if s.firstUnopened > 4096 {
                    s.unopened.removeFirst(s.firstUnopened)
                    s.firstUnopened = 0
                }
                return place
            }
            throw .tooManyFiles
        }
        if let old { try HostFiles.remove(old.name, in: old.tree.root.number, isDirectory: true) }
    }

    /// A descriptor for a program, which shows what `dir` says of mode and time.
    func open(_ c: Chan, _ dir: Dir, nameOnly: Bool) throws(SysError) -> HostFd {
        while true {
            let place = try place(c)
            let stands = state.withLock { s -> Bool in
                guard s.byIdentity[place.identity] === place else { return false }
                s.opened.insert(place.identity)
                return true
            }
            guard stands else { continue }
            let readable = try show(place, dir)
            if !nameOnly { keep(c, place.identity) }
            // The host gives no descriptor to others that only names a file; from a placeholder nothing is read either way.
            return readable
        }
    }

    /// The empty directory, open, with what `dir` says of permissions and times.
    private func show(_ place: Place, _ dir: Dir) throws(SysError) -> HostFd {
        let root = place.tree.root.number
        let (mode, accessed, modified) = (dir.mode.permissions, dir.accessed, dir.modified)
        try place.shown.withLock { (shown) throws(SysError) in
            if shown.mode != mode {
                // It need not be one that can be opened.
                let fd = try HostFiles.open(place.name, in: root, HostFiles.directoryOnly)
                try HostFiles.setMode(fd.number, mode)
            }
            if shown.accessed != accessed || shown.modified != modified {
                try HostFiles.setTimes(place.name, in: root, accessed: accessed, modified: modified)
            }
            shown = (mode, accessed, modified)
        }
        return try HostFiles.open(place.name, in: root, HostFiles.directory)
    }

    /// The directory above one, if it was found by its path before.
    func above(_ c: Chan) -> Place? {
        let path = c.path
        guard let slash = path.utf8.lastIndex(of: 0x2F), path.utf8.count > 1 else { return nil }
        let above = slash == path.utf8.startIndex ? "/" : String(path[..<slash])
        return state.withLock { $0.byPath[above] }
    }

    /// The Chan of a descriptor that a program has, open where that is, opened anew by `open` where it has not been used for
    /// long; nil where it is none of ours.
    func chan(_ stat: HostStat, nameOnly: Bool, _ open: (Chan) throws(SysError) -> Chan) throws(SysError) -> Chan? {
        let identity = FileIdentity(device: stat.device, inode: stat.inode)
        guard let place = state.withLock({ $0.byIdentity[identity] }) else { return nil }
        if nameOnly { return place.chan }
        if let known = state.withLock({ $0.take(identity) }) { return known }
        let made = try open(place.chan.clone())
        keep(made, identity)
        return made
    }

    private func keep(_ c: Chan, _ identity: FileIdentity) {
        let gone = state.withLock { s -> Chan? in
            s.readers.append((identity, c))
            return s.readers.count > Self.readers ? s.readers.removeFirst().chan : nil
        }
        withExtendedLifetime(gone) {}
    }
}

extension VxDirectories.State {
    /// The open Chan of a directory, which is then the last one used.
    fileprivate mutating func take(_ identity: FileIdentity) -> Chan? {
        guard let i = readers.lastIndex(where: { $0.identity == identity }) else { return nil }
        readers.append(readers.remove(at: i))
        return readers.last?.chan
    }
}
