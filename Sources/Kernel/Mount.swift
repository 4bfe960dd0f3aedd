import Synchronization

/// A file as the mount table knows it: who serves it, and which one it is. Not by name, so that renaming sheds nothing.
public struct MountKey: Hashable, Sendable {
    public let instance: UInt32
    public let path: UInt64

    @inline(__always)
    public func hash(into hasher: inout Hasher) { hasher.combine(path ^ (UInt64(instance) << 40)) }
}

/// How a mount is ordered and what it allows. The corresponding Plan 9 call is `bind(2)`.
public struct MountFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let replace: MountFlags = []
    public static let before = MountFlags(rawValue: 1)
    public static let after = MountFlags(rawValue: 2)
    /// New files of the union may be made here.
    public static let create = MountFlags(rawValue: 4)
    public static let cache = MountFlags(rawValue: 16)

    /// As `bind` takes them: ``, `-b`, `-a`, with `c` for create.
    public var letters: String {
        let letters = (contains(.before) ? "b" : contains(.after) ? "a" : "") + (contains(.create) ? "c" : "")
        return letters.isEmpty ? "" : "-" + letters
    }
}

/// One server in a name space: its root, what the mask leaves of its rights, and how it came there. Immutable.
public final class MountEntry: Sendable {
    /// Never used again.
    public let id: UInt64
    /// Which call made it: the members of a union that were bound at once share it, and a narrowed entry keeps it.
    public let call: UInt64
    /// What is found here; nil for the mount point itself as member of a union.
    public let root: Chan?
    /// Rights of whatever is found through this entry.
    public let mask: Mask
    public let flags: MountFlags
    /// The one that this is a narrower form of.
    private let wider: MountEntry?
    /// What was asked for, for `ns`: source, mount point, attach specifier, and mask where one was given.
    public let source: String
    public let target: String
    public let spec: String
    public let given: Mask?
    /// Flags that say how a server is talked to.
    public let words: [String]
    public let kind: Kind

    /// How an entry came: by `bind`, by `mount`, as the mount point's own place in a union, or as a seal.
    public enum Kind: Sendable { case bind, mount, own, seal }

    var isSeal: Bool { kind == .seal }

    private static let next = Atomic<UInt64>(1)

    static func newNumber() -> UInt64 { next.wrappingAdd(1, ordering: .relaxed).oldValue }

    init(
        root: Chan?, mask: Mask, flags: MountFlags, source: String, target: String, spec: String = "",
        given: Mask? = nil, kind: Kind = .bind, call: UInt64? = nil, words: [String] = [], wider: MountEntry? = nil
    ) {
        id = Self.newNumber()
        self.call = call ?? id
        self.root = root
        self.mask = mask
        self.flags = flags
        self.source = source
        self.target = target
        self.spec = spec
        self.given = given
        self.words = words
        self.kind = kind
        self.wider = wider
    }

    /// As it was before any mask was laid on the name space: the same for all that are forms of it.
    var first: MountEntry { wider ?? self }

    /// The same entry with fewer rights, as a new one.
    func narrowed(to mask: Mask, given: Mask? = nil) -> MountEntry {
        MountEntry(
            root: root, mask: self.mask.intersection(mask), flags: flags, source: source, target: target, spec: spec,
            given: given.map { $0.intersection(self.given ?? .all) } ?? self.given, kind: kind,
            call: call, words: words, wider: first)
    }
}

/// What is mounted on one file. Immutable: a change makes a new one.
///
/// Without members the file itself is seen, through the seal where there is one. A seal is the mask that
/// `bind -p` laid on the mount point itself; it cannot be taken off.
public final class Mhead: Sendable {
    public let members: [MountEntry]
    public let seal: MountEntry?
    /// Where the first member was found last: most walks cross there again, by the same way.
    private let lastPlace = Lock<PathNode?>(nil)

    init(members: [MountEntry], seal: MountEntry?) {
        self.members = members
        self.seal = seal
    }

    /// The place of `entry`'s root, mounted on `covered`.
    func place(of entry: MountEntry, on covered: Chan) -> PathNode? {
        guard let node = covered.node else { return nil }
        guard entry === members.first else { return node.mounted(entry, on: covered) }
        if let known = lastPlace.withLock({ $0 }), let there = known.covered, there.node === node,
            there.mask == covered.mask
        {
            return known
        }
        let place = node.mounted(entry, on: covered)
        // What was kept is dropped after the lock.
        let before = lastPlace.withLock { last -> PathNode? in
            defer { last = place }
            return last
        }
        return withExtendedLifetime(before) { place }
    }

    /// Whether it remembers a place that was come to through one of `entries`.
    func stands(below entries: [MountEntry]) -> Bool {
        guard let place = lastPlace.withLock({ $0 }), let way = place.up?.entries else { return false }
        return way.contains { entry in entries.contains { $0 === entry } }
    }

    /// Rights that the seal leaves of the mount point itself.
    var sealMask: Mask { seal?.mask ?? .all }
}

/// A name space's mounts. A value: forking a name space copies a reference.
public struct MountTable: Sendable {
    private(set) var heads: [MountKey: Mhead] = [:]
    /// How many keys stand in each instance, so that a walk in one that has none need not look.
    private var instances: [UInt32: Int] = [:]

    subscript(key: MountKey) -> Mhead? {
        @inline(__always) get { heads[key] }
        set {
            let before = heads.updateValueOrRemove(newValue, key)
            if (before == nil) != (newValue == nil) {
                let n = (instances[key.instance] ?? 0) + (newValue == nil ? -1 : 1)
                instances[key.instance] = n == 0 ? nil : n
            }
        }
    }

    /// `gone` are off: what is mounted inside them is there for who comes back, and forgets its place, which would keep
    /// them alive. The heads that remembered are given, to be dropped without a lock.
    mutating func forget(_ gone: [MountEntry]) -> [Mhead] {
        guard gone.contains(where: { $0.root.map { hasKeys(in: $0.instance) } ?? false }) else { return [] }
        let inside = heads.filter { $0.value.stands(below: gone) }
        for (key, head) in inside { heads[key] = Mhead(members: head.members, seal: head.seal) }
        return Array(inside.values)
    }

    func hasKeys(in instance: UInt32) -> Bool { instances[instance] != nil }

    /// All entries, seals too, in the order they were made.
    public var entries: [MountEntry] {
        heads.values.flatMap { $0.members.filter { $0.kind != .own } + ($0.seal.map { [$0] } ?? []) }
            .sorted { ($0.call, $0.id) < ($1.call, $1.id) }
    }

    /// The commands that make this table again, in the order of the calls, one for each.
    public var script: [String] {
        var lines: [(call: UInt64, text: String)] = []
        for head in heads.values {
            // Where the mount point itself is no member, the oldest was bound, or now stands, in its place.
            var replaces = !head.members.contains { $0.kind == .own }
            var last: UInt64 = 0
            for entry in head.members.sorted(by: { $0.call < $1.call }) where entry.kind != .own && entry.call != last {
                let flags = replaces ? entry.flags.subtracting([.before, .after]) : entry.flags
                lines.append((entry.call, entry.command(flags)))
                replaces = false
                last = entry.call
            }
            if let seal = head.seal { lines.append((seal.call, seal.command)) }
        }
        return lines.sorted { $0.call < $1.call }.map(\.text)
    }
}

extension Dictionary {
    fileprivate mutating func updateValueOrRemove(_ value: Value?, _ key: Key) -> Value? {
        if let value { return updateValue(value, forKey: key) }
        return removeValue(forKey: key)
    }
}

/// Where a walk has to stop and let the kernel look: files of one instance that something is mounted on.
public struct MountFilter: Sendable {
    let table: MountTable
    let instance: UInt32
    /// Nothing is mounted in this instance: a device may walk as far as it can.
    public let isEmpty: Bool
    /// What is to be done with the last of the names.
    public let purpose: WalkPurpose

    public var isForStat: Bool { if case .stat = purpose { true } else { false } }

    /// Stops nowhere: for a walk outside every name space.
    public static func none(for purpose: WalkPurpose = .walk) -> MountFilter { MountFilter(MountTable(), 0, purpose) }

    init(_ table: MountTable, _ instance: UInt32, _ purpose: WalkPurpose = .walk) {
        self.table = table
        self.instance = instance
        self.purpose = purpose
        isEmpty = !table.hasKeys(in: instance)
    }

    @inline(__always)
    public func contains(_ qid: Qid) -> Bool {
        !isEmpty && table[MountKey(instance: instance, path: qid.path)] != nil
    }
}

/// A name space: the mount table that processes share until one forks it. The corresponding Plan 9 type is Pgrp.
public final class Pgrp: Sendable {
    struct State {
        var table = MountTable()
        /// `#` names are refused: NODEVS was asked for, or a mask was laid.
        var noDevices = false
        /// How many masks were laid.
        var masks: UInt64 = 0
    }

    let state: Lock<State>
    let hangups = Hangups()
    var maskCount: UInt64 { state.withLock { $0.masks } }
    /// Number shown by /prog/N/nsgrp.
    public let id: UInt64
    private static let next = Atomic<UInt64>(1)

    init(_ state: State = State()) {
        self.state = Lock(state)
        id = Self.next.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// A snapshot: walks read it without a lock.
    @inline(__always)
    public var table: MountTable { state.withLock { $0.table } }

    public var noDevices: Bool { state.withLock { $0.noDevices } }

    /// A copy that changes apart from this one.
    func fork() -> Pgrp { Pgrp(state.withLock { $0 }) }

    /// An empty name space. Seals go along: they are what the process may not shed.
    func fresh() -> Pgrp {
        var state = state.withLock { $0 }
        var kept = MountTable()
        for (key, head) in state.table.heads where head.seal != nil {
            kept[key] = Mhead(members: [], seal: head.seal)
        }
        state.table = kept
        return Pgrp(state)
    }
}
