/// What a name is resolved for.
enum Intent {
    /// The file itself, mounts crossed: stat, open, chdir, the source of a bind.
    case access
    /// The same, but a symbolic link is itself: lstat, readlink.
    case noFollow
    /// The file that is mounted on, not what is mounted: remove, rename.
    case bare
    /// The same, but at the end of a symbolic link: the target of bind and unmount.
    case mountPoint
}

/// Resolves names in one name space. Made for one call: it has a snapshot of the mounts and follows at most 40 links.
///
/// The position is always a *bare* Chan (what is mounted on it is not yet seen) or a crossed one (`cross`). `..` goes
/// back along the path nodes: at a mount's root to the parent of the mount point, as a person expects.
/// The corresponding Plan 9 function is `namec`.
struct Namec {
    let table: MountTable
    let noDevices: Bool
    let root: Chan
    let system: System
    let caller: Caller
    /// Whether a `#` at the front of a name begins a device's; else it is a character like others.
    var knowsDevices = true
    private var links = 0
    /// Rights left by the paths of the symbolic links that were followed, link's and target's masks both count; a server's
    /// own mask at the start.
    var limit = Mask.all
    /// What the walk is for, and what the last step did of that.
    var purpose: WalkPurpose
    private var last: Walked?
    /// `.try` throws `.wouldBlock` before a device is asked that may wait.
    var how = How.wait

    /// Bytes of a name. Devices have limits of their own; a host's 255 bytes that are no UTF-8 take four each.
    static let nameLimit = 1020
    static let pathLimit = 64 * 1024

    init(
        table: MountTable, noDevices: Bool, root: Chan, system: System, caller: Caller, for purpose: WalkPurpose = .walk
    ) {
        self.table = table
        self.noDevices = noDevices
        self.root = root
        self.system = system
        self.caller = caller
        self.purpose = purpose
    }

    /// The file `path` names, starting at `dot`. Errors carry the path up to the failing name.
    mutating func resolve(_ path: String, from dot: Chan, _ intent: Intent) throws(SysError) -> Chan {
        let here: Chan
        let names: [String]
        do throws(SysError) { (here, names) = try start(path, dot) } catch { throw error.about(path) }
        guard Self.namesDirectory(path) else { return try walk(from: here, names[...], intent, path) }
        let found = try walk(from: here, names[...], intent == .noFollow ? .access : intent, path)
        guard found.isDirectory else { throw SysError(.notDir, subject: path) }
        return found
    }

    /// A name that ends in `/` or `/.` is a directory's.
    static func namesDirectory(_ path: String) -> Bool {
        let bytes = path.utf8
        guard let last = bytes.last else { return false }
        let slash = UInt8(ascii: "/")
        return last == slash || last == UInt8(ascii: ".") && bytes.dropLast().last == slash
    }

    /// What the walk has told of `c`, the file it found, if it did.
    func stat(of c: Chan) -> Dir? { last?.chan === c ? last?.stat : nil }

    /// Whether the walk has opened `c`, the file it found.
    func hasOpened(_ c: Chan) -> Bool { last?.chan === c && c.mode != nil }

    /// The directory in which `path`'s last name is, crossed, and that name. For create, link and rename.
    mutating func resolveParent(_ path: String, from dot: Chan) throws(SysError) -> (Chan, String) {
        let here: Chan
        let names: [String]
        do throws(SysError) { (here, names) = try start(path, dot) } catch { throw error.about(path) }
        guard let last = names.last, last != ".." else { throw SysError(.exist, subject: path) }
        let directory = try walk(from: here, names.dropLast(), .access, path, unwalked: 1)
        guard directory.isDirectory else { throw SysError(.notDir, subject: directory.path) }
        return (directory, last)
    }

    /// The file that `path` names, or where it can be made: the directory, crossed, and the name there. A symbolic link as
    /// last name is followed where `follow` says so, also to where nothing is yet.
    mutating func resolveNew(
        _ path: String, from dot: Chan, follow: Bool
    ) throws(SysError) -> (found: Chan?, directory: Chan, name: String) {
        var (here, names) = try start(path, dot)
        while true {
            guard let last = names.last, last != ".." else { throw SysError(.isDir, subject: path) }
            let directory = try walk(from: here, names.dropLast(), .access, path, unwalked: 1)
            guard directory.isDirectory else { throw SysError(.notDir, subject: directory.path) }
            let found: Chan
            do throws(SysError) { found = try walk(from: directory, [last], .noFollow, path) } catch {
                guard error.code == .nonexist else { throw error }
                return (nil, directory, last)
            }
            guard follow, found.qid.isSymlink else { return (found, directory, last) }
            (here, names) = try self.follow(found)
        }
    }

    // MARK: steps

    /// Where the walk begins, and the names that it takes.
    private func start(_ path: String, _ dot: Chan) throws(SysError) -> (Chan, [String]) {
        guard let first = path.utf8.first else { throw .syntax }
        guard path.utf8.count <= Self.pathLimit else { throw .nameTooLong }
        if first == UInt8(ascii: "/") { return (root, try Self.split(path)) }
        guard first == UInt8(ascii: "#"), knowsDevices else { return (dot, try Self.split(path)) }
        // The letter may be `/` itself.
        let end = path.utf8.dropFirst(2).firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        let here = try attach(String(path[..<end]))
        return (here, try Self.split(String(path[end...])))
    }

    /// Names of a path; empty ones and `.` fall away.
    static func split(_ path: String) throws(SysError) -> [String] {
        let bytes = path.utf8.span
        var names: [String] = []
        names.reserveCapacity(8)
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "/") {
                guard bytes[end] != 0 else { throw .badChar }
                end += 1
            }
            let length = end - start
            guard length <= nameLimit else { throw .nameTooLong }
            if length > 1 || length == 1 && bytes[start] != UInt8(ascii: ".") {
                // What stands between slashes of a text is text.
                guard let name = try? UTF8Span(validating: bytes.extracting(start..<end)) else { throw .badChar }
                names.append(String(copying: name))
            }
            start = end + 1
        }
        return names
    }

    /// Throws where a file cannot be called so.
    static func check(newName name: String) throws(SysError) {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.utf8.contains(0x2f)
        else { throw .badChar }
        guard name.utf8.count <= nameLimit else { throw .nameTooLong }
    }

    /// `#c` or `#cspec`: the root of a device's tree.
    private func attach(_ name: String) throws(SysError) -> Chan {
        guard !noDevices else { throw .noAttach }
        guard let letter = name.dropFirst().first, let dev = system.device(letter) else { throw .badDevice }
        let c = try dev.attach(String(name.dropFirst(2)), caller)
        c.node = PathNode.device(name)
        return c
    }

    /// `path` has `unwalked` names behind those in `names`; it is for errors alone.
    mutating func walk(
        from start: Chan, _ names: ArraySlice<String>, _ intent: Intent, _ path: String, unwalked: Int = 0
    ) throws(SysError) -> Chan {
        // A mount's root that we start from is left and entered again: who stands there sees what is mounted there now,
        // with the rights that it has now, or what was below. (In Plan 9 he stays in what was mounted.)
        var here = bare(start)
        var todo = names
        // How many of these a symbolic link gave, and how many of the path stand behind the one that is tried.
        var linked = 0
        var behind = 0
        // How many come before the next `..`: a device may walk them at once.
        var plain = 0
        do throws(SysError) {
            while let name = todo.first {
                behind = todo.count - max(linked, 1)
                if name == ".." {
                    // Each way up may cost as much as the tree is deep.
                    try Thread.running?.proc.enter()
                    guard here.isDirectory else { throw .notDir }
                    here = try parent(here)
                    todo = todo.dropFirst()
                    linked = max(0, linked - 1)
                    continue
                }
                if plain == 0 { plain = todo.prefix { $0 != ".." }.count }
                let (next, count) = try step(cross(here), todo.prefix(plain), isLast: plain == todo.count)
                todo = todo.dropFirst(count)
                plain -= count
                linked = max(0, linked - count)
                if next.qid.isSymlink, !todo.isEmpty || intent == .access || intent == .mountPoint {
                    behind = todo.count - linked
                    let (target, rest) = try follow(next)
                    here = target
                    todo = (rest + todo)[...]
                    linked += rest.count
                    plain = 0
                } else {
                    here = next
                }
            }
        } catch {
            throw error.with(subject: Self.head(of: path, without: behind + unwalked))
        }
        let found = intent == .bare || intent == .mountPoint ? here : cross(here)
        guard limit != .all else { return found }
        let limited = found.clone()
        limited.mask.formIntersection(limit)
        return limited
    }

    /// What is seen where `c` is: `c` itself, or the root of what is mounted on it.
    func cross(_ c: Chan) -> Chan {
        guard let head = table[c.key] else { return c }
        let union = Union(head: head, bare: c)
        guard let first = head.members.first else {
            let sealed = c.clone()
            sealed.mask = c.mask.intersection(head.sealMask)
            if let seal = head.seal { sealed.node = c.node?.mounted(seal, on: c) }
            return sealed
        }
        let crossed = union.member(first)
        if head.members.count > 1 { crossed.union = union }
        return crossed
    }

    /// The Chan that was mounted on, where `c` is a mount's root; else `c`.
    func bare(_ c: Chan) -> Chan {
        var c = c
        while let covered = c.node?.covered { c = covered }
        return c
    }

    /// Walks as many of `names` from the crossed directory `c` as one device does. The result is bare. `isLast` says that
    /// no others follow them.
    private mutating func step(
        _ c: Chan, _ names: ArraySlice<String>, isLast: Bool
    ) throws(SysError) -> (Chan, Int) {
        guard let union = c.union else { return try step(in: c, names, isLast) }
        var failure = SysError.nonexist
        // What was crossed to is the first member itself.
        for (n, entry) in union.head.members.enumerated() {
            do throws(SysError) { return try step(in: n == 0 ? c : union.member(entry), names, isLast) } catch {
                // A member that may not be searched hides nothing of the others, and is not the reason given.
                if error.code == .wouldBlock { throw error }
                if error.code != .nonexist { failure = error }
            }
        }
        throw failure
    }

    private mutating func step(
        in c: Chan, _ names: ArraySlice<String>, _ isLast: Bool
    ) throws(SysError) -> (Chan, Int) {
        guard c.qid.isDirectory else { throw .notDir }
        guard c.mask.intersection(limit).contains(.execute) else { throw .perm }
        try c.checkQuick(how)
        let purpose = isLast ? allowed(in: c) : .walk
        let walked = try c.dev.walk(c, names, MountFilter(table, c.instance, purpose), caller)
        guard (1...names.count).contains(walked.count) else { throw .io }
        walked.chan.mask = c.mask
        last = walked
        // A plain file that is found for a stat is let go of at once: nobody asks for its place.
        if case .stat = purpose, walked.count == names.count,
            walked.chan.qid.type.isDisjoint(with: [.symlink, .directory])
        {
            return (walked.chan, walked.count)
        }
        walked.chan.node = c.node?.descendant(names.prefix(walked.count))
        return (walked.chan, walked.count)
    }

    /// What the walk is for, where the last file is found in `c`: an open only where all rights that it needs are there.
    private func allowed(in c: Chan) -> WalkPurpose {
        guard case .open(let mode) = purpose else { return purpose }
        return limit == .all && c.mask.isSuperset(of: mode.needs) ? purpose : .walk
    }

    /// The bare directory above; the root's is itself.
    func parent(_ c: Chan) throws(SysError) -> Chan {
        let c = bare(c)
        guard let node = c.node, node !== root.node, let up = node.up else { return c }
        if let covered = up.covered { return try crossable(c, below: up, covered) }
        if up === root.node { return root }
        return try above(c, up)
    }

    /// The directory above in the tree that serves `c`. Throws `.nonexist` where somebody has moved `c` out of what is
    /// mounted here: the way up would lead to what this name space does not have.
    private func above(_ c: Chan, _ up: PathNode) throws(SysError) -> Chan {
        try c.checkQuick(how)
        let above = try c.dev.parent(c, caller)
        above.mask = c.mask
        above.node = up
        let top = up.mountRoot ?? root
        guard top.instance == c.instance, try top.dev.parent(top, caller).key != top.key else { return above }
        var here = above
        while here.key != top.key {
            try Thread.running?.proc.enter()
            let next = try here.dev.parent(here, caller)
            guard next.key != here.key else { throw .nonexist }
            here = next
        }
        return above
    }

    /// `c` is a child of a mount's root: the directory above is the mount point, whatever is mounted on it now.
    private func crossable(_ c: Chan, below up: PathNode, _ covered: Chan) throws(SysError) -> Chan {
        isMounted(up.entry, on: covered) ? covered : try above(c, up)
    }

    /// False where the entry is gone from the table: whoever came in by it stays in what was mounted.
    private func isMounted(_ entry: MountEntry?, on covered: Chan) -> Bool {
        guard let entry, let head = table[covered.key] else { return false }
        return head.members.contains { $0 === entry } || head.seal === entry
    }

    /// Where a symbolic link leads: a bare Chan to go on from, and the names to walk.
    private mutating func follow(_ link: Chan) throws(SysError) -> (Chan, [String]) {
        links += 1
        guard links <= 40 else { throw .tooManyLinks }
        let seen = cross(link)
        limit.formIntersection(seen.mask)
        try seen.checkQuick(how)
        let target = try seen.dev.readlink(seen, caller)
        guard let first = target.utf8.first else { throw .nonexist }
        let names = try Self.split(target)
        return (first == UInt8(ascii: "/") ? root : try parent(link), names)
    }

    /// `path` without its last `count` names.
    private static func head(of path: String, without count: Int) -> String {
        let slash = UInt8(ascii: "/")
        let bytes = path.utf8
        var end = bytes.endIndex
        var left = count
        while true {
            while end > bytes.startIndex, bytes[bytes.index(before: end)] == slash { end = bytes.index(before: end) }
            guard end > bytes.startIndex else { return path }
            let start = bytes[..<end].lastIndex(of: slash).map { bytes.index(after: $0) } ?? bytes.startIndex
            if !bytes[start..<end].elementsEqual(".".utf8) {
                if left == 0 { return String(path[..<end]) }
                left -= 1
            }
            end = start
        }
    }
}
