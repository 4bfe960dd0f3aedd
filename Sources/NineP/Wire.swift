/// The numbers that 9P fixes. The corresponding Plan 9 page is `intro(5)`.
public enum Wire {
    /// The tag of Tversion, which stands outside all tags.
    public static let noTag: UInt16 = 0xffff
    /// The afid of an attach without authentication.
    public static let noFid: UInt32 = 0xffff_ffff
    /// The n_uname of a user who has a name only, and the gid or uid that is not to be changed.
    public static let noUser: UInt32 = 0xffff_ffff

    /// `size[4] type[1] tag[2]`: the shortest frame.
    public static let header = 7
    /// What stands before the data of Rread and Rreaddir: the header and `count[4]`.
    public static let readHeader = header + 4
    /// What stands before the data of Twrite: the header and `fid[4] offset[8] count[4]`.
    public static let writeHeader = header + 16
    /// Room that a read or a write leaves for its header: `msize - ioHeader` is the iounit. Plan 9's IOHDRSZ.
    public static let ioHeader = 24

    /// The longest frame before a Tversion is answered: 8192 bytes of data with their header.
    public static let firstMsize = 8192 + ioHeader
    /// The least msize with which every reply without names or data fits: an Rwalk of 16 elements has 217 bytes.
    public static let leastMsize = 256
    /// The largest msize that a peer is offered unasked, and the largest at all.
    public static let usualMsize = 1 << 20
    public static let mostMsize = 8 << 20
    /// The most elements in one walk. Plan 9's MAXWELEM.
    public static let mostNames = 16
    /// The longest string: its length has two bytes.
    public static let mostString = 0xffff
    /// Bytes of a qid.
    public static let qid = 13
}

/// Which of the two protocols a connection speaks, as its Tversion settled.
public enum Dialect: Hashable, Sendable {
    /// `9P2000`: the manual's.
    case plan9
    /// `9P2000.L`: for Linux clients; errno in errors, Linux's flags, links, locks, times in nanoseconds.
    case linux

    /// The string that stands for it in Tversion and Rversion.
    public var version: String {
        switch self {
        case .plan9: "9P2000"
        case .linux: "9P2000.L"
        }
    }

    /// What Rversion says where the client's version is none of ours.
    public static let unknown = "unknown"

    /// The dialect for a client that asks for `version`; nil is answered by `unknown`. A suffix that is not spoken is cut
    /// off at the dot. The corresponding Plan 9 page is `version(5)`.
    public init?(asked version: String, linux: Bool = true) {
        if linux, version == Dialect.linux.version {
            self = .linux
        } else if version.prefix(while: { $0 != "." }) == Dialect.plan9.version {
            self = .plan9
        } else {
            return nil
        }
    }
}

/// The mode byte of Topen and Tcreate. The corresponding Plan 9 page is `open(5)`.
public struct OpenMode: Hashable, Sendable {
    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let read = OpenMode(rawValue: 0)
    public static let write = OpenMode(rawValue: 1)
    public static let readWrite = OpenMode(rawValue: 2)
    public static let exec = OpenMode(rawValue: 3)

    /// OTRUNC: cut the file to nothing first.
    public static let truncate: UInt8 = 0x10
    /// OCEXEC: close at exec; of no meaning on the wire.
    public static let closeOnExec: UInt8 = 0x20
    /// ORCLOSE: remove the file when the fid is clunked.
    public static let removeOnClose: UInt8 = 0x40

    /// What the file is opened for, without the flags.
    public var access: OpenMode { OpenMode(rawValue: rawValue & 3) }
    public var truncates: Bool { rawValue & Self.truncate != 0 }
    public var removesOnClose: Bool { rawValue & Self.removeOnClose != 0 }
    /// Whether a bit is set that has no meaning: such an open is refused.
    public var isStrange: Bool { rawValue & ~(3 | Self.truncate | Self.closeOnExec | Self.removeOnClose) != 0 }
}
