/// The type byte of a message; a reply's is its request's plus one. The name is the manual's.
///
/// The corresponding Plan 9 page is `intro(5)`.
public enum MessageType: UInt8, Hashable, Sendable, CaseIterable {
    case Rlerror = 7
    case Tversion = 100
    case Rversion, Tauth, Rauth, Tattach, Rattach
    case Rerror = 107
    case Tflush, Rflush, Twalk, Rwalk, Topen, Ropen, Tcreate, Rcreate, Tread, Rread, Twrite, Rwrite, Tclunk, Rclunk
    case Tremove, Rremove, Tstat, Rstat, Twstat, Rwstat

    public var isRequest: Bool { rawValue & 1 == 0 }

    /// How a log names the type byte `byte`: `Twalk`, or `type 77`.
    public static func name(_ byte: UInt8) -> String { Self(rawValue: byte).map { "\($0)" } ?? "type \(byte)" }
}
