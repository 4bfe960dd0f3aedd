import Kernel

/// What a sequence of calls may leave reachable, worked out without the kernel's code: an upper bound.
///
/// The files are a graph of directories. A process starts from roots, each with rights, and goes down: a file that
/// carries a seal takes rights away from all that is reached through it, and nothing is reached through a directory
/// without x. What hides what, order and unions are left out on purpose: a process could always undo them.
/// So a bind adds nothing here; a seal, a removal and a handed Chan are all that changes the bound.
struct Model {
    typealias File = UInt64

    /// A file and the rights it is held with.
    struct Root: Hashable {
        var file: File
        var mask: Mask
    }

    /// One mount: where, what, and with which rights it was found when it was bound.
    struct Mount {
        var on: File
        var what: File
        var masks: Set<Mask>
    }

    /// A name space, shared by the processes that did not fork it.
    final class Space {
        var mounts: [Mount] = []
        var seals: [File: Mask] = [:]
        var noDevices = false

        func copy(keepingMounts: Bool = true) -> Space {
            let s = Space()
            s.mounts = keepingMounts ? mounts : []
            s.seals = seals
            s.noDevices = noDevices
            return s
        }
    }

    /// What processes that share descriptors have open, or may be handed: no seal takes it back, and nobody walks on
    /// from it.
    final class Files {
        var held: Set<Root> = []
    }

    struct Process {
        var space: Space
        var root: Root
        var files = Files()
        /// Where it stands since that was unmounted: it goes on from there until it moves or a mask is laid.
        var stranded: Set<Root> = []
    }

    /// The whole file tree, reachable by `#` name while the name space has them.
    let top: File
    var children: [File: [String: File]] = [:]

    init(top: File) {
        self.top = top
        children[top] = [:]
    }

    /// Everything that `p` may reach: files, each with the sets of rights that some way there leaves.
    func reachable(_ p: Process) -> [File: Set<Mask>] {
        var found: [File: Set<Mask>] = [:]
        var todo: [(File, Mask)] = []
        func arrive(_ file: File, _ mask: Mask) {
            let left = mask.intersection(p.space.seals[file] ?? .all)
            if found[file, default: []].insert(left).inserted { todo.append((file, left)) }
        }
        arrive(p.root.file, p.root.mask)
        if !p.space.noDevices { arrive(top, .all) }
        for mount in p.space.mounts {
            for mask in mount.masks {
                // What a mount gives was narrowed when it was bound; a later seal of the file itself is by another name.
                if found[mount.what, default: []].insert(mask).inserted { todo.append((mount.what, mask)) }
            }
        }
        for root in p.stranded { arrive(root.file, root.mask) }
        while let (file, mask) = todo.popLast() {
            guard mask.contains(.execute) else { continue }
            for child in (children[file] ?? [:]).values { arrive(child, mask) }
        }
        for root in p.files.held { found[root.file, default: []].insert(root.mask) }
        return found
    }

    /// Files that still have a name. What has none is only held by those who stood in it or have it open.
    func named() -> Set<File> {
        var found: Set = [top]
        var todo = [top]
        while let file = todo.popLast() {
            for child in (children[file] ?? [:]).values where found.insert(child).inserted { todo.append(child) }
        }
        return found
    }

    /// The union of rights for each file.
    func rights(_ p: Process) -> [File: Mask] {
        reachable(p).mapValues { $0.reduce(into: Mask()) { $0.formUnion($1) } }
    }

    /// `bind -p mask X X`.
    func seal(_ space: Space, _ file: File, _ mask: Mask) {
        space.seals[file] = (space.seals[file] ?? .all).intersection(mask)
        for i in space.mounts.indices where space.mounts[i].on == file {
            space.mounts[i].masks = Set(space.mounts[i].masks.map { $0.intersection(mask) })
        }
        if mask != .all { space.noDevices = true }
    }
}
