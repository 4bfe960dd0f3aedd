import Host
import Kernel

/// The console and what every program needs beside it: the bit bucket, zeros, random bytes, the time, names.
///
/// The console itself is `HostConsole`; this device owns only the system's name and the kernel's log, each under its own
/// lock. The corresponding Inferno page is `cons(3)`.
final class DevCons: LogDevice {
    let letter: Character = "c"
    let name = "cons"
    let instance = Instance.new()

    private enum File: UInt64 {
        case dir, null, zero, full, random, cons, consctl, stdin, stdout, stderr, time, msec, user, sysname, sysctl
        case drivers, modules, memory, kprint, tty
    }

    private static let rows: [(name: String, file: File, mode: UInt32)] = [
        ("cons", .cons, 0o666), ("consctl", .consctl, 0o666), ("drivers", .drivers, 0o444), ("full", .full, 0o666),
        ("hoststderr", .stderr, 0o222), ("hoststdin", .stdin, 0o444), ("hoststdout", .stdout, 0o222),
        ("kprint", .kprint, 0o644), ("memory", .memory, 0o444), ("modules", .modules, 0o444), ("msec", .msec, 0o444),
        ("notquiterandom", .random, 0o444), ("null", .null, 0o666), ("random", .random, 0o444),
        ("sysctl", .sysctl, 0o644), ("sysname", .sysname, 0o644), ("time", .time, 0o444), ("tty", .tty, 0o666),
        ("urandom", .random, 0o444), ("user", .user, 0o444), ("zero", .zero, 0o444),
    ]

    /// Two names may be one kind of file, but they are two files: the row stands above the kind in the qid path.
    private static let files = rows.enumerated().map { n, row in
        Dirtab(row.name, Qid(path: UInt64(n + 1) << 8 | row.file.rawValue), mode: row.mode)
    }

    private let console: HostConsole
    private let control: ConsoleControl
    private let log = KernelLog()
    private let sysname = Lock("emu")
    /// Set by `start`; whoever reads drivers or halts the system needs it.
    private let owner = Lock(Owner())

    private struct Owner {
        weak var system: System?
    }

    init(_ console: HostConsole) {
        self.console = console
        control = ConsoleControl(console)
    }

    convenience init() { self.init(.shared) }

    func keep(_ line: String) { log.append(Array("\(line)\n".utf8)) }

    func start(_ system: System) { owner.withLock { $0.system = system } }

    private func system() throws(SysError) -> System {
        guard let system = owner.withLock({ $0.system }) else { throw .hungup }
        return system
    }

    private func file(_ c: Chan) -> File? { File(rawValue: c.qid.path & 0xff) }

    func table(of directory: Qid) -> [Dirtab] { Self.files }

    /// The bits of a row, which is found by its number, or of the directory.
    private static func mode(_ c: Chan) -> FileMode {
        let row = Int(c.qid.path >> 8) - 1
        return files.indices.contains(row) ? files[row].mode : FileMode(rawValue: 0o555)
    }

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(owner: caller.cred.user, group: caller.cred.user, Self.mode(c), mode.needs) else {
            throw .perm
        }
        switch file(c) {
        case .consctl: control.open()
        case .tty: return try openTerminal(c, mode, caller, how)
        default: break
        }
        return c.opened(mode)
    }

    /// The terminal of the calling process's session: another device's, or the console for the session that emu began with.
    /// Throws `.noSuchDevice` where it has none.
    private func openTerminal(
        _ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How
    ) throws(SysError) -> Chan {
        let system = try system()
        guard let session = (Thread.running?.proc ?? system.proc(caller.pid))?.session else { throw .noSuchDevice }
        for case let dev as any TerminalDevice in system.devices {
            if let terminal = dev.terminal(of: session) { return try dev.open(terminal, mode, caller, how) }
        }
        guard console.terminal != nil, session == system.proc(1)?.session,
            let cons = Self.files.first(where: { $0.name == "cons" })
        else { throw .noSuchDevice }
        return c.sibling(cons.qid).opened(mode)
    }

    func close(_ c: Chan) {
        if file(c) == .consctl { control.close() }
    }

    /// The corresponding Plan 9 call is `read(5)`.
    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch file(c) {
        case .null: return 0
        case .zero, .full:
            buffer.clear()
            return buffer.byteCount
        case .random:
            try buffer.fillRandom()
            return buffer.byteCount
        case .cons, .stdin: return try console.input.read(into: &buffer, how)
        case .kprint: return try log.read(into: &buffer, c, how)
        default: return read(text: try text(c, caller), into: &buffer, at: offset)
        }
    }

    /// What the files hold whose text is made at each read.
    private func text(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        switch file(c) {
        case .consctl: control.text
        case .time: String(caller.clock.now() / 1000)
        case .msec: String(caller.clock.monotonic() / 1_000_000)
        case .user: caller.cred.user
        case .sysname: sysname.withLock { $0 }
        case .sysctl: "emu \(System.version)"
        case .drivers: try system().devices.map { "#\($0.letter) \($0.name)\n" }.joined()
        case .modules: try system().modules.text
        case .memory: Self.memory
        default: throw .perm
        }
    }

    /// A line per pool: bytes in use, the most there may be, the most there were, name; and a line for each kind of object
    /// that is counted. 0 where a number is not known.
    private static var memory: String {
        let resident = HostMemory.resident()
        let heap = HostMemory.heap()
        let live = Live.now
        let host = HostMemory.counts()
        return [
            (resident.now, resident.limit, resident.peak, "resident"), (heap.used, heap.held, heap.held, "heap"),
            (live.procs, 0, 0, "procs"), (live.threads, 0, 0, "threads"), (live.chans, 0, 0, "chans"),
            (live.waiters, 0, 0, "waiters"), (host.threads, 0, 0, "hostthreads"),
            (host.descriptors, 0, 0, "hostfds"),
        ].map { row in
            [row.0, row.1, row.2].map { String(repeating: " ", count: max(0, 11 - "\($0)".count)) + "\($0) " }.joined()
                + row.3 + "\n"
        }.joined()
    }

    /// The corresponding Plan 9 call is `write(5)`.
    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch file(c) {
        case .null: return bytes.byteCount
        case .full: throw .noSpace
        case .cons, .stdout: return try console.output.write(bytes, how)
        case .stderr: return try console.error.write(bytes, how)
        case .consctl: try control.command(Self.words(bytes))
        case .sysname: try setName(bytes)
        case .sysctl: try command(Self.words(bytes))
        case .kprint: log.append([UInt8](copying: bytes))
        default: throw .perm
        }
        return bytes.byteCount
    }

    /// The console is a terminal where the host's descriptor behind it is one.
    func window(_ c: Chan) -> Window? {
        guard let stream = stream(c), let terminal = HostTerminal(stream.number) else { return nil }
        let size = terminal.size
        return Window(rows: size?.rows ?? 0, columns: size?.columns ?? 0)
    }

    /// The words of a control message. Throws `.badControl` for one too long to be one.
    private static func words(_ bytes: RawSpan) throws(SysError) -> [String] {
        guard bytes.byteCount <= 256 else { throw .badControl }
        return String(decoding: [UInt8](copying: bytes), as: UTF8.self).split(whereSeparator: \.isWhitespace)
            .map(String.init)
    }

    private func setName(_ bytes: RawSpan) throws(SysError) {
        let words = try Self.words(bytes)
        guard words.count == 1, let name = words.first, name.utf8.count <= 64 else { throw .badArg }
        sysname.withLock { $0 = name }
    }

    private func command(_ words: [String]) throws(SysError) {
        switch words.first {
        case "halt":
            guard words.count == 1 else { throw .controlArgs }
            try system().proc(1)?.kill(.ok)
        case "reboot", "broken", "nobroken", "exdebug": throw .notHere
        default: throw .unknownControl
        }
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        let wanted = events.intersection([.read, .write])
        switch file(c) {
        case .cons where wanted.contains(.write):
            // Two host files: what either has.
            return console.output.poll(.write, waiter)
                .union(wanted.contains(.read) ? console.input.poll(.read, waiter) : [])
        case .cons, .stdin: return console.input.poll(wanted, waiter)
        case .stdout: return console.output.poll(wanted, waiter)
        case .stderr: return console.error.poll(wanted, waiter)
        case .kprint: return log.poll(c, wanted, waiter)
        default: return wanted
        }
    }

    /// What the console is to us, the host's devices that are the same as ours, and copies of the texts.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        switch file(c) {
        case .cons, .stdin, .stdout, .stderr: return stream(c)?.number
        case .kprint, .tty, .dir, nil: return nil
        default: break
        }
        guard let device = hostDevice(c) else { return try lendCopy(c, caller) }
        if let number = c.lent { return number }
        return try c.lend(HostFiles.open(device, .init(c.mode)), sharesOffset: false)
    }

    private func hostDevice(_ c: Chan) -> HostFiles.Device? {
        switch file(c) {
        case .null: .null
        case .zero: .zero
        case .full: .full
        case .random: .urandom
        default: nil
        }
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        switch file(c) {
        case .cons, .stdin, .stdout, .stderr:
            return try stream(c).map { (s) throws(SysError) in HostIdentity(try HostStat(s.number)) }
        case .kprint, .tty, .dir, nil: return nil
        default: break
        }
        guard let device = hostDevice(c) else { return try copyIdentity(c) }
        let fd = try HostFiles.open(device, .read)
        return HostIdentity(try HostStat(fd.number))
    }

    /// The host's stream behind an open file; nil where there is none.
    private func stream(_ c: Chan) -> HostStream? {
        let flow: (any HostFlow)? =
            switch file(c) {
            case .cons: c.mode?.canRead == true ? console.input.stream : console.output.stream
            case .stdin: console.input.stream
            case .stdout: console.output.stream
            case .stderr: console.error.stream
            default: nil
            }
        return flow as? HostStream ?? (flow as? HostMirrored)?.stream
    }

    func seekable(_ c: Chan) -> Bool {
        switch file(c) {
        case .cons, .stdin, .stdout, .stderr, .kprint: false
        default: true
        }
    }
}

/// consctl: raw or cooked, and who is in the foreground. Raw ends when the last Chan of the file is closed.
private final class ConsoleControl: Sendable {
    private let console: HostConsole
    private let opens = Lock(0)

    init(_ console: HostConsole) { self.console = console }

    func open() { opens.withLock { $0 += 1 } }

    func close() {
        let last = opens.withLock { n -> Bool in
            n -= 1
            return n == 0
        }
        if last, console.terminal?.isRaw == true { console.terminal?.setRaw(false) }
    }

    var text: String {
        let size = console.terminal?.size
        return """
            raw \(console.terminal?.isRaw == true ? "on" : "off")
            foreground \(console.foreground)
            size \(size?.rows ?? 0) \(size?.columns ?? 0)

            """
    }

    func command(_ words: [String]) throws(SysError) {
        switch (words.first, words.count) {
        case ("rawon", 1): console.terminal?.setRaw(true)
        case ("rawoff", 1): console.terminal?.setRaw(false)
        case ("foreground", 2):
            guard let group = Int32(words[1]), group > 0 else { throw .badArg }
            console.foreground = group
        case ("rawon", _), ("rawoff", _), ("foreground", _): throw .controlArgs
        default: throw .unknownControl
        }
    }
}
