import Devices
import Host
import KernelTestSupport
import Synchronization

@testable import Kernel

/// One random sequence of calls on a real kernel, with the model beside it.
final class World {
    private struct Actor {
        let proc: Proc
        var model: Model.Process
        var files: [Int32] = []
    }

    private var random: SplitMix
    private let system: System
    private let base: String
    private let instance: UInt32
    private var model: Model
    private var actors: [Actor] = []
    /// What was called, for whoever has to understand a failure.
    private(set) var log: [String] = []
    /// What a call did that it may not.
    private var wrong: String?

    private static let names = ["a", "b", "c", "f", "g", "h", "m", "s"]
    private static let known = ["/a", "/b", "/a/c", "/a/f", "/b/g", "/a/c/h", "/m"]
    private static let next = Atomic<UInt64>(0)

    /// A system whose processes the sequences are, and the process that makes each one's tree.
    static func boot() throws -> (System, Proc) {
        let system = System()
        for make in deviceTable { system.add(make()) }
        let caller = Caller(
            cred: Cred(user: "me", uid: 1000, gid: 1000), clock: system.clock, account: system.account)
        let root = try system.device("/")!.attach("", caller)
        root.node = PathNode()
        let first = try Proc.first(system, caller, root: root, args: ["masks"])
        try first.adopt { () throws(SysError) in try first.bind("#Rmasks", "/tmp", .create) }
        return (system, first)
    }

    /// A tree of its own below /tmp, and a process whose root it is.
    init(_ system: System, _ first: Proc, seed: UInt64) throws {
        self.system = system
        random = SplitMix(seed)
        base = "/tmp/\(Self.next.wrappingAdd(1, ordering: .relaxed).oldValue)"
        let made = try Self.makeTree(first, base)
        instance = made.instance
        model = made.model
        let child = try first.adopt { [base] () throws(SysError) in
            try first.chdir(base)
            let child = try first.makeChild([.newNS, .newFD, .noWait])
            try first.chdir("/")
            return child
        }
        try child.adopt { () throws(SysError) in
            _ = try? child.bind("#d", "/fd")
            try child.bind("#smasks", "/srv", .create)
            _ = try? child.bind("#p", "/prog")
        }
        let space = Model.Space()
        actors = [
            Actor(proc: child, model: .init(space: space, root: .init(file: made.root, mask: .all)))
        ]
    }

    private static func makeTree(
        _ p: Proc, _ base: String
    ) throws -> (instance: UInt32, model: Model, root: Model.File) {
        try p.adopt { () throws(SysError) in
            let top = try p.find("/tmp").0
            var model = Model(top: top.key.path)
            func id(_ path: String) throws(SysError) -> Model.File { try p.find(path, .noFollow).0.key.path }
            func note(_ path: String, in parent: String) throws(SysError) {
                let name = String(path.split(separator: "/").last!)
                let child = try id(path)
                model.children[try id(parent), default: [:]][name] = child
                if try p.stat(path, follow: false).isDirectory { model.children[child] = [:] }
            }
            try p.mkdir(base, 0o777)
            try note(base, in: "/tmp")
            for dir in ["a", "b", "a/c", "m", "fd", "srv", "prog"] {
                try p.mkdir("\(base)/\(dir)", 0o777)
                let parent = dir.contains("/") ? "\(base)/a" : base
                try note("\(base)/\(dir)", in: parent)
            }
            for file in ["a/f", "b/g", "a/c/h"] {
                try p.close(try p.create("\(base)/\(file)", .write, FileMode(rawValue: 0o777)))
                try note(
                    "\(base)/\(file)", in: "\(base)/" + file.split(separator: "/").dropLast().joined(separator: "/"))
            }
            return (top.instance, model, try id(base))
        }
    }

    // MARK: one step

    /// Does `count` random calls, and after each looks whether anybody reaches more than the model allows.
    /// Gives a sentence that says what was wrong, or nil.
    func run(_ count: Int) throws -> String? {
        for _ in 0..<count {
            let i = random.below(actors.count)
            try actors[i].proc.adopt { () throws(SysError) in step(i) }
            if random.below(8) == 0, let wrong = try check(i) { return wrong }
        }
        for i in actors.indices { if let wrong = try check(i) { return wrong } }
        return nil
    }

    func end(_ first: Proc) throws {
        for a in actors { a.proc.exit(.ok) }
        try first.adopt { () throws(SysError) in
            for name in ["x", "y"] { _ = try? first.remove("#smasks/\(name)") }
            for entry in try first.dirread(try first.open("/tmp")) { Self.clear(first, "/tmp/\(entry.name)") }
            for (fd, _) in first.files.all { try first.close(fd) }
        }
    }

    private static func clear(_ p: Proc, _ path: String) {
        if let dir = try? p.stat(path, follow: false), dir.isDirectory, let fd = try? p.open(path) {
            while let entries = try? p.dirread(fd), !entries.isEmpty {
                for e in entries { clear(p, "\(path)/\(e.name)") }
            }
            _ = try? p.close(fd)
        }
        _ = try? p.remove(path)
    }

    /// One that is likely to be there, or any.
    private func path() -> String {
        if random.below(3) == 0 {
            let known = Self.known[random.below(Self.known.count)]
            return random.below(3) == 0 ? "\(known)/\(Self.names[random.below(8)])" : known
        }
        var words = (0..<random.below(4)).map { _ in random.below(6) == 0 ? ".." : Self.names[random.below(8)] }
        if random.below(12) == 0 { words.insert(["fd/0", "fd/1", "srv/x", "srv/y"][random.below(4)], at: 0) }
        return (random.below(4) == 0 ? "" : "/") + (words.isEmpty ? "." : words.joined(separator: "/"))
    }

    private func mask() -> Mask { Mask(rawValue: UInt8(random.below(8))) }

    /// The file that a path names for the calling process, where it is one of the tree's.
    private func file(_ p: Proc, _ path: String, _ intent: Intent) -> Model.File? {
        guard let c = try? p.find(path, intent).0, c.instance == instance else { return nil }
        return c.key.path
    }

    /// What a bind of `path` by process `i` would put somewhere: the file, or all members of the union that it is, each
    /// with the rights that some way to it leaves.
    private func sources(_ i: Int, _ p: Proc, _ path: String) -> [(what: Model.File, masks: Set<Mask>)] {
        guard let c = try? p.find(path).0 else { return [] }
        let reachable = model.reachable(actors[i].model)
        return (c.union?.members ?? [c]).filter { $0.instance == instance }.map {
            ($0.key.path, reachable[$0.key.path] ?? [])
        }
    }

    /// Mounts of `space` go: whoever stands in one stays there.
    private func strand(_ space: Model.Space) {
        for j in actors.indices where actors[j].model.space === space {
            let dot = actors[j].proc.state.withLock { $0.dot }
            guard dot.instance == instance else { continue }
            for mask in model.reachable(actors[j].model)[dot.key.path] ?? [] {
                actors[j].model.stranded.insert(.init(file: dot.key.path, mask: mask))
            }
        }
    }

    private func attempt(_ what: String, _ body: () throws(SysError) -> Void) -> Bool {
        do throws(SysError) {
            try body()
            log.append(what)
            return true
        } catch {
            return false
        }
    }

    private func step(_ i: Int) {
        let p = actors[i].proc
        let one = path()
        let two = path()
        switch random.below(14) {
        case 0, 1: bind(i, p, one, two, nil, i)
        case 2: bind(i, p, one, two, mask(), i)
        case 3: seal(i, p, one, mask())
        case 4: unmount(i, p, random.below(2) == 0 ? one : nil, two)
        case 5: rename(i, p, one, two)
        case 6: link(i, p, one, two)
        case 7: symlink(i, p, one, two)
        case 8:
            if attempt("\(p.pid) chdir \(one)", { () throws(SysError) in try p.chdir(one) }) {
                actors[i].model.stranded = []
            }
        case 9: open(i, p, one)
        case 10: spawn(i, p)
        case 11: post(i, p)
        case 12: prog(i, p, one, two)
        default: create(i, p, one)
        }
    }

    private func bind(_ i: Int, _ p: Proc, _ one: String, _ two: String, _ mask: Mask?, _ target: Int) {
        let flags: [MountFlags] = [.replace, .before, .after, [.before, .create], [.after, .create]]
        let flag = flags[random.below(flags.count)]
        let source =
            ["#Rmasks", "#d"].randomElement(using: &random).flatMap { random.below(12) == 0 ? $0 : nil } ?? one
        let on = file(p, two, .mountPoint)
        if flag == .replace, mask != nil, let what = file(p, source, .access), file(p, two, .access) == what { return }
        let sources = sources(i, p, source)
        let text = "\(p.pid) bind \(flag.letters) \(mask.map { "-p \($0)" } ?? "") \(source) \(two)"
        guard attempt(text, { () throws(SysError) in try p.bind(source, two, flag, mask: mask) }) else { return }
        let space = actors[target].model.space
        if let on {
            if flag == .replace {
                strand(space)
                space.mounts.removeAll { $0.on == on }
            }
            let mounts = sources.map { what, masks in
                Model.Mount(on: on, what: what, masks: Set(masks.map { $0.intersection(mask ?? .all) }))
            }
            // In the order of the union: of what stands there twice, the first is taken off.
            space.mounts.insert(contentsOf: mounts, at: flag.contains(.before) ? 0 : space.mounts.count)
        }
        if let mask, mask != .all { space.noDevices = true }
    }

    private func seal(_ i: Int, _ p: Proc, _ path: String, _ mask: Mask) {
        let on = file(p, path, .mountPoint)
        let done = attempt("\(p.pid) bind -p \(mask) \(path) \(path)") { () throws(SysError) in
            try p.bind(path, path, mask: mask)
        }
        guard done, let on else { return }
        let space = actors[i].model.space
        model.seal(space, on, mask)
        for j in actors.indices where actors[j].model.space === space { actors[j].model.stranded = [] }
    }

    private func unmount(_ i: Int, _ p: Proc, _ source: String?, _ target: String) {
        let what = source.flatMap { file(p, $0, .access) }
        let on = file(p, target, .mountPoint)
        let done = attempt("\(p.pid) unmount \(source ?? "") \(target)") { () throws(SysError) in
            try p.unmount(source, target)
        }
        guard done, let on else { return }
        strand(actors[i].model.space)
        let space = actors[i].model.space
        guard source != nil else { return space.mounts.removeAll { $0.on == on } }
        if let first = space.mounts.firstIndex(where: { $0.on == on && $0.what == what }) {
            space.mounts.remove(at: first)
        }
    }

    /// The directory and the name that a new file would have.
    private func place(_ p: Proc, _ path: String) -> (Model.File, String)? {
        guard let (c, name, _) = try? p.findParent(path), let d = try? Proc.creatable(c), d.instance == instance
        else { return nil }
        return (d.key.path, name)
    }

    private func rename(_ i: Int, _ p: Proc, _ one: String, _ two: String) {
        guard let what = file(p, one, .bare), let to = place(p, two) else { return }
        let parents = model.children.filter { $0.value.values.contains(what) }
        guard parents.count == 1, let from = parents.first, let old = from.value.first(where: { $0.value == what })?.key
        else { return }
        guard attempt("\(p.pid) rename \(one) \(two)", { () throws(SysError) in try p.rename(one, two) }) else {
            return
        }
        if model.children[to.0]?[to.1] == what { return }
        model.children[from.key]?[old] = nil
        model.children[to.0, default: [:]][to.1] = what
    }

    private func link(_ i: Int, _ p: Proc, _ one: String, _ two: String) {
        guard let what = file(p, one, .noFollow), let to = place(p, two) else { return }
        let before = model.rights(actors[i].model)[what] ?? []
        guard attempt("\(p.pid) link \(one) \(two)", { () throws(SysError) in try p.link(one, two) }) else { return }
        model.children[to.0, default: [:]][to.1] = what
        let after = model.rights(actors[i].model)[what] ?? []
        if !before.isSuperset(of: after) { wrong = "a link gave \(after) where \(before) was" }
    }

    private func symlink(_ i: Int, _ p: Proc, _ one: String, _ two: String) {
        guard let to = place(p, two) else { return }
        guard attempt("\(p.pid) symlink \(one) \(two)", { () throws(SysError) in try p.symlink(one, two) }) else {
            return
        }
        if let made = file(p, two, .noFollow) { model.children[to.0, default: [:]][to.1] = made }
    }

    private func create(_ i: Int, _ p: Proc, _ path: String) {
        guard let to = place(p, path), model.children[to.0]?[to.1] == nil else { return }
        let directory = random.below(2) == 0
        var made: Model.File?
        let done = attempt("\(p.pid) create \(path)") { () throws(SysError) in
            let bits: UInt32 = directory ? 0o777 | FileMode.directory.rawValue : 0o777
            let c = try p.createChan(path, directory ? .read : .write, FileMode(rawValue: bits))
            made = c.instance == instance ? c.key.path : nil
        }
        guard done, let made else { return }
        model.children[to.0, default: [:]][to.1] = made
        if directory { model.children[made] = [:] }
    }

    private func open(_ i: Int, _ p: Proc, _ path: String) {
        let modes: [OpenMode] = [.read, .write, .readWrite, [.read, .truncate]]
        let mode = modes[random.below(modes.count)]
        _ = attempt("\(p.pid) open \(path) \(mode.rawValue)") { () throws(SysError) in
            let fd = try p.open(path, mode)
            actors[i].files.append(fd)
            let c = try p.fildes(fd)
            guard c.instance == instance else { return }
            let may = model.rights(actors[i].model)[c.key.path] ?? []
            if !may.isSuperset(of: mode.needs) { wrong = "\(path) was opened for \(mode.needs), allowed are \(may)" }
            // It may keep what it has open, whatever is laid on the names afterwards.
            actors[i].model.files.held.insert(.init(file: c.key.path, mask: Self.rights(c)))
        }
    }

    /// What an open file can be used for.
    private static func rights(_ c: Chan) -> Mask { c.mode.map { c.mask.intersection($0.needs) } ?? c.mask }

    private func spawn(_ i: Int, _ p: Proc) {
        guard actors.count < 4 else { return }
        let choices: [ProcFlags] = [[], .forkNS, .newNS, [.forkNS, .noDevices], .newFD, [.forkNS, .newFD]]
        let flags = choices[random.below(choices.count)]
        let dot = file(p, ".", .access)
        guard let child = try? p.makeChild(flags.union(.noWait)) else { return }
        log.append("\(p.pid) spawn \(flags.rawValue) -> \(child.pid)")
        var m = actors[i].model
        if flags.contains(.newNS) {
            m.space = m.space.copy(keepingMounts: false)
            if let dot {
                let masks = model.reachable(actors[i].model)[dot] ?? []
                m.root = .init(file: dot, mask: masks.reduce(into: Mask()) { $0.formUnion($1) })
            }
        } else if flags.contains(.forkNS) {
            m.space = m.space.copy()
        }
        if flags.contains(.noDevices) { m.space.noDevices = true }
        if flags.contains(.newFD) { m.files = Model.Files() }
        actors.append(Actor(proc: child, model: m))
    }

    /// One posts an open file, another opens it: a Chan is handed, with the rights that it has.
    private func post(_ i: Int, _ p: Proc) {
        guard let fd = actors[i].files.randomElement(using: &random), let c = try? p.fildes(fd) else { return }
        let name = ["x", "y"][random.below(2)]
        let posted = attempt("\(p.pid) post \(fd) /srv/\(name)") { () throws(SysError) in
            _ = try? p.remove("/srv/\(name)")
            let post = try p.create("/srv/\(name)", .write, FileMode(rawValue: 0o666))
            try p.write(post, String(fd))
            try p.close(post)
        }
        guard posted, c.instance == instance else { return }
        // Whoever shares /srv may take it from now on.
        for j in actors.indices {
            actors[j].model.files.held.insert(.init(file: c.key.path, mask: Self.rights(c)))
        }
    }

    private func prog(_ i: Int, _ p: Proc, _ one: String, _ two: String) {
        let j = random.below(actors.count)
        let q = actors[j].proc
        var on: Model.File?
        var sources: [(what: Model.File, masks: Set<Mask>)] = []
        let done = attempt("\(p.pid) /prog/\(q.pid)/ns bind \(one) \(two)") { () throws(SysError) in
            let fd = try p.open("/prog/\(q.pid)/ns", .write)
            // The names may lead through this descriptor.
            on = file(p, two, .mountPoint)
            sources = self.sources(i, p, one)
            do throws(SysError) { try p.write(fd, "bind \(one) \(two)\n") } catch {
                try p.close(fd)
                throw error
            }
            try p.close(fd)
        }
        guard done, let on else { return }
        let space = actors[j].model.space
        strand(space)
        space.mounts.removeAll { $0.on == on }
        for (what, masks) in sources { space.mounts.append(.init(on: on, what: what, masks: masks)) }
    }

    // MARK: looking

    /// Walks all that process `i` can name, a few levels deep and back up, and compares.
    private func check(_ i: Int) throws -> String? {
        if let wrong { return report(i, wrong) }
        let allowed = model.rights(actors[i].model)
        let named = model.named()
        let p = actors[i].proc
        var wrong: String?
        try p.adopt { () throws(SysError) in
            var seen: Set<String> = []
            var todo = ["/", "."]
            while wrong == nil, let path = todo.popLast() {
                guard let c = try? p.find(path).0 else { continue }
                if c.instance == instance, named.contains(c.key.path) {
                    let may = allowed[c.key.path] ?? []
                    if !may.isSuperset(of: c.mask) {
                        wrong = report(i, "\(path) is reached with \(c.mask), allowed are \(may)")
                    }
                }
                let key = "\(c.instance) \(c.qid.path) \(c.mask) \(c.path)"
                guard c.isDirectory, c.instance == instance, seen.insert(key).inserted, path.utf8.count < 9 else {
                    continue
                }
                for name in Self.names + [".."] { todo.append(path == "/" ? "/\(name)" : "\(path)/\(name)") }
            }
            for (fd, c) in p.files.all where c.instance == instance {
                let may = allowed[c.key.path] ?? []
                if !may.isSuperset(of: Self.rights(c)) {
                    wrong = report(i, "fd \(fd) is open for \(Self.rights(c)), allowed are \(may)")
                }
            }
        }
        return wrong
    }

    private func report(_ i: Int, _ what: String) -> String {
        "process \(actors[i].proc.pid): \(what)\n" + log.joined(separator: "\n")
    }
}
