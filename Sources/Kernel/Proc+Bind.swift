/// System calls that rearrange the name space.
extension Proc {
    /// Makes `source` seen at `target`: instead of what is there, or before or after it in a union.
    ///
    /// `mask` narrows what is found through it. With the same file as source and target it lays a seal: that file's
    /// rights in this name space, for good. With `other` that process's name space is changed; both names are still this
    /// one's; who calls has seen to it that it may. The corresponding Plan 9 call is `bind(2)`.
    public func bind(
        _ source: String, _ target: String, _ flags: MountFlags = .replace, mask: Mask? = nil, in other: Proc? = nil
    ) throws(SysError) {
        try enter()
        let (from, _) = try find(source)
        let (on, _) = try find(target, .mountPoint)
        let space = (other ?? self).nameSpace
        try mount(from, on, flags, mask, source: source, target: target, kind: .bind, into: space)
    }

    /// The same for files that were found in this process's name space: `on` as a mount point.
    public func bind(_ source: Chan, on: Chan, mask: Mask? = nil) throws(SysError) {
        try mount(source, on, .replace, mask, source: source.path, target: on.path, kind: .bind, into: nameSpace)
    }

    /// Whether this process was made by `ancestor`, or by one that was, and all between are alive.
    public func descends(from ancestor: Proc) -> Bool {
        var parent = state.withLock { $0.parent }
        while parent != 0, parent != ancestor.pid {
            parent = system.proc(parent)?.state.withLock { $0.parent } ?? 0
        }
        return parent != 0
    }

    /// Makes the tree that `#name` attaches seen at the mount point `on`. Throws `.noAttach` where such names are refused.
    public func mountDevice(_ name: String, on: Chan, mask: Mask? = nil) throws(SysError) {
        guard !nameSpace.noDevices else { throw .noAttach }
        let (root, _) = try find(name)
        try mount(root, on, .create, mask, source: name, target: on.path, kind: .bind, into: nameSpace)
    }

    /// Makes the tree whose root is `root`, attached by a device, seen at `target`.
    public func mount(
        _ root: Chan, _ target: String, _ flags: MountFlags = .replace, mask: Mask? = nil, source: String,
        spec: String = "", words: [String] = []
    ) throws(SysError) {
        try enter()
        guard !nameSpace.noDevices else { throw SysError(.noAttach, subject: source) }
        let (on, _) = try find(target, .mountPoint)
        try mount(
            root, on, flags, mask, source: source, target: target, kind: .mount, into: nameSpace, spec: spec,
            words: words)
    }

    /// Puts `from` on `on` in `space`. The target's name is kept as an absolute path, for `ns`.
    func mount(
        _ from: Chan, _ on: Chan, _ flags: MountFlags, _ mask: Mask?, source: String, target: String,
        kind: MountEntry.Kind, into space: Pgrp, spec: String = "", words: [String] = []
    ) throws(SysError) {
        guard !flags.isSuperset(of: [.before, .after]) else { throw SysError(.badArg, subject: target) }
        guard from.isDirectory == on.isDirectory else { throw SysError(.inconsistentMount, subject: target) }
        let union = flags.contains(.before) || flags.contains(.after)
        guard !union || on.isDirectory else { throw SysError(.inconsistentMount, subject: target) }
        let path = on.path
        if let mask, !union, Self.isSameFile(from, on) {
            space.seal(on.key, mask, path)
            narrowDirectories(of: space)
            return
        }
        let name = source.first == "#" || kind == .mount ? source : from.path
        let given = mask ?? .all
        let call = MountEntry.newNumber()
        let entries = (from.union?.members ?? [from]).map { member -> MountEntry in
            let root = member.clone()
            root.union = nil
            root.node = nil
            return MountEntry(
                root: root, mask: member.mask.intersection(given), flags: flags, source: name, target: path, spec: spec,
                given: mask, kind: kind, call: call, words: words)
        }
        let head = space.add(entries, on.key, flags, path)
        // Known from now on, so that a walk leaves no more alive than there was.
        if let first = head.members.first { _ = head.place(of: first, on: on) }
        if given != .all { space.state.withLock { $0.noDevices = true } }
    }

    /// A mask was laid on a name space: the current directories of all who share it get the rights that their paths have now.
    func narrowDirectories(of space: Pgrp) {
        for p in system.processes where p.nameSpace === space { p.narrowDirectory() }
    }

    /// A mask was laid on this process's name space: its current directory is found anew, since what was mounted on the
    /// way there, and the way up, had the rights of before. Where its path leads elsewhere or nowhere it keeps no rights,
    /// and there is no way up. Open descriptors keep theirs.
    func narrowDirectory() {
        var (namec, seen) = namecAsIs()
        let dot = state.withLock { $0.lostDot } ?? seen
        var found: Chan?
        var isLost = false
        do throws(SysError) { found = try namec.resolve(dot.path, from: dot, .access) } catch {
            // A note to the caller, or its end, tells nothing of the path: the process tries again when it uses a name.
            isLost = error.code == .interrupted || error.code == .killed
        }
        let narrowed: Chan
        if let found, found.key == dot.key {
            narrowed = found.clone()
            narrowed.mask.formIntersection(dot.mask)
        } else {
            narrowed = dot.clone()
            narrowed.union = nil
            narrowed.mask = []
            narrowed.node = PathNode.device(String(dot.path.drop { $0 == "/" }))
        }
        let before = state.withLock { s -> [Chan?] in
            guard s.dot === seen else { return [] }
            defer { (s.dot, s.lostDot) = (narrowed, isLost ? dot : nil) }
            return [s.dot, s.lostDot]
        }
        withExtendedLifetime(before) {}
    }

    private static func isSameFile(_ from: Chan, _ on: Chan) -> Bool {
        if let covered = from.node?.covered { return covered.key == on.key }
        return from.key == on.key
    }

    /// Takes off `source` where it is first found on `target`, or all that is mounted there. What a mask was laid on stays
    /// so. What is open stays open; with `force` it is hung up, and who waits in it gets `.hungup` now.
    /// `other` is as in `bind`. The corresponding Plan 9 call is `unmount(2)`.
    public func unmount(
        _ source: String?, _ target: String, force: Bool = false, in other: Proc? = nil
    ) throws(SysError) {
        try enter()
        let (on, _) = try find(target, .mountPoint)
        var key: MountKey?
        if let source {
            key = try find(source).0.key
        }
        do throws(SysError) { try unmount(on, of: key, force: force, in: (other ?? self).nameSpace) } catch {
            throw error.about(target)
        }
    }

    /// Takes off all that is mounted on the mount point `on`.
    public func unmount(on: Chan, force: Bool = false) throws(SysError) {
        try unmount(on, of: nil, force: force, in: nameSpace)
    }

    private func unmount(_ on: Chan, of source: MountKey?, force: Bool, in space: Pgrp) throws(SysError) {
        let gone = try space.remove(on.key, of: source)
        guard force else { return }
        space.hangups.add(gone)
        // Nobody knows who waits in what: everybody looks.
        for p in system.processes { p.alert() }
    }
}

extension Proc {
    /// The commands that make this process's name space again: see `namespace(6)`. Ends with `cd DIR`.
    public var nameSpaceScript: String {
        let (table, noDevices) = nameSpace.state.withLock { ($0.table, $0.noDevices) }
        var lines = table.script
        // Where a mask was laid, its own line does this.
        if noDevices, !table.entries.contains(where: { ($0.given ?? .all) != .all }) { lines.append("nodev") }
        lines.append("cd \(shellQuoted(directory))")
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Pgrp {
    /// Lays a mask on the mount point itself, and on all that is mounted there.
    func seal(_ key: MountKey, _ mask: Mask, _ path: String) {
        let before = state.withLock { s -> Mhead? in
            let head = s.table[key]
            let seal = MountEntry(
                root: nil, mask: mask.intersection(head?.sealMask ?? .all), flags: .replace, source: path, target: path,
                given: mask.intersection(head?.seal?.given ?? .all), kind: .seal)
            s.table[key] = Mhead(members: (head?.members ?? []).map { $0.narrowed(to: mask) }, seal: seal)
            if mask != .all { s.noDevices = true }
            s.masks += 1
            return head
        }
        withExtendedLifetime(before) {}
    }

    /// Mounts `entries` at `key`; what is mounted there then.
    func add(_ entries: [MountEntry], _ key: MountKey, _ flags: MountFlags, _ path: String) -> Mhead {
        let (before, after) = state.withLock { s -> ([Mhead?], Mhead) in
            let head = s.table[key]
            var members = head?.members ?? []
            var gone: [MountEntry] = []
            if flags.contains(.before) || flags.contains(.after) {
                if members.isEmpty {
                    members = [MountEntry(root: nil, mask: .all, flags: [], source: path, target: path, kind: .own)]
                }
                members = flags.contains(.before) ? entries + members : members + entries
            } else {
                (gone, members) = (members, entries)
            }
            let after = Mhead(members: members, seal: head?.seal)
            s.table[key] = after
            return (s.table.forget(gone) + [head], after)
        }
        return withExtendedLifetime(before) { after }
    }

    /// Takes off the first entry at `key` whose root is `source`, or all; those that were mounts.
    func remove(_ key: MountKey, of source: MountKey?) throws(SysError) -> [MountEntry] {
        let (before, gone) = try state.withLock { (s) throws(SysError) -> ([Mhead], [MountEntry]) in
            guard let head = s.table[key] else { throw .notMounted }
            guard !head.members.isEmpty else { throw .perm }
            var gone = head.members
            var left: [MountEntry] = []
            if let source {
                guard let i = gone.firstIndex(where: { $0.root?.key == source }) else { throw .notInUnion }
                left = gone
                gone = [left.remove(at: i)]
                if left.allSatisfy({ $0.kind == .own }) { left = [] }
            }
            s.table[key] = left.isEmpty && head.seal == nil ? nil : Mhead(members: left, seal: head.seal)
            return (s.table.forget(gone) + [head], gone.filter { $0.kind != .own })
        }
        return withExtendedLifetime(before) { gone }
    }

    /// Lays `mask` on every mount of this name space, as `sandbox` does before it gives single paths back.
    /// Each entry is asked what is left of it.
    public func narrow(_ mask: (MountEntry) -> Mask) {
        let before = state.withLock { s -> MountTable in
            let before = s.table
            for (key, head) in s.table.heads {
                let members = head.members.map { $0.kind == .own ? $0 : $0.narrowed(to: mask($0), given: mask($0)) }
                s.table[key] = Mhead(
                    members: members, seal: head.seal.map { $0.narrowed(to: mask($0), given: mask($0)) })
            }
            s.noDevices = true
            return before
        }
        withExtendedLifetime(before) {}
    }
}
