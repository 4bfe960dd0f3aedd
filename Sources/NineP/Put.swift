/// Writes fields into a buffer, as far as they fit: `at` counts on where the room ends, so that a message that did not
/// fit tells how much it needs.
struct Put {
    var at: Int
    /// A string was longer than its `n[2]` can say.
    private(set) var isTooLong = false

    init(at: Int) { self.at = at }

    @inline(__always)
    private mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ out: inout MutableRawSpan) {
        let n = MemoryLayout<T>.size
        if at <= out.byteCount &- n { out.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self) }
        at &+= n
    }

    @inline(__always)
    mutating func u8(_ value: UInt8, _ out: inout MutableRawSpan) { put(value, &out) }

    @inline(__always)
    mutating func u16(_ value: UInt16, _ out: inout MutableRawSpan) { put(value, &out) }

    @inline(__always)
    mutating func u32(_ value: UInt32, _ out: inout MutableRawSpan) { put(value, &out) }

    @inline(__always)
    mutating func u64(_ value: UInt64, _ out: inout MutableRawSpan) { put(value, &out) }

    mutating func qid(_ qid: Qid, _ out: inout MutableRawSpan) {
        u8(qid.type.rawValue, &out)
        u32(qid.version, &out)
        u64(qid.path, &out)
    }

    mutating func string(_ string: String, _ out: inout MutableRawSpan) {
        let bytes = string.utf8.span
        let n = bytes.count
        if n > Wire.mostString { isTooLong = true }
        u16(UInt16(truncatingIfNeeded: n), &out)
        if n <= out.byteCount &- at {
            for i in 0..<n { out.storeBytes(of: bytes[i], toByteOffset: at &+ i, as: UInt8.self) }
        }
        at &+= n
    }

    /// As much of `text` as fits `most` bytes, cut at a character.
    mutating func text(_ text: String, most: Int, _ out: inout MutableRawSpan) {
        guard text.utf8.count > most else { return string(text, &out) }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: most)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        string(String(text[..<end]), &out)
    }

    /// `count[4]` and the room for so many bytes, which somebody else fills.
    mutating func data(_ count: UInt32, _ out: inout MutableRawSpan) {
        u32(count, &out)
        at &+= Int(count)
    }

    /// An entry with its own `size[2]` before it.
    mutating func stat(_ stat: Stat, _ out: inout MutableRawSpan) {
        let n = stat.name.utf8.count + stat.uid.utf8.count + stat.gid.utf8.count + stat.muid.utf8.count
        let size = Stat.least - 2 + n
        if size + 2 > Wire.mostString { isTooLong = true }
        u16(UInt16(truncatingIfNeeded: size), &out)
        u16(stat.type, &out)
        u32(stat.dev, &out)
        qid(stat.qid, &out)
        u32(stat.mode.rawValue, &out)
        u32(stat.atime, &out)
        u32(stat.mtime, &out)
        u64(stat.length, &out)
        string(stat.name, &out)
        string(stat.uid, &out)
        string(stat.gid, &out)
        string(stat.muid, &out)
    }

    /// An entry with the `n[2]` before it that Rstat and Twstat have.
    mutating func countedStat(_ entry: Stat, _ out: inout MutableRawSpan) {
        let start = at
        u16(0, &out)
        stat(entry, &out)
        let end = at
        at = start
        u16(UInt16(truncatingIfNeeded: end - start - 2), &out)
        at = end
    }

    mutating func timespec(_ time: Timespec, _ out: inout MutableRawSpan) {
        u64(time.sec, &out)
        u64(time.nsec, &out)
    }

    /// What stands behind the kind of a lock; Tlock has its flags between the two.
    mutating func lockRange(_ range: LockRange, _ out: inout MutableRawSpan) {
        u64(range.start, &out)
        u64(range.length, &out)
        u32(range.procID, &out)
        string(range.clientID, &out)
    }
}
