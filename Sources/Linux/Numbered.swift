import Host
import Kernel

/// A process whose engine knows more of it than the kernel does: by what number the programs around it know it, and what
/// its memory and descriptors are. Its `Runner` says so.
public protocol Numbered: Runner {
    /// What `getpid` gives it. Programs of one `group` see each other by these numbers, and nobody else.
    var number: Int32 { get }
    var group: AnyObject { get }
    /// Open descriptors, by number, and the path of what each is open on; nil for what has none, such as a pipe.
    var descriptors: [(fd: Int32, path: String?)] { get }
    /// A copy of a descriptor. Throws `.badFd`.
    func take(_ fd: Int32) throws(SysError) -> HostFd
    /// What the host says in a file of the process's own; empty where that is not told.
    func text(_ file: HostProcessFile) -> [UInt8]
    /// `/proc/N/maps`; empty where that is not told.
    var maps: [UInt8] { get }
    /// What it does, by Linux's letter, its CPU time in hundredths of a second, and its threads; nil once it has ended.
    var usage: (state: Character, ticks: UInt64, threads: Int)? { get }
    /// Bytes of memory that it has asked for, and that it has.
    var memory: (size: UInt64, resident: UInt64) { get }
}

/// Files of a host process that name nothing of the host's.
public enum HostProcessFile: String, Sendable {
    case auxv, io, status
}
