import Host
import Kernel

/// A conversation with one program of the host: made by an open of `clone`, gone with the last open file that holds it. Then
/// the program is killed, and all of its process group.
///
/// `state` guards what is mutable; nothing is called with it held.
final class CmdConversation: Sendable {
    /// As its directory is called.
    let number: UInt64
    let owner: Cred

    /// The files of its directory.
    enum File: UInt64, CaseIterable { case ctl = 1, data, stderr, status, wait }

    private enum Phase: String { case open = "Open", execute = "Execute", done = "Done", closed = "Closed" }

    /// Which of the program's standard files a Chan stands for.
    enum Stream { case input, output, errors }

    private struct State {
        var phase = Phase.open
        var directory: String?
        var nice: Int32 = 0
        var killsOnClose = false
        /// The name of the program.
        var name = ""
        var process: HostProcess?
        /// What `wait` gives, once the program has ended.
        var record: String?
        /// Our ends of its pipes; dropped when the last Chan that could use them is closed.
        var streams: [Stream: PolledStream] = [:]
        /// Chans that can use each.
        var users: [Stream: Int] = [:]
        /// Open Chans of ctl, data and wait, which hold the conversation.
        var holders = 0
    }

    private let state = Lock(State())
    private let changed = WaitQueue()

    init(_ number: UInt64, _ owner: Cred) {
        self.number = number
        self.owner = owner
    }

    // MARK: opening and closing

    private static func holds(_ file: File) -> Bool { file == .ctl || file == .data || file == .wait }

    /// The standard files that a Chan of `file` can use.
    private static func streams(_ file: File, _ mode: OpenMode) -> [Stream] {
        switch file {
        case .data: (mode.canWrite ? [.input] : []) + (mode.canRead ? [.output] : [])
        case .stderr: [.errors]
        default: []
        }
    }

    /// Throws `.nonexist` where the conversation has ended.
    func opened(_ file: File, _ mode: OpenMode) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard s.phase != .closed else { throw .nonexist }
            if Self.holds(file) { s.holders += 1 }
            for stream in Self.streams(file, mode) { s.users[stream, default: 0] += 1 }
        }
    }

    /// The last Chan that could use a standard file closes it; the last one that holds the conversation ends it: true then.
    func closed(_ file: File, _ mode: OpenMode) -> Bool {
        let (unused, process, isEnd) = state.withLock { s -> ([PolledStream], HostProcess?, Bool) in
            var unused: [PolledStream] = []
            for stream in Self.streams(file, mode) {
                s.users[stream, default: 0] -= 1
                if s.users[stream] == 0, let open = s.streams.removeValue(forKey: stream) { unused.append(open) }
            }
            if Self.holds(file) { s.holders -= 1 }
            let isEnd = s.holders == 0 && s.phase != .closed
            if isEnd {
                s.phase = .closed
                unused += s.streams.values
                s.streams = [:]
            }
            return (unused, isEnd || file == .ctl && s.killsOnClose ? s.process : nil, isEnd)
        }
        if isEnd { process?.release() } else { _ = process?.signal(Self.kill) }
        withExtendedLifetime(unused) {}
        return isEnd
    }

    // MARK: control

    /// Most bytes of a message, the program's arguments included.
    static let messageLimit = 128 * 1024

    /// Steps of priority for each level of `nice`.
    private static let levels: [String: Int32] = ["1": 5, "2": 10, "3": 19]

    private static let kill: Int32 = 9

    /// Signals of the host by name, and what a program that one of them ended has as its status.
    private static let signals: [(name: String, number: Int32, status: String)] = [
        ("hup", 1, "hangup"), ("int", 2, "interrupt"), ("quit", 3, "quit"), ("kill", kill, "killed"),
        ("usr1", 10, "usr1"), ("usr2", 12, "usr2"), ("term", 15, "term"), ("cont", 18, "cont"), ("stop", 19, "stop"),
    ]

    /// Does what a message says. `environment` is what a program gets.
    func control(_ bytes: [UInt8], _ environment: [String]) throws(SysError) {
        guard bytes.count <= Self.messageLimit else { throw .tooBig }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .badArg }
        let words = try Self.words(text)
        switch (words.first, words.count) {
        case ("dir", 2):
            guard words[1].hasPrefix("/") else { throw .badArg }
            try configure { $0.directory = words[1] }
        case ("exec", 2...): try execute(Array(words.dropFirst()), environment)
        case ("kill", 1): try signal(Self.kill)
        case ("kill", 2):
            guard let row = Self.signals.first(where: { $0.name == words[1] }) else { throw .badArg }
            try signal(row.number)
        case ("killonclose", 1): state.withLock { $0.killsOnClose = true }
        case ("nice", 1...2):
            guard let steps = Self.levels[words.count == 1 ? "1" : words[1]] else { throw .badArg }
            try configure { $0.nice = steps }
        case ("dir", _), ("exec", _), ("kill", _), ("killonclose", _), ("nice", _): throw .controlArgs
        default: throw .unknownControl
        }
    }

    /// Changes what only counts before the program runs.
    private func configure(_ body: (inout State) -> Void) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard s.phase == .open else { throw .inUse }
            body(&s)
        }
    }

    private func execute(_ words: [String], _ environment: [String]) throws(SysError) {
        var command = HostProcess.Command(words)
        command.environment = environment
        try state.withLock { (s) throws(SysError) in
            guard s.phase == .open else { throw .inUse }
            s.phase = .execute
            s.name = words[0]
            command.directory = s.directory ?? command.directory
            command.nice = s.nice
            command.hasErrors = s.users[.errors, default: 0] > 0
        }
        do throws(SysError) {
            let start = HostClock.monotonic()
            let (process, files) = try HostProcess.start(command) { [self] end in finished(end, since: start) }
            let late = state.withLock { s -> Bool in
                s.process = process
                s.streams = [.input: PolledStream(files.input), .output: PolledStream(files.output)]
                // Nobody would empty what is opened for readers that have gone meanwhile.
                if let errors = files.errors, s.users[.errors, default: 0] > 0 {
                    s.streams[.errors] = PolledStream(errors)
                }
                return s.phase == .closed
            }
            if late { process.release() }
        } catch {
            state.withLock { $0.phase = .open }
            throw error
        }
    }

    private func signal(_ number: Int32) throws(SysError) {
        guard let process = state.withLock({ $0.process }), process.signal(number) else { throw .noProcess }
    }

    /// On the helper that waited for it.
    private func finished(_ end: HostProcess.End, since start: UInt64) {
        let status =
            switch end.code {
            case 0?: ""
            case let code?: String(code)
            case nil: Self.signals.first { $0.number == end.signal }?.status ?? String(128 + end.signal)
            }
        let real = (HostClock.monotonic() - start) / 1_000_000
        state.withLock { s in
            if s.phase == .execute { s.phase = .done }
            s.record = "\(end.pid) \(end.user) \(end.system) \(real) \(shellQuoted(status))"
        }
        changed.wake()
    }

    /// Splits a message into words; quotes keep blanks, and a doubled quote in them is one.
    private static func words(_ text: String) throws(SysError) -> [String] {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        var isQuoted = false
        var rest = text.unicodeScalars[...]
        while let c = rest.popFirst() {
            switch c {
            case "\0": throw .badArg
            case "'" where isQuoted && rest.first == "'":
                word?.append(c)
                rest = rest.dropFirst()
            case "'":
                isQuoted.toggle()
                word = word ?? .init()
            case " ", "\t", "\n":
                if isQuoted {
                    word?.append(c)
                } else if let done = word {
                    words.append(String(done))
                    word = nil
                }
            default:
                if word == nil { word = .init() }
                word?.append(c)
            }
        }
        guard !isQuoted else { throw .badArg }
        if let done = word { words.append(String(done)) }
        return words
    }

    // MARK: what it says

    /// `cmd/N OPENS STATE DIRECTORY PROGRAM`.
    var status: String {
        state.withLock { s in
            let words = [s.directory ?? ".", s.name].map { shellQuoted($0) }
            return "cmd/\(number) \(s.holders) \(s.phase.rawValue) \(words[0]) \(words[1])\n"
        }
    }

    /// `PID USER SYSTEM REAL STATUS`, times in milliseconds, once the program has ended. Throws `.noChild` where none was
    /// started.
    func wait(_ how: How) throws(SysError) -> String {
        try changed.sleep(how) { () throws(SysError) -> String? in
            try state.withLock { (s) throws(SysError) -> String? in
                guard s.phase != .open else { throw .noChild }
                return s.record
            }
        }
    }

    func pollEnd(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        waiter?.stand(on: changed)
        return state.withLock { $0.record == nil && $0.phase != .open } ? [] : events.intersection(.read)
    }

    /// One of the program's standard files. Throws `.hungup` where no program was started, or the file was closed.
    func stream(_ which: Stream) throws(SysError) -> PolledStream {
        guard let stream = state.withLock({ $0.streams[which] }) else { throw .hungup }
        return stream
    }

    func poll(_ which: Stream, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        state.withLock({ $0.streams[which] })?.poll(events, waiter) ?? [.hangup]
    }
}
