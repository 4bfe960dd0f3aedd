import Synchronization

/// A kernel device: serves a tree of files. One letter, one file of source, one row in `emu.conf`.
///
/// All calls come from Threads, or from those that serve clients with `.try`; any number at once. A device guards its own
/// state and calls nobody else with it locked. The calls' meanings are section 5 of the Plan 9 manual; those
/// with a default here are optional. The kernel has checked modes and masks before it calls.
public protocol Dev: AnyObject, Sendable {
    /// The character after `#`.
    var letter: Character { get }
    /// As in `emu.conf` and /dev/drivers.
    var name: String { get }
    /// The number of its (first) tree: `let instance = Instance.new()`. A device with several makes more.
    var instance: UInt32 { get }

    /// Whether walk, stat, create and the other calls that are not told `How` may wait for somebody outside.
    var mayBlock: Bool { get }

    /// Called once, before the first process.
    func start(_ system: System)

    /// The root of the tree that `spec` names. Throws `.badSpec`.
    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan
    /// Walks `names` (never `.` or `..`) from directory `c` as far as it can: stops after a file that `filter` contains,
    /// after a symbolic link and after what is no directory. Throws only where the first name cannot be walked.
    /// What the walk is for, `filter.purpose`, may be done in the same call.
    func walk(
        _ c: Chan, _ names: ArraySlice<String>, _ filter: MountFilter, _ caller: Caller
    ) throws(SysError) -> Walked
    /// The file `name` in directory `c`; what `walk`'s default calls for each name. Throws `.nonexist`.
    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan
    /// The directory that holds `c`; `c`'s equal at the root.
    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan
    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir
    /// Gives the open Chan: `c` marked with `opened`, or another. Does not call `close` on failure.
    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan
    /// Makes `name` in directory `c` and gives it open. `perm` has the directory bit for a directory.
    func create(
        _ c: Chan, _ name: String, _ mode: OpenMode, _ perm: FileMode, _ caller: Caller
    ) throws(SysError) -> Chan
    /// The last reference to an open Chan is gone. Must not throw, keep `c`, nor wait.
    func close(_ c: Chan)
    /// A descriptor of `c` was closed: reports what a delayed write left to say. May come several times.
    func flush(_ c: Chan, _ caller: Caller) throws(SysError)
    /// Bytes read, 0 at the end; never for directories, which go through `readdir`.
    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int
    /// Bytes written.
    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int
    /// Up to `limit` entries after `cookie` (0 to start), each with the cookie that goes on after it. Cookies survive
    /// removals. Empty at the end.
    func readdir(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)]
    /// The same for who asks for no more of an entry than its name, its kind and its inode: the rest of its `Dir`, the qid's
    /// path too, may be anything. The default is `readdir`.
    func readnames(
        _ c: Chan, after cookie: UInt64, limit: Int, _ caller: Caller
    ) throws(SysError) -> [(entry: Dir, cookie: UInt64)]
    func remove(_ c: Chan, _ caller: Caller) throws(SysError)
    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError)

    // What POSIX programs see beyond Plan 9. The defaults throw `.notSupported` or do the nearest thing.

    /// The files of directory `qid`, for devices whose files are a fixed table.
    func table(of directory: Qid) -> [Dirtab]
    func readlink(_ c: Chan, _ caller: Caller) throws(SysError) -> String
    func symlink(_ c: Chan, _ name: String, to target: String, _ caller: Caller) throws(SysError)
    /// Makes `name` in directory `c` another name of `file`.
    func link(_ file: Chan, _ c: Chan, _ name: String, _ caller: Caller) throws(SysError)
    /// Moves `file`, which is `name` in `from`, to `newName` in `to`. Both are of one instance.
    func rename(
        _ file: Chan, _ name: String, in from: Chan, to: Chan, as newName: String, _ how: Rename, _ caller: Caller
    ) throws(SysError)
    /// Throws `.perm` where the caller may not do all of `rights` with the file. The corresponding POSIX call is `access(2)`.
    func access(_ c: Chan, _ rights: Mask, _ caller: Caller) throws(SysError)
    func statfs(_ c: Chan, _ caller: Caller) throws(SysError) -> FileSystemStatus
    /// The data is where the device keeps it when this returns.
    func fsync(_ c: Chan, _ caller: Caller) throws(SysError)
    /// Takes a lock of `owner` on a range of the open file, changes it, or gives it up; advisory. Waits where another's is in
    /// the way, or throws `.wouldBlock` where `how` is `.try`: that speaks of the lock alone, and a device that `mayBlock`
    /// asks its server all the same. The default is `FileLocks`, which knows all that is locked here.
    func lock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller, _ how: How) throws(SysError)
    /// A lock of another that `lock` would have to wait for; nil where there is none.
    func getlock(_ c: Chan, _ lock: LockRange, _ owner: LockOwner, _ caller: Caller) throws(SysError) -> LockRange?
    /// Has `conduit` hold up to `count` bytes of the open file, fewer where it ends, instead of copying them; false where the
    /// device has no such bytes.
    func fill(
        _ conduit: Conduit, from c: Chan, at offset: UInt64, _ count: Int, _ caller: Caller
    ) throws(SysError) -> Bool
    /// Writes all that `conduit` holds to the open file; false, with nothing done, where the device cannot. An empty one asks
    /// whether it can, and whether that pays.
    func drain(_ conduit: Conduit, into c: Chan, _ caller: Caller, _ how: How) throws(SysError) -> Bool
    /// Which of `events` are there now; registers `waiter` on the queues that announce the others.
    /// Files that never block are always ready.
    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents
    /// A host descriptor for the open Chan, to be given to programs of the host and not to be closed: it is there while the
    /// Chan is. nil where the device has none that would do what the Chan does. The second call gives what the first did.
    /// How it is made: `Chan.lend`.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32?
    /// What a Chan has as `auxiliary` that is for the file of `c` and not open.
    func unopened(_ c: Chan) -> AnyObject?
    /// The file of `c`, which is not open, by a descriptor that was lent for it: as it is there even if nobody finds it by
    /// its name any more. `c` where the device needs no descriptor for that.
    func regain(_ c: Chan, _ fd: Int32) throws(SysError) -> Chan
    /// What programs of the host know the file of `c` by, open or not, once it is lent; nil where it will not be.
    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity?
    /// The absolute path of `c` on the host; nil where it is no file of the host's.
    func hostPath(_ c: Chan) -> String?
    /// How large the terminal is that `c` is; nil where it is none, zeros where nobody knows.
    func window(_ c: Chan) -> Window?
    /// The terminal that the open Chan is, with all that can be set; nil for those that are less.
    func terminal(_ c: Chan) -> (any Terminal)?
    /// Length of seekable files moves offsets from the end; others throw `.stream`.
    func seekable(_ c: Chan) -> Bool
}

/// What a name is walked for: a device that can do that together with the walk may, where it came to the last name and
/// the filter does not contain what it found. It need not, and says no more of what it could not do: the kernel asks it
/// then in a call of its own.
public enum WalkPurpose: Sendable {
    case walk
    /// What `stat` would say belongs in `Walked.stat`.
    case stat
    /// The Chan may be given open, as by `open`; the path's mask allows it.
    case open(OpenMode)
}

/// How far a walk came: the file it reached, and how many names that took (at least one).
public struct Walked {
    /// Open where the walk was for that and the device did it.
    public let chan: Chan
    public let count: Int
    /// What `stat` would say of `chan` now, where the walk was for that and the device knows.
    public let stat: Dir?

    public init(chan: Chan, count: Int, stat: Dir? = nil) {
        self.chan = chan
        self.count = count
        self.stat = stat
    }
}

/// What `rename` does about a file of the new name.
public enum Rename: Sendable {
    case replace, noReplace, exchange
}

/// Room in a file system. The corresponding POSIX call is `statvfs(3)`.
public struct FileSystemStatus: Sendable {
    public var blockSize: UInt64
    public var blocks: UInt64
    public var free: UInt64
    public var available: UInt64
    public var files: UInt64
    public var filesFree: UInt64

    public init(
        blockSize: UInt64, blocks: UInt64, free: UInt64, available: UInt64, files: UInt64, filesFree: UInt64
    ) {
        self.blockSize = blockSize
        self.blocks = blocks
        self.free = free
        self.available = available
        self.files = files
        self.filesFree = filesFree
    }
}

/// What a terminal shows, in characters. The corresponding POSIX call is `tcgetwinsize(3)`.
public struct Window: Hashable, Sendable {
    public var rows: Int
    public var columns: Int

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }
}

/// Readiness. The corresponding POSIX call is `poll(2)`.
public struct PollEvents: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let read = PollEvents(rawValue: 1)
    public static let write = PollEvents(rawValue: 2)
    /// The other end is gone; reported whether asked for or not.
    public static let hangup = PollEvents(rawValue: 4)
    public static let error = PollEvents(rawValue: 8)
}

/// A row of a device's table: one file that is always there.
public struct Dirtab: Sendable {
    public let name: String
    public let qid: Qid
    public let length: UInt64
    public let mode: FileMode

    public init(_ name: String, _ qid: Qid, length: UInt64 = 0, mode: UInt32) {
        self.name = name
        self.qid = qid
        self.length = length
        self.mode = FileMode(rawValue: mode | UInt32(qid.type.rawValue) << 24)
    }
}

/// Numbers of trees of files: no two devices, and no two trees of one, share a number.
public enum Instance {
    private static let next = Atomic<UInt32>(1)

    public static func new() -> UInt32 { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}
