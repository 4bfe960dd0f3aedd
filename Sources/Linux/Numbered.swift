import Kernel

/// A process whose engine knows more of it than the kernel does: by what number the programs around it know it, and what
/// its memory and descriptors are. Its `Runner` says so.
public protocol Numbered: Runner {
    /// What `getpid` gives it. Programs of one `group` see each other by these numbers, and nobody else.
    var number: Int32 { get }
    var group: AnyObject { get }
    /// Open descriptors, by number, and what `readlink` of `/proc/N/fd/N` says of each.
    var descriptors: [(fd: Int32, path: String)] { get }
    /// `/proc/N/maps`; empty where that is not told.
    var maps: [UInt8] { get }
    /// Bytes of memory that it has asked for, and that it has.
    var memory: (size: UInt64, resident: UInt64) { get }
}
