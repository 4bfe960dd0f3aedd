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
    // 9P2000.L
    case statfs(fid: UInt32)
    case lopen(fid: UInt32, flags: OpenFlags)
    case lcreate(fid: UInt32, name: String, flags: OpenFlags, mode: UInt32, gid: UInt32)
    case symlink(fid: UInt32, name: String, symtgt: String, gid: UInt32)
    case mknod(dfid: UInt32, name: String, mode: UInt32, major: UInt32, minor: UInt32, gid: UInt32)
    case rename(fid: UInt32, dfid: UInt32, name: String)
    case readlink(fid: UInt32)
    case getattr(fid: UInt32, requestMask: AttrMask)
    case setattr(fid: UInt32, attr: SetAttr)
    case xattrwalk(fid: UInt32, newfid: UInt32, name: String)
    case xattrcreate(fid: UInt32, name: String, attrSize: UInt64, flags: XattrFlags)
    case readdir(fid: UInt32, offset: UInt64, count: UInt32)
    case fsync(fid: UInt32, datasync: UInt32)
    case lock(fid: UInt32, flags: LockRange.Flags, range: LockRange)
    case getlock(fid: UInt32, range: LockRange)
    case link(dfid: UInt32, fid: UInt32, name: String)
    case mkdir(dfid: UInt32, name: String, mode: UInt32, gid: UInt32)
    case renameat(olddirfid: UInt32, oldname: String, newdirfid: UInt32, newname: String)
    case unlinkat(dirfid: UInt32, name: String, flags: UnlinkFlags)

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
        case .statfs: .Tstatfs
        case .lopen: .Tlopen
        case .lcreate: .Tlcreate
        case .symlink: .Tsymlink
        case .mknod: .Tmknod
        case .rename: .Trename
        case .readlink: .Treadlink
        case .getattr: .Tgetattr
        case .setattr: .Tsetattr
        case .xattrwalk: .Txattrwalk
        case .xattrcreate: .Txattrcreate
        case .readdir: .Treaddir
        case .fsync: .Tfsync
        case .lock: .Tlock
        case .getlock: .Tgetlock
        case .link: .Tlink
        case .mkdir: .Tmkdir
        case .renameat: .Trenameat
        case .unlinkat: .Tunlinkat
        }
    }
}
