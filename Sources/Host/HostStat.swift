import CShim
import Glibc

/// Flags that only Linux has.
enum HostFlag {
    static let path = Int32(CSHIM_O_PATH)
    static let emptyPath = Int32(CSHIM_AT_EMPTY_PATH)
}

/// What the host tells of a file; times in nanoseconds since 1970. The corresponding Linux page is `statx(2)`.
public struct HostStat: Sendable {
    private let s: cshim_stat

    private init(_ s: cshim_stat) { self.s = s }

    /// Of an open descriptor, O_PATH ones included.
    public init(_ descriptor: Int32) throws(SysError) { try self.init(descriptor, "") }

    /// Of `name` in a directory; a symbolic link is itself. The empty name is the descriptor.
    public init(_ directory: Int32, _ name: String) throws(SysError) {
        var s = cshim_stat()
        let flags = AT_SYMLINK_NOFOLLOW | (name.isEmpty ? HostFlag.emptyPath : 0)
        try HostIO.check(HostName.withBytes(name) { cshim_statx(directory, $0, flags, &s) })
        self.s = s
    }

    public var kind: HostFile.Kind { HostFile.kind(mode: s.mode) }
    /// The twelve permission bits.
    public var permissions: UInt32 { s.mode & 0o7777 }
    public var size: UInt64 { s.size }
    /// Bytes on the medium.
    public var space: UInt64 { s.blocks &* 512 }
    /// The portion in which the host reads and writes best, in bytes.
    public var blockSize: UInt32 { s.portion }
    public var links: UInt32 { s.links }
    /// What programs of the host know the file by: `st_dev` and `st_ino`.
    public var device: UInt64 { s.device }
    public var inode: UInt64 { s.inode }
    public var userID: UInt32 { s.uid }
    public var groupID: UInt32 { s.gid }
    /// Number of a device node, in Linux's packing.
    public var rdev: UInt64 { s.rdev }
    public var accessed: Int64 { s.accessed }
    public var modified: Int64 { s.modified }
    public var changed: Int64 { s.changed }

    /// A number for the file: the same as long as it is the same file, whatever it is called. The time of its making is in it,
    /// so that a new file which gets the inode of a removed one is another file; on a file system that keeps no such
    /// time the two look alike.
    public var identity: UInt64 {
        var h = Self.mix(s.inode)
        h = Self.mix(h ^ s.device)
        return Self.mix(h ^ UInt64(bitPattern: s.made))
    }

    /// A version of its contents: another one after each change.
    public var version: UInt32 { UInt32(truncatingIfNeeded: Self.mix(UInt64(bitPattern: s.modified) ^ s.size)) }

    /// A permutation of the 64-bit numbers in which each bit depends on all.
    private static func mix(_ x: UInt64) -> UInt64 {
        var x = x &+ 0x9E37_79B9_7F4A_7C15
        x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
        return x ^ (x >> 31)
    }
}

/// Names of the host's users and groups, from its files: no name service is asked, which might take for ever.
public enum HostUsers {
    fileprivate struct Names {
        var byNumber: [UInt32: String] = [:]
        var byName: [String: UInt32] = [:]
    }

    private static let users = Names(file: "/etc/passwd")
    private static let groups = Names(file: "/etc/group")

    /// The name of a user; the number as text where it has none.
    public static func name(user id: UInt32) -> String { users.byNumber[id] ?? String(id) }
    public static func name(group id: UInt32) -> String { groups.byNumber[id] ?? String(id) }

    /// The number of a user, given by name or as a number.
    public static func id(user name: String) -> UInt32? { users.byName[name] ?? UInt32(name) }
    public static func id(group name: String) -> UInt32? { groups.byName[name] ?? UInt32(name) }

    /// Whom host files that we make belong to.
    public static let own = geteuid()
}

extension HostUsers.Names {
    /// Reads lines `name:password:number:...`; others are passed over.
    fileprivate init(file: String) {
        guard let bytes = try? HostEnvironment.readFile(file) else { return }  // a host without such a file
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count >= 3, let id = UInt32(String(decoding: fields[2], as: UTF8.self)) else { continue }
            let name = String(decoding: fields[0], as: UTF8.self)
            if byNumber[id] == nil { byNumber[id] = name }
            byName[name] = id
        }
    }
}
