import Kernel

/// A small file system in memory for tests of the kernel, independent of the devices of the system.
///
/// It checks no permissions. A file that is created as a named pipe is a queue: reads wait for what is written.
/// One lock guards everything.
public final class MemDev: Dev {
    public let letter: Character
    public let name = "mem"
    public let instance = Instance.new()

    private final class Node: @unchecked Sendable {
        // Guarded by MemDev.nodes.
        var name: String
        var mode: FileMode
        var parent: UInt64
        var children: [(name: String, id: UInt64)] = []
        var bytes: [UInt8] = []
        var target = ""
        let queue = WaitQueue()

        init(_ name: String, _ mode: FileMode, _ parent: UInt64) {
            self.name = name
            self.mode = mode
            self.parent = parent
        }

        func child(_ name: String) -> UInt64? { children.first { $0.name.utf8.elementsEqual(name.utf8) }?.id }
    }

    private struct Nodes {
        var table: [UInt64: Node] = [:]
        var next: UInt64 = 1
    }

    private let nodes: Lock<Nodes>
    /// Open Chans.
    private let opens = Lock(0)

    public init(_ letter: Character = "/") {
        self.letter = letter
        nodes = Lock(Nodes(table: [0: Node("/", FileMode(rawValue: 0o777).union(.directory), 0)]))
    }

    /// How many Chans are open.
    public var openCount: Int { opens.withLock { $0 } }

    private func with<T>(_ c: Chan, _ body: (inout Nodes, Node) throws(SysError) -> T) throws(SysError) -> T {
        try nodes.withLock { (n) throws(SysError) in
            guard let node = n.table[c.qid.path] else { throw .nonexist }
            return try body(&n, node)
        }
    }

    public func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        Chan(self, qid: Qid(path: 0, type: .directory))
    }

    public func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        let qid = try with(c) { (n, node) throws(SysError) -> Qid in
            guard node.mode.contains(.directory) else { throw .notDir }
            guard let id = node.child(name), let found = n.table[id] else { throw .nonexist }
            return Qid(path: id, type: found.mode.qidType)
        }
        return c.sibling(qid)
    }

    public func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        c.sibling(Qid(path: try with(c) { $1.parent }, type: .directory))
    }

    public func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        try with(c) { Self.dir(c.qid.path, $1, caller) }
    }

    private static func dir(_ id: UInt64, _ node: Node, _ caller: Caller) -> Dir {
        Dir(
            name: node.name, qid: Qid(path: id, type: node.mode.qidType), mode: node.mode,
            length: UInt64(node.bytes.count), owner: caller.cred.user, group: caller.cred.user)
    }

    public func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        try with(c) { _, node in
            if mode.contains(.truncate) { node.bytes = [] }
        }
        opens.withLock { $0 += 1 }
        return c.opened(mode)
    }

    public func close(_ c: Chan) { opens.withLock { $0 -= 1 } }

    private func add(_ c: Chan, _ name: String, _ mode: FileMode, target: String = "") throws(SysError) -> Qid {
        try with(c) { (n, node) throws(SysError) in
            guard node.child(name) == nil else { throw .exist }
            let id = n.next
            n.next += 1
            let made = Node(name, mode, c.qid.path)
            made.target = target
            n.table[id] = made
            node.children.append((name, id))
            return Qid(path: id, type: mode.qidType)
        }
    }

    public func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan {
        let qid = try add(c, name, perm)
        opens.withLock { $0 += 1 }
        return c.sibling(qid).opened(mode)
    }

    public func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError) {
        _ = try add(c, name, FileMode(rawValue: 0o777).union(.symlink), target: target)
    }

    public func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String { try with(c) { $1.target } }

    public func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError) {
        try with(c) { (_, node) throws(SysError) in
            guard node.child(name) == nil else { throw .exist }
            node.children.append((name, file.qid.path))
        }
    }

    public func remove(_ c: Chan, _ caller: Caller) throws(SysError) {
        try with(c) { (n, node) throws(SysError) in
            guard node.children.isEmpty else { throw .notEmpty }
            n.table[node.parent]?.children.removeAll { $0.id == c.qid.path }
            n.table[c.qid.path] = nil
        }
    }

    public func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        try with(c) { (n, node) throws(SysError) in
            if let name = change.name, name != node.name, let up = n.table[node.parent] {
                guard up.child(name) == nil else { throw .exist }
                up.children = up.children.map { $0.id == c.qid.path ? (name, $0.id) : $0 }
                node.name = name
            }
            if let length = change.length { node.bytes = Array(node.bytes.prefix(Int(clamping: length))) }
        }
    }

    public func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError) {
        try with(file) { (n, node) throws(SysError) in
            guard let source = n.table[from.qid.path], let target = n.table[to.qid.path] else { throw .nonexist }
            let other = target.child(newName)
            source.children.removeAll { $0.name == name }
            target.children.removeAll { $0.name == newName }
            target.children.append((newName, file.qid.path))
            (node.parent, node.name) = (to.qid.path, newName)
            guard let other else { return }
            if how == .exchange {
                source.children.append((name, other))
                n.table[other]?.parent = from.qid.path
                n.table[other]?.name = name
            } else {
                n.table[other] = nil
            }
        }
    }

    public func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let (queue, mode) = try with(c) { ($1.queue, $1.mode) }
        guard mode.contains(.namedPipe) else {
            let bytes = try with(c) { $1.bytes }
            return read(bytes: bytes, into: &buffer, at: offset)
        }
        return try queue.sleep(how) { () throws(SysError) -> Int? in
            try with(c) { _, node in
                guard !node.bytes.isEmpty else { return nil }
                let n = min(buffer.byteCount, node.bytes.count)
                for i in 0..<n { buffer.storeBytes(of: node.bytes[i], toByteOffset: i, as: UInt8.self) }
                node.bytes.removeFirst(n)
                return n
            }
        }
    }

    public func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let count = bytes.byteCount
        let queue = try with(c) { (_, node) throws(SysError) -> WaitQueue in
            let start = node.mode.contains(.namedPipe) ? node.bytes.count : Int(clamping: offset)
            guard start < 1 << 24 else { throw .noSpace }
            while node.bytes.count < start + count { node.bytes.append(0) }
            for i in 0..<count { node.bytes[start + i] = bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self) }
            return node.queue
        }
        queue.wakeOne()
        return count
    }

    public func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        try with(c) { n, node in
            let rows = node.children.enumerated().dropFirst(Int(clamping: cookie)).prefix(limit)
            return rows.map { row -> (entry: Dir, cookie: UInt64) in
                var dir = Self.dir(row.element.id, n.table[row.element.id] ?? node, caller)
                dir.name = row.element.name
                return (dir, UInt64(row.offset) + 1)
            }
        }
    }

    public func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard let (queue, mode) = try? with(c, { ($1.queue, $1.mode) }), mode.contains(.namedPipe) else {
            return events.intersection([.read, .write])
        }
        if events.contains(.read) { waiter?.stand(on: queue) }
        let readable = (try? with(c) { !$1.bytes.isEmpty }) ?? false  // a removed queue has nothing
        return events.intersection(readable ? [.read, .write] : .write)
    }
}
