/// A reply. Payloads have the manual's words and widths.
///
/// The data of a read are not in the value: `count` bytes stand at the end of the frame, in `Wire.readHeader...`.
/// The corresponding Plan 9 pages are `intro(5)` and that of each message.
public enum Rmessage: Hashable, Sendable {
    case version(msize: UInt32, version: String)
    case auth(aqid: Qid)
    case attach(qid: Qid)
    /// 9P2000's error: a sentence.
    case error(ename: String)
    /// 9P2000.L's error: one of Linux's errno numbers.
    case lerror(ecode: UInt32)
    case flush
    case walk(qids: [Qid])
    case open(qid: Qid, iounit: UInt32)
    case create(qid: Qid, iounit: UInt32)
    case read(count: UInt32)
    case write(count: UInt32)
    case clunk
    case remove
    case stat(Stat)
    case wstat
    // 9P2000.L
    case statfs(Statfs)
    case lopen(qid: Qid, iounit: UInt32)
    case lcreate(qid: Qid, iounit: UInt32)
    case symlink(qid: Qid)
    case mknod(qid: Qid)
    case rename
    case readlink(target: String)
    case getattr(Attr)
    case setattr
    case xattrwalk(size: UInt64)
    case xattrcreate
    /// `count` bytes of Dirents stand at the end of the frame.
    case readdir(count: UInt32)
    case fsync
    case lock(status: LockRange.Status)
    case getlock(LockRange)
    case link
    case mkdir(qid: Qid)
    case renameat
    case unlinkat

    public var type: MessageType {
        switch self {
        case .version: .Rversion
        case .auth: .Rauth
        case .attach: .Rattach
        case .error: .Rerror
        case .lerror: .Rlerror
        case .flush: .Rflush
        case .walk: .Rwalk
        case .open: .Ropen
        case .create: .Rcreate
        case .read: .Rread
        case .write: .Rwrite
        case .clunk: .Rclunk
        case .remove: .Rremove
        case .stat: .Rstat
        case .wstat: .Rwstat
        case .statfs: .Rstatfs
        case .lopen: .Rlopen
        case .lcreate: .Rlcreate
        case .symlink: .Rsymlink
        case .mknod: .Rmknod
        case .rename: .Rrename
        case .readlink: .Rreadlink
        case .getattr: .Rgetattr
        case .setattr: .Rsetattr
        case .xattrwalk: .Rxattrwalk
        case .xattrcreate: .Rxattrcreate
        case .readdir: .Rreaddir
        case .fsync: .Rfsync
        case .lock: .Rlock
        case .getlock: .Rgetlock
        case .link: .Rlink
        case .mkdir: .Rmkdir
        case .renameat: .Rrenameat
        case .unlinkat: .Runlinkat
        }
    }
}
