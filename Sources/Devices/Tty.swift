import Host
import Kernel

/// One terminal: a master, which types and shows, and a slave, which programs read and write.
///
/// `state` guards all of it; each side has a queue for those who read and one for those who write. Notes are sent, and
/// queues woken, after the lock is let go. It lives while a Chan of it is open, and is hung up with its master.
final class Tty: Terminal, Sendable {
    private struct State {
        var line = TtyLine()
        var size = Window(rows: 24, columns: 80)
        var foreground: Int32 = 0
        var session: Int32 = 0
        /// Open Chans of the slave, and whether there ever was one: the master waits for the first.
        var slaves = 0
        var wasOpened = false
        /// Open Chans of the control file, and whether `rawon` came by it: the last one takes that back.
        var controls = 0
        var isRawByControl = false
        var isHungUp = false

        /// Whether no more will be shown, for now.
        var isOver: Bool { isHungUp || wasOpened && slaves == 0 }

        mutating func setRaw(_ on: Bool) {
            var settings = line.settings
            settings.setRaw(on)
            line.set(settings)
            isRawByControl = on
        }
    }

    /// Most bytes that are dealt with under the lock at a time.
    private static let pieceLimit = 4096

    let number: Int
    let owner: String
    let made: Int64
    private let system: @Sendable () -> System?
    private let state = Lock(State())
    private let slaveReaders = WaitQueue()
    private let slaveWriters = WaitQueue()
    private let masterReaders = WaitQueue()
    private let masterWriters = WaitQueue()

    init(_ number: Int, _ caller: Caller, _ system: @escaping @Sendable () -> System?) {
        self.number = number
        owner = caller.cred.user
        made = caller.clock.now()
        self.system = system
    }

    private func wakeAll() {
        for queue in [slaveReaders, slaveWriters, masterReaders, masterWriters] { queue.wake() }
    }

    var isHungUp: Bool { state.withLock { $0.isHungUp } }

    // MARK: opening and closing

    func openSlave() throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard !s.isHungUp else { throw .hungup }
            s.slaves += 1
            s.wasOpened = true
        }
    }

    func closeSlave() {
        state.withLock { $0.slaves -= 1 }
        masterReaders.wake()
    }

    func openControl() { state.withLock { $0.controls += 1 } }

    func closeControl() {
        let changed = state.withLock { s -> Bool in
            s.controls -= 1
            guard s.controls == 0, s.isRawByControl else { return false }
            s.setRaw(false)
            return true
        }
        if changed { wakeAll() }
    }

    func hangUp() {
        let told = state.withLock { s -> (foreground: Int32, session: Int32)? in
            guard !s.isHungUp else { return nil }
            s.isHungUp = true
            defer { (s.foreground, s.session) = (0, 0) }
            return (s.foreground, s.session)
        }
        wakeAll()
        if let told { disconnect(told.foreground, told.session) }
    }

    /// Tells the leader's group and the foreground group, each once, that they have no terminal any more.
    private func disconnect(_ foreground: Int32, _ session: Int32) {
        guard let system = system() else { return }
        let leader = system.proc(session)?.group ?? 0
        let groups = Set([leader, foreground]).subtracting([0])
        for proc in system.processes where groups.contains(proc.group) {
            proc.post(.hangup)
            // Who is stopped would not hear of it.
            proc.resume()
        }
    }

    // MARK: the slave

    func read(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        try checkForeground(.ttyin, how)
        let settings = settings
        let n: Int
        if settings.isCanonical || settings[.time] == 0 && settings[.min] > 0 {
            n = try take(into: &buffer, buffer.byteCount, how, until: nil) ?? 0
        } else {
            n = try timedRead(into: &buffer, settings, how)
        }
        // Also an end of file was in somebody's way.
        masterWriters.wake()
        return n
    }

    /// What can be read once `count` bytes, or as many as the settings ask for, are there. nil at the deadline.
    private func take(
        into buffer: inout MutableRawSpan, _ count: Int, _ how: How, until deadline: UInt64?
    ) throws(SysError) -> Int? {
        do throws(SysError) {
            return try slaveReaders.sleep(how, until: deadline) {
                state.withLock { s -> Int? in
                    if s.isHungUp { return 0 }
                    return s.line.isReadable(count) ? s.line.read(into: &buffer) : nil
                }
            }
        } catch {
            if error.code == .timedOut { return nil }
            throw error
        }
    }

    /// A read where lines are not edited and time counts: without a minimum it bounds the whole wait, with one the wait
    /// for each byte after the first.
    private func timedRead(
        into buffer: inout MutableRawSpan, _ settings: TerminalSettings, _ how: How
    ) throws(SysError) -> Int {
        let wait = UInt64(settings[.time]) * 100_000_000
        if settings[.min] == 0 {
            if how == .wait, wait > 0 {
                return try take(into: &buffer, 1, how, until: HostClock.monotonic() + wait) ?? 0
            }
            do throws(SysError) { return try take(into: &buffer, 1, .try, until: nil) ?? 0 } catch {
                if error.code == .wouldBlock, how == .wait { return 0 }
                throw error
            }
        }
        let wanted = min(Int(settings[.min]), buffer.byteCount)
        var there = 0
        while there < wanted {
            let deadline = there == 0 ? nil : HostClock.monotonic() + wait
            do throws(SysError) {
                there = try slaveReaders.sleep(how, until: deadline) {
                    state.withLock { s -> Int? in
                        let n = s.line.input.count
                        return s.isHungUp || s.line.settings.isCanonical ? wanted : n > there ? n : nil
                    }
                }
            } catch {
                guard error.code == .timedOut || error.code == .wouldBlock && there > 0 else { throw error }
                break
            }
        }
        return try take(into: &buffer, 1, how, until: nil) ?? 0
    }

    func write(_ bytes: RawSpan, _ how: How) throws(SysError) -> Int {
        if settings.local.contains(.tostop) { try checkForeground(.ttyout, how) }
        return try feed(bytes, slaveWriters, how) {
            $0.write($1)
        } progress: {
            masterReaders.wake()
        }
    }

    /// Who is in the session and not in its foreground is told so, which stops it until it comes there. Who passes that
    /// over, or has nobody who could let it go on, gets an error.
    private func checkForeground(_ note: Note, _ how: How) throws(SysError) {
        guard how == .wait, let proc = Thread.running?.proc else { return }
        while true {
            let (session, foreground) = state.withLock { ($0.session, $0.foreground) }
            guard session != 0, proc.session == session, foreground != 0, proc.group != foreground else { return }
            guard !proc.ignoresNotes, !proc.system.isOrphaned(proc.group) else { throw .io }
            proc.system.post(note, toGroup: proc.group)
            if try Thread.attend() { throw .interrupted }
        }
    }

    // MARK: the master

    func show(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        let n = try masterReaders.sleep(how) {
            state.withLock { s -> Int? in
                let n = s.line.show(into: &buffer)
                return n > 0 || s.isOver ? n : nil
            }
        }
        if n > 0 { slaveWriters.wake() }
        return n
    }

    func type(_ bytes: RawSpan, _ how: How) throws(SysError) -> Int {
        var heard: Note?
        return try feed(bytes, masterWriters, how) { line, piece in
            let (count, note) = line.type(piece)
            heard = note
            return count
        } progress: {
            // There may be input to read and echo to show, and ^Q or a signal lets writers go on.
            wakeAll()
            // A note goes out before anything that was typed after it can be read.
            if let heard { tell(heard) }
        }
    }

    /// Hands `bytes` to the line piece by piece, as it has room; how many it took before an interruption, or with `.try`.
    /// After each piece `progress` tells others, without the lock.
    private func feed(
        _ bytes: RawSpan, _ queue: WaitQueue, _ how: How, _ take: (inout TtyLine, [UInt8]) -> Int,
        progress: () -> Void
    ) throws(SysError) -> Int {
        var done = 0
        repeat {
            let end = min(done + Self.pieceLimit, bytes.byteCount)
            let piece = [UInt8](copying: bytes.extracting(done..<end))
            do throws(SysError) {
                done += try queue.sleep(how) { () throws(SysError) -> Int? in
                    try state.withLock { (s) throws(SysError) -> Int? in
                        guard !s.isHungUp else { throw .hungup }
                        let n = take(&s.line, piece)
                        return n > 0 || piece.isEmpty ? n : nil
                    }
                }
            } catch {
                if done > 0, error.code == .interrupted || error.code == .wouldBlock { return done }
                throw error
            }
            progress()
        } while done < bytes.byteCount
        return done
    }

    // MARK: readiness

    func pollSlave(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        if events.contains(.read) { waiter?.stand(on: slaveReaders) }
        if events.contains(.write) { waiter?.stand(on: slaveWriters) }
        return state.withLock { s in
            if s.isHungUp { return events.intersection([.read, .write]).union(.hangup) }
            var got: PollEvents = []
            if s.line.isReadable() || s.line.isReadable(1) && s.line.settings[.time] > 0 { got.insert(.read) }
            if s.line.hasOutputRoom { got.insert(.write) }
            return got.intersection(events)
        }
    }

    func pollMaster(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        if events.contains(.read) { waiter?.stand(on: masterReaders) }
        if events.contains(.write) { waiter?.stand(on: masterWriters) }
        return state.withLock { s in
            var got: PollEvents = s.line.hasInputRoom || s.isHungUp ? .write : []
            if s.isOver { got.insert(.hangup) }
            if s.isOver || !s.line.output.isEmpty { got.insert(.read) }
            return got.intersection(events.union(.hangup))
        }
    }

    // MARK: what it is set to

    var settings: TerminalSettings { state.withLock { $0.line.settings } }

    func set(_ settings: TerminalSettings, discardInput: Bool) {
        state.withLock { s in
            if discardInput { s.line.discardInput() }
            s.line.set(settings)
        }
        wakeAll()
    }

    private func setRaw(_ on: Bool) {
        state.withLock { $0.setRaw(on) }
        wakeAll()
    }

    private func setEcho(_ on: Bool) {
        state.withLock { s in
            var settings = s.line.settings
            if on { settings.local.insert(.echo) } else { settings.local.remove(.echo) }
            s.line.set(settings)
        }
    }

    var size: Window { state.withLock { $0.size } }

    func resize(_ size: Window) {
        let changed = state.withLock { s -> Bool in
            defer { s.size = size }
            return s.size != size
        }
        if changed { tell(.window) }
    }

    func discard(input: Bool, output: Bool) {
        state.withLock { s in
            if input { s.line.discardInput() }
            if output { s.line.discardOutput() }
        }
        wakeAll()
    }

    func drain(_ how: How) throws(SysError) {
        try slaveWriters.sleep(how) {
            state.withLock { s -> Void? in s.line.output.isEmpty || s.isHungUp ? () : nil }
        }
    }

    /// The control file's messages.
    func command(_ words: [Substring], by proc: Proc?) throws(SysError) {
        guard let verb = words.first else { throw .badControl }
        switch (verb, words.count) {
        case ("rawon", 1): setRaw(true)
        case ("rawoff", 1): setRaw(false)
        case ("echo", 1): setEcho(true)
        case ("noecho", 1): setEcho(false)
        case ("winsize", 3):
            guard let rows = UInt16(words[1]), let columns = UInt16(words[2]) else { throw .badArg }
            resize(Window(rows: Int(rows), columns: Int(columns)))
        case ("foreground", 2):
            guard let group = Int32(words[1]), group >= 0, let proc else { throw .badArg }
            try setForeground(group, by: proc)
        case ("session", 1):
            guard let proc else { throw .perm }
            try acquire(by: proc)
        case ("nosession", 1):
            guard let proc else { throw .perm }
            try release(by: proc)
        case ("hangup", 1): hangUp()
        case ("rawon", _), ("rawoff", _), ("echo", _), ("noecho", _), ("winsize", _), ("foreground", _), ("session", _),
            ("nosession", _), ("hangup", _):
            throw .controlArgs
        default: throw .unknownControl
        }
    }

    /// What the control and status files tell.
    var text: String {
        let (settings, foreground, session, size) = state.withLock {
            ($0.line.settings, $0.foreground, $0.session, $0.size)
        }
        return """
            tty \(number)
            raw \(settings.isCanonical ? "off" : "on")
            echo \(settings.local.contains(.echo) ? "on" : "off")
            foreground \(foreground)
            session \(session)
            winsize \(size.rows) \(size.columns)

            """
    }

    // MARK: session and foreground

    var foreground: Int32 { state.withLock { $0.foreground } }

    var session: Int32 {
        let session = state.withLock { $0.session }
        return session != 0 && system()?.proc(session) != nil ? session : 0
    }

    func setForeground(_ group: Int32, by proc: Proc) throws(SysError) {
        if group != 0 {
            let members = proc.system.processes.filter { $0.group == group }
            guard !members.isEmpty else { throw .noProcess }
            let session = session
            let isIts = session == 0 || members.contains { $0.session == session }
            guard isIts, members.allSatisfy({ $0.cred.user == proc.cred.user }) else { throw .perm }
        }
        try state.withLock { (s) throws(SysError) in
            guard !s.isHungUp else { throw .hungup }
            s.foreground = group
        }
        // Who was refused because of its group looks again.
        slaveReaders.wake()
    }

    func acquire(by proc: Proc) throws(SysError) {
        let (session, group) = (proc.session, proc.group)
        let current = self.session
        guard session == proc.pid, current == 0 || current == session else { throw .perm }
        try state.withLock { (s) throws(SysError) in
            guard !s.isHungUp else { throw .hungup }
            guard s.session == session || s.session == 0 || current == 0 else { throw .perm }
            if s.session != session { s.foreground = group }
            s.session = session
        }
    }

    func release(by proc: Proc) throws(SysError) {
        let session = proc.session
        let foreground = try state.withLock { (s) throws(SysError) -> Int32 in
            guard s.session == session, session != 0 else { throw .notTerminal }
            defer { (s.foreground, s.session) = (0, 0) }
            return s.foreground
        }
        disconnect(foreground, session)
    }

    /// Sends a note to the foreground group; to the leader's where that has ended. A group that nobody could let go on is
    /// not stopped.
    private func tell(_ note: Note) {
        guard let system = system() else { return }
        let (foreground, session) = state.withLock { ($0.foreground, $0.session) }
        let isThere = system.processes.contains { $0.group == foreground }
        let group = isThere ? foreground : system.proc(session)?.group ?? 0
        if group != 0, !note.stops || !system.isOrphaned(group) { system.post(note, toGroup: group) }
    }
}
