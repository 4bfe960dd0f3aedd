/// An entry of an Rreaddir: `qid[13] offset[8] type[1] name[s]`. The corresponding Linux page is `getdents(2)`.
public struct Dirent: Hashable, Sendable {
    public var qid: Qid
    /// The offset of a Treaddir that goes on behind this entry.
    public var offset: UInt64
    /// Linux's d_type: S_IFMT shifted right by 12.
    public var type: UInt8
    public var name: String

    public init(qid: Qid, offset: UInt64, type: UInt8, name: String) {
        (self.qid, self.offset, self.type, self.name) = (qid, offset, type, name)
    }

    /// The d_type of a file of this mode.
    public static func type(_ mode: FileMode) -> UInt8 { UInt8(truncatingIfNeeded: mode.linux >> 12) }

    /// Writes the entry at `at`, which moves behind it; false, and nothing moves, where it does not fit.
    public func pack(into out: inout MutableRawSpan, at: inout Int) -> Bool {
        var put = Put(at: at)
        put.qid(qid, &out)
        put.u64(offset, &out)
        put.u8(type, &out)
        put.string(name, &out)
        guard put.at <= out.byteCount, !put.isTooLong else { return false }
        at = put.at
        return true
    }

    /// The entry at `at` in the data of an Rreaddir, nil at their end; `at` moves behind it.
    ///
    /// Throws `.message` where its name cannot be one, with `at` behind it so that the next can be read, and `.frame`
    /// where the entry is cut off. A server may list `.` and `..`.
    public static func next(in data: Span<UInt8>, at: inout Int) throws(Malformed) -> Dirent? {
        guard at < data.count else { return nil }
        var get = Get(data, from: at)
        let entry = Dirent(
            qid: get.qid(data), offset: get.u64(data), type: get.u8(data), name: get.element(data))
        at = get.at
        try get.finishPart()
        return entry
    }
}
