import Kernel

/// The tree that the system starts from: what `emu.conf` embeds, and a file for each registered program.
///
/// Read-only, and never changed after `start` has built it from the tables; `nodes` is locked for that one hand-over.
/// A node's number is its qid path. The corresponding Inferno page is `root(3)`.
final class DevRoot: Dev {
    let letter: Character = "/"
    let name = "root"
    let instance = Instance.new()

    private enum Content: Sendable {
        case directory([String: Int], order: [Int])
        case file(RootFile)
        case text([UInt8])
    }

    private struct Node: Sendable {
        let name: String
        let parent: Int
        var content: Content
        var mode: UInt32
    }

    private let nodes = Lock([Node(name: "/", parent: 0, content: .directory([:], order: []), mode: 0o555)])

    func start(_ system: System) {
        nodes.withLock { nodes in
            for file in rootTable {
                if file.isDirectory {
                    _ = Self.directory(file.path, &nodes)
                } else {
                    Self.put(file.path, .file(file), file.mode, &nodes)
                }
            }
            for program in system.programs { Self.put(program.path, .text(Array(program.text.utf8)), 0o555, &nodes) }
        }
    }

    /// The number of the directory `path`, made with all above it where it is not there.
    private static func directory(_ path: String, _ nodes: inout [Node]) -> Int {
        var here = 0
        for name in path.split(separator: "/") {
            if case .directory(let known, _) = nodes[here].content, let next = known[String(name)] {
                here = next
            } else {
                here = add(String(name), to: here, .directory([:], order: []), 0o555, &nodes)
            }
        }
        return here
    }

    private static func put(_ path: String, _ content: Content, _ mode: UInt32, _ nodes: inout [Node]) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = directory(String(path[..<slash]), &nodes)
        _ = add(String(path[path.index(after: slash)...]), to: parent, content, mode, &nodes)
    }

    private static func add(
        _ name: String, to parent: Int, _ content: Content, _ mode: UInt32, _ nodes: inout [Node]
    ) -> Int {
        guard case .directory(var known, var order) = nodes[parent].content else { return parent }
        let number = nodes.count
        nodes.append(Node(name: name, parent: parent, content: content, mode: mode))
        known[name] = number
        order.append(number)
        nodes[parent].content = .directory(known, order: order)
        return number
    }

    // MARK: calls

    private func node(_ c: Chan) -> Node { nodes.withLock { $0[Int(c.qid.path)] } }

    private static func qid(_ number: Int, _ node: Node) -> Qid {
        if case .directory = node.content { return Qid(path: UInt64(number), type: .directory) }
        return Qid(path: UInt64(number))
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let found = nodes.withLock { nodes -> Qid? in
            guard case .directory(let known, _) = nodes[Int(c.qid.path)].content, let n = known[name] else {
                return nil
            }
            return Self.qid(n, nodes[n])
        }
        guard let found else { throw .nonexist }
        return c.sibling(found)
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        c.sibling(Qid(path: UInt64(node(c).parent), type: .directory))
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir { entry(Int(c.qid.path), node(c), caller) }

    private func entry(_ number: Int, _ node: Node, _ caller: Caller) -> Dir {
        let length =
            switch node.content {
            case .directory: 0
            case .file(let file): file.length
            case .text(let text): text.count
            }
        let row = Dirtab(node.name, Self.qid(number, node), length: UInt64(length), mode: node.mode)
        return dir(row, caller)
    }

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard !mode.needs.contains(.write) else { throw .readOnly }
        guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        return c.opened(mode)
    }

    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        throw .readOnly
    }

    func remove(_ c: Chan, _ caller: Caller) throws(SysError) { throw .readOnly }

    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) { throw .readOnly }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch node(c).content {
        case .directory: throw .isDir
        case .file(let file): file.read(into: &buffer, at: offset)
        case .text(let text): read(bytes: text, into: &buffer, at: offset)
        }
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? { try lendCopy(c, caller) }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? { try copyIdentity(c) }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let rows = nodes.withLock { nodes -> [(Int, Node)] in
            guard case .directory(_, let order) = nodes[Int(c.qid.path)].content, cookie < UInt64(order.count)
            else { return [] }
            return order[Int(cookie)...].prefix(limit).map { ($0, nodes[$0]) }
        }
        return rows.enumerated().map { (entry($1.0, $1.1, caller), cookie + UInt64($0) + 1) }
    }
}
