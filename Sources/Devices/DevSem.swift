import Kernel

/// Semaphores without a file. Opening `clone` makes one and gives its `ctl`; directory N has `ctl` and `value`.
///
/// A semaphore lives while one of its files is open; `table` guards who has it. Any other file is a semaphore by
/// `Proc.semUp` and `Proc.semDown`. The corresponding Plan 9 page is `semacquire(2)`.
final class DevSem: Dev {
    let letter: Character = "z"
    let name = "sem"
    let instance = Instance.new()

    /// What a file is: the low bits of its qid path. The rest is the semaphore's number.
    private enum File: UInt64 {
        case top, clone, dir, ctl, value
    }

    private struct Entry {
        let semaphore = Semaphore()
        let owner: String
        let made: Int64
        var opens = 0
    }

    private struct Table {
        var entries: [UInt64: Entry] = [:]
        var next: UInt64 = 0
    }

    private static let top = Qid(path: File.top.rawValue, type: .directory)
    private static let clone = Dirtab("clone", Qid(path: File.clone.rawValue), mode: 0o666)

    private let table = Lock(Table())

    private func file(_ qid: Qid) -> (File, UInt64) { (File(rawValue: qid.path & 7) ?? .top, qid.path >> 3) }

    private static func qid(_ file: File, _ number: UInt64) -> Qid {
        Qid(path: number << 3 | file.rawValue, type: file == .dir ? .directory : .file)
    }

    /// The semaphore a Chan is of. Throws `.hungup` where it is gone.
    private func semaphore(_ c: Chan) throws(SysError) -> Semaphore {
        let (_, number) = file(c.qid)
        guard let semaphore = table.withLock({ $0.entries[number]?.semaphore }) else { throw .hungup }
        return semaphore
    }

    // MARK: names

    func table(of directory: Qid) -> [Dirtab] {
        let (kind, number) = file(directory)
        if kind == .dir {
            return [
                Dirtab("ctl", Self.qid(.ctl, number), mode: 0o600),
                Dirtab("value", Self.qid(.value, number), mode: 0o600),
            ]
        }
        let numbers = table.withLock { Array($0.entries.keys) }.sorted()
        return [Self.clone] + numbers.map { Dirtab("\($0)", Self.qid(.dir, $0), mode: 0o500) }
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        let (kind, number) = file(c.qid)
        return c.sibling(kind == .ctl || kind == .value ? Self.qid(.dir, number) : Self.top)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        guard c.qid.path != Self.top.path else { return dir(Dirtab("#z", Self.top, mode: 0o555), caller) }
        for row in table(of: try parent(c, caller).qid) where row.qid.path == c.qid.path { return entry(row, caller) }
        throw .nonexist
    }

    /// A row of the table; what belongs to a semaphore is its maker's.
    private func entry(_ row: Dirtab, _ caller: Caller) -> Dir {
        var entry = dir(row, caller)
        if let (owner, made) = table.withLock({ t in t.entries[file(row.qid).1].map { ($0.owner, $0.made) } }),
            row.qid.path != File.clone.rawValue
        {
            (entry.owner, entry.group, entry.modifier) = (owner, owner, owner)
            (entry.accessed, entry.modified, entry.changed) = (made, made, made)
        }
        return entry
    }

    /// Cookies are the numbers of semaphores, one more; they stay right when others go.
    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)] {
        table(of: c.qid).lazy.map { (entry: self.entry($0, caller), cookie: $0.qid.path) }
            .filter { $0.cookie > cookie }.prefix(limit).map { $0 }
    }

    // MARK: open files

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard caller.cred.may(try stat(c, caller), mode.needs), mode.access != 3 else { throw .perm }
        let (kind, number) = file(c.qid)
        switch kind {
        case .top, .dir: return c.opened(mode)
        case .clone:
            let number = table.withLock { t -> UInt64 in
                defer { t.next += 1 }
                t.entries[t.next] = Entry(owner: caller.cred.user, made: caller.clock.now(), opens: 1)
                return t.next
            }
            return c.sibling(Self.qid(.ctl, number)).opened(mode)
        case .ctl, .value:
            try table.withLock { (t) throws(SysError) in
                guard t.entries[number] != nil else { throw .nonexist }
                t.entries[number]?.opens += 1
            }
            return c.opened(mode)
        }
    }

    func close(_ c: Chan) {
        let (kind, number) = file(c.qid)
        guard kind == .ctl || kind == .value else { return }
        let gone = table.withLock { t -> Entry? in
            t.entries[number]?.opens -= 1
            return t.entries[number]?.opens == 0 ? t.entries.removeValue(forKey: number) : nil
        }
        withExtendedLifetime(gone) {}
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let (kind, number) = file(c.qid)
        let text = kind == .ctl ? "\(number)" : "\(try semaphore(c).value)\n"
        return read(text: text, into: &buffer, at: offset)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        guard bytes.byteCount <= 64 else { throw .tooBig }
        let words = String(decoding: [UInt8](copying: bytes), as: UTF8.self).split { $0.isWhitespace }
        let semaphore = try semaphore(c)
        if file(c.qid).0 == .value {
            guard words.count == 1, let n = Int(words[0]) else { throw .badArg }
            try semaphore.set(n)
            return bytes.byteCount
        }
        guard let verb = words.first else { throw .badControl }
        switch (verb, words.count) {
        case ("up", 1): try semaphore.up()
        case ("up", 2):
            guard let n = Int(words[1]), n > 0 else { throw .badArg }
            try semaphore.up(n)
        case ("down", 1): try semaphore.down(how)
        case ("destroy", 1):
            table.withLock { t in _ = t.entries.removeValue(forKey: file(c.qid).1) }
            semaphore.close()
        case ("up", _), ("down", _), ("destroy", _): throw .controlArgs
        default: throw .unknownControl
        }
        return bytes.byteCount
    }

    /// `value` can be read without waiting always; it counts as ready when a `down` would succeed.
    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        var got = events.intersection([.read, .write])
        guard file(c.qid).0 == .value, events.contains(.read) else { return got }
        do throws(SysError) {
            if !(try semaphore(c).poll(waiter)) { got.remove(.read) }
        } catch { got.insert(.hangup) }
        return got
    }
}
