import Host
import Kernel
import Linux

/// A process of a view, and the Proc that it is here.
///
/// Made before the program's first instruction, forgotten when it has ended; the view's table owns it.
final class VxProcess: Runner {
    let proc: Proc
    let peer: HostPeer
    /// The number by which it knows itself.
    let inner: Int32
    /// Gone once its last program has ended.
    weak let view: VxView?
    let counts = VxCounts()

    private struct State {
        /// Where exec puts its arguments, where that was needed before: shared by those that share their memory.
        var scratch = VxScratch()
        /// The program of ours that runs in its place.
        var crossing: VxCrossing?
        /// Who traces it.
        var keeper: VxKeeper?
        /// Threads, by our numbers, that have asked for something.
        var threads: Set<Int32> = []
    }

    private let state = Lock(State())

    init(_ view: VxView, _ proc: Proc, _ peer: HostPeer, inner: Int32, scratch: VxScratch = VxScratch()) {
        self.view = view
        self.proc = proc
        self.peer = peer
        self.inner = inner
        state.withLock { $0.scratch = scratch }
    }

    var scratch: VxScratch {
        get { state.withLock { $0.scratch } }
        set { state.withLock { $0.scratch = newValue } }
    }

    var crossing: VxCrossing? {
        get { state.withLock { $0.crossing } }
        set { state.withLock { $0.crossing = newValue } }
    }

    var keeper: VxKeeper? {
        get { state.withLock { $0.keeper } }
        set { state.withLock { $0.keeper = newValue } }
    }

    func add(thread: Int32) { state.withLock { _ = $0.threads.insert(thread) } }
    func remove(thread: Int32) { state.withLock { _ = $0.threads.remove(thread) } }
    var threads: Set<Int32> { state.withLock { $0.threads } }

    // MARK: what is sent to it

    func post(_ note: Note) -> Bool { note.signal > 0 && note.signal <= 64 && peer.signal(note.signal) }
    func kill() { peer.signal(9) }
    func stop() { peer.signal(19) }
    func resume() { peer.signal(18) }

    var trace: String { view?.report(self) ?? "" }
}

/// Memory of a program that exec took for itself; used by one exec after the other.
final class VxScratch: Sendable {
    private let range = Lock<(address: UInt64, size: UInt64)>((0, 0))

    var place: (address: UInt64, size: UInt64) {
        get { range.withLock { $0 } }
        set { range.withLock { $0 = newValue } }
    }

    /// What a process has that was made as a copy of another's memory.
    func copy() -> VxScratch {
        let other = VxScratch()
        other.place = place
        return other
    }
}

/// Calls that were refused, by number. The kernel's own refusals are not among them.
final class VxCounts: Sendable {
    private let refused = Lock([Int32: Int]())

    func add(_ others: VxCounts) {
        let rows = others.all
        refused.withLock { r in for row in rows { r[row.number, default: 0] += row.count } }
    }

    func add(_ number: Int32) { refused.withLock { $0[number, default: 0] += 1 } }

    /// Ordered by number.
    var all: [(number: Int32, count: Int)] {
        refused.withLock { $0.map { (number: $0.key, count: $0.value) } }.sorted { $0.number < $1.number }
    }
}

/// One call of a program on its way to an answer.
final class VxGuest: Guest {
    let process: VxProcess
    let trap: HostTrap
    private let view: VxView

    var proc: Proc { process.proc }
    var pid: Int32 { process.inner }

    let how: How
    private let wait: VxWait?
    /// What was copied, by address, where that is told of.
    private(set) var texts: [UInt64: [UInt8]] = [:]
    private static let textLimit = 4096

    init(_ view: VxView, _ process: VxProcess, _ trap: HostTrap, _ how: How = .try, _ wait: VxWait? = nil) {
        self.wait = wait
        self.view = view
        self.process = process
        self.trap = trap
        self.how = how
    }

    /// The same for another host thread.
    var again: @Sendable () -> VxGuest {
        { [view, process, trap, how, wait, texts] in
            let other = VxGuest(view, process, trap, how, wait)
            other.texts = texts
            return other
        }
    }

    /// Most that is copied at once.
    private static let limit = 1 << 20

    func read(_ address: UInt64, _ count: Int) throws(SysError) -> [UInt8] {
        guard count >= 0, count <= Self.limit else { throw .fault }
        let bytes = try trap.peek(address, count)
        guard bytes.count == count else { throw .fault }
        keep(bytes, address)
        return bytes
    }

    func text(_ address: UInt64, limit: Int) throws(SysError) -> [UInt8] {
        var text: [UInt8] = []
        var at = address
        // Most names are short, and the page after the one that they stand in need not be there.
        var room = 256
        while text.count < limit {
            let count = min(room, 4096 - Int(at & 4095), limit - text.count)
            let bytes = try trap.peek(at, count)
            if let end = bytes.firstIndex(of: 0) {
                text += bytes[..<end]
                keep(text, address)
                return text
            }
            text += bytes
            guard bytes.count == count else { throw .fault }
            at &+= UInt64(count)
            room = 4096
        }
        throw .nameTooLong
    }

    func texts(_ addresses: [UInt64]) throws(SysError) -> [[UInt8]?] { try trap.peek(texts: addresses) }

    private func keep(_ bytes: [UInt8], _ address: UInt64) {
        if view.traces, bytes.count <= Self.textLimit { texts[address] = bytes }
    }

    func write(_ bytes: [UInt8], _ address: UInt64) throws(SysError) {
        guard claim() else { throw .killed }
        try trap.poke(bytes, address)
    }

    /// Whether the call is still to be answered, by whoever has asked here.
    func claim() -> Bool { wait?.claim() ?? true }

    func file(_ fd: Int32) throws(SysError) -> GuestFile {
        guard fd >= 0 else { throw .badFd }
        return try VxFile(process.peer.take(fd), view, proc, how)
    }

    func descriptor(_ fd: Int32) throws(SysError) -> HostFd {
        guard fd >= 0 else { throw .badFd }
        return try process.peer.take(fd)
    }

    func inodeAbove(_ c: Chan) -> UInt64? { view.inodeAbove(c) }

    var localSockets: (any LocalSockets)? { view.sockets }

    func identity(_ c: Chan, _ dir: Dir) throws(SysError) -> FileIdentity { try view.identity(c, dir, proc.caller) }
}

/// A descriptor of a program.
final class VxFile: GuestFile {
    private let fd: HostFd
    let chan: Chan?
    /// The host gives no descriptor to others that only names a file.
    let isNameOnly = false

    init(_ fd: consuming HostFd, _ view: VxView, _ proc: Proc, _ how: How) throws(SysError) {
        let known = try view.chan(try HostStat(fd.number), nameOnly: false) { (c) throws(SysError) in
            try Subtree(of: proc).open(c, .read, how)
        }
        chan = if let known, known.mode == nil { try known.dev.regain(known, fd.number) } else { known }
        self.fd = fd
    }

    var position: UInt64 { get throws(SysError) { try HostFiles.offset(fd.number) } }

    func setPosition(_ position: UInt64) throws(SysError) { try HostFiles.seek(fd.number, to: position) }
}
