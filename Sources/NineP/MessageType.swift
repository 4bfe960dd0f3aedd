/// The type byte of a message; a reply's is its request's plus one. The name is the manual's.
///
/// The corresponding Plan 9 page is `intro(5)`.
public enum MessageType: UInt8, Hashable, Sendable, CaseIterable {
    case Rlerror = 7
    case Tstatfs, Rstatfs
    case Tlopen = 12
    case Rlopen, Tlcreate, Rlcreate, Tsymlink, Rsymlink, Tmknod, Rmknod, Trename, Rrename, Treadlink, Rreadlink
    case Tgetattr, Rgetattr, Tsetattr, Rsetattr
    case Txattrwalk = 30
    case Rxattrwalk, Txattrcreate, Rxattrcreate
    case Treaddir = 40
    case Rreaddir
    case Tfsync = 50
    case Rfsync, Tlock, Rlock, Tgetlock, Rgetlock
    case Tlink = 70
    case Rlink, Tmkdir, Rmkdir, Trenameat, Rrenameat, Tunlinkat, Runlinkat
    case Tversion = 100
    case Rversion, Tauth, Rauth, Tattach, Rattach
    case Rerror = 107
    case Tflush, Rflush, Twalk, Rwalk, Topen, Ropen, Tcreate, Rcreate, Tread, Rread, Twrite, Rwrite, Tclunk, Rclunk
    case Tremove, Rremove, Tstat, Rstat, Twstat, Rwstat

    public var isRequest: Bool { rawValue & 1 == 0 }

    /// Whether `dialect` has it. 9P2000.L has an open, a create, a stat and a wstat of its own; a client takes the
    /// error of either.
    public func isSpoken(in dialect: Dialect) -> Bool {
        switch self {
        case .Rlerror: true
        case .Topen, .Ropen, .Tcreate, .Rcreate, .Tstat, .Rstat, .Twstat, .Rwstat: dialect == .plan9
        default: rawValue >= Self.Tversion.rawValue || dialect == .linux
        }
    }

    /// How a log names the type byte `byte`: `Twalk`, or `type 77`.
    public static func name(_ byte: UInt8) -> String { Self(rawValue: byte).map { "\($0)" } ?? "type \(byte)" }
}
