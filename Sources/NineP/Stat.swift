/// A file's entry as 9P2000 carries it: the body of Rstat and Twstat and an entry of a directory that is read.
///
/// Times are seconds since 1970. The corresponding Plan 9 page is `stat(5)`.
public struct Stat: Hashable, Sendable {
    public var type: UInt16
    public var dev: UInt32
    public var qid: Qid
    public var mode: FileMode
    public var atime: UInt32
    public var mtime: UInt32
    public var length: UInt64
    public var name: String
    public var uid: String
    public var gid: String
    public var muid: String

    public init(
        type: UInt16, dev: UInt32, qid: Qid, mode: FileMode, atime: UInt32, mtime: UInt32, length: UInt64, name: String,
        uid: String, gid: String, muid: String
    ) {
        self.type = type
        self.dev = dev
        self.qid = qid
        self.mode = mode
        self.atime = atime
        self.mtime = mtime
        self.length = length
        self.name = name
        self.uid = uid
        self.gid = gid
        self.muid = muid
    }

    /// A Twstat that changes nothing, and so asks that the file be committed to its medium. Fields are set from here.
    public static let untouched = Stat(
        type: .max, dev: .max, qid: Qid(path: .max, version: .max, type: QidType(rawValue: .max)),
        mode: FileMode(rawValue: .max), atime: .max, mtime: .max, length: .max, name: "", uid: "", gid: "", muid: "")

    /// Bytes of an entry whose four strings are empty, its own `size[2]` included.
    public static let least = 2 + 2 + 4 + Wire.qid + 4 + 4 + 4 + 8 + 4 * 2
}
