/// Numbers of Linux's interface that are the same on all its machines. The corresponding pages are `open(2)`, `stat(2)`,
/// `inode(7)`, `rename(2)`, `unshare(2)`.
enum Flag {
    /// The current directory in place of a descriptor.
    static let currentDirectory: Int32 = -100

    // AT_*
    static let noFollow: Int32 = 0x100
    static let effectiveAccess: Int32 = 0x200
    static let removeDirectory: Int32 = 0x200
    static let follow: Int32 = 0x400
    static let noAutomount: Int32 = 0x800
    static let emptyPath: Int32 = 0x1000
    static let statxSync: Int32 = 0x6000

    // RENAME_*
    static let noReplace: UInt32 = 1
    static let exchange: UInt32 = 2

    static let newNameSpace: UInt64 = 0x20000
}

/// O_* of open(2).
struct OpenFlags: OptionSet {
    let rawValue: UInt32

    static let create = OpenFlags(rawValue: 0o100)
    static let exclusive = OpenFlags(rawValue: 0o200)
    static let truncate = OpenFlags(rawValue: 0o1000)
    static let append = OpenFlags(rawValue: 0o2000)
    static let nonBlocking = OpenFlags(rawValue: 0o4000)
    static let directory = OpenFlags(rawValue: 0o200000)
    static let noFollow = OpenFlags(rawValue: 0o400000)
    static let closeOnExec = OpenFlags(rawValue: 0o2000000)
    static let path = OpenFlags(rawValue: 0o10000000)
    /// The bit that O_TMPFILE has beside O_DIRECTORY.
    static let temporary = OpenFlags(rawValue: 0o20000000)

    var access: UInt32 { rawValue & 3 }
}

/// S_IF* and the permission bits, as `st_mode` has them.
enum ModeBits {
    static let mask: UInt32 = 0o170000
    static let socket: UInt32 = 0o140000
    static let symlink: UInt32 = 0o120000
    static let regular: UInt32 = 0o100000
    static let block: UInt32 = 0o060000
    static let directory: UInt32 = 0o040000
    static let character: UInt32 = 0o020000
    static let pipe: UInt32 = 0o010000
}
