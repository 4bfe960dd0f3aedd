import Host
import Synchronization

// Lending: a program of the host gets a descriptor for a Chan, and from then on the two are one open file.
//
// The offset of a Chan that was lent is that of the host's description. So `Proc` reads and writes such a Chan at
// `Chan.atDescription`, and its device makes the host call that uses the description's offset, which the host keeps right
// between us and its programs; what names an offset of its own (pread, pwrite) is as before. Streams have no offset: their
// devices lend a descriptor, and go on as before.
//
// A call that another Thread is in while a Chan is lent ends where the offset was before.

/// What programs of the host know a file by: `st_dev` and `st_ino`.
public struct HostIdentity: Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
    /// The number of a character device, `st_rdev`; nil for what is none.
    public let rdev: UInt64?

    public init(_ stat: HostStat) {
        (device, inode, rdev) = (stat.device, stat.inode, stat.kind == .device ? stat.rdev : nil)
    }
}

/// A descriptor of the host's that is there to be lent, owned by the Chan that it is lent for.
final class Loan: Sendable {
    let fd: HostFd
    /// It holds what the file read as when it was lent: nobody else's bytes.
    let isCopy: Bool
    /// Who pays for a copy.
    private let account: Account?
    private let count: Int

    init(_ fd: consuming HostFd, copyOf count: Int? = nil, _ account: Account? = nil) {
        self.fd = fd
        isCopy = count != nil
        self.account = account
        self.count = count ?? 0
    }

    deinit { account?.credit(.memory, count) }

    func read(into buffer: inout MutableRawSpan, at offset: UInt64? = nil) throws(SysError) -> Int {
        guard let offset else { return try HostIO.read(fd.number, into: &buffer) }
        return try HostIO.pread(fd.number, into: &buffer, at: offset)
    }

    var length: UInt64 { UInt64(count) }
}

extension Chan {
    /// The offset of a read or write that is to happen at the description's, and move it. No byte of a file stands there.
    public static let atDescription = UInt64.max

    /// Whether the offset is that of a description of the host's.
    @inline(__always)
    public var isLent: Bool { description.load(ordering: .acquiring) >= 0 }

    /// The description at whose offset a device is to read or write; nil where it is to be done at `offset`.
    public func description(at offset: UInt64) -> Int32? {
        guard offset == Self.atDescription else { return nil }
        let number = description.load(ordering: .acquiring)
        return number >= 0 ? number : nil
    }

    /// Makes the offset that of `number`, which the device keeps open for this Chan alone, until it is closed. Gives it back.
    public func lend(_ number: Int32) throws(SysError) -> Int32 {
        try kept.extras.withLock { (_) throws(SysError) in try share(number) }
        return number
    }

    /// The same for a descriptor that the Chan keeps and closes; `sharesOffset` is false for streams. Gives the number of
    /// the one that was lent before, where one was.
    public func lend(_ fd: consuming HostFd, sharesOffset: Bool = true) throws(SysError) -> Int32 {
        try lend(Loan(fd), sharesOffset: sharesOffset)
    }

    fileprivate func lend(_ loan: Loan, sharesOffset: Bool) throws(SysError) -> Int32 {
        try kept.extras.withLock { (extras) throws(SysError) in
            if let before = extras.loan { return before.fd.number }
            if sharesOffset { try share(loan.fd.number) }
            extras.loan = loan
            return loan.fd.number
        }
    }

    /// With `extras` locked, so that the first who lends sets the offset, and no other after him.
    private func share(_ number: Int32) throws(SysError) {
        guard !isLent else { return }
        try HostFiles.seek(number, to: offset)
        description.store(number, ordering: .releasing)
    }

    /// The number of the descriptor that the Chan owns, where it was lent.
    public var lent: Int32? { lazyLoan { $0?.fd.number } }

    /// The copy that is read instead of the file, where one was lent.
    var lentCopy: Loan? {
        guard isLent, let loan = lazyLoan({ $0 }), loan.isCopy else { return nil }
        return loan
    }

    private func lazyLoan<T>(_ body: (inout Loan?) -> T) -> T { kept.extras.withLock { body(&$0.loan) } }

    /// Reads at the description's offset.
    @inline(never)
    func readLent(into buffer: inout MutableRawSpan, _ caller: Caller, _ how: How) throws(SysError) -> Int {
        if let copy = lentCopy { return try copy.read(into: &buffer) }
        return try dev.read(self, into: &buffer, at: Self.atDescription, caller, how)
    }

    /// A description is open as long as its Chan, and has an offset: nothing can go wrong.
    @inline(never)
    var lentOffset: UInt64 { (try? HostFiles.offset(description.load(ordering: .relaxed))) ?? 0 }

    @inline(never)
    func moveLent(_ offset: UInt64) {
        // Behind what the host can seek to there is nothing to read.
        try? HostFiles.seek(description.load(ordering: .relaxed), to: min(offset, UInt64(Int64.max)))
    }

    /// What `fstat` of the lent descriptor says; nil where none is lent.
    public var lentIdentity: HostIdentity? {
        get throws(SysError) {
            let shared = description.load(ordering: .acquiring)
            guard let number = shared >= 0 ? shared : lent else { return nil }
            return HostIdentity(try HostStat(number))
        }
    }
}

extension Dev {
    /// Most bytes of a text that is lent as a copy.
    private static var copyLimit: Int { 64 << 20 }

    /// Lends what a file reads as now, as a copy that nobody can change: for files whose text is made at each read. Swift
    /// programs read the copy too from then on. nil where the Chan can write, or is a directory.
    ///
    /// The caller's account pays for it as long as the Chan lives. Throws `.tooBig` where the text has no end.
    public func lendCopy(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        guard let mode = c.mode, mode.canRead, !mode.canWrite, !c.isDirectory else { return nil }
        if let number = c.lent { return number }
        let file = try HostPlaces.shared.file(for: c, sealable: true)
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        var count = 0
        while true {
            var span = buffer.mutableSpan
            var room = span.mutableBytes
            let n = try read(c, into: &room, at: UInt64(count), caller, .try)
            if n == 0 { break }
            guard count + n <= Self.copyLimit else { throw .tooBig }
            var done = 0
            while done < n {
                done += try HostIO.pwrite(
                    file.number, buffer.span.bytes.extracting(done..<n), at: UInt64(count + done))
            }
            count += n
        }
        try HostFiles.setMode(file.number, stat(c, caller).mode.permissions & 0o555)
        try file.seal()
        let reader = try file.open(.read)
        try caller.account.charge(.memory, count)
        return try c.lend(Loan(reader, copyOf: count, caller.account), sharesOffset: true)
    }

    /// What `lendCopy` will give the file of `c` as its identity: asked by programs that look at a file before they open it.
    public func copyIdentity(_ c: Chan) throws(SysError) -> HostIdentity? {
        if let known = try c.lentIdentity { return known }
        return c.isDirectory ? nil : try HostPlaces.shared.identity(of: c, sealable: true)
    }
}
