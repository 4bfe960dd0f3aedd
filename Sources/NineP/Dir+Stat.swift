extension Stat {
    /// A directory has length 0, a time before 1970 is 1970, one after 2106 wraps.
    public init(_ dir: Dir) {
        self.init(
            type: UInt16(truncatingIfNeeded: dir.type.unicodeScalars.first?.value ?? 0), dev: dir.instance,
            qid: dir.qid, mode: dir.mode, atime: Self.seconds(dir.accessed), mtime: Self.seconds(dir.modified),
            length: dir.isDirectory ? 0 : dir.length, name: dir.name, uid: dir.owner, gid: dir.group,
            muid: dir.modifier)
    }

    /// The body of a Twstat that makes `change` and touches nothing else.
    public init(_ change: DirChange) {
        self = .untouched
        if let name = change.name { self.name = name }
        if let mode = change.mode { self.mode = mode }
        if let length = change.length { self.length = length }
        if let accessed = change.accessed { atime = Self.seconds(accessed) }
        if let modified = change.modified { mtime = Self.seconds(modified) }
        if let owner = change.owner { uid = owner }
        if let group = change.group { gid = group }
    }

    private static func seconds(_ ns: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: max(0, ns) / 1_000_000_000)
    }

    /// Whether it touches what no Twstat may: type, dev, qid or muid. Plan 9 refuses these even where they would stay.
    public var touchesForbidden: Bool {
        let free = Stat.untouched
        return type != free.type || dev != free.dev || qid != free.qid || !muid.isEmpty
    }

    /// Writes the entry at `at`, which moves behind it; false, and nothing moves, where it does not fit.
    public func pack(into out: inout MutableRawSpan, at: inout Int) -> Bool {
        var put = Put(at: at)
        put.stat(self, &out)
        guard put.at <= out.byteCount, !put.isTooLong else { return false }
        at = put.at
        return true
    }

    /// The entry at `at` in the data that a read of a directory gave, nil at their end; `at` moves behind it.
    ///
    /// Throws `.message` where its name cannot be one, with `at` behind it so that the next can be read, and `.frame`
    /// where the entry is cut off. A server may list `.` and `..`.
    public static func next(in data: Span<UInt8>, at: inout Int) throws(Malformed) -> Stat? {
        guard at < data.count else { return nil }
        var get = Get(data, from: at)
        let stat = get.stat(data)
        if let fault = Element.fault(stat.name) { get.refuse(fault) }
        at = get.at
        try get.finishPart()
        return stat
    }
}

extension Dir {
    /// What a server of 9P2000 told.
    public init(_ stat: Stat) {
        self.init(
            name: stat.name, qid: stat.qid, mode: stat.mode, length: stat.length,
            accessed: Int64(stat.atime) * 1_000_000_000, modified: Int64(stat.mtime) * 1_000_000_000, owner: stat.uid,
            group: stat.gid, modifier: stat.muid)
    }
}

extension DirChange {
    /// What a Twstat asks for; see `Stat.touchesForbidden` for what cannot be said here.
    public init(_ stat: Stat) {
        let free = Stat.untouched
        self.init(
            name: stat.name.isEmpty ? nil : stat.name, mode: stat.mode == free.mode ? nil : stat.mode,
            length: stat.length == free.length ? nil : stat.length,
            accessed: stat.atime == free.atime ? nil : Int64(stat.atime) * 1_000_000_000,
            modified: stat.mtime == free.mtime ? nil : Int64(stat.mtime) * 1_000_000_000,
            owner: stat.uid.isEmpty ? nil : stat.uid, group: stat.gid.isEmpty ? nil : stat.gid)
    }
}
