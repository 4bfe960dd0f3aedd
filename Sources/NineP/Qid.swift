/// What a server knows a file by: two files are the same when instance and path agree.
///
/// The corresponding Plan 9 page is `intro(5)`.
public struct Qid: Hashable, Sendable {
    /// Unique among all files of the server, never used again.
    public var path: UInt64
    /// Goes up each time the file changes.
    public var version: UInt32
    public var type: QidType

    public init(path: UInt64, version: UInt32 = 0, type: QidType = .file) {
        self.path = path
        self.version = version
        self.type = type
    }

    public var isDirectory: Bool { type.contains(.directory) }
    public var isSymlink: Bool { type.contains(.symlink) }
}

/// The kind of a file, as the high byte of its mode.
public struct QidType: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let file: QidType = []
    public static let directory = QidType(rawValue: 0x80)
    public static let append = QidType(rawValue: 0x40)
    public static let exclusive = QidType(rawValue: 0x20)
    public static let auth = QidType(rawValue: 0x08)
    public static let temporary = QidType(rawValue: 0x04)
    public static let symlink = QidType(rawValue: 0x02)
}
