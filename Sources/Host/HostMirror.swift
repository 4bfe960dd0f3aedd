import CShim
import Glibc
import Synchronization

/// The terminal that emu was started on, as programs of the host are given it: the slave of a pty, whose master is served
/// here.
///
/// While a program of the foreground group holds it, the terminal itself only hands bytes on, and the pty edits lines, echoes and
/// sends the signals: job control is the host's business, as on any terminal. Our own programs read and write that slave too
/// meanwhile. When the last holder lets go, what has been typed and not read is ours again, and the modes are as before.
///
/// Each process group that holds it has a pty of its own, and so has each command: one that has left programs behind in the
/// background shows what they write, and gives them nothing to read. A thread serves all ptys as long as there is one. `state`
/// guards all of it; nothing waits with it locked.
public final class HostMirror: Sendable {
    /// What a holder is told.
    public enum News: Sendable {
        /// The keyboard has interrupted the holder's own group: not one that a shell of the pty has made.
        case interrupt, quit
        /// emu was stopped with what it ran, and goes on.
        case resumed
    }

    /// A pty and those who hold it.
    private final class Row {
        let pty: HostPty
        let group: Int32
        /// Ours, while somebody holds it.
        var slave: HostPty.Slave?
        var holds: [Hold] = []
        /// What is to be shown.
        var output: [UInt8] = []
        /// Whether nobody has the slave open any more.
        var isOver = false

        init(_ modes: termios, _ group: Int32) throws(SysError) {
            pty = try HostPty(modes)
            slave = try pty.slave()
            self.group = group
        }
    }

    private struct State {
        var rows: [Row] = []
        /// Whose the keyboard is.
        var front: Row?
        var foreground: Int32 = 1
        /// What was typed, and not given to anybody.
        var typed: [UInt8] = []
        var isServing = false
        /// Whether the terminal is gone.
        var isOver = false
    }

    private let terminal: HostTerminal
    private let state = Lock(State())
    /// The terminal, opened again so that it keeps nobody waiting; else as it is.
    private let screen: HostFd
    private let isImpatient: Bool
    /// Readable when there is something to read; `ahead` says so of what was typed before.
    let readable: HostFd
    private let ahead: HostFd
    /// Wakes the thread.
    private let wish: HostFd

    /// The mirrors that there are, by the terminal's device number.
    private static let all = Lock([UInt64: Weak]())

    private struct Weak {
        weak var mirror: HostMirror?
    }

    /// nil where the host has no room for it.
    public init?(_ terminal: HostTerminal) {
        self.terminal = terminal
        let flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let again = cshim_openat(AT_FDCWD, "/proc/self/fd/\(terminal.descriptor)", flags, 0)
        isImpatient = again >= 0
        let number = again >= 0 ? again : cshim_fcntl(terminal.descriptor, F_DUPFD_CLOEXEC, 3)
        var event: Int32 = -1
        let either = cshim_either(number, &event)
        let wake = cshim_event()
        guard number >= 0, either >= 0, wake >= 0, let stat = try? HostStat(number) else {
            for fd in [number, either, event, wake] where fd >= 0 { close(fd) }
            return nil
        }
        screen = HostFd(owning: number)
        readable = HostFd(owning: either)
        ahead = HostFd(owning: event)
        wish = HostFd(owning: wake)
        Self.all.withLock { $0[stat.rdev] = Weak(mirror: self) }
    }

    deinit { HostWatch.shared.forget(readable.number) }

    /// That of the terminal which `descriptor` is open on.
    public static func of(_ descriptor: Int32) -> HostMirror? {
        guard let stat = try? HostStat(descriptor), stat.kind == .device else { return nil }
        return all.withLock { $0[stat.rdev] }?.mirror
    }

    // MARK: who holds it

    /// A program that has the terminal. It is to be ended.
    public final class Hold: Sendable {
        fileprivate let pty: HostPty
        private let mirror: HostMirror
        fileprivate let tell: @Sendable (News) -> Void
        private let number = Atomic<Int32>(0)

        fileprivate init(_ pty: HostPty, _ mirror: HostMirror, _ tell: @escaping @Sendable (News) -> Void) {
            (self.pty, self.mirror, self.tell) = (pty, mirror, tell)
        }

        /// A slave for a program: a description of its own.
        public func open(_ access: HostFiles.Access) throws(SysError) -> HostFd { try pty.open(access) }
        /// Whether a descriptor of ours is of the terminal that it stands for.
        public func mirrors(_ descriptor: Int32) -> Bool { HostMirror.of(descriptor) === mirror }

        /// The process that it was begun for, by our number, whose group is not one that a shell has made.
        public var leader: Int32 {
            get { number.load(ordering: .relaxed) }
            set { number.store(newValue, ordering: .relaxed) }
        }

        /// That process was stopped by the keyboard: so is emu, where whoever has started it can let it go on.
        public func stopped() {
            guard !HostSignals.isIgnored(SIGTSTP) else { return tell(.resumed) }
            kill(getpid(), SIGTSTP)
        }

        /// Shows what was written, and gives the terminal back.
        public func end() { mirror.end(self) }
    }

    /// Begins a hold by a program of process group `group`. `tell` is called on a thread of the mirror's and must not wait.
    public func hold(_ group: Int32, _ tell: @escaping @Sendable (News) -> Void) throws(SysError) -> Hold {
        let size = terminal.size
        return try state.withLock { (s) throws(SysError) in
            let row: Row
            if let known = s.rows.first(where: { $0.group == group && !$0.holds.isEmpty }) {
                row = known
            } else {
                row = try Row(terminal.found, group)
                if let size { row.pty.setSize(size) }
                s.rows.append(row)
            }
            let hold = Hold(row.pty, self, tell)
            row.holds.append(hold)
            turn(&s)
            if !s.isServing { s.isServing = HostThread.start { self.serve() } }
            wake()
            return hold
        }
    }

    private func end(_ hold: Hold) {
        flush(hold.pty)
        state.withLock { s in
            guard let row = s.rows.first(where: { $0.pty === hold.pty }) else { return }
            row.holds.removeAll { $0 === hold }
            turn(&s)
            if row.holds.isEmpty { row.slave = nil }
            wake()
        }
    }

    /// The process group that a person's keyboard is for.
    public var foreground: Int32 {
        get { state.withLock { $0.foreground } }
        set {
            state.withLock { s in
                s.foreground = newValue
                turn(&s)
                wake()
            }
        }
    }

    /// The window has another size.
    public func resized() {
        guard let size = terminal.size else { return }
        for pty in state.withLock({ $0.rows.map(\.pty) }) { pty.setSize(size) }
    }

    /// emu goes on after a stop.
    public func resumed() {
        resized()
        for hold in state.withLock({ $0.rows.flatMap(\.holds) }) { hold.tell(.resumed) }
    }

    /// Gives the keyboard to whose it is now.
    private func turn(_ s: inout State) {
        let next = s.rows.first { $0.group == s.foreground && !$0.holds.isEmpty }
        guard next !== s.front else { return }
        if let last = s.front, last.holds.isEmpty, let slave = last.slave {
            s.typed = last.pty.takeBack(slave) + s.typed
        }
        // Without readiness of the new one the old one's is worth nothing either; who reads asks again when it comes.
        _ = cshim_turn(
            readable.number, s.front?.slave?.fd.number ?? screen.number, next?.slave?.fd.number ?? screen.number)
        if s.front == nil { s.typed += terminal.take() } else if next == nil { terminal.giveBack() }
        s.front = next
        mark(s)
    }

    /// Says whether there is something that was typed before, for ourselves.
    private func mark(_ s: borrowing State) {
        var count: UInt64 = 1
        if s.front == nil && !s.typed.isEmpty {
            Glibc.write(ahead.number, &count, 8)
        } else {
            Glibc.read(ahead.number, &count, 8)
        }
    }

    private func wake() {
        var one: UInt64 = 1
        Glibc.write(wish.number, &one, 8)
    }

    // MARK: what our own programs read and write

    /// What is there now, from whom the keyboard is; nil where nothing is.
    func read(into buffer: inout MutableRawSpan, _ stream: HostStream) throws(SysError) -> Int? {
        try state.withLock { (s) throws(SysError) -> Int? in
            do throws(SysError) {
                if let slave = s.front?.slave { return try HostIO.read(slave.fd.number, into: &buffer) }
                guard s.typed.isEmpty else {
                    let line = terminal.isRaw ? s.typed[...] : s.typed.prefix { $0 != terminal.endOfFile }
                    let n = min(buffer.byteCount, line.count)
                    for i in 0..<n { buffer.storeBytes(of: line[i], toByteOffset: i, as: UInt8.self) }
                    s.typed.removeFirst(max(n, 1))
                    mark(s)
                    return n
                }
                return try stream.read(into: &buffer) { (terminal, events) throws(SysError) in
                    if HostPoll.now(terminal, events).isEmpty { throw .wouldBlock }
                }
            } catch {
                guard error.code == .wouldBlock else { throw error }
                return nil
            }
        }
    }

    /// What is written to in place of the terminal.
    var front: HostPty.Slave? { state.withLock { $0.front?.slave } }

    // MARK: the thread

    private func serve() {
        while var wanted = state.withLock({ plan(&$0) }) {
            var count: UInt64 = 0
            poll(&wanted, nfds_t(wanted.count), -1)
            Glibc.read(wish.number, &count, 8)
            for (hold, news) in state.withLock({ step(&$0) }) { hold.tell(news) }
        }
    }

    /// What to wait for; nil where nothing is left to serve.
    private func plan(_ s: inout State) -> [pollfd]? {
        s.rows.removeAll { $0.isOver && $0.output.isEmpty && $0.holds.isEmpty }
        guard !s.rows.isEmpty else {
            s.isServing = false
            return nil
        }
        var wanted = [pollfd(fd: wish.number, events: Int16(POLLIN), revents: 0)]
        var events: Int16 = 0
        if s.front != nil, s.typed.isEmpty { events |= Int16(POLLIN) }
        for row in s.rows {
            var master: Int16 = 0
            if row.output.isEmpty, !row.isOver { master |= Int16(POLLIN) }
            if !row.output.isEmpty { events |= Int16(POLLOUT) }
            if row === s.front, !s.typed.isEmpty { master |= Int16(POLLOUT) }
            if master != 0 { wanted.append(pollfd(fd: row.pty.master.number, events: master, revents: 0)) }
        }
        if events != 0, !s.isOver { wanted.append(pollfd(fd: screen.number, events: events, revents: 0)) }
        return wanted
    }

    /// Moves what can be moved.
    private func step(_ s: inout State) -> [(Hold, News)] {
        for row in s.rows { _ = show(row, &s) }
        guard let front = s.front else { return [] }
        if s.typed.isEmpty, !s.isOver, isImpatient || !HostPoll.now(screen.number, .readable).isEmpty {
            if let some = HostPty.read(screen.number, 1024) { s.typed = some } else { s.isOver = true }
        }
        guard !s.typed.isEmpty else { return [] }
        let before = s.typed
        // Asked before it is written: a program may have ended by then that has heard it.
        let group = front.pty.foreground
        // One that has not begun has no leader yet, but may have the terminal.
        let isOwn = group == 0 || front.holds.contains { $0.leader == group || $0.leader == 0 }
        if !HostPty.write(front.pty.master.number, &s.typed) { s.typed = [] }
        guard isOwn, let hold = front.holds.first(where: { $0.leader != 0 }) ?? front.holds.first else { return [] }
        return front.pty.signals(in: before.dropLast(s.typed.count)).map { (hold, $0) }
    }

    /// Moves what a pty has written to the screen: false where that has no room.
    private func show(_ row: Row, _ s: inout State) -> Bool {
        for _ in 0..<16 {
            if row.output.isEmpty, !row.isOver {
                if let some = HostPty.read(row.pty.master.number, 16 * 1024) {
                    row.output = some
                } else {
                    row.isOver = true
                }
            }
            if row.output.isEmpty { return true }
            if isImpatient {
                if !HostPty.write(screen.number, &row.output) { row.output = [] }
            } else if HostPoll.now(screen.number, .writable).isEmpty {
                return false
            } else if !HostPty.write(screen.number, &row.output, limit: 256) {
                row.output = []
            }
            if !row.output.isEmpty { return false }
        }
        return true
    }

    /// Shows what has been written so far.
    private func flush(_ pty: HostPty) {
        while true {
            let isDone = state.withLock { s in
                s.rows.first { $0.pty === pty }.map { show($0, &s) } ?? true
            }
            if isDone || HostPoll.wait(screen.number, .writable, HostClock.monotonic() + 2_000_000_000).isEmpty {
                return
            }
        }
    }
}

/// A stream of the terminal that emu was started on: while programs of the host hold that, of what stands in its place.
public final class HostMirrored: HostFlow {
    /// The terminal itself.
    public let stream: HostStream
    private let mirror: HostMirror

    public init(_ stream: HostStream, _ mirror: HostMirror) { (self.stream, self.mirror) = (stream, mirror) }

    /// Readable when there is something to read.
    var readable: Int32 { mirror.readable.number }

    public func read(into buffer: inout MutableRawSpan, _ wait: HostWait) throws(SysError) -> Int {
        while true {
            if let n = try mirror.read(into: &buffer, stream) { return n }
            try wait(readable, .readable)
        }
    }

    public func write(_ bytes: RawSpan, _ wait: HostWait) throws(SysError) -> Int {
        var done = 0
        while done < bytes.byteCount, let slave = mirror.front {
            do throws(SysError) {
                done += try HostIO.write(slave.fd.number, bytes.extracting(done..<bytes.byteCount))
                continue
            } catch { guard error.code == .wouldBlock else { throw error } }
            do throws(SysError) { try wait(slave.fd.number, .writable) } catch {
                guard done > 0, error.code == .interrupted || error.code == .wouldBlock else { throw error }
                return done
            }
        }
        if done == bytes.byteCount, done > 0 { return done }
        return done + (try stream.write(bytes.extracting(done..<bytes.byteCount), wait))
    }

    public func poll(_ events: HostEvents, _ wake: (@Sendable () -> Void)?) -> HostEvents {
        var got: HostEvents = []
        if events.contains(.readable) {
            if let wake { HostWatch.shared.once(readable, .readable, wake) }
            got = HostPoll.now(readable, .readable)
        }
        guard events.contains(.writable) else { return got }
        if let slave = mirror.front { return got.union(HostPoll.now(slave.fd.number, .writable)) }
        return got.union(stream.poll(.writable, wake))
    }
}
