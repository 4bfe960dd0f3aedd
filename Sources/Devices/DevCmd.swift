import Host
import Kernel

/// Programs of the host: each open of `clone` is a conversation with one.
///
/// `#C` holds `cmd`, with `clone` and a directory for each conversation. There is nothing to attach unless the system was
/// made with that grant. `state` guards the table; a conversation guards itself. The corresponding Inferno page is `cmd(3)`.
final class DevCmd: Dev {
    let letter: Character = "C"
    let name = "cmd"
    let instance = Instance.new()

    /// What a file that belongs to no conversation is; else the low bits of a qid path are 0 or the conversation's file, and
    /// above them stands its number and one.
    private enum Fixed {
        static let top: UInt64 = 0
        static let cmd: UInt64 = 1
        static let clone: UInt64 = 2
    }

    private static let modes: [CmdConversation.File: UInt32] = [
        .ctl: 0o660, .data: 0o660, .stderr: 0o440, .status: 0o440, .wait: 0o440,
    ]

    /// Conversations at once.
    static let limit = 1000

    /// What of the host's environment a program of the host gets, besides the user's name.
    private static let inherited = ["PATH", "TERM", "LANG", "TZ", "COLUMNS", "LINES"]

    private struct State {
        var isAllowed = false
        var next: UInt64 = 0
        var conversations: [UInt64: CmdConversation] = [:]
    }

    private let state = Lock(State())

    func start(_ system: System) { state.withLock { $0.isAllowed = system.grants.commands } }

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard state.withLock({ $0.isAllowed }) else { throw SysError("host commands are off (start emu with -C)") }
        guard spec.isEmpty else { throw .badSpec }
        return Chan(self, qid: Self.directory(Fixed.top))
    }

    private static func directory(_ path: UInt64) -> Qid { Qid(path: path, type: .directory) }

    private static func qid(_ number: UInt64, _ file: CmdConversation.File) -> Qid {
        Qid(path: (number + 1) << 3 | file.rawValue)
    }

    private static func directory(of number: UInt64) -> Qid { directory((number + 1) << 3) }

    /// The number of the conversation that a file belongs to; nil for the fixed ones.
    private static func number(_ qid: Qid) -> UInt64? { qid.path >> 3 == 0 ? nil : qid.path >> 3 - 1 }

    /// What a file of a conversation is; nil for its directory and for the fixed ones.
    private static func file(_ qid: Qid) -> CmdConversation.File? {
        number(qid) == nil ? nil : CmdConversation.File(rawValue: qid.path & 7)
    }

    private func conversation(_ number: UInt64) throws(SysError) -> CmdConversation {
        guard let found = state.withLock({ $0.conversations[number] }) else { throw .nonexist }
        return found
    }

    // MARK: the tree

    func table(of directory: Qid) -> [Dirtab] {
        if let number = Self.number(directory) {
            return CmdConversation.File.allCases.map {
                Dirtab("\($0)", Self.qid(number, $0), mode: Self.modes[$0] ?? 0)
            }
        }
        guard directory.path == Fixed.cmd else { return [Dirtab("cmd", Self.directory(Fixed.cmd), mode: 0o555)] }
        let numbers = state.withLock { $0.conversations.keys.sorted() }
        return [Dirtab("clone", Qid(path: Fixed.clone), mode: 0o666)]
            + numbers.map { Dirtab("\($0)", Self.directory(of: $0), mode: 0o555) }
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        guard let number = Self.number(c.qid) else {
            return c.sibling(Self.directory(c.qid.path == Fixed.clone ? Fixed.cmd : Fixed.top))
        }
        return c.sibling(Self.file(c.qid) == nil ? Self.directory(Fixed.cmd) : Self.directory(of: number))
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        guard c.qid.path != Fixed.top else { return dir(Dirtab("#C", c.qid, mode: 0o555), caller) }
        for row in table(of: try parent(c, caller).qid) where row.qid.path == c.qid.path {
            return try entry(row, caller)
        }
        throw .nonexist
    }

    /// A row of the table; what belongs to a conversation is its maker's.
    private func entry(_ row: Dirtab, _ caller: Caller) throws(SysError) -> Dir {
        var entry = dir(row, caller)
        if let number = Self.number(row.qid) {
            entry.belong(to: try conversation(number).owner)
        }
        return entry
    }

    /// A cookie is a file's number in its directory: it stays right when conversations end.
    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        var entries: [(entry: Dir, cookie: UInt64)] = []
        for row in table(of: c.qid) where row.qid.path > cookie && entries.count < limit {
            guard let entry = try? entry(row, caller) else { continue }  // it has ended meanwhile
            entries.append((entry, row.qid.path))
        }
        return entries
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard mode.access != 3, caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        if c.isDirectory { return c.opened(mode) }
        let made = c.qid.path == Fixed.clone ? c.sibling(Self.qid(try new(caller).number, .ctl)) : c
        guard let number = Self.number(made.qid), let file = Self.file(made.qid) else { throw .nonexist }
        let conversation = try conversation(number)
        try conversation.opened(file, mode)
        made.auxiliary = conversation
        return made.opened(mode)
    }

    private func new(_ caller: Caller) throws(SysError) -> CmdConversation {
        try state.withLock { (s) throws(SysError) in
            guard s.conversations.count < Self.limit else { throw .noDevices }
            let conversation = CmdConversation(s.next, caller.cred)
            s.conversations[s.next] = conversation
            s.next += 1
            return conversation
        }
    }

    func close(_ c: Chan) {
        guard let conversation = c.auxiliary as? CmdConversation, let file = Self.file(c.qid), let mode = c.mode else {
            return
        }
        if conversation.closed(file, mode) { state.withLock { $0.conversations[conversation.number] = nil } }
    }

    /// The conversation of an open Chan, and which of its files that is.
    private func opened(_ c: Chan) throws(SysError) -> (CmdConversation, CmdConversation.File) {
        guard let conversation = c.auxiliary as? CmdConversation, let file = Self.file(c.qid) else { throw .badUseFd }
        return (conversation, file)
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let (conversation, file) = try opened(c)
        switch file {
        case .ctl: return read(text: "\(conversation.number)", into: &buffer, at: offset)
        case .status: return read(text: conversation.status, into: &buffer, at: offset)
        case .wait: return read(text: try conversation.wait(how), into: &buffer, at: offset)
        case .data: return try conversation.stream(.output).read(into: &buffer, how)
        case .stderr: return try conversation.stream(.errors).read(into: &buffer, how)
        }
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let (conversation, file) = try opened(c)
        switch file {
        case .data: return try conversation.stream(.input).write(bytes, how)
        case .ctl:
            guard bytes.byteCount <= CmdConversation.messageLimit else { throw .tooBig }
            try conversation.control([UInt8](copying: bytes), Self.environment(caller))
            return bytes.byteCount
        default: throw .perm
        }
    }

    private static func environment(_ caller: Caller) -> [String] {
        inherited.compactMap { name in HostEnvironment.variable(name).map { "\(name)=\($0)" } }
            + ["USER=\(caller.cred.user)", "LOGNAME=\(caller.cred.user)"]
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard let (conversation, file) = try? opened(c) else { return events }  // not open: its error comes at once
        switch file {
        case .data:
            // Two pipes: what either has.
            let reads = events.contains(.read) ? conversation.poll(.output, .read, waiter) : []
            return reads.union(events.contains(.write) ? conversation.poll(.input, .write, waiter) : [])
        case .stderr: return conversation.poll(.errors, events, waiter)
        case .wait: return conversation.pollEnd(events, waiter)
        default: return events.intersection([.read, .write])
        }
    }

    func seekable(_ c: Chan) -> Bool {
        let file = Self.file(c.qid)
        return file != .data && file != .stderr
    }
}
