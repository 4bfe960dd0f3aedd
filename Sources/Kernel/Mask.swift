/// Rights that a path gives to what is found through it. A mask only ever narrows.
///
/// r: read and list; w: write, create, remove, wstat; x: search and exec.
public struct Mask: OptionSet, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue & 7 }

    public static let execute = Mask(rawValue: 1)
    public static let write = Mask(rawValue: 2)
    public static let read = Mask(rawValue: 4)
    public static let all = Mask(rawValue: 7)

    /// Reads `rwx` in any order, `-` for an absent right; throws where another character stands.
    public init(_ text: String) throws(SysError) {
        var mask: Mask = []
        guard !text.isEmpty else { throw SysError("bad permission mask ''") }
        for c in text {
            switch c {
            case "r": mask.insert(.read)
            case "w": mask.insert(.write)
            case "x": mask.insert(.execute)
            case "-": break
            default: throw SysError("bad permission mask '\(text)'")
            }
        }
        self = mask
    }

    /// `rwx` without the absent ones; `-` for none.
    public var description: String {
        guard !isEmpty else { return "-" }
        return (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.execute) ? "x" : "")
    }
}

/// How a file is opened. The corresponding Plan 9 call is `open(2)`.
public struct OpenMode: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let read: OpenMode = []
    public static let write = OpenMode(rawValue: 1)
    public static let readWrite = OpenMode(rawValue: 2)
    public static let execute = OpenMode(rawValue: 3)
    public static let truncate = OpenMode(rawValue: 16)
    public static let closeOnExec = OpenMode(rawValue: 32)
    public static let removeOnClose = OpenMode(rawValue: 64)
    /// Every write goes to the end, as POSIX's O_APPEND.
    public static let append = OpenMode(rawValue: 128)
    public static let exclusive = OpenMode(rawValue: 0x1000)
    /// A FIFO is opened without its other end, and programs of the host do not wait in it, as POSIX's O_NONBLOCK. Our own
    /// calls say with each whether they wait.
    public static let nonBlocking = OpenMode(rawValue: 0x2000)

    /// 0 read, 1 write, 2 both, 3 execute.
    public var access: UInt16 { rawValue & 3 }
    public var canRead: Bool { access != 1 }
    public var canWrite: Bool { access == 1 || access == 2 }

    /// The rights that a path must give for a file to be opened so.
    public var needs: Mask {
        var mask: Mask = access == 3 ? .execute : canRead ? .read : []
        if canWrite || contains(.truncate) || contains(.removeOnClose) { mask.insert(.write) }
        return mask
    }
}
