// What only 9P2000.L has. Its numbers are Linux's for x86-64, whatever the host is. The corresponding page is the
// protocol's, as diod has it; Linux pages are named where they say what a field means.

/// The flags of Tlopen and Tlcreate. The corresponding Linux page is `open(2)`.
public struct OpenFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let writeOnly = OpenFlags(rawValue: 0o1)
    public static let readWrite = OpenFlags(rawValue: 0o2)
    public static let create = OpenFlags(rawValue: 0o100)
    public static let exclusive = OpenFlags(rawValue: 0o200)
    public static let noTerminal = OpenFlags(rawValue: 0o400)
    public static let truncate = OpenFlags(rawValue: 0o1000)
    public static let append = OpenFlags(rawValue: 0o2000)
    public static let nonBlocking = OpenFlags(rawValue: 0o4000)
    public static let dataSync = OpenFlags(rawValue: 0o10000)
    public static let fasync = OpenFlags(rawValue: 0o20000)
    public static let direct = OpenFlags(rawValue: 0o40000)
    public static let largeFile = OpenFlags(rawValue: 0o100000)
    public static let directory = OpenFlags(rawValue: 0o200000)
    public static let noFollow = OpenFlags(rawValue: 0o400000)
    public static let noAccessTime = OpenFlags(rawValue: 0o1000000)
    public static let closeOnExec = OpenFlags(rawValue: 0o2000000)
    public static let sync = OpenFlags(rawValue: 0o4000000)

    /// What the file is opened for: 0 read, 1 write, 2 both; 3 means nothing and is refused.
    public var access: UInt32 { rawValue & 3 }
}

/// Which fields of an Rgetattr are asked for, and which are there.
public struct AttrMask: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let mode = AttrMask(rawValue: 0x1)
    public static let nlink = AttrMask(rawValue: 0x2)
    public static let uid = AttrMask(rawValue: 0x4)
    public static let gid = AttrMask(rawValue: 0x8)
    public static let rdev = AttrMask(rawValue: 0x10)
    public static let atime = AttrMask(rawValue: 0x20)
    public static let mtime = AttrMask(rawValue: 0x40)
    public static let ctime = AttrMask(rawValue: 0x80)
    public static let ino = AttrMask(rawValue: 0x100)
    public static let size = AttrMask(rawValue: 0x200)
    public static let blocks = AttrMask(rawValue: 0x400)
    public static let btime = AttrMask(rawValue: 0x800)
    public static let gen = AttrMask(rawValue: 0x1000)
    public static let dataVersion = AttrMask(rawValue: 0x2000)
    /// All that `stat(2)` tells.
    public static let basic = AttrMask(rawValue: 0x7ff)
    public static let all = AttrMask(rawValue: 0x3fff)
}

/// Seconds and nanoseconds since 1970.
public struct Timespec: Hashable, Sendable {
    public var sec: UInt64
    public var nsec: UInt64

    public init(sec: UInt64 = 0, nsec: UInt64 = 0) { (self.sec, self.nsec) = (sec, nsec) }

    /// From a Dir's nanoseconds; times before 1970 have negative seconds in two's complement.
    public init(nanoseconds ns: Int64) {
        let (q, r) = ns.quotientAndRemainder(dividingBy: 1_000_000_000)
        sec = UInt64(bitPattern: r < 0 ? q - 1 : q)
        nsec = UInt64(r < 0 ? r + 1_000_000_000 : r)
    }

    /// As a Dir has it; the nearest that it can have where the peer says more.
    public var nanoseconds: Int64 {
        let sec = Int64(bitPattern: sec)
        let (whole, tooMuch) = sec.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, over) = whole.addingReportingOverflow(Int64(clamping: min(nsec, 999_999_999)))
        return tooMuch || over ? (sec < 0 ? .min : .max) : sum
    }
}

/// The body of Rgetattr. The corresponding Linux page is `stat(2)`.
public struct Attr: Hashable, Sendable {
    public var valid: AttrMask
    public var qid: Qid
    /// Kind and permissions in Linux's bits (`FileMode.linux`).
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var nlink: UInt64
    public var rdev: UInt64
    public var size: UInt64
    public var blksize: UInt64
    /// Of 512 bytes each.
    public var blocks: UInt64
    public var atime: Timespec
    public var mtime: Timespec
    public var ctime: Timespec
    public var btime: Timespec
    public var gen: UInt64
    public var dataVersion: UInt64

    public init(
        valid: AttrMask, qid: Qid, mode: UInt32 = 0, uid: UInt32 = 0, gid: UInt32 = 0, nlink: UInt64 = 1,
        rdev: UInt64 = 0, size: UInt64 = 0, blksize: UInt64 = 4096, blocks: UInt64 = 0, atime: Timespec = Timespec(),
        mtime: Timespec = Timespec(), ctime: Timespec = Timespec(), btime: Timespec = Timespec(), gen: UInt64 = 0,
        dataVersion: UInt64 = 0
    ) {
        (self.valid, self.qid, self.mode, self.uid, self.gid) = (valid, qid, mode, uid, gid)
        (self.nlink, self.rdev, self.size, self.blksize, self.blocks) = (nlink, rdev, size, blksize, blocks)
        (self.atime, self.mtime, self.ctime, self.btime) = (atime, mtime, ctime, btime)
        (self.gen, self.dataVersion) = (gen, dataVersion)
    }
}

/// The body of Tsetattr: what is to change, and to what. The corresponding Linux pages are `chmod(2)` and its like.
public struct SetAttr: Hashable, Sendable {
    public var valid: Valid
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var size: UInt64
    public var atime: Timespec
    public var mtime: Timespec

    public init(
        valid: Valid, mode: UInt32 = 0, uid: UInt32 = Wire.noUser, gid: UInt32 = Wire.noUser, size: UInt64 = 0,
        atime: Timespec = Timespec(), mtime: Timespec = Timespec()
    ) {
        (self.valid, self.mode, self.uid, self.gid) = (valid, mode, uid, gid)
        (self.size, self.atime, self.mtime) = (size, atime, mtime)
    }

    /// Which fields are meant.
    public struct Valid: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let mode = Valid(rawValue: 0x1)
        public static let uid = Valid(rawValue: 0x2)
        public static let gid = Valid(rawValue: 0x4)
        public static let size = Valid(rawValue: 0x8)
        /// The time of the server's clock, unless `atimeSet` says that the field is meant.
        public static let atime = Valid(rawValue: 0x10)
        public static let mtime = Valid(rawValue: 0x20)
        public static let ctime = Valid(rawValue: 0x40)
        public static let atimeSet = Valid(rawValue: 0x80)
        public static let mtimeSet = Valid(rawValue: 0x100)
        public static let all = Valid(rawValue: 0x1ff)
    }
}

/// The body of Rstatfs. The corresponding Linux page is `statfs(2)`.
public struct Statfs: Hashable, Sendable {
    /// 9P's own magic number, for a server that has no other.
    public static let magic: UInt32 = 0x0102_1997

    public var type: UInt32
    public var bsize: UInt32
    public var blocks: UInt64
    public var bfree: UInt64
    public var bavail: UInt64
    public var files: UInt64
    public var ffree: UInt64
    public var fsid: UInt64
    public var namelen: UInt32

    public init(
        type: UInt32 = magic, bsize: UInt32, blocks: UInt64, bfree: UInt64, bavail: UInt64, files: UInt64,
        ffree: UInt64, fsid: UInt64, namelen: UInt32
    ) {
        (self.type, self.bsize, self.blocks, self.bfree, self.bavail) = (type, bsize, blocks, bfree, bavail)
        (self.files, self.ffree, self.fsid, self.namelen) = (files, ffree, fsid, namelen)
    }
}

/// A range of a file that is locked or asked about, and for whom. The corresponding Linux page is `fcntl(2)`.
public struct LockRange: Hashable, Sendable {
    public var kind: Kind
    public var start: UInt64
    /// 0: to the end of the file, wherever that will be.
    public var length: UInt64
    public var procID: UInt32
    /// The client's name for the host that `procID` lives on.
    public var clientID: String

    public init(_ kind: Kind, start: UInt64, length: UInt64, procID: UInt32, clientID: String) {
        (self.kind, self.start, self.length) = (kind, start, length)
        (self.procID, self.clientID) = (procID, clientID)
    }

    /// F_RDLCK, F_WRLCK or F_UNLCK; others are refused by whoever serves.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let read = Kind(rawValue: 0)
        public static let write = Kind(rawValue: 1)
        public static let unlock = Kind(rawValue: 2)
    }

    /// The flags of Tlock.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The client would wait: `blocked` tells it to ask again.
        public static let block = Flags(rawValue: 1)
        public static let reclaim = Flags(rawValue: 2)
    }

    /// What Rlock says.
    public struct Status: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let success = Status(rawValue: 0)
        public static let blocked = Status(rawValue: 1)
        public static let error = Status(rawValue: 2)
        public static let grace = Status(rawValue: 3)
    }
}

/// The flags of Tunlinkat.
public struct UnlinkFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// AT_REMOVEDIR: the name is of a directory, as for `rmdir(2)`.
    public static let removeDirectory = UnlinkFlags(rawValue: 0x200)
}

/// The flags of Txattrcreate. The corresponding Linux page is `setxattr(2)`.
public struct XattrFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// XATTR_CREATE: it must not be there; XATTR_REPLACE: it must.
    public static let create = XattrFlags(rawValue: 1)
    public static let replace = XattrFlags(rawValue: 2)
}

extension FileMode {
    private static let kinds: [(linux: UInt32, mode: FileMode)] = [
        (0o040000, .directory), (0o120000, .symlink), (0o010000, .namedPipe), (0o140000, .socket),
        (0o060000, [.device, .block]), (0o020000, .device),
    ]
    private static let flags: [(linux: UInt32, mode: FileMode)] = [
        (0o4000, .setuid), (0o2000, .setgid), (0o1000, .sticky),
    ]

    /// Linux's `st_mode`: the kind (S_IFMT) and twelve permission bits.
    public var linux: UInt32 {
        let kind = Self.kinds.first { contains($0.mode) }?.linux ?? 0o100000
        return Self.flags.reduce(kind | permissions) { contains($1.mode) ? $0 | $1.linux : $0 }
    }

    /// From Linux's `st_mode`; what has no kind is a file.
    public init(linux mode: UInt32) {
        let kind = Self.kinds.first { $0.linux == mode & 0o170000 }?.mode ?? []
        self = Self.flags.reduce(kind.union(FileMode(rawValue: mode & 0o777))) {
            mode & $1.linux != 0 ? $0.union($1.mode) : $0
        }
    }
}

extension QidType {
    /// The bits that Linux's clients look at: directory and symbolic link.
    public var linux: QidType { intersection([.directory, .symlink]) }
}
