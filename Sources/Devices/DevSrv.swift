import Kernel
import Synchronization

/// Posted channels and files that programs serve. `#s` gives an empty directory to each attach, `#sNAME` the one of that
/// name to all who ask for it.
///
/// A file is made by `create`, and posts the Chan whose descriptor number is written to it: opening the file gives that
/// Chan. Or it is put there by `Proc.file2chan`: then reads and writes are requests to its server.
/// `named` guards the directories known by name; each directory guards its files, each file what it is.
/// A posted Chan lives as long as its file, the file as long as its directory, and a directory as long as Chans refer to
/// it or, where it has a name, as files are in it. The corresponding pages are Plan 9's and Inferno's `srv(3)`.
final class DevSrv: FileServerDevice {
    let letter: Character = "s"
    let name = "srv"
    let instance = Instance.new()

    private struct Weak {
        weak var tree: SrvTree?
    }

    private let named = Lock([String: Weak]())

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard spec.utf8.count <= 255 else { throw .badSpec }
        guard !spec.isEmpty else { return root(SrvTree(named: false, caller.cred.user)) }
        let (tree, swept) = named.withLock { named -> (SrvTree, [SrvTree]) in
            if let tree = named[spec]?.tree { return (tree, []) }
            // Those that are gone are swept each time that their number has doubled.
            var seen: [SrvTree] = []
            if named.count.nonzeroBitCount == 1 {
                named = named.filter { entry in
                    if let tree = entry.value.tree { seen.append(tree) } else { return false }
                    return true
                }
            }
            let tree = SrvTree(named: true, caller.cred.user)
            named[spec] = Weak(tree: tree)
            return (tree, seen)
        }
        // A directory may end here, and with it what it posted: outside the lock.
        return withExtendedLifetime(swept) { root(tree) }
    }

    private func root(_ tree: SrvTree) -> Chan {
        Chan(self, instance: tree.instance, qid: SrvTree.qid, auxiliary: SrvPlace(tree))
    }

    private func place(_ c: Chan) throws(SysError) -> SrvPlace {
        guard let place = c.auxiliary as? SrvPlace else { throw .badArg }
        return place
    }

    private func file(_ c: Chan) throws(SysError) -> SrvFile {
        guard let file = try place(c).file else { throw .isDir }
        return file
    }

    // MARK: names

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let tree = try place(c).tree
        guard let file = tree.find(name) else { throw .nonexist }
        return c.sibling(file.qid, auxiliary: SrvPlace(tree, file))
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan { root(try place(c).tree) }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let place = try place(c)
        return place.file?.dir ?? place.tree.dir
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try place(c).tree.files.lazy.filter { $0.qid.path > cookie }.prefix(limit).map { ($0.dir, $0.qid.path) }
    }

    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        guard !perm.contains(.directory), mode.access == OpenMode.write.access else { throw .perm }
        let tree = try place(c).tree
        let file = try SrvFile(name, perm.permissions, caller)
        try tree.add(file)
        return c.sibling(file.qid, auxiliary: SrvPlace(tree, file, .poster)).opened(mode)
    }

    func serve(
        _ file: UserFile, as name: String, in directory: Chan, _ caller: Caller
    ) throws(SysError) -> @Sendable () -> Void {
        let tree = try place(directory).tree
        let entry = try SrvFile(name, 0o600, caller, serving: file)
        try tree.add(entry)
        return { [weak tree] in tree?.remove(entry) }
    }

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        guard file.owner == caller.cred.user else { throw .perm }
        guard try place(c).tree.remove(file) else { throw .nonexist }
    }

    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        let file = try file(c)
        guard file.owner == caller.cred.user, (change.owner ?? file.owner) == file.owner,
            (change.group ?? file.owner) == file.owner, (change.length ?? 0) == 0
        else { throw .perm }
        if let name = change.name { try place(c).tree.rename(file, name) }
        file.change(change)
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        let place = try place(c)
        guard caller.cred.may(try stat(c, caller), mode.needs), mode.access != 3 else { throw .perm }
        guard let file = place.file else { return c.opened(mode) }
        switch file.content {
        case .nothing: throw .hungup
        case .posted(let chan):
            // The Chan comes as it is: whoever gets it may do all that it can, so the path and the file must allow that.
            guard let own = chan.mode, caller.cred.may(file.dir, own.needs), c.mask.isSuperset(of: own.needs),
                !mode.canRead || own.canRead, !mode.canWrite || own.canWrite
            else { throw .perm }
            guard !mode.contains(.truncate) else { throw .exist }
            return chan
        case .served(let user):
            c.auxiliary = SrvPlace(place.tree, file, .client(try user.open()))
            return c.opened(mode)
        }
    }

    func close(_ c: Chan) {
        guard let place = c.auxiliary as? SrvPlace else { return }
        if case .client(let fid) = place.use { fid.close() }
        // Who made it has posted nothing, and nobody else can.
        if case .poster = place.use, let file = place.file, case .nothing = file.content { place.tree.remove(file) }
        if c.mode?.contains(.removeOnClose) == true, let file = place.file { place.tree.remove(file) }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        guard case .client(let fid) = try place(c).use else { throw .perm }
        return try fid.read(into: &buffer, at: offset, how)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch try place(c).use {
        case .client(let fid): return try fid.write(bytes, at: offset, how)
        case .poster:
            try file(c).post(try chan(named: bytes), unless: self)
            return bytes.byteCount
        case .none: throw .perm
        }
    }

    /// The Chan of the calling process's descriptor whose number is in `bytes`. Who calls for another machine has none.
    private func chan(named bytes: RawSpan) throws(SysError) -> Chan {
        guard bytes.byteCount <= 16 else { throw .badArg }
        let text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
        guard words.count == 1, let fd = Int32(words[0]) else { throw .badArg }
        guard let proc = Thread.running?.proc else { throw .badFd }
        return try proc.fildes(fd)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard let place = c.auxiliary as? SrvPlace, case .client(let fid) = place.use else {
            return events.intersection([.read, .write])
        }
        return fid.poll(events, at: c.offset, waiter)
    }
}

/// What a Chan of `#s` refers to.
private final class SrvPlace: Sendable {
    /// How an open file is used.
    enum Use {
        case none
        /// Made by `create`: a descriptor number may be written to it.
        case poster
        case client(UserFid)
    }

    let tree: SrvTree
    /// nil at the directory.
    let file: SrvFile?
    let use: Use

    init(_ tree: SrvTree, _ file: SrvFile? = nil, _ use: Use = .none) {
        self.tree = tree
        self.file = file
        self.use = use
    }
}

/// One directory of files, and the number of its tree.
private final class SrvTree: Sendable {
    static let qid = Qid(path: 0, type: .directory)

    private struct State {
        var byName: [String: SrvFile] = [:]
        /// A named directory that holds files stays, and is found again, when no Chan refers to it.
        var itself: SrvTree?
    }

    let instance = Instance.new()
    private let isNamed: Bool
    private let owner: String
    private let state = Lock(State())

    init(named: Bool, _ owner: String) {
        isNamed = named
        self.owner = owner
    }

    deinit {
        for file in files { file.unlist() }
    }

    /// Everybody may make files here; they belong to who made them.
    var dir: Dir {
        Dir(
            name: "#s", qid: Self.qid, mode: FileMode(rawValue: 0o777 | FileMode.directory.rawValue), owner: owner,
            group: owner, modifier: owner)
    }

    /// The files, oldest first.
    var files: [SrvFile] { state.withLock { Array($0.byName.values) }.sorted { $0.qid.path < $1.qid.path } }

    func find(_ name: String) -> SrvFile? { state.withLock { $0.byName[name] } }

    func add(_ file: SrvFile) throws(SysError) {
        let name = file.name
        try state.withLock { (s) throws(SysError) in
            guard s.byName[name] == nil else { throw .exist }
            s.byName[name] = file
            if isNamed { s.itself = self }
        }
    }

    /// False where it is not there.
    @discardableResult
    func remove(_ file: SrvFile) -> Bool {
        let gone = state.withLock { s -> (SrvFile?, SrvTree?) in
            let name = file.name
            guard s.byName[name] === file else { return (nil, nil) }
            defer { if s.byName.isEmpty { s.itself = nil } }
            return (s.byName.removeValue(forKey: name), s.itself)
        }
        // The posted Chan, and at last the directory, are dropped outside the lock.
        gone.0?.unlist()
        return withExtendedLifetime(gone) { $0.0 != nil }
    }

    func rename(_ file: SrvFile, _ name: String) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard s.byName[file.name] === file else { throw .nonexist }
            guard s.byName[name] == nil || s.byName[name] === file else { throw .exist }
            s.byName[file.name] = nil
            s.byName[name] = file
            file.rename(name)
        }
    }
}

/// A file of `#s`. It is charged to its owner as a descriptor. Its lock is taken below the directory's.
private final class SrvFile: Sendable {
    /// What opening the file gives.
    enum Content {
        /// Made, and nothing posted yet; or removed.
        case nothing
        case posted(Chan)
        case served(UserFile)
    }

    private struct State {
        var name: String
        var mode: UInt32
        var content: Content
        var modified: Int64
    }

    private static let next = Atomic<UInt64>(1)

    let qid = Qid(path: SrvFile.next.wrappingAdd(1, ordering: .relaxed).oldValue)
    let owner: String
    private let account: Account
    private let state: Lock<State>

    init(_ name: String, _ mode: UInt32, _ caller: Caller, serving file: UserFile? = nil) throws(SysError) {
        try caller.account.charge(.descriptors)
        owner = caller.cred.user
        account = caller.account
        let content = file.map { Content.served($0) } ?? .nothing
        state = Lock(State(name: name, mode: mode, content: content, modified: caller.clock.now()))
    }

    deinit { account.credit(.descriptors) }

    var name: String { state.withLock { $0.name } }
    var content: Content { state.withLock { $0.content } }

    var dir: Dir {
        state.withLock {
            Dir(
                name: $0.name, qid: qid, mode: FileMode(rawValue: $0.mode), accessed: $0.modified,
                modified: $0.modified, owner: owner, group: owner, modifier: owner)
        }
    }

    func rename(_ name: String) { state.withLock { $0.name = name } }

    func change(_ change: DirChange) {
        state.withLock {
            if let mode = change.mode { $0.mode = mode.permissions }
            if let modified = change.modified { $0.modified = modified }
        }
    }

    /// Posts `chan`, once. A Chan of `device` itself would keep its own directory for ever, and is refused.
    func post(_ chan: Chan, unless device: any Dev) throws(SysError) {
        guard chan.dev !== device else { throw .badUseFd }
        try state.withLock { (s) throws(SysError) in
            guard case .nothing = s.content else { throw .inUse }
            s.content = .posted(chan)
        }
    }

    /// It is in no directory any more: what it posted goes, a server whose last client goes is told.
    func unlist() {
        let content = state.withLock { s -> Content in
            defer { if case .posted = s.content { s.content = .nothing } }
            return s.content
        }
        if case .served(let file) = content { file.unlist() }
    }
}
