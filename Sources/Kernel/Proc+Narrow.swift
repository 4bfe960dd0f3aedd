/// Taking rights away below a path, by whatever name and mount the files there are found: what `sandbox` does.
extension Proc {
    /// A path, and the rights that are left of what is found there and below.
    public struct Narrowing: Sendable {
        public let path: String
        public let mask: Mask

        public init(_ path: String, _ mask: Mask) {
            self.path = path
            self.mask = mask
        }
    }

    /// What one narrowing is about.
    private struct Place {
        let path: String
        let mask: Mask
        /// The file itself, below what is mounted there.
        let bare: Chan
        /// What is seen there, and the files that stand for it: its own, and those of a union's members.
        let seen: Chan
        var keys: [MountKey] { [bare.key, seen.key] + (seen.union?.head.members.compactMap { $0.root?.key } ?? []) }
    }

    /// A seal that is to be laid.
    private struct Seal {
        let key: MountKey
        let path: String
        let mask: Mask
    }

    /// Lays a mask on each path, on every mount below it, and on every mount elsewhere whose files are below it. A path that
    /// is named wins over those above it, in whatever order they come. Each becomes a seal of this name space: for good.
    ///
    /// Throws, with nothing changed, where a path does not lead anywhere or does not have the rights that it is to keep.
    public func narrow(_ rules: [Narrowing]) throws(SysError) {
        try enter()
        let space = nameSpace
        var places: [Place] = []
        for rule in rules {
            let (bare, _) = try find(rule.path, .mountPoint)
            let (seen, _) = try find(rule.path)
            guard seen.mask.isSuperset(of: rule.mask) else {
                throw SysError("cannot widen \(seen.mask) to \(rule.mask): permission denied", subject: rule.path)
            }
            // One that is named twice is left what both leave.
            let before = places.firstIndex { $0.bare.key == bare.key }
            let mask = before.map { places.remove(at: $0).mask }?.intersection(rule.mask) ?? rule.mask
            places.append(Place(path: bare.path, mask: mask, bare: bare, seen: seen))
        }
        let seals = places.map { Seal(key: $0.bare.key, path: $0.path, mask: $0.mask) } + others(space.table, places)
        for place in places { hold(place, places, space) }
        // The deepest first: a path that has lost x leads nowhere, and the script that `ns` prints walks these too.
        for seal in seals.sorted(by: { $0.path.utf8.count > $1.path.utf8.count }) where seal.mask != .all {
            space.seal(seal.key, seal.mask, seal.path)
        }
        space.state.withLock { $0.noDevices = true }
        narrowDirectories(of: space)
    }

    /// A place below another is mounted on itself, so that it does not lose what the path to it loses.
    private func hold(_ place: Place, _ places: [Place], _ space: Pgrp) {
        let isBelow = places.contains { $0.path != place.path && Self.isBelow(place.path, $0.path) }
        guard isBelow, space.table[place.bare.key]?.members.isEmpty ?? true else { return }
        let root = place.seen.clone()
        root.union = nil
        root.node = nil
        let entry = MountEntry(
            root: root, mask: place.seen.mask, flags: .replace, source: place.path, target: place.path)
        _ = space.add([entry], place.bare.key, .replace, place.path)
    }

    /// The mount points that are not named themselves, and what the rules leave of them.
    private func others(_ table: MountTable, _ places: [Place]) -> [Seal] {
        let caller = caller
        let named = Set(places.map(\.bare.key))
        return table.heads.compactMap { key, head -> Seal? in
            guard !named.contains(key), let target = head.members.first?.target else { return nil }
            var mask = Mask.all
            let above = places.filter { Self.isBelow(target, $0.path) }
            if let nearest = above.max(by: { $0.path.utf8.count < $1.path.utf8.count }) { mask = nearest.mask }
            for member in head.members {
                guard let root = member.root, let place = Self.place(of: root, places, caller) else { continue }
                mask.formIntersection(place.mask)
            }
            return Seal(key: key, path: target, mask: mask)
        }
    }

    /// Directories between a file and its tree's root, at most.
    private static let depthLimit = 4096

    /// The place in whose tree the file stands, the nearest above it.
    private static func place(of root: Chan, _ places: [Place], _ caller: Caller) -> Place? {
        var here = root
        for _ in 0..<depthLimit {
            if let place = places.first(where: { $0.keys.contains(here.key) }) { return place }
            // What has no parent any more was removed: nobody finds it by a path.
            guard let above = try? here.dev.parent(here, caller), above.key != here.key else { return nil }
            here = above
        }
        return nil
    }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        // Names are bytes: a mark at the beginning of one does not join the slash.
        path.utf8.elementsEqual(directory.utf8)
            || path.utf8.starts(with: directory == "/" ? "/".utf8 : (directory + "/").utf8)
    }
}
