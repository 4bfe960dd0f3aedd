import Host
import Kernel

/// One thread of a Linux program in the middle of a system call, as its engine shows it to the personality.
///
/// Memory is reached only through the three calls here, each of which copies once: what a second thread of the program
/// changes meanwhile is never looked at again. An engine whose host kernel keeps the program's descriptors (native) and
/// one that keeps them in the Proc (RISC-V) both answer `file`.
public protocol Guest: AnyObject {
    /// The process, with its name space, directory and umask.
    var proc: Proc { get }
    /// The number by which the program knows itself: what `getpid` gives it.
    var pid: Int32 { get }
    /// What it was built for.
    var machine: Machine { get }

    /// `count` bytes at `address`. Throws `.fault`.
    func read(_ address: UInt64, _ count: Int) throws(SysError) -> [UInt8]
    /// The bytes before the next NUL. Throws `.fault`, and `.nameTooLong` where `limit` bytes hold none.
    func text(_ address: UInt64, limit: Int) throws(SysError) -> [UInt8]
    /// The same at each of these addresses, where the engine can copy many short ones at once; nil for others.
    func texts(_ addresses: [UInt64]) throws(SysError) -> [[UInt8]?]
    /// Throws `.fault`, where some bytes may have been written.
    func write(_ bytes: [UInt8], _ address: UInt64) throws(SysError)

    /// What descriptor `fd` stands for. Throws `.badFd`.
    func file(_ fd: Int32) throws(SysError) -> GuestFile
    /// The numbers by which the program knows the file that `c` is: what `fstat` says once it is open. `dir` is what its
    /// server says of it now.
    func identity(_ c: Chan, _ dir: Dir) throws(SysError) -> FileIdentity

    /// The inode by which the program knows the directory above `c`, where that is known without asking anybody.
    func inodeAbove(_ c: Chan) -> UInt64?

    /// A copy of a descriptor of the host's, for an engine whose programs have such. Throws `.badFd`.
    func descriptor(_ fd: Int32) throws(SysError) -> HostFd
    /// Where sockets that have a path are bound; nil for an engine that has none.
    var localSockets: (any LocalSockets)? { get }
}

/// What answers the calls of Linux programs, whichever engine runs them.
public protocol Personality: Sendable {
    /// Answers a call that the engine does not do by itself. A failure becomes the errno of its `SysError`; with `.try` it
    /// throws `.wouldBlock`, having changed nothing, before anything that may wait. Calls that it does not know throw
    /// `.notHere`.
    func answer(_ call: Call, _ guest: any Guest, _ how: How) throws(SysError) -> Answer
    /// What running the file at `path` in `proc` takes: scripts and /lib/exectab seen through. For the first program; the
    /// others come as `.exec` from `answer`.
    func execution(
        of path: String, _ arguments: [[UInt8]], _ environment: [[UInt8]], in proc: Proc
    ) throws(SysError) -> Execution
}

extension Guest {
    public var machine: Machine { .x86 }

    public func texts(_ addresses: [UInt64]) throws(SysError) -> [[UInt8]?] {
        Array(repeating: nil, count: addresses.count)
    }

    public func inodeAbove(_ c: Chan) -> UInt64? { nil }
    public func descriptor(_ fd: Int32) throws(SysError) -> HostFd { throw .notSocket }
    public var localSockets: (any LocalSockets)? { nil }
}

/// An open file of a Linux program.
public protocol GuestFile {
    /// The Chan that it was opened as; nil for what has none, such as a pipe that the program made.
    var chan: Chan? { get }
    /// It was opened with `O_PATH`: nothing can be read by it, nor changed.
    var isNameOnly: Bool { get }
    /// Where a directory is read on: a cookie of ours, kept where dup, fork and lseek find it.
    var position: UInt64 { get throws(SysError) }
    func setPosition(_ position: UInt64) throws(SysError)
}

/// `st_dev` and `st_ino`, and `st_rdev` of a file that programs see as a character device, whatever its server says.
public struct FileIdentity: Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
    public let rdev: UInt64?

    public init(device: UInt64, inode: UInt64, rdev: UInt64? = nil) {
        self.device = device
        self.inode = inode
        self.rdev = rdev
    }

    public init(_ host: HostIdentity) { self.init(device: host.device, inode: host.inode, rdev: host.rdev) }
}

/// A system call as the program made it: its number in the table of its machine, and six registers.
public struct Call: Sendable {
    public let number: Int32
    public let arguments: InlineArray<6, UInt64>

    public init(_ number: Int32, _ arguments: InlineArray<6, UInt64>) {
        self.number = number
        self.arguments = arguments
    }
}

/// What the personality says to a call.
public enum Answer: Sendable {
    /// The result; a failure is thrown instead, and becomes the errno of its `SysError`.
    case value(UInt64)
    /// A new descriptor for this Chan, the lowest that is free. It is not open (`mode` is nil) where the program asked for
    /// `O_PATH`: such a descriptor names the file, and nothing can be read by it.
    case open(Chan, closeOnExec: Bool)
    /// The engine does it as if it had not asked: only ever where that is safe whatever the arguments point to by then.
    case native
    /// A new descriptor, a socket.
    case socket(GuestSocket, closeOnExec: Bool)
    /// It fails with this errno, which the host has given and no error of ours stands for.
    case failure(Int32)
    /// The program is replaced.
    case exec(Execution)
}

/// What `execve` found: the program that is to run, open for execution, with its interpreter where it has one.
public struct Execution: Sendable {
    /// The ELF file, and the path that it was found by.
    public let file: Chan
    public let path: String
    /// The program interpreter that the ELF file names (`ld.so`), found in the name space.
    public let interpreter: Chan?
    /// Arguments and environment as the program will see them, without the NULs.
    public let arguments: [[UInt8]]
    public let environment: [[UInt8]]

    /// The name of the registered program of ours that the file stands for; nil for an ELF file.
    public let program: String?
    /// What the head of an ELF file says, which may be of another machine than the program that called.
    public let elf: Elf?

    public init(
        file: Chan, path: String, interpreter: Chan?, arguments: [[UInt8]], environment: [[UInt8]],
        program: String? = nil, elf: Elf? = nil
    ) {
        self.program = program
        self.elf = elf
        self.file = file
        self.path = path
        self.interpreter = interpreter
        self.arguments = arguments
        self.environment = environment
    }
}
