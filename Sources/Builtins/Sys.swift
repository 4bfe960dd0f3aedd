import Kernel

/// The builtin module `$Sys`: the system calls for scripts, each by the `Proc` method of its name.
///
/// It acts as the process that calls, with that process's name space, descriptors and rights. The corresponding
/// Inferno page is `sys-intro(2)`; where Inferno's call gives -1, this one ends with the error.
struct Sys: SysModule {
    /// Most bytes of one read: what a script takes at once.
    private static let readLimit: Int32 = 16 << 20

    // MARK: descriptors

    func open(_ p: Proc, _ path: String, _ mode: Int32) throws(SysError) -> FD {
        FD(try p.open(path, try openMode(mode)))
    }

    func create(_ p: Proc, _ path: String, _ mode: Int32, _ perm: Int32) throws(SysError) -> FD {
        FD(try p.create(path, try openMode(mode), FileMode(rawValue: UInt32(bitPattern: perm))))
    }

    private func openMode(_ mode: Int32) throws(SysError) -> OpenMode {
        let known = Sys.ORDWR | Sys.OEXEC | Sys.OTRUNC | Sys.ORCLOSE | Sys.OAPPEND | Sys.OEXCL
        guard mode & ~known == 0, let bits = UInt16(exactly: mode) else { throw .badArg }
        return OpenMode(rawValue: bits)
    }

    func fildes(_ p: Proc, _ fd: FD) throws(SysError) -> FD {
        _ = try p.fildes(fd.number)
        return fd
    }

    func dup(_ p: Proc, _ old: FD, _ new: FD) throws(SysError) -> FD {
        FD(try p.dup(old.number, new.number == -1 ? nil : new.number))
    }

    func close(_ p: Proc, _ fd: FD) throws(SysError) { try p.close(fd.number) }

    func pipe(_ p: Proc) throws(SysError) -> (FD, FD) {
        let (a, b) = try p.pipe()
        return (FD(a), FD(b))
    }

    func read(_ p: Proc, _ fd: FD, _ n: Int32) throws(SysError) -> [UInt8] {
        try p.read(fd.number, try count(n))
    }

    func readn(_ p: Proc, _ fd: FD, _ n: Int32) throws(SysError) -> [UInt8] {
        try p.readn(fd.number, try count(n))
    }

    func pread(_ p: Proc, _ fd: FD, _ n: Int32, _ offset: Int64) throws(SysError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: try count(n))
        var span = bytes.mutableSpan
        var buffer = span.mutableBytes
        let filled = try p.pread(fd.number, into: &buffer, at: try position(offset))
        return Array(bytes[..<filled])
    }

    private func count(_ n: Int32) throws(SysError) -> Int {
        guard n >= 0 else { throw .badArg }
        guard n <= Self.readLimit else { throw .tooBig }
        return Int(n)
    }

    private func position(_ offset: Int64) throws(SysError) -> UInt64 {
        guard offset >= 0 else { throw .negativeOffset }
        return UInt64(offset)
    }

    func write(_ p: Proc, _ fd: FD, _ data: [UInt8]) throws(SysError) -> Int32 {
        Int32(clamping: try p.write(fd.number, data.span.bytes))
    }

    func pwrite(_ p: Proc, _ fd: FD, _ data: [UInt8], _ offset: Int64) throws(SysError) -> Int32 {
        Int32(clamping: try p.pwrite(fd.number, data.span.bytes, at: try position(offset)))
    }

    func seek(_ p: Proc, _ fd: FD, _ offset: Int64, _ start: Int32) throws(SysError) -> Int64 {
        guard let whence = Proc.Whence(rawValue: start) else { throw .badArg }
        return Int64(clamping: try p.seek(fd.number, offset, whence))
    }

    func fsync(_ p: Proc, _ fd: FD) throws(SysError) { try p.fsync(fd.number) }

    func lock(_ p: Proc, _ fd: FD, _ kind: Int32, _ offset: Int64, _ n: Int64) throws(SysError) {
        try p.lock(fd.number, try range(kind, offset, n))
    }

    func trylock(_ p: Proc, _ fd: FD, _ kind: Int32, _ offset: Int64, _ n: Int64) throws(SysError) -> Int32 {
        do throws(SysError) { try p.lock(fd.number, try range(kind, offset, n), .try) } catch {
            guard error.code == .wouldBlock else { throw error }
            return 0
        }
        return 1
    }

    func unlock(_ p: Proc, _ fd: FD, _ offset: Int64, _ n: Int64) throws(SysError) {
        try p.lock(fd.number, try range(Sys.LFREE, offset, n))
    }

    func getlock(
        _ p: Proc, _ fd: FD, _ kind: Int32, _ offset: Int64, _ n: Int64
    ) throws(SysError) -> (Int32, Int64, Int64, Int32) {
        guard let found = try p.getlock(fd.number, try range(kind, offset, n)) else { return (Sys.LFREE, 0, 0, 0) }
        return (
            Int32(found.kind.rawValue), Int64(clamping: found.start), Int64(clamping: found.length),
            Int32(truncatingIfNeeded: found.procID)
        )
    }

    private func range(_ kind: Int32, _ offset: Int64, _ n: Int64) throws(SysError) -> LockRange {
        guard let kind = UInt8(exactly: kind), n >= 0 else { throw .badArg }
        return LockRange(.init(rawValue: kind), start: try position(offset), length: UInt64(n), procID: 0, clientID: "")
    }

    func iounit(_ p: Proc, _ fd: FD) throws(SysError) -> Int32 { Int32(clamping: try p.iounit(fd.number)) }

    func fd2path(_ p: Proc, _ fd: FD) throws(SysError) -> String { try p.fd2path(fd.number) }

    // MARK: files

    func stat(_ p: Proc, _ path: String) throws(SysError) -> Dir { Dir(try p.stat(path)) }

    func lstat(_ p: Proc, _ path: String) throws(SysError) -> Dir { Dir(try p.stat(path, follow: false)) }

    func fstat(_ p: Proc, _ fd: FD) throws(SysError) -> Dir { Dir(try p.fstat(fd.number)) }

    func wstat(_ p: Proc, _ path: String, _ dir: Dir) throws(SysError) { try p.wstat(path, try dir.change()) }

    func fwstat(_ p: Proc, _ fd: FD, _ dir: Dir) throws(SysError) { try p.fwstat(fd.number, try dir.change()) }

    func dirread(_ p: Proc, _ fd: FD) throws(SysError) -> [Dir] { try p.dirread(fd.number).map { Dir($0) } }

    func mkdir(_ p: Proc, _ path: String, _ perm: Int32) throws(SysError) {
        guard let bits = UInt32(exactly: perm), bits <= 0o777 else { throw .badArg }
        try p.mkdir(path, bits)
    }

    func remove(_ p: Proc, _ path: String) throws(SysError) { try p.remove(path) }

    func rename(_ p: Proc, _ old: String, _ new: String) throws(SysError) { try p.rename(old, new) }

    func link(_ p: Proc, _ old: String, _ new: String) throws(SysError) { try p.link(old, new) }

    func symlink(_ p: Proc, _ target: String, _ path: String) throws(SysError) { try p.symlink(target, path) }

    func readlink(_ p: Proc, _ path: String) throws(SysError) -> String { try p.readlink(path) }

    // MARK: the name space

    func bind(_ p: Proc, _ name: String, _ on: String, _ flags: Int32) throws(SysError) {
        try p.bind(name, on, try mountFlags(flags))
    }

    func bindmask(_ p: Proc, _ name: String, _ on: String, _ flags: Int32, _ mask: String) throws(SysError) {
        try p.bind(name, on, try mountFlags(flags), mask: try Mask(mask))
    }

    private func mountFlags(_ flags: Int32) throws(SysError) -> MountFlags {
        guard let bits = UInt32(exactly: flags), bits & ~7 == 0 else { throw .badArg }
        return MountFlags(rawValue: bits)
    }

    func unmount(_ p: Proc, _ name: String, _ on: String) throws(SysError) {
        try p.unmount(name.isEmpty ? nil : name, on)
    }

    func chdir(_ p: Proc, _ path: String) throws(SysError) { try p.chdir(path) }

    func getwd(_ p: Proc) throws(SysError) -> String { p.directory }

    // MARK: the process

    func pctl(_ p: Proc, _ flags: Int32, _ keep: [FD]) throws(SysError) -> Int32 {
        guard let bits = UInt32(exactly: flags), bits & ~0xff == 0 else { throw .badArg }
        return try p.pctl(ProcFlags(rawValue: bits), fds: keep.isEmpty ? nil : keep.map(\.number))
    }

    func umask(_ p: Proc, _ mask: Int32) throws(SysError) -> Int32 {
        guard let bits = UInt32(exactly: mask), bits <= 0o777 else { throw .badArg }
        let before = p.umask
        p.umask = bits
        return Int32(before)
    }

    /// By its file, so that the name space and the file's permissions say who may.
    func note(_ p: Proc, _ pid: Int32, _ text: String) throws(SysError) {
        let fd = try p.open("/prog/\(pid)/note", .write)
        var failure: SysError?
        do throws(SysError) { try p.write(fd, text) } catch { failure = error }
        try p.close(fd)
        if let failure { throw failure }
    }

    func sleep(_ p: Proc, _ ms: Int32) throws(SysError) { try p.sleep(milliseconds: Int64(ms)) }

    func millisec(_ p: Proc) throws(SysError) -> Int32 { p.millisec() }
}

extension Sys.Dir {
    private static let second: Int64 = 1_000_000_000

    /// What Plan 9's stat tells of the kernel's; times are whole seconds.
    init(_ dir: Kernel.Dir) {
        self.init(
            name: dir.name, uid: dir.owner, gid: dir.group, muid: dir.modifier,
            qid: Sys.Qid(
                path: Int64(bitPattern: dir.qid.path), vers: Int32(bitPattern: dir.qid.version),
                qtype: Int32(dir.qid.type.rawValue)),
            mode: Int32(bitPattern: dir.mode.rawValue), atime: Int32(clamping: dir.accessed / Self.second),
            mtime: Int32(clamping: dir.modified / Self.second), length: Int64(clamping: dir.length),
            dtype: Int32(clamping: dir.type.unicodeScalars.first?.value ?? 0), dev: Int32(bitPattern: dir.instance))
    }

    /// What a wstat with this changes: the fields that are neither -1 nor empty.
    func change() throws(SysError) -> DirChange {
        guard length >= -1 else { throw .badArg }
        return DirChange(
            name: name.isEmpty ? nil : name, mode: mode == -1 ? nil : FileMode(rawValue: UInt32(bitPattern: mode)),
            length: length == -1 ? nil : UInt64(length), accessed: atime == -1 ? nil : Int64(atime) * Self.second,
            modified: mtime == -1 ? nil : Int64(mtime) * Self.second, owner: uid.isEmpty ? nil : uid,
            group: gid.isEmpty ? nil : gid)
    }
}
