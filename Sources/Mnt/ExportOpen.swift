import Kernel

/// Messages that open files, of 9P2000: open and create.
extension ExportSession {
    /// The corresponding Plan 9 page is `open(5)`.
    func open(
        _ file: ExportFile, _ fid: UInt32, _ mode: NineP.OpenMode, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard file.open == nil else { throw .fidOpen }
        guard !mode.isStrange else { throw .badMode }
        var wanted = Kernel.OpenMode(mode)
        if file.file.isDirectory {
            guard wanted.access == 0 || wanted.access == 3, !mode.truncates, !mode.removesOnClose else { throw .isDir }
            wanted = .read
        }
        guard !file.file.qid.isSymlink else { throw .nonexist }
        let opened = try open(file, fid, wanted, call)
        reply(.open(qid: qid(opened, .plan9), iounit: iounit(opened, out)), call.tag, &out)
    }

    /// Opens the file of `fid`, which stands for what is open from then on.
    func open(
        _ file: ExportFile, _ fid: UInt32, _ mode: Kernel.OpenMode, _ call: ExportCall
    ) throws(SysError) -> Chan {
        var file = file
        do throws(SysError) { file.open = try file.tree.open(file.file, mode, call.how) } catch {
            throw error.code == .inUse ? .exclusive : error
        }
        try bind(fid, file, call)
        return file.best
    }

    /// The most that one read or write moves, in bytes. What msize allows is said too: a 0 would mean that, but there are
    /// clients that send messages of msize bytes and a header then.
    func iounit(_ open: Chan, _ out: FrameWriter) -> UInt32 {
        let most = out.msize - Wire.ioHeader
        return UInt32(clamping: open.iounit == 0 ? most : min(open.iounit, most))
    }

    /// The corresponding Plan 9 page is `open(5)`. A create that fails leaves the fid on the directory.
    func create(
        _ file: ExportFile, _ fid: UInt32, _ name: String, _ perm: FileMode, _ mode: NineP.OpenMode,
        _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard file.open == nil else { throw .fidOpen }
        guard !mode.isStrange, perm.isSubset(of: FileMode.plan9) else { throw .badMode }
        guard file.file.isDirectory else { throw .notDir }
        var wanted = Kernel.OpenMode(mode)
        let isDirectory = perm.contains(.directory)
        if isDirectory {
            guard wanted.access == 0 || wanted.access == 3, !mode.truncates, !mode.removesOnClose else { throw .isDir }
            wanted = .read
        }
        // What the directory does not allow, the new file does not.
        let above = try file.tree.stat(file.file, call.how).mode.permissions
        let bits =
            isDirectory ? perm.permissions & (~0o777 | above & 0o777) : perm.permissions & (~0o666 | above & 0o666)
        let kind = FileMode(rawValue: perm.rawValue & ~0o777 | bits)
        let made = try create(file, fid, name, wanted, kind, call)
        reply(.create(qid: qid(made, .plan9), iounit: iounit(made, out)), call.tag, &out)
    }

    /// Makes `name` in the directory that `fid` stands for; it stands for the new file, open, from then on.
    func create(
        _ file: ExportFile, _ fid: UInt32, _ name: String, _ mode: Kernel.OpenMode, _ perm: FileMode,
        _ call: ExportCall
    ) throws(SysError) -> Chan {
        let made = try file.tree.create(file.file, name, mode, perm, call.how)
        let bare = made.clone()
        try bind(fid, ExportFile(tree: file.tree, entry: bare, file: bare, open: made), call)
        return made
    }
}

extension FileMode {
    /// The bits that 9P2000 knows.
    static let plan9 = FileMode(rawValue: 0o777).union([.directory, .append, .exclusive, .auth, .temporary])
}

extension Kernel.OpenMode {
    /// What a Topen asks for. OCEXEC says nothing to a server.
    init(_ wire: NineP.OpenMode) {
        self.init(rawValue: UInt16(wire.rawValue & (3 | NineP.OpenMode.truncate | NineP.OpenMode.removeOnClose)))
    }
}
