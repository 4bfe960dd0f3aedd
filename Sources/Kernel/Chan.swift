import Synchronization

/// A file somebody holds: which device, which file, how it was opened and where it was found.
///
/// Made by attach and walk; opened by `open`. When the last reference goes, an open Chan is closed at its device.
/// `mode`, `mask`, `node`, `hangups` and `isShared` are set before the Chan is shared; the offset is atomic, and the host's once
/// the Chan was lent (`Chan+Lend.swift`); `auxiliary` belongs to the device, which guards what it points to.
public final class Chan: @unchecked Sendable {
    public let dev: any Dev
    /// Which tree of the device: files are the same when instance and qid path agree.
    public let instance: UInt32
    public internal(set) var qid: Qid
    /// Rights of the path it was found by; all that is made from it keeps them.
    public internal(set) var mask: Mask
    /// nil until opened.
    public internal(set) var mode: OpenMode?
    /// Where it was found; nil for pipes and other Chans without a name.
    public internal(set) var node: PathNode?
    /// What was forced off the name space that it was opened in; nil for one that was opened by no name.
    var hangups: Hangups?
    /// When it was last seen not to be hung up.
    let hangupTime = Atomic<UInt32>(0)
    /// Several directories found at one place; searched in order.
    var union: Union?
    /// It has been in a descriptor: whoever opens it again, by a name in `#s` or `#d`, changes nothing of it.
    var isShared = false
    /// What the device keeps with it.
    public var auxiliary: AnyObject?
    /// Unit of I/O that the device prefers, in bytes; 0 for none.
    public var iounit = 0

    private let position = Atomic<UInt64>(0)
    /// The host's description whose offset is ours; -1 where ours is `position`.
    let description = Atomic<Int32>(-1)
    /// What few Chans have.
    struct Extras: Sendable {
        /// Reading a directory.
        var directory: DirectoryReader?
        /// The file is used as a semaphore.
        var semaphore: FileSemaphores.Entry?
        /// What was opened of the host to be lent.
        var loan: Loan?
        /// Something was locked by way of it.
        var hasLocks = false
    }

    final class Kept: Sendable {
        let extras = Lock(Extras())
    }

    private let lazyKept = AtomicLazyReference<Kept>()

    /// Made at its first use.
    var kept: Kept { lazyKept.load() ?? lazyKept.storeIfNil(Kept()) }

    /// `mask` is for attach alone: what the device gives of this tree at most.
    public init(
        _ dev: any Dev, instance: UInt32? = nil, qid: Qid, auxiliary: AnyObject? = nil, mask: Mask = .all
    ) {
        self.dev = dev
        self.instance = instance ?? dev.instance
        self.qid = qid
        self.mask = mask
        self.auxiliary = auxiliary
        Live.chan.made()
    }

    deinit {
        Live.chan.gone()
        if mode != nil { dev.close(self) }
        if lazyKept.load()?.extras.withLock({ $0.hasLocks }) ?? false {
            // What the device keeps goes first, with its own lock where it has one: who is woken finds the file free.
            auxiliary = nil
            FileLocks.shared.release(self)
        }
    }

    /// An unopened Chan for the same file, found at the same place.
    public func clone() -> Chan {
        let unopened = mode == nil ? auxiliary : dev.unopened(self)
        let c = Chan(dev, instance: instance, qid: qid, auxiliary: unopened)
        c.mask = mask
        c.node = node
        c.union = union
        return c
    }

    /// A Chan for another file of the same device: what `walk` gives.
    public func sibling(_ qid: Qid, auxiliary: AnyObject? = nil) -> Chan {
        Chan(dev, instance: instance, qid: qid, auxiliary: auxiliary)
    }

    /// Marks as open with `mode`; the kernel and devices that open Chans of their own do this once.
    public func opened(_ mode: OpenMode, iounit: Int = 0) -> Chan {
        self.mode = mode
        if iounit != 0 { self.iounit = iounit }
        return self
    }

    /// Sets the qid's version or type after the device has changed the file.
    public func update(_ qid: Qid) { self.qid = qid }

    public var isDirectory: Bool { qid.isDirectory }

    var key: MountKey { MountKey(instance: instance, path: qid.path) }

    /// Byte offset of the next read or write.
    public var offset: UInt64 {
        get { isLent ? lentOffset : position.load(ordering: .relaxed) }
        set { isLent ? moveLent(newValue) : position.store(newValue, ordering: .relaxed) }
    }

    /// Moves the offset on by `count` and gives what it was.
    @inline(__always)
    func advance(_ count: Int) -> UInt64 {
        position.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue
    }

    /// Takes back what a short write did not use.
    func retreat(_ count: Int) { position.wrappingSubtract(UInt64(count), ordering: .relaxed) }

    /// Throws `.wouldBlock` where `how` is `.try` and its device may wait in any call.
    @inline(__always)
    public func checkQuick(_ how: How) throws(SysError) {
        if how == .try, dev.mayBlock { throw .wouldBlock }
    }

    /// Path it was found by, or `#c/name` for one without.
    public var path: String { node?.path ?? "#\(dev.letter)" }

    /// Whether its path still leads to it, as far as is known here: false once it, or a directory above it, was removed.
    public var isThere: Bool { node?.isThere ?? false }

    /// Throws where the way it was opened, or its path's mask, forbids reading.
    @inline(__always)
    func checkReadable() throws(SysError) {
        guard let mode, mode.canRead else { throw .badUseFd }
    }

    @inline(__always)
    func checkWritable() throws(SysError) {
        guard let mode, mode.canWrite else { throw .badUseFd }
    }
}

/// The directories that are found at one mount point.
struct Union: Sendable {
    let head: Mhead
    /// The mount point itself, before crossing.
    let bare: Chan

    /// A Chan for each member, in order.
    var members: [Chan] { head.members.map { member($0) } }

    /// The Chan of one member, with its rights and its place.
    func member(_ entry: MountEntry) -> Chan {
        let c = (entry.root ?? bare).clone()
        c.union = nil
        c.mask = entry.root == nil ? bare.mask.intersection(head.sealMask) : entry.mask
        c.node = head.place(of: entry, on: bare)
        return c
    }
}
