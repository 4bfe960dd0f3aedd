import Host
import Kernel
import Linux

/// What stands for the directories of our name space in the descriptors of programs: an empty directory each, in a tree
/// that is mounted nowhere. Nothing can be reached from one, and what a program does with one by a name comes to us.
///
/// A directory is known by the file and the path that it was found by, and has the same number each time; a read position
/// is the offset of the descriptor, so that dup, fork and lseek do what they should.
final class VxDirectories: Sendable {
    struct Key: Hashable {
        let instance: UInt32
        let qid: UInt64
        let path: String
    }

    /// One that a program may have open.
    final class Place: Sendable {
        let key: Key
        let name: String
        let identity: FileIdentity
        let chan: Chan

        init(_ key: Key, _ name: String, _ identity: FileIdentity, _ chan: Chan) {
            self.key = key
            self.name = name
            self.identity = identity
            self.chan = chan
        }
    }

    fileprivate struct State {
        var byKey: [Key: Place] = [:]
        var byInode: [UInt64: Place] = [:]
        /// Those that nobody has opened, oldest first; what was opened since is passed over.
        var unopened: [Place] = []
        var firstUnopened = 0
        var opened: Set<UInt64> = []
        var count = 0
        /// Those that are being read: their Chans, open, the last one used at the end.
        var readers: [(inode: UInt64, chan: Chan)] = []
    }

    /// Chans that are kept open for reading: each has a descriptor of ours.
    private static let readers = 64

    /// Most that are kept; the tree has room for more.
    static let limit = 100_000

    private let root: Int32
    private let device: UInt64
    private let state = Lock(State())

    /// `root` lives as long as this does.
    init(root: Int32) throws(SysError) {
        self.root = root
        device = try HostStat(root).device
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
        _ = try HostFiles.makeDirectory(name, in: root, 0o755)
        let stat = try HostStat(root, name)
        let made = Place(key, name, FileIdentity(device: device, inode: stat.inode), c.mode == nil ? c : c.clone())
        let known = state.withLock { s -> Place? in
            if let known = s.byKey[key] { return known }
            s.byKey[key] = made
            s.byInode[stat.inode] = made
            s.unopened.append(made)
            return nil
        }
        guard let known else { return made }
        // Two at once: the first one stays. Nobody knows this one.
        try HostFiles.remove(name, in: root, isDirectory: true)
        return known
    }

    /// Where there are too many, the oldest that no program can have open goes. Throws `.noFd` where there is none.
    private func forgetOne() throws(SysError) {
        let old = try state.withLock { (s) throws(SysError) -> Place? in
            guard s.byKey.count >= Self.limit else { return nil }
            while s.firstUnopened < s.unopened.count {
                let place = s.unopened[s.firstUnopened]
                s.firstUnopened += 1
                if s.opened.contains(place.identity.inode) { continue }
                s.byKey[place.key] = nil
                s.byInode[place.identity.inode] = nil
                if s.firstUnopened > 4096 {
                    s.unopened.removeFirst(s.firstUnopened)
                    s.firstUnopened = 0
                }
                return place
            }
            throw .tooManyFiles
        }
        if let old { try HostFiles.remove(old.name, in: root, isDirectory: true) }
    }

    /// A descriptor for a program, which shows what `dir` says of mode and time.
    func open(_ c: Chan, _ dir: Dir, nameOnly: Bool) throws(SysError) -> HostFd {
        while true {
            let place = try place(c)
            let stands = state.withLock { s -> Bool in
                guard s.byInode[place.identity.inode] === place else { return false }
                s.opened.insert(place.identity.inode)
                return true
            }
            guard stands else { continue }
            let fd = try HostFiles.open(place.name, in: root, HostFiles.directoryOnly)
            try HostFiles.setMode(fd.number, dir.mode.permissions)
            let readable = try HostFiles.open(".", in: fd.number, HostFiles.directory)
            if !nameOnly { keep(c, place.identity.inode) }
            try HostFiles.setTimes(readable.number, accessed: dir.accessed, modified: dir.modified)
            // The host gives no descriptor to others that only names a file; from a placeholder nothing is read either way.
            return readable
        }
    }

    /// The Chan of a descriptor that a program has, open where that is, opened anew by `open` where it has not been used for
    /// long; nil where it is none of ours.
    func chan(_ stat: HostStat, nameOnly: Bool, _ open: (Chan) throws(SysError) -> Chan) throws(SysError) -> Chan? {
        guard stat.device == device, let place = state.withLock({ $0.byInode[stat.inode] }) else { return nil }
        if nameOnly { return place.chan }
        if let known = state.withLock({ $0.take(stat.inode) }) { return known }
        let made = try open(place.chan.clone())
        keep(made, stat.inode)
        return made
    }

    private func keep(_ c: Chan, _ inode: UInt64) {
        let gone = state.withLock { s -> Chan? in
            s.readers.append((inode, c))
            return s.readers.count > Self.readers ? s.readers.removeFirst().chan : nil
        }
        withExtendedLifetime(gone) {}
    }
}

extension VxDirectories.State {
    /// The open Chan of a directory, which is then the last one used.
    fileprivate mutating func take(_ inode: UInt64) -> Chan? {
        guard let i = readers.lastIndex(where: { $0.inode == inode }) else { return nil }
        readers.append(readers.remove(at: i))
        return readers.last?.chan
    }
}
