import Kernel
import Synchronization

/// Terminals without a host's: each is a pair, a master that types and shows, and a slave with a line discipline.
///
/// Opening `ptmx` makes one and gives its master; `N` is the slave, `Nctl` takes commands, `Nstatus` tells. The names are
/// those that Linux programs know from /dev/pts. With its master a terminal leaves the directory; who has it open sees
/// it hung up. `table` guards which there are. The corresponding Linux page is `pts(4)`, the Inferno page `cons(3)`.
final class DevTty: TerminalDevice {
    let letter: Character = "y"
    let name = "tty"
    let instance = Instance.new()

    /// What a file is: the low bits of its qid path. The rest is a number of the terminal that is never used again.
    private enum File: UInt64 {
        case top, ptmx, slave, ctl, status, master
    }

    private struct Weak {
        weak var system: System?
    }

    private struct Entry {
        let tty: Tty
        let serial: UInt64
    }

    private struct Table {
        /// By the number in the names: the lowest free one is given.
        var entries: [Int: Entry] = [:]
        var next: UInt64 = 1
    }

    private static let top = Qid(path: File.top.rawValue, type: .directory)
    private static let ptmx = Dirtab("ptmx", Qid(path: File.ptmx.rawValue), mode: 0o666)
    /// Files of a terminal: what stands behind the number, and the mode.
    private static let files: [(suffix: String, file: File, mode: UInt32)] = [
        ("", .slave, 0o600), ("ctl", .ctl, 0o600), ("status", .status, 0o444),
    ]

    private let table = Lock(Table())
    private let owner = Lock(Weak())

    func start(_ system: System) { owner.withLock { $0.system = system } }

    private func file(_ c: Chan) -> File { File(rawValue: c.qid.path & 7) ?? .top }

    private func tty(_ c: Chan) throws(SysError) -> Tty {
        guard let tty = c.auxiliary as? Tty else { throw .badArg }
        return tty
    }

    private func row(_ entry: Entry, _ suffix: String, _ file: File, _ mode: UInt32) -> Dirtab {
        Dirtab("\(entry.tty.number)\(suffix)", Qid(path: entry.serial << 3 | file.rawValue), mode: mode)
    }

    // MARK: names

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        if name == Self.ptmx.name { return c.sibling(Self.ptmx.qid) }
        let digits = name.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), String(number) == digits, let entry = table.withLock({ $0.entries[number] })
        else { throw .nonexist }
        for (suffix, file, mode) in Self.files where suffix == name.dropFirst(digits.count) {
            return c.sibling(row(entry, suffix, file, mode).qid, auxiliary: entry.tty)
        }
        throw .nonexist
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let kind = file(c)
        switch kind {
        case .top: return dir(Dirtab("#y", Self.top, mode: 0o555), caller)
        case .ptmx: return dir(Self.ptmx, caller)
        default:
            let tty = try tty(c)
            let entry = Entry(tty: tty, serial: c.qid.path >> 3)
            // The master is in no directory; it is called as its slave.
            let (suffix, _, mode) = Self.files.first { $0.file == kind } ?? ("", .master, 0o600)
            return dir(row(entry, suffix, kind, mode), tty, caller)
        }
    }

    private func dir(_ row: Dirtab, _ tty: Tty, _ caller: Caller) -> Dir {
        var entry = dir(row, caller)
        (entry.owner, entry.group, entry.modifier) = (tty.owner, tty.owner, tty.owner)
        (entry.accessed, entry.modified, entry.changed) = (tty.made, tty.made, tty.made)
        return entry
    }

    /// Oldest first; cookies are qid paths.
    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        let entries = table.withLock { Array($0.entries.values) }.sorted { $0.serial < $1.serial }
        var all = [(entry: dir(Self.ptmx, caller), cookie: Self.ptmx.qid.path)]
        for entry in entries {
            for (suffix, file, mode) in Self.files {
                let row = row(entry, suffix, file, mode)
                all.append((dir(row, entry.tty, caller), row.qid.path))
            }
        }
        return Array(all.lazy.filter { $0.cookie > cookie }.prefix(limit))
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs), mode.access != 3 else { throw .perm }
        switch file(c) {
        case .top, .status: break
        case .master: throw .perm
        case .ptmx: return make(c, caller).opened(mode)
        case .slave: try tty(c).openSlave()
        case .ctl: try tty(c).openControl()
        }
        return c.opened(mode)
    }

    /// A new terminal's master.
    private func make(_ c: Chan, _ caller: Caller) -> Chan {
        let entry = table.withLock { t -> Entry in
            var number = 0
            while t.entries[number] != nil { number += 1 }
            let tty = Tty(number, caller) { [weak self] in self?.owner.withLock { $0.system } }
            let entry = Entry(tty: tty, serial: t.next)
            t.entries[number] = entry
            t.next += 1
            return entry
        }
        return c.sibling(Qid(path: entry.serial << 3 | File.master.rawValue), auxiliary: entry.tty)
    }

    func close(_ c: Chan) {
        guard let tty = c.auxiliary as? Tty else { return }
        switch file(c) {
        case .slave: tty.closeSlave()
        case .ctl: tty.closeControl()
        case .master:
            let gone = table.withLock { $0.entries.removeValue(forKey: tty.number) }
            withExtendedLifetime(gone) { tty.hangUp() }
        default: break
        }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch file(c) {
        case .slave: return try tty(c).read(into: &buffer, how)
        case .master: return try tty(c).show(into: &buffer, how)
        default: return read(text: try tty(c).text, into: &buffer, at: offset)
        }
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        switch file(c) {
        case .slave: return try tty(c).write(bytes, how)
        case .master: return try tty(c).type(bytes, how)
        case .ctl:
            guard bytes.byteCount <= 64 else { throw .tooBig }
            let words = String(decoding: [UInt8](copying: bytes), as: UTF8.self).split { $0.isWhitespace }
            try tty(c).command(words, by: Thread.running?.proc)
            return bytes.byteCount
        default: throw .perm
        }
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard let tty = c.auxiliary as? Tty else { return events.intersection([.read, .write]) }
        return switch file(c) {
        case .slave: tty.pollSlave(events, waiter)
        case .master: tty.pollMaster(events, waiter)
        default: events.intersection([.read, .write])
        }
    }

    /// Slave and master are terminals until they are hung up.
    func terminal(_ c: Chan) -> (any Terminal)? {
        guard file(c) == .slave || file(c) == .master, let tty = c.auxiliary as? Tty, !tty.isHungUp else { return nil }
        return tty
    }

    func terminal(of session: Int32) -> Chan? {
        let entries = table.withLock { Array($0.entries.values) }
        guard session != 0, let entry = entries.first(where: { $0.tty.session == session }) else { return nil }
        return Chan(self, qid: Qid(path: entry.serial << 3 | File.slave.rawValue), auxiliary: entry.tty)
    }

    func seekable(_ c: Chan) -> Bool { file(c) == .ctl || file(c) == .status }
}
