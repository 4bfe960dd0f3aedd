import Glibc

/// Why a call failed: a code, its sentence, and what it was about.
///
/// Sentences are short and lower case, the same in memory, in the shell and on the wire. Inferno's stand wherever it has
/// one. `description` puts the subject before the sentence, as Inferno's walk does: `'/n/x' file does not exist`.
public struct SysError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; `.other` has a sentence of its own.
    public let code: Code

    /// A sentence of its own: that of an error which no code stands for, kept verbatim, or one that says more than the code.
    private let text: String?

    /// The name that the call was about, where there is one.
    public let subject: String?

    public init(_ code: Code, subject: String? = nil) {
        self.code = code
        text = nil
        self.subject = subject
    }

    /// A failure of that kind which has a sentence of its own.
    public init(_ code: Code, saying sentence: String, subject: String? = nil) {
        self.code = code
        text = sentence
        self.subject = subject
    }

    /// An error known by its sentence, as it comes from a script, a program or the wire.
    public init(_ sentence: String, subject: String? = nil) {
        code = Self.bySentence[sentence] ?? Self.byHostSentence[sentence] ?? .other
        text = code == .other ? sentence : nil
        self.subject = subject
    }

    /// The error that a host call left, as one of ours; an errno that has no row keeps the host's words.
    public init(errno number: Int32, subject: String? = nil) {
        code = Self.byErrno[number] ?? .other
        text = code == .other ? String(cString: strerror(number)) : nil
        self.subject = subject
    }

    /// The bare sentence, as the wire carries it.
    public var sentence: String { text ?? Self.table[Int(code.rawValue)].sentence }

    /// The same for a 9P2000 client that may be Linux's: of a known kind, in words that it turns into the errno.
    public var wireSentence: String {
        if let text { return text }
        return Self.plan9.contains(code) ? sentence : String(cString: strerror(errno))
    }

    /// Kinds whose sentence Linux's client knows.
    private static let plan9: Set<Code> = [.nonexist, .exist, .notDir, .perm, .notOwner, .io]

    /// The Linux errno that a Linux program is given: EIO for what only has a sentence.
    public var errno: Int32 { code == .other ? EIO : Self.table[Int(code.rawValue)].errno }

    public var description: String { subject.map { "'\($0)' \(sentence)" } ?? sentence }

    /// The same failure, about `subject`; one that already has a subject keeps it.
    public func about(_ subject: String) -> SysError { self.subject == nil ? with(subject: subject) : self }

    /// The same failure, about `subject` and nothing else.
    public func with(subject: String?) -> SysError {
        text.map { SysError(code, saying: $0, subject: subject) } ?? SysError(code, subject: subject)
    }

    /// The kinds of failure: rows of the one table that maps code, sentence and errno.
    public enum Code: UInt8, Sendable, CaseIterable {
        case nonexist, exist, notDir, isDir, perm, notOwner, badFd, badUseFd, badArg, inUse, io, tooBig, tooSmall
        case badChar, syntax, nameTooLong, inconsistentMount, notMounted, notInUnion, mountRPC, shutdown
        case unknownUser, noCreate, badDevice, badSpec, noAttach, noDevices, noEnv, hungup, closedPipe, badControl
        case unknownControl, controlArgs, threadExited, noProcess, noChild, badExec, noMemory, noFd, stream
        case negativeOffset, countTooSmall, shortStat, badStat, badLineDiscipline, interrupted, killed, timedOut
        case refused, addressInUse, unreachable, badAddress, messageTooBig, networkBusy, noProtocol, noPort
        case notAnnounced, wouldBlock, crossDevice, notEmpty, noSpace, quota, readOnly, tooManyLinks, linkCount
        case fileTooBig, argsTooLong, textBusy, range, overflow, notTerminal, notSupported, notHere, noAttribute
        case deadlock, stale, noSuchDevice, reset, notConnected, notSocket, fault, tooManyFiles, noLocks
        case other
    }

    private static let table: [(sentence: String, errno: Int32)] = [
        ("file does not exist", ENOENT),  // nonexist
        ("file already exists", EEXIST),  // exist
        ("not a directory", ENOTDIR),  // notDir
        ("file is a directory", EISDIR),  // isDir
        ("permission denied", EACCES),  // perm
        ("not owner", EPERM),  // notOwner
        ("fd out of range or not open", EBADF),  // badFd
        ("inappropriate use of fd", EBADF),  // badUseFd
        ("bad arg in system call", EINVAL),  // badArg
        ("device or object already in use", EBUSY),  // inUse
        ("i/o error", EIO),  // io
        ("read or write too large", EINVAL),  // tooBig
        ("read or write too small", EINVAL),  // tooSmall
        ("bad character in file name", EINVAL),  // badChar
        ("file name syntax", ENOENT),  // syntax
        ("file name too long", ENAMETOOLONG),  // nameTooLong
        ("inconsistent mount", EINVAL),  // inconsistentMount
        ("not mounted", EINVAL),  // notMounted
        ("not in union", EINVAL),  // notInUnion
        ("mount rpc error", EIO),  // mountRPC
        ("mounted device shut down", EIO),  // shutdown
        ("unknown user or group id", EINVAL),  // unknownUser
        ("mounted directory forbids creation", EPERM),  // noCreate
        ("unknown device in # filename", ENODEV),  // badDevice
        ("bad attach specifier", EINVAL),  // badSpec
        ("mount/attach disallowed", EPERM),  // noAttach
        ("no free devices", ENODEV),  // noDevices
        ("no free environment resources", ENOMEM),  // noEnv
        ("i/o on hungup channel", EIO),  // hungup
        ("write on closed pipe", EPIPE),  // closedPipe
        ("bad process or channel control request", EINVAL),  // badControl
        ("unknown control request", EINVAL),  // unknownControl
        ("wrong #args in control message", EINVAL),  // controlArgs
        ("thread exited", ESRCH),  // threadExited
        ("no such process", ESRCH),  // noProcess
        ("no living children", ECHILD),  // noChild
        ("exec header invalid", ENOEXEC),  // badExec
        ("out of memory: kernel", ENOMEM),  // noMemory
        ("no free file descriptors", EMFILE),  // noFd
        ("seek on a stream", ESPIPE),  // stream
        ("negative i/o offset", EINVAL),  // negativeOffset
        ("i/o count too small", EINVAL),  // countTooSmall
        ("stat buffer too small", EINVAL),  // shortStat
        ("malformed stat buffer", EINVAL),  // badStat
        ("illegal line discipline", EINVAL),  // badLineDiscipline
        ("interrupted", EINTR),  // interrupted
        ("killed", EINTR),  // killed
        ("connection timed out", ETIMEDOUT),  // timedOut
        ("connection refused", ECONNREFUSED),  // refused
        ("connection in use", EADDRINUSE),  // addressInUse
        ("network unreachable", ENETUNREACH),  // unreachable
        ("bad network address", EADDRNOTAVAIL),  // badAddress
        ("message is too big for protocol", EMSGSIZE),  // messageTooBig
        ("network device is busy or allocated", EBUSY),  // networkBusy
        ("network protocol not supported", EPROTONOSUPPORT),  // noProtocol
        ("network port not available", EADDRNOTAVAIL),  // noPort
        ("not announced", EINVAL),  // notAnnounced
        ("operation would block", EAGAIN),  // wouldBlock
        ("cross-device link", EXDEV),  // crossDevice
        ("directory not empty", ENOTEMPTY),  // notEmpty
        ("no space left on device", ENOSPC),  // noSpace
        ("disk quota exceeded", EDQUOT),  // quota
        ("read-only file system", EROFS),  // readOnly
        ("too many symbolic links", ELOOP),  // tooManyLinks
        ("too many links", EMLINK),  // linkCount
        ("file too large", EFBIG),  // fileTooBig
        ("argument list too long", E2BIG),  // argsTooLong
        ("text file busy", ETXTBSY),  // textBusy
        ("result out of range", ERANGE),  // range
        ("value too large for its type", EOVERFLOW),  // overflow
        ("not a terminal", ENOTTY),  // notTerminal
        ("operation not supported", EOPNOTSUPP),  // notSupported
        ("not in this emu", ENOSYS),  // notHere
        ("no such attribute", ENODATA),  // noAttribute
        ("deadlock avoided", EDEADLK),  // deadlock
        ("stale file handle", ESTALE),  // stale
        ("no such device or address", ENXIO),  // noSuchDevice
        ("connection reset by peer", ECONNRESET),  // reset
        ("not connected", ENOTCONN),  // notConnected
        ("not a socket", ENOTSOCK),  // notSocket
        ("bad address", EFAULT),  // fault
        ("too many open files in system", ENFILE),  // tooManyFiles
        ("no locks available", ENOLCK),  // noLocks
    ]

    private static let bySentence: [String: Code] = .init(
        uniqueKeysWithValues: table.indices.map { (table[$0].sentence, Code.allCases[$0]) })

    /// The host's words for the same, which other servers send.
    private static let byHostSentence: [String: Code] = .init(
        byErrno.map { (String(cString: strerror($0)), $1) }, uniquingKeysWith: { first, _ in first })

    /// Where several codes share an errno the first row is the host's meaning, but for memory.
    private static let byErrno: [Int32: Code] = .init(
        [(ENOMEM, .noMemory)] + table.indices.map { (table[$0].errno, Code.allCases[$0]) },
        uniquingKeysWith: { first, _ in first })
}

/// The codes as errors, so that `throw .perm` reads as it should.
extension SysError {
    public static var nonexist: SysError { SysError(.nonexist) }
    public static var exist: SysError { SysError(.exist) }
    public static var notDir: SysError { SysError(.notDir) }
    public static var isDir: SysError { SysError(.isDir) }
    public static var perm: SysError { SysError(.perm) }
    public static var notOwner: SysError { SysError(.notOwner) }
    public static var badFd: SysError { SysError(.badFd) }
    public static var badUseFd: SysError { SysError(.badUseFd) }
    public static var badArg: SysError { SysError(.badArg) }
    public static var inUse: SysError { SysError(.inUse) }
    public static var io: SysError { SysError(.io) }
    public static var tooBig: SysError { SysError(.tooBig) }
    public static var tooSmall: SysError { SysError(.tooSmall) }
    public static var badChar: SysError { SysError(.badChar) }
    public static var syntax: SysError { SysError(.syntax) }
    public static var nameTooLong: SysError { SysError(.nameTooLong) }
    public static var inconsistentMount: SysError { SysError(.inconsistentMount) }
    public static var notMounted: SysError { SysError(.notMounted) }
    public static var notInUnion: SysError { SysError(.notInUnion) }
    public static var mountRPC: SysError { SysError(.mountRPC) }
    public static var shutdown: SysError { SysError(.shutdown) }
    public static var unknownUser: SysError { SysError(.unknownUser) }
    public static var noCreate: SysError { SysError(.noCreate) }
    public static var badDevice: SysError { SysError(.badDevice) }
    public static var badSpec: SysError { SysError(.badSpec) }
    public static var noAttach: SysError { SysError(.noAttach) }
    public static var noDevices: SysError { SysError(.noDevices) }
    public static var noEnv: SysError { SysError(.noEnv) }
    public static var hungup: SysError { SysError(.hungup) }
    public static var closedPipe: SysError { SysError(.closedPipe) }
    public static var badControl: SysError { SysError(.badControl) }
    public static var unknownControl: SysError { SysError(.unknownControl) }
    public static var controlArgs: SysError { SysError(.controlArgs) }
    public static var threadExited: SysError { SysError(.threadExited) }
    public static var noProcess: SysError { SysError(.noProcess) }
    public static var noChild: SysError { SysError(.noChild) }
    public static var badExec: SysError { SysError(.badExec) }
    public static var noMemory: SysError { SysError(.noMemory) }
    public static var noFd: SysError { SysError(.noFd) }
    public static var stream: SysError { SysError(.stream) }
    public static var negativeOffset: SysError { SysError(.negativeOffset) }
    public static var countTooSmall: SysError { SysError(.countTooSmall) }
    public static var shortStat: SysError { SysError(.shortStat) }
    public static var badStat: SysError { SysError(.badStat) }
    public static var badLineDiscipline: SysError { SysError(.badLineDiscipline) }
    public static var interrupted: SysError { SysError(.interrupted) }
    public static var killed: SysError { SysError(.killed) }
    public static var timedOut: SysError { SysError(.timedOut) }
    public static var refused: SysError { SysError(.refused) }
    public static var addressInUse: SysError { SysError(.addressInUse) }
    public static var unreachable: SysError { SysError(.unreachable) }
    public static var badAddress: SysError { SysError(.badAddress) }
    public static var messageTooBig: SysError { SysError(.messageTooBig) }
    public static var networkBusy: SysError { SysError(.networkBusy) }
    public static var noProtocol: SysError { SysError(.noProtocol) }
    public static var noPort: SysError { SysError(.noPort) }
    public static var notAnnounced: SysError { SysError(.notAnnounced) }
    public static var wouldBlock: SysError { SysError(.wouldBlock) }
    public static var crossDevice: SysError { SysError(.crossDevice) }
    public static var notEmpty: SysError { SysError(.notEmpty) }
    public static var noSpace: SysError { SysError(.noSpace) }
    public static var quota: SysError { SysError(.quota) }
    public static var readOnly: SysError { SysError(.readOnly) }
    public static var tooManyLinks: SysError { SysError(.tooManyLinks) }
    public static var linkCount: SysError { SysError(.linkCount) }
    public static var fileTooBig: SysError { SysError(.fileTooBig) }
    public static var argsTooLong: SysError { SysError(.argsTooLong) }
    public static var textBusy: SysError { SysError(.textBusy) }
    public static var range: SysError { SysError(.range) }
    public static var overflow: SysError { SysError(.overflow) }
    public static var notTerminal: SysError { SysError(.notTerminal) }
    public static var notSupported: SysError { SysError(.notSupported) }
    public static var notHere: SysError { SysError(.notHere) }
    public static var noAttribute: SysError { SysError(.noAttribute) }
    public static var deadlock: SysError { SysError(.deadlock) }
    public static var stale: SysError { SysError(.stale) }
    public static var noSuchDevice: SysError { SysError(.noSuchDevice) }
    public static var reset: SysError { SysError(.reset) }
    public static var notConnected: SysError { SysError(.notConnected) }
    public static var notSocket: SysError { SysError(.notSocket) }
    public static var fault: SysError { SysError(.fault) }
    public static var tooManyFiles: SysError { SysError(.tooManyFiles) }
    public static var noLocks: SysError { SysError(.noLocks) }
}
