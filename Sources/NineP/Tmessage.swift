/// A request. Payloads have the manual's words and widths.
///
/// The data of a write are not in the value: `count` bytes stand at the end of the frame, in `Wire.writeHeader...`.
/// The corresponding Plan 9 pages are `intro(5)` and that of each message.
public enum Tmessage: Hashable, Sendable {
    case version(msize: UInt32, version: String)
    /// n_uname is on the wire in 9P2000.L only; `Wire.noUser` in 9P2000.
    case auth(afid: UInt32, uname: String, aname: String, n_uname: UInt32 = Wire.noUser)
    case attach(fid: UInt32, afid: UInt32, uname: String, aname: String, n_uname: UInt32 = Wire.noUser)
    case flush(oldtag: UInt16)
    case walk(fid: UInt32, newfid: UInt32, names: [String])
    case open(fid: UInt32, mode: OpenMode)
    case create(fid: UInt32, name: String, perm: FileMode, mode: OpenMode)
    case read(fid: UInt32, offset: UInt64, count: UInt32)
    case write(fid: UInt32, offset: UInt64, count: UInt32)
    case clunk(fid: UInt32)
    case remove(fid: UInt32)
    case stat(fid: UInt32)
    case wstat(fid: UInt32, stat: Stat)

    public var type: MessageType {
        switch self {
        case .version: .Tversion
        case .auth: .Tauth
        case .attach: .Tattach
        case .flush: .Tflush
        case .walk: .Twalk
        case .open: .Topen
        case .create: .Tcreate
        case .read: .Tread
        case .write: .Twrite
        case .clunk: .Tclunk
        case .remove: .Tremove
        case .stat: .Tstat
        case .wstat: .Twstat
        }
    }
}
