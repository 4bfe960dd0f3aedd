/// Permission and kind of a file: nine permission bits as in POSIX, Plan 9's kinds in the high byte, and the kinds that
/// only POSIX systems have below them.
public struct FileMode: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let directory = FileMode(rawValue: 1 << 31)
    public static let append = FileMode(rawValue: 1 << 30)
    public static let exclusive = FileMode(rawValue: 1 << 29)
    public static let auth = FileMode(rawValue: 1 << 27)
    public static let temporary = FileMode(rawValue: 1 << 26)
    public static let symlink = FileMode(rawValue: 1 << 25)
    public static let device = FileMode(rawValue: 1 << 23)
    /// Beside `device`: a block device. A bit that no 9P dialect uses.
    public static let block = FileMode(rawValue: 1 << 22)
    public static let namedPipe = FileMode(rawValue: 1 << 21)
    public static let socket = FileMode(rawValue: 1 << 20)
    public static let setuid = FileMode(rawValue: 1 << 19)
    public static let setgid = FileMode(rawValue: 1 << 18)
    public static let sticky = FileMode(rawValue: 1 << 16)

    /// The nine permission bits.
    public var permissions: UInt32 { rawValue & 0o777 }

    /// The qid's type byte that goes with this mode.
    public var qidType: QidType { QidType(rawValue: UInt8(truncatingIfNeeded: rawValue >> 24)) }
}

/// By what numbers a Unix system that keeps a file knows it.
public struct Inode: Hashable, Sendable {
    public let device: UInt64
    public let number: UInt64
    /// What it says the size is, directories included, and in what portions it reads and writes best, in bytes.
    public let size: UInt64
    public let blockSize: UInt32

    public init(device: UInt64, number: UInt64, size: UInt64, blockSize: UInt32) {
        self.device = device
        self.number = number
        self.size = size
        self.blockSize = blockSize
    }
}

/// What `stat` tells of a file. A superset: 9P2000 and 9P2000.L are two projections of it.
///
/// The corresponding Plan 9 page is `stat(5)`.
public struct Dir: Hashable, Sendable {
    public var name: String
    public var qid: Qid
    public var mode: FileMode
    /// Bytes; 0 for directories and most devices.
    public var length: UInt64
    /// Nanoseconds since 1970: last read, last change of the contents, last change of anything.
    public var accessed: Int64
    public var modified: Int64
    public var changed: Int64
    /// Owner, group and last writer by name.
    public var owner: String
    public var group: String
    public var modifier: String
    /// Owner and group by number, where the server has numbers.
    public var ownerID: UInt32
    public var groupID: UInt32
    /// Hard links; 1 where the server has none.
    public var links: UInt32
    /// Major and minor number of a device node, in Linux's packing; else 0.
    public var rdev: UInt64
    /// Bytes on the medium, where the server knows; else the length.
    public var space: UInt64?
    /// Of a file that this host keeps; else nil.
    public var inode: Inode?
    /// The device letter and the instance that served it; set by the kernel.
    public var type: Character
    public var instance: UInt32

    public init(
        name: String, qid: Qid, mode: FileMode, length: UInt64 = 0, accessed: Int64 = 0, modified: Int64 = 0,
        changed: Int64? = nil, owner: String = "", group: String = "", modifier: String = "", ownerID: UInt32 = 0,
        groupID: UInt32 = 0, links: UInt32 = 1, rdev: UInt64 = 0, space: UInt64? = nil, inode: Inode? = nil,
        type: Character = "?",
        instance: UInt32 = 0
    ) {
        self.name = name
        self.qid = qid
        self.mode = mode
        self.length = length
        self.accessed = accessed
        self.modified = modified
        self.changed = changed ?? modified
        self.owner = owner
        self.group = group
        self.modifier = modifier
        self.ownerID = ownerID
        self.groupID = groupID
        self.links = links
        self.rdev = rdev
        self.space = space
        self.inode = inode
        self.type = type
        self.instance = instance
    }

    public var isDirectory: Bool { qid.isDirectory }
}

/// What `wstat` changes; nil leaves a field as it is. The corresponding Plan 9 page is `stat(5)`.
public struct DirChange: Hashable, Sendable {
    /// A new name in the same directory.
    public var name: String?
    /// New permission bits (and append, exclusive, temporary); the directory bit cannot change.
    public var mode: FileMode?
    /// A new length: truncates or extends with zeros.
    public var length: UInt64?
    /// Nanoseconds since 1970.
    public var accessed: Int64?
    public var modified: Int64?
    public var owner: String?
    public var group: String?

    public init(
        name: String? = nil, mode: FileMode? = nil, length: UInt64? = nil, accessed: Int64? = nil,
        modified: Int64? = nil, owner: String? = nil, group: String? = nil
    ) {
        self.name = name
        self.mode = mode
        self.length = length
        self.accessed = accessed
        self.modified = modified
        self.owner = owner
        self.group = group
    }
}
