import Host
import Kernel
import Synchronization

/// Open files of ours as descriptors of programs of the host, where every read and write must come to us: files that other
/// programs or machines serve, and control files.
///
/// There is one FUSE file system, mounted nowhere, of which an agent holds the root. For each Chan there is a name in it that
/// cannot be guessed and can be opened once: the agent opens it and gives the descriptor to a program. From then on the
/// kernel sends us what the program does with it, and says when the last copy is closed: then the Chan is, too.
/// What can be answered at once is answered on the Thread that reads requests; the rest by others, one for each call that
/// waits. An interrupted program interrupts its call; where that was begun and no Thread was at it yet, who asks for the same
/// again gets what comes of it. Once this is closed, programs get `ENOTCONN`.
///
/// Whoever makes it closes it, before the process ends that it belongs to.
///
/// `state` guards the tables and the handles. No device is called and nothing is written with it locked.
public final class FuseHandles: Sendable {
    /// How the agent opens a handle.
    public struct Name: Sendable {
        public let name: String
        public let access: HostFiles.Access
    }

    struct State {
        var names: [String: FuseHandle] = [:]
        var nodes: [UInt64: FuseHandle] = [:]
        var calls: [UInt64: FuseCall] = [:]
        /// 1 is the root.
        var last: UInt64 = 1
        var reader: Thread?
        var isClosed = false
    }

    /// Most handles at once.
    public static let limit = 65_536
    /// Most bytes of a read or write; the kernel makes several of a longer one.
    static let most = 1 << 20

    /// The descriptor of the connection, which ends with the last who uses it.
    private final class Device: Sendable {
        let fd: HostFd

        init(_ fd: consuming HostFd) { self.fd = fd }
    }

    private let device: Lock<Device?>
    let state = Lock(State())
    let workers: FuseWorkers

    /// Serves the FUSE connection that `device` (/dev/fuse, mounted) is, by Threads of `p`, until it is closed or `p` ends.
    public init(device: consuming HostFd, of p: Proc) throws(SysError) {
        try HostFiles.setImpatient(device.number)
        let connection = Device(device)
        self.device = Lock(connection)
        workers = FuseWorkers(p)
        workers.entered()
        do throws(SysError) {
            try p.startThread { [self] thread in
                serve(connection, thread)
                end()
                workers.left()
            }
        } catch {
            workers.left()
            throw error
        }
    }

    /// Makes a handle for the open file `c`, which is used on behalf of `proc` whoever has the descriptor. The agent opens it by
    /// what this gives; where that fails it is to be forgotten. Throws `.noFd` where there are too many.
    public func open(_ c: Chan, for proc: Proc) throws(SysError) -> Name {
        guard let mode = c.mode, !c.isDirectory else { throw .badArg }
        let name = try Self.newName()
        try state.withLock { (s) throws(SysError) in
            guard !s.isClosed else { throw .shutdown }
            guard s.nodes.count < Self.limit else { throw .noFd }
            s.last += 1
            let handle = FuseHandle(s.last, name, c, proc)
            s.names[name] = handle
            s.nodes[s.last] = handle
        }
        let access: HostFiles.Access = !mode.canWrite ? .read : mode.canRead ? .readWrite : .write
        return Name(name: name, access: access)
    }

    private static func newName() throws(SysError) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        try raw.fillRandom()
        return bytes.reduce("h") { $0 + String($1 >> 4, radix: 16) + String($1 & 15, radix: 16) }
    }

    /// The handle could not be opened, or is not wanted: its Chan is closed, unless a program has it.
    public func forget(_ name: Name) {
        let gone = state.withLock { s -> FuseHandle? in
            guard let handle = s.names.removeValue(forKey: name.name) else { return nil }
            return s.nodes.removeValue(forKey: handle.node)
        }
        withExtendedLifetime(gone) {}
    }

    /// The inode by which programs know the file of `c`, in the device that the root is of: the same for all its handles.
    public static func inode(of c: Chan) -> UInt64 {
        // 1 is the root's.
        max(2, c.qid.path ^ (UInt64(c.instance) &* 0x9E37_79B9_7F4A_7C15))
    }

    /// How many handles there are.
    public var count: Int { state.withLock { $0.nodes.count } }

    /// Ends the service: every program that waits in a handle gets an error, and every later call of one. Waits until its
    /// Threads have ended. Throws `.killed` and `.interrupted`: then they end by themselves.
    public func close() throws(SysError) {
        hangUp()
        try workers.waitForEnd()
    }

    func hangUp() {
        let threads = state.withLock { s -> [Thread] in
            s.isClosed = true
            var threads = s.reader.map { [$0] } ?? []
            for case .running(let thread) in s.calls.values.map(\.stage) { threads.append(thread) }
            return threads
        }
        workers.close()
        for thread in threads { thread.interrupt() }
    }

    // MARK: requests

    private func serve(_ connection: Device, _ thread: Thread) {
        let device = connection.fd.number
        let isOpen = state.withLock { s -> Bool in
            s.reader = thread
            return !s.isClosed
        }
        guard isOpen else { return }
        var frame = [UInt8](repeating: 0, count: Self.most + 4096)
        var answer = [UInt8](repeating: 0, count: FuseReply.headerSize + Self.most)
        while !state.withLock({ $0.isClosed }) {
            do throws(SysError) {
                var span = frame.mutableSpan
                var room = span.mutableBytes
                let n = try HostIO.read(device, into: &room)
                take(frame.span.bytes.extracting(0..<n), &answer)
            } catch {
                switch error.code {
                // A request that was interrupted before it was read.
                case .nonexist, .interrupted: continue
                case .wouldBlock: break
                default: return
                }
                do throws(SysError) { _ = try Thread.waitHost(device, .readable) } catch {
                    guard error.code == .interrupted else { return }
                }
            }
        }
    }

    /// Lets go of all handles, and of the calls that wait.
    private func end() {
        hangUp()
        device.withLock { $0.take() }.map { withExtendedLifetime($0) {} }
        let gone = state.withLock { s -> [FuseHandle] in
            s.reader = nil
            s.names = [:]
            s.calls = [:]
            for handle in s.nodes.values { (handle.reads, handle.writes) = ([], []) }
            defer { s.nodes = [:] }
            return Array(s.nodes.values)
        }
        withExtendedLifetime(gone) {}
    }

    /// Answers one request, or hands it to a worker.
    private func take(_ frame: RawSpan, _ answer: inout [UInt8]) {
        // One that we do not understand has no number to be refused by.
        guard let request = try? FuseRequest(frame) else { return }
        let unique = request.unique
        switch request.body {
        case .forget, .destroy: break
        case .interrupt(let other): interrupt(other)
        case .initialize(let major, _, _, let flags):
            guard major >= 7 else { return fail(unique, .noProtocol) }
            var reply = FuseReply(unique)
            reply.initialized(flags, most: Self.most)
            send(reply.finished())
        case .lookUp(let name): lookUp(String(decoding: name, as: UTF8.self), request)
        case .getAttributes: attributes(request)
        case .open: open(request)
        case .release(let node): release(node, unique)
        case .statfs:
            var reply = FuseReply(unique)
            reply.zeros(80)
            send(reply.finished())
        case .read(let node, let offset, let count, let flags):
            let work = FuseCall.Work.read(offset: offset, count: min(count, Self.most))
            transfer(request, node, flags, &answer) { work }
        case .write(let node, let offset, let data, let flags):
            let bytes = frame.extracting(data)
            transfer(request, node, flags, &answer) { .write(offset: offset, [UInt8](copying: bytes)) }
        case .flush(let node): change(request, node, .flush)
        case .sync(let node): change(request, node, .sync)
        case .setAttributes(let length):
            guard let length else { return fail(unique, .notOwner) }
            change(request, request.node, .setLength(length))
        case .poll(let node, let key, let notifies, let events): poll(request, node, key, notifies, events)
        case .control: fail(unique, .notTerminal)
        // ENOSYS: the kernel does what it can without us, and asks no more.
        case .other: send(FuseReply.failure(unique, errno: 38))
        }
    }

    func send(_ bytes: [UInt8]) { send(bytes.span.bytes) }

    func send(_ bytes: RawSpan) {
        guard let device = device.withLock({ $0 }) else { return }
        // Nobody waits for it any more, or the connection has ended: its reader sees that.
        _ = try? HostIO.write(device.fd.number, bytes)
    }

    func fail(_ unique: UInt64, _ error: SysError) { send(FuseReply.failure(unique, error)) }

    func handle(_ node: UInt64) -> FuseHandle? { state.withLock { $0.nodes[node] } }

    // MARK: names

    private func lookUp(_ name: String, _ request: FuseRequest) {
        let handle = state.withLock { request.node == 1 ? $0.names[name] : nil }
        guard let handle else { return fail(request.unique, .nonexist) }
        var reply = FuseReply(request.unique)
        reply.put(handle.node)
        // Nothing of it is kept: no time for the name, none for the attributes.
        reply.zeros(32)
        put(handle, nil, request, &reply)
        send(reply.finished())
    }

    private func attributes(_ request: FuseRequest) {
        guard request.node == 1 else { return change(request, request.node, .attributes) }
        var reply = FuseReply(request.unique)
        reply.zeros(16)
        let root = Dir(name: "/", qid: Qid(path: 1, type: .directory), mode: .directory)
        reply.attributes(1, root, mode: 0o040555, request)
        send(reply.finished())
    }

    /// What its device says of the file; nil where that would take a while, and nobody looks: the kernel asks again.
    func put(_ handle: FuseHandle, _ dir: Dir?, _ request: FuseRequest, _ reply: inout FuseReply) {
        let dir = dir ?? Dir(name: handle.name, qid: handle.chan.qid, mode: FileMode(rawValue: 0o600))
        reply.attributes(Self.inode(of: handle.chan), dir, mode: 0o100000 | dir.mode.permissions, request)
    }

    /// The one open that there is.
    private func open(_ request: FuseRequest) {
        let handle = state.withLock { s -> FuseHandle? in
            guard let handle = s.nodes[request.node], !handle.isOpen else { return nil }
            handle.isOpen = true
            s.names[handle.name] = nil
            return handle
        }
        guard let handle else { return fail(request.unique, .perm) }
        var reply = FuseReply(request.unique)
        reply.put(handle.node)
        // FOPEN_DIRECT_IO; FOPEN_NONSEEKABLE and FOPEN_STREAM, so that a reader who waits keeps no writer.
        reply.put(UInt32(handle.chan.dev.seekable(handle.chan) ? 1 : 1 | 4 | 16))
        reply.zeros(4)
        send(reply.finished())
    }

    private func release(_ node: UInt64, _ unique: UInt64) {
        let gone = state.withLock { $0.nodes.removeValue(forKey: node) }
        send(FuseReply(unique).finished())
        withExtendedLifetime(gone) {}
    }
}
