import Host
import Kernel
import Library

/// The live processes, a directory each, and `self`, a link to the caller's.
///
/// It owns no process: each call asks the system for it. Files belong to the process's user, and his permission decides.
/// The directory `below` of a process is a tree of its own, with an instance of its own: the same files, of that process and
/// those that descend from it; `views` says whose tree an instance is. The corresponding Inferno page is `prog(3)`.
final class DevProg: Dev {
    let letter: Character = "p"
    let name = "prog"
    let instance = Instance.new()

    /// The file's number is the low byte of its qid path, the pid stands above it; of pid 0 there are the root and `self`.
    private enum File: String, CaseIterable {
        case directory = "", ctl, status, ns, fd, wait, text, args, env, note, pgrp, nsgrp, ppid, below, trace

        init(number: UInt64) {
            self = number < Self.allCases.count ? Self.allCases[Int(number)] : .directory
        }

        var number: UInt64 { UInt64(Self.allCases.firstIndex(of: self) ?? 0) }

        var mode: UInt32 {
            switch self {
            case .directory, .below: 0o555
            case .ctl, .note: 0o200
            case .wait, .fd, .env: 0o400
            case .ns: 0o600
            case .status, .text, .args, .pgrp, .nsgrp, .ppid, .trace: 0o444
            }
        }

        var type: QidType { self == .directory || self == .below ? .directory : .file }
    }

    private static let root: UInt64 = 0
    private static let selfPath: UInt64 = 1
    private static let selfName = "self"
    /// Behind every pid, and no more than a program of Linux may have for a place in a directory.
    private static let selfCookie: UInt64 = 1 << 32
    /// Bytes of one control message, and of lines written to ns.
    private static let messageLimit = 8192
    private static let noteLimit = 128

    /// The system refers to its devices.
    private struct Home {
        weak var system: System?
    }

    private let home = Lock(Home())

    /// The trees of `below`, by process and by instance.
    private struct Views {
        var instances: [Int32: UInt32] = [:]
        var pids: [UInt32: Int32] = [:]
    }

    private let views = Lock(Views())

    /// The tree of `pid`'s `below`, made when it is first asked for; those of processes that have gone are forgotten then.
    private func view(of pid: Int32, _ system: System) -> UInt32 {
        views.withLock { v in
            if let known = v.instances[pid] { return known }
            for (gone, instance) in v.instances where system.proc(gone) == nil {
                v.instances[gone] = nil
                v.pids[instance] = nil
            }
            let instance = Instance.new()
            v.instances[pid] = instance
            v.pids[instance] = pid
            return instance
        }
    }

    /// Whether the tree that `c` is of shows `proc`.
    private func shows(_ proc: Proc, _ c: Chan) -> Bool {
        guard c.instance != instance else { return true }
        guard let pid = views.withLock({ $0.pids[c.instance] }) else { return false }
        guard let top = proc.system.proc(pid) else { return false }
        return proc === top || proc.descends(from: top)
    }

    func start(_ system: System) { home.withLock { $0.system = system } }

    private func system() throws(SysError) -> System {
        guard let system = home.withLock({ $0.system }) else { throw .shutdown }
        return system
    }

    /// The process of `c`'s directory. Throws `.threadExited` once it has gone.
    private func proc(_ c: Chan) throws(SysError) -> Proc {
        guard let proc = try system().proc(Int32(truncatingIfNeeded: c.qid.path >> 8)) else { throw .threadExited }
        return proc
    }

    private static func file(_ c: Chan) -> File { File(number: c.qid.path & 0xff) }

    private static func qid(_ pid: Int32, _ file: File) -> Qid {
        Qid(path: UInt64(pid) << 8 | file.number, type: file.type)
    }

    private static let selfQid = Qid(path: selfPath, type: .symlink)

    // MARK: names

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        if c.qid.path == Self.root {
            if name == Self.selfName { return c.sibling(Self.selfQid) }
            guard let pid = Int32(name), String(pid) == name, let proc = try system().proc(pid), shows(proc, c)
            else { throw .nonexist }
            return c.sibling(Self.qid(pid, .directory))
        }
        let proc = try proc(c)
        guard !name.isEmpty, let file = File(rawValue: name) else { throw .nonexist }
        if file == .below {
            let view = view(of: proc.pid, proc.system)
            return Chan(self, instance: view, qid: Qid(path: Self.root, type: .directory))
        }
        return c.sibling(Self.qid(proc.pid, file))
    }

    /// Above the tree of a `below` is the directory of its process, in that tree too: there is no way out of it.
    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        if c.qid.path == Self.root, let pid = views.withLock({ $0.pids[c.instance] }) {
            return c.sibling(Self.qid(pid, .directory))
        }
        let isFile = Self.file(c) != .directory
        return c.sibling(Qid(path: isFile ? c.qid.path & ~0xff : Self.root, type: .directory))
    }

    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String {
        guard c.qid.path == Self.selfPath else { throw .badArg }
        // A program of the host has no Thread that runs.
        guard let pid = Thread.running?.proc.pid ?? home.withLock({ $0.system })?.proc(caller.pid)?.pid else {
            throw .noProcess
        }
        return String(pid)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        switch c.qid.path {
        case Self.root:
            dir(Dirtab(c.instance == instance ? "#p" : File.below.rawValue, c.qid, mode: 0o555), caller)
        case Self.selfPath: dir(Dirtab(Self.selfName, Self.selfQid, mode: 0o777), caller)
        default: entry(try proc(c), Self.file(c), caller)
        }
    }

    private func entry(_ proc: Proc, _ file: File, _ caller: Caller) -> Dir {
        let name = file == .directory ? String(proc.pid) : file.rawValue
        var entry = dir(Dirtab(name, Self.qid(proc.pid, file), mode: file.mode), caller)
        entry.belong(to: proc.cred)
        return entry
    }

    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        guard c.qid.path == Self.root else {
            let proc = try proc(c)
            // A `below` in a `below` can be walked to, and is not listed: who goes through the tree comes to an end.
            return File.allCases.dropFirst(Int(clamping: cookie) + 1)
                .filter { $0 != .below || c.instance == instance }.prefix(limit)
                .map { (entry(proc, $0, caller), $0.number) }
        }
        guard cookie != Self.selfCookie else { return [] }
        let rows = try system().processes.lazy.filter { UInt64($0.pid) > cookie && self.shows($0, c) }.prefix(limit)
            .map { (self.entry($0, .directory, caller), UInt64($0.pid)) }
        guard rows.isEmpty else { return Array(rows) }
        return [(dir(Dirtab(Self.selfName, Self.selfQid, mode: 0o777), caller), Self.selfCookie)]
    }

    // MARK: files

    /// Its own children's ends a process takes from `wait`; another is told of those to come and takes nothing away.
    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs) else { throw .perm }
        if Self.file(c) == .wait, c.qid.path != Self.root {
            let proc = try proc(c)
            if Thread.running?.proc !== proc { c.auxiliary = proc.watchChildren() }
        }
        if Self.file(c) == .ns, mode.canWrite, let opener = Thread.running?.proc {
            if Self.made(try proc(c), by: opener) { c.auxiliary = Opener(opener) }
        }
        return c.opened(mode)
    }

    /// Who opened a `ns` and may change it: those that it made may too, where it gives them the descriptor, as a shell does
    /// to `echo`. Nobody else, who would lend the process his names unawares.
    private final class Opener {
        let proc: Proc

        init(_ proc: Proc) { self.proc = proc }
    }

    private static func made(_ proc: Proc, by maker: Proc) -> Bool { proc === maker || proc.descends(from: maker) }

    func close(_ c: Chan) {
        // Where the process has gone the watch went with it.
        if let watch = c.auxiliary as? ChildWatch { try? proc(c).unwatchChildren(watch) }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let proc = try proc(c)
        if Self.file(c) == .wait {
            // A record a read, whatever the offset.
            let record =
                if let watch = c.auxiliary as? ChildWatch {
                    try proc.takeEnded(watch, how)
                } else {
                    try proc.takeEnded(.any, how)
                }
            return read(text: record.text, into: &buffer, at: 0)
        }
        return read(text: try text(of: Self.file(c), proc), into: &buffer, at: offset)
    }

    private func text(of file: File, _ proc: Proc) throws(SysError) -> String {
        switch file {
        case .status: Self.status(proc)
        case .ns: proc.nameSpaceScript
        case .fd: proc.files.all.reduce(proc.directory + "\n") { $0 + descriptorLine($1.fd, $1.chan) }
        case .text: proc.program + "\n"
        case .args: proc.args.map(shellQuoted).joined(separator: " ") + "\n"
        case .env:
            proc.environment.all.map { $0.name + "=" + String(decoding: $0.variable.value, as: UTF8.self) + "\n" }
                .joined()
        case .pgrp: String(proc.group)
        case .nsgrp: String(proc.nameSpace.id)
        case .ppid: String(proc.parentPid)
        case .trace: proc.runner?.trace ?? ""
        case .directory, .below, .ctl, .wait, .note: throw .perm
        }
    }

    /// Pid, group, user, CPU time, state, kilobytes of memory that its stacks take, and name, `[$Sys]` behind it in a system call.
    private static func status(_ proc: Proc) -> String {
        let life = proc.life
        let waits = life == .running && proc.isBlocked
        let tenths = proc.cpuTime / 100_000_000
        let seconds = String(tenths / 10 % 60).right(2, fill: "0")
        let state = life == .running ? waits ? "release" : "ready" : life.rawValue
        let size = life == .exiting ? 0 : proc.stackSize / 1024
        let name = life == .exiting ? "[$Sys]" : proc.name + (waits ? "[$Sys]" : "")
        return "\(String(proc.pid).right(8)) \(String(proc.group).right(8)) \(proc.cred.user.right(10)) "
            + "\(String(tenths / 600).right(4)):\(seconds).\(tenths % 10) \(state.right(10)) \(String(size).right(5))K \(name)"
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        guard bytes.byteCount <= Self.messageLimit else { throw .tooBig }
        let proc = try proc(c)
        var text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        switch Self.file(c) {
        case .ctl: try control(proc, text)
        case .note: try Self.post(text, to: proc)
        case .ns:
            guard let writer = Thread.running?.proc,
                Self.made(proc, by: writer) || (c.auxiliary as? Opener).map({ Self.made(writer, by: $0.proc) }) == true
            else {
                throw .perm
            }
            try NameSpaceFile(name: "ns", text: text).apply(to: proc, by: writer)
        default: throw .perm
        }
        return bytes.byteCount
    }

    private func control(_ proc: Proc, _ text: String) throws(SysError) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" })
        guard let verb = words.first else { throw .badControl }
        switch verb {
        case "note":
            guard words.count > 1 else { throw .controlArgs }
            return try Self.post(String(text[words[1].startIndex...]), to: proc)
        case "kill", "killgrp", "stop", "start":
            guard words.count == 1 else { throw .controlArgs }
        case "pri":
            guard words.count == 2 else { throw .controlArgs }
            guard let nice = Int32(words[1]) else { throw .badArg }
            return try proc.setNice(nice)
        default: throw .unknownControl
        }
        switch verb {
        case "kill": proc.kill()
        case "killgrp": try killGroup(proc.group)
        case "stop": proc.stop()
        default: proc.resume()
        }
    }

    /// Kills all of a group but the caller.
    private func killGroup(_ group: Int32) throws(SysError) {
        let caller = Thread.running?.proc
        try system().kill { $0.group == group && $0 !== caller }
    }

    private static func post(_ text: String, to proc: Proc) throws(SysError) {
        guard !text.isEmpty else { throw .controlArgs }
        guard text.utf8.count <= noteLimit else { throw .tooBig }
        // A kill is no note: nobody can handle it.
        if text == "kill" { return proc.kill() }
        guard proc.post(Note(text, sender: Thread.running?.proc.pid ?? 0)) else {
            throw SysError("too many pending notes")
        }
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard Self.file(c) == .wait, events.contains(.read), let proc = try? proc(c) else {
            return events.intersection([.read, .write])
        }
        return proc.pollEnded(c.auxiliary as? ChildWatch, waiter)
            ? events.intersection([.read, .write]) : events.intersection(.write)
    }

    func seekable(_ c: Chan) -> Bool { Self.file(c) != .wait }

    private static func isText(_ c: Chan) -> Bool {
        switch file(c) {
        case .directory, .below, .ctl, .wait, .note: false
        default: c.qid.path != root && c.qid.path != selfPath
        }
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        Self.isText(c) ? try lendCopy(c, caller) : nil
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        Self.isText(c) ? try copyIdentity(c) : nil
    }
}
