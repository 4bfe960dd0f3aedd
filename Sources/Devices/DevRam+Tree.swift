import Kernel

/// What the files of one tree share: their lock and their numbers. The lock guards every RamName, RamFile and
/// RamDirectory of the tree; under it only accounts are locked.
final class RamTree: Sendable {
    struct Numbers {
        /// Qid paths given so far; never used again.
        var last: UInt64 = 0
        /// Files that have a name, without the root.
        var files: UInt64 = 0
    }

    let instance = Instance.new()
    let lock = Lock(Numbers())
}

/// A name of a file: an entry of a directory, and what a walk finds. A Chan keeps it, so that a rename moves the Chan along.
///
/// A directory has one name, another file as many as it has links. Above and below refer to each other: a name that is
/// removed lets go of its directory, and the device takes its trees apart when it goes.
final class RamName: @unchecked Sendable {
    let tree: RamTree
    let file: RamFile
    var name: String
    /// The name of the directory it is in; nil for the root, and once it is removed.
    var directory: RamName?
    /// Its place in the directory's order.
    var cookie: UInt64 = 0
    private let space: RamSpace
    private let cost: Int

    /// Memory that a name takes, about.
    private static let overhead = 160

    /// Throws `.noSpace` where a limit is reached.
    init(_ name: String, _ file: RamFile, _ tree: RamTree, _ space: RamSpace) throws(SysError) {
        cost = Self.overhead + name.utf8.count
        try space.take(cost)
        self.name = name
        self.file = file
        self.tree = tree
        self.space = space
    }

    deinit { space.give(cost) }

    var isRemoved: Bool { file.links == 0 }
    var qid: Qid {
        file.refresh()
        return Qid(path: file.id, version: file.version, type: file.mode.qidType)
    }

    func stat() -> Dir {
        let qid = qid
        var dir = file.stat()
        dir.name = name
        dir.qid = qid
        return dir
    }

    /// Whether this is `other` or below it.
    func isInside(_ other: RamName) -> Bool {
        var here: RamName? = self
        while let name = here {
            if name === other { return true }
            here = name.directory
        }
        return false
    }
}

/// A file: what all its names have in common.
final class RamFile: @unchecked Sendable {
    let id: UInt64
    var mode: FileMode
    var owner: String
    var group: String
    var modifier: String
    let ownerID: UInt32
    let groupID: UInt32
    var accessed: Int64
    var modified: Int64
    var changed: Int64
    var version: UInt32 = 0
    /// Names.
    var links: UInt32 = 0
    /// Open Chans.
    var opens = 0
    /// It is among those that may become heap again.
    var isIdle = false
    /// What a directory holds; nil for other files.
    let entries: RamDirectory?
    /// Where a symbolic link leads.
    let target: String?
    var contents = RamContents()
    let space: RamSpace

    /// Memory that a file takes, about, without its bytes.
    private static let overhead = 320

    init(
        _ id: UInt64, _ mode: FileMode, target: String? = nil, group: String? = nil, _ caller: Caller, _ space: RamSpace
    ) throws(SysError) {
        try space.take(Self.overhead + (target?.utf8.count ?? 0))
        self.id = id
        self.mode = mode
        self.target = target
        self.space = space
        owner = caller.cred.user
        self.group = group ?? caller.cred.user
        modifier = owner
        ownerID = caller.cred.uid.effective
        groupID = caller.cred.gid.effective
        accessed = caller.clock.now()
        modified = accessed
        changed = accessed
        entries = mode.contains(.directory) ? RamDirectory() : nil
    }

    deinit { space.give(Self.overhead + (target?.utf8.count ?? 0)) }

    func stat() -> Dir {
        Dir(
            name: "", qid: Qid(path: id), mode: mode, length: target.map { UInt64($0.utf8.count) } ?? contents.length,
            accessed: accessed, modified: modified, changed: changed, owner: owner, group: group, modifier: modifier,
            ownerID: ownerID, groupID: groupID, links: links, space: contents.space)
    }

    /// Its bytes or entries have changed.
    func touch(_ caller: Caller) {
        modified = caller.clock.now()
        changed = modified
        version &+= 1
        if modifier != caller.cred.user { modifier = caller.cred.user }
    }

    func may(_ caller: Caller, _ rights: Mask) -> Bool {
        caller.cred.may(owner: owner, group: group, mode, rights)
    }
}

/// The names in a directory, by name and in the order in which they came.
///
/// Each entry has a cookie that goes up and is never used again: a reader that stopped after one goes on behind it,
/// whatever was removed meanwhile.
final class RamDirectory {
    private var names: [FileName: RamName] = [:]
    /// Cookies that go up; nil where a name was removed.
    private var order: [(cookie: UInt64, name: RamName?)] = []
    private var holes = 0
    private var last: UInt64 = 0

    var isEmpty: Bool { names.isEmpty }

    subscript(name: String) -> RamName? { names[FileName(name)] }

    func insert(_ name: RamName) {
        last += 1
        name.cookie = last
        names[FileName(name.name)] = name
        order.append((last, name))
    }

    func remove(_ name: RamName) {
        names[FileName(name.name)] = nil
        let i = index(after: name.cookie - 1)
        order[i].name = nil
        holes += 1
        if holes > 32, holes > order.count / 2 {
            order.removeAll { $0.name == nil }
            holes = 0
        }
    }

    /// Puts `new` in the place of `old`, under the name and cookie that `new` has been given.
    func replace(_ old: RamName, with new: RamName) {
        names[FileName(new.name)] = new
        order[index(after: new.cookie - 1)].name = new
    }

    /// Up to `limit` names behind `cookie`.
    func names(after cookie: UInt64, _ limit: Int) -> [RamName] {
        var found: [RamName] = []
        var i = index(after: cookie)
        while i < order.count, found.count < limit {
            if let name = order[i].name { found.append(name) }
            i += 1
        }
        return found
    }

    /// Takes all names out.
    func empty() -> [RamName] {
        defer { (names, order) = ([:], []) }
        return Array(names.values)
    }

    /// The first place in the order whose cookie is greater.
    private func index(after cookie: UInt64) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle].cookie <= cookie { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
