/// Where a Chan was found: a chain up to the root. Chans that were found by the same way share the nodes, so a rename
/// through us re-parents them all at once, and cwd and open files follow.
///
/// A node is a name under a parent, or the crossing of a mount entry at a node. It lives while a Chan or a
/// child refers to it. `tree` guards every node's parent, name and children: the sections under it are short.
public final class PathNode: @unchecked Sendable {
    /// What stands under a node: a name, or a mount entry by its number.
    private enum Key: Hashable {
        case name(FileName)
        case mount(UInt64)
    }

    private static let tree = Lock(())

    // Guarded by tree.
    private var parent: PathNode?
    private var key: Key
    private var children = Children()

    /// At a mount's root: the Chan that was mounted on. Its node is this one's parent.
    let covered: Chan?
    /// At a mount's root: the entry that was crossed.
    let entry: MountEntry?

    /// The root of a name space.
    init() {
        parent = nil
        key = .name(FileName("/"))
        covered = nil
        entry = nil
    }

    private init(_ parent: PathNode, _ key: Key, covered: Chan? = nil, entry: MountEntry? = nil) {
        self.parent = parent
        self.key = key
        self.covered = covered
        self.entry = entry
    }

    /// However long the chain is, what nobody else holds is let go link by link, and not each link by the one below it:
    /// stacks are small.
    deinit {
        guard parent != nil else { return }
        var above = Self.tree.withLock { _ in unlink() }
        while above != nil {
            // What a mount covers refers to the next node too, so it goes before that one is looked at.
            let covered = above?.covered
            withExtendedLifetime(covered) {
                above = Self.tree.withLock { _ in isKnownUniquelyReferenced(&above) ? above?.unlink() : nil }
            }
        }
    }

    /// Takes this node off its parent, which it gives. The tree is locked.
    private func unlink() -> PathNode? {
        guard let up = parent else { return nil }
        up.children.remove(self, at: key)
        parent = nil
        return up
    }

    /// The node of `name` below this one.
    func child(_ name: String) -> PathNode { descendant([name]) }

    /// The node that `names` lead to.
    func descendant(_ names: ArraySlice<String>) -> PathNode {
        Self.tree.withLock { _ in
            var node = self
            // A node on the way is not let go of here: the one below it, made or found, holds it.
            for name in names { node = node.below(.name(FileName(name))) }
            return node
        }
    }

    /// The child of that key. The tree is locked.
    private func below(_ key: Key) -> PathNode {
        if let node = children[key] { return node }
        let node = PathNode(self, key)
        children[key] = node
        return node
    }

    /// The node of `entry`'s root, mounted on this one.
    func mounted(_ entry: MountEntry, on covered: Chan) -> PathNode {
        let key = Key.mount(entry.id)
        // The known one may be let go of by whoever else held it: here that is after the lock.
        let (node, known) = Self.tree.withLock { _ -> (PathNode, PathNode?) in
            let known = children[key]
            if let known, known.covered?.mask == covered.mask { return (known, known) }
            let node = PathNode(self, key, covered: covered, entry: entry)
            // Found with other rights than the one that is known: it stands beside it, for its finder alone.
            if known == nil { children[key] = node }
            return (node, known)
        }
        return withExtendedLifetime(known) { node }
    }

    /// The node above; nil at the root.
    var up: PathNode? { Self.tree.withLock { _ in parent } }

    /// The mount whose tree this node stands in; nil in the root's own. Seals are no mounts.
    var nearestMount: MountEntry? {
        Self.tree.withLock { _ in
            var node: PathNode? = self
            while let n = node {
                if let e = n.entry, !e.isSeal { return e }
                node = n.parent
            }
            return nil
        }
    }

    /// The bind or mount through which what stands here was found; nil in the root's own tree.
    var carrier: MountEntry? {
        Self.tree.withLock { _ in
            var node: PathNode? = self
            while let n = node {
                if let e = n.entry, !e.isSeal, e.kind != .own { return e }
                node = n.parent
            }
            return nil
        }
    }

    /// The root of what is mounted around this node; nil in the name space's own tree.
    var mountRoot: Chan? {
        Self.tree.withLock { _ in
            var node: PathNode? = self
            while let n = node {
                if let root = n.entry?.root { return root }
                node = n.parent
            }
            return nil
        }
    }

    /// The mount entries that were crossed on the way here, from the root down.
    var entries: [MountEntry] {
        Self.tree.withLock { _ in
            var entries: [MountEntry] = []
            var node: PathNode? = self
            while let n = node {
                if let entry = n.entry { entries.append(entry) }
                node = n.parent
            }
            return entries.reversed()
        }
    }

    /// The last name; `/` at the root.
    public var name: String {
        Self.tree.withLock { _ in
            var node = self
            while true {
                if case .name(let key) = node.key { return key.text }
                guard let parent = node.parent else { return "/" }
                node = parent
            }
        }
    }

    /// The whole path, from the root of the name space that found it.
    public var path: String {
        let names = Self.tree.withLock { _ in
            var names: [String] = []
            var node = self
            while let parent = node.parent {
                if case .name(let key) = node.key { names.append(key.text) }
                node = parent
            }
            if case .name(let root) = node.key, root.text != "/" { names.append(root.text) }
            return names
        }
        guard let top = names.last else { return "/" }
        var path = ""
        path.reserveCapacity(names.reduce(0) { $0 + $1.utf8.count + 1 })
        for name in names.reversed() {
            if !path.isEmpty || top.utf8.first != UInt8(ascii: "#") { path += "/" }
            path += name
        }
        return path
    }

    /// Whether it still stands where its path says: false once it, or what is above it, was removed.
    var isThere: Bool {
        Self.tree.withLock { _ in
            var node = self
            while let parent = node.parent {
                if case .name = node.key, parent.children[node.key] !== node { return false }
                node = parent
            }
            return true
        }
    }

    /// Whether `other` is this node or above it.
    func descends(from other: PathNode) -> Bool { Self.tree.withLock { _ in isBelow(other) } }

    /// The same. The tree is locked.
    private func isBelow(_ other: PathNode) -> Bool {
        var node: PathNode? = self
        while let n = node {
            if n === other { return true }
            node = n.parent
        }
        return false
    }

    /// A file was renamed: whoever was found as `name` here is now `newName` below `newParent`, and who was found there
    /// is no more, or is here where the two files were exchanged.
    ///
    /// Two renames may be told in another order than they were done: a node that would come below itself leaves the tree.
    func moved(_ name: String, to newParent: PathNode, as newName: String, exchanged: Bool = false) {
        guard newParent !== self || name != newName else { return }
        let to = Key.name(FileName(newName))
        // What leaves the tree is dropped after the lock: a node's deinit takes it.
        let gone = Self.tree.withLock { _ -> [PathNode?] in
            let replaced = newParent.children.remove(to)
            defer { if exchanged, let replaced, !isBelow(replaced) { adopt(replaced, as: .name(FileName(name))) } }
            guard let node = children.remove(.name(FileName(name))) else {
                return [replaced, replaced?.parent]
            }
            let before = node.parent
            if !newParent.isBelow(node) { newParent.adopt(node, as: to) }
            return [replaced, replaced?.parent, before, node]
        }
        withExtendedLifetime(gone) {}
    }

    /// Makes `node` a child. The tree is locked.
    private func adopt(_ node: PathNode, as key: Key) {
        node.parent = self
        node.key = key
        children[key] = node
    }

    /// A file was removed: a new one of the same name is another.
    func removed(_ name: String) {
        let gone = Self.tree.withLock { _ in children.remove(.name(FileName(name))) }
        withExtendedLifetime(gone) {}
    }

    /// A node for the root of an attached device, named `#x`.
    static func device(_ name: String) -> PathNode {
        let node = PathNode()
        node.key = .name(FileName(name))
        return node
    }

    /// A node's children, which it does not hold. Most nodes have one: a table is for those that have more.
    private struct Children {
        private var firstKey: Key?
        private var first: Weak<PathNode>?
        private var others: [Key: Weak<PathNode>] = [:]

        subscript(key: Key) -> PathNode? {
            get {
                if firstKey == key { return first?.object }
                return others.isEmpty ? nil : others[key]?.object
            }
            set {
                drop(key)
                guard let newValue else { return }
                if firstKey == nil { (firstKey, first) = (key, Weak(newValue)) } else { others[key] = Weak(newValue) }
            }
        }

        /// Takes off the child of that key; the child, unless it is ending.
        mutating func remove(_ key: Key) -> PathNode? {
            defer { drop(key) }
            return self[key]
        }

        /// Takes `node`, which is ending, off that key, where another has not come.
        mutating func remove(_ node: PathNode, at key: Key) {
            let isIts = firstKey == key ? first?.isOf(node) : others.isEmpty ? nil : others[key]?.isOf(node)
            if isIts == true { drop(key) }
        }

        private mutating func drop(_ key: Key) {
            if firstKey == key { (firstKey, first) = (nil, nil) } else if !others.isEmpty { others[key] = nil }
        }
    }
}
