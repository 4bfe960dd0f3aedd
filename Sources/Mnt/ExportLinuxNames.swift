import Kernel

/// Messages of 9P2000.L that open, make, link and move files. Names in Linux's manual are given where they say more.
extension ExportSession {
    /// The corresponding Linux call is `open(2)` of a file that was found. A symbolic link is not followed.
    func lopen(
        _ file: ExportFile, _ fid: UInt32, _ flags: OpenFlags, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard file.open == nil else { throw .fidOpen }
        guard !file.file.qid.isSymlink else { throw .tooManyLinks }
        guard !flags.contains(.directory) || file.file.isDirectory else { throw .notDir }
        let opened = try open(file, fid, try Kernel.OpenMode(flags), call)
        reply(.lopen(qid: qid(opened, .linux), iounit: iounit(opened, out)), call.tag, &out)
    }

    /// The corresponding Linux call is `open(2)` with O_CREAT; with O_EXCL the name must be free.
    func lcreate(
        _ file: ExportFile, _ fid: UInt32, _ name: String, _ flags: OpenFlags, _ mode: UInt32, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        guard file.open == nil else { throw .fidOpen }
        let wanted = try Kernel.OpenMode(flags)
        let perm = FileMode(linux: mode & 0o7777)
        var made: Chan?
        while made == nil {
            do throws(SysError) { made = try create(file, fid, name, wanted, perm, call) } catch {
                guard error.code == .exist, !flags.contains(.exclusive) else { throw error }
                made = try openExisting(file, fid, name, wanted, call)
            }
        }
        guard let made else { return }
        reply(.lcreate(qid: qid(made, .linux), iounit: iounit(made, out)), call.tag, &out)
    }

    /// Opens `name` in the directory of `fid`; nil where it is gone again.
    private func openExisting(
        _ file: ExportFile, _ fid: UInt32, _ name: String, _ mode: Kernel.OpenMode, _ call: ExportCall
    ) throws(SysError) -> Chan? {
        do throws(SysError) {
            let found = try step(file, name, call.how, .linux)
            guard !found.file.qid.isSymlink else { throw .tooManyLinks }
            return try open(found, fid, mode, call)
        } catch {
            guard error.code == .nonexist else { throw error }
            return nil
        }
    }

    func mkdir(
        _ file: ExportFile, _ name: String, _ mode: UInt32, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let perm = FileMode(linux: mode & 0o7777).union(.directory)
        let made = try file.tree.create(file.file, name, .read, perm, call.how)
        reply(.mkdir(qid: qid(made, .linux)), call.tag, &out)
    }

    func symlink(
        _ file: ExportFile, _ name: String, to target: String, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        try file.tree.symlink(file.file, name, to: target, call.how)
        reply(.symlink(qid: qid(try step(file, name, call.how, .linux).entry, .linux)), call.tag, &out)
    }

    /// The corresponding Linux call is `mknod(2)`, which says EPERM where there are no such nodes. Files only: no device here
    /// makes devices, FIFOs and sockets for others.
    func mknod(
        _ file: ExportFile, _ name: String, _ mode: UInt32, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard mode & 0o170000 == 0o100000 || mode & 0o170000 == 0 else { throw .notOwner }
        let perm = FileMode(linux: mode & 0o7777)
        let made = try file.tree.create(file.file, name, .read, perm, call.how)
        reply(.mknod(qid: qid(made, .linux)), call.tag, &out)
    }

    func readlink(_ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        reply(.readlink(target: try file.tree.readlink(file.file, call.how)), call.tag, &out)
    }

    func link(
        _ file: ExportFile, to old: UInt32, _ name: String, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let old = try self.file(old, call)
        try file.tree.link(old.entry, file.file, name, call.how)
        reply(.link, call.tag, &out)
    }

    /// The fid stays with the file under its new name.
    func rename(
        _ file: ExportFile, to directory: UInt32, _ name: String, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let directory = try self.file(directory, call)
        try file.tree.rename(file.entry, to: directory.file, as: name, call.how)
        reply(.rename, call.tag, &out)
    }

    func renameat(
        _ from: ExportFile, _ name: String, to directory: UInt32, _ newName: String, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        let directory = try file(directory, call)
        let old = try step(from, name, call.how, .linux)
        try from.tree.rename(old.entry, to: directory.file, as: newName, call.how)
        reply(.renameat, call.tag, &out)
    }

    func unlinkat(
        _ file: ExportFile, _ name: String, _ flags: UnlinkFlags, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let entry = try step(file, name, call.how, .linux).entry
        guard flags.contains(.removeDirectory) == entry.isDirectory else { throw entry.isDirectory ? .isDir : .notDir }
        try file.tree.remove(entry, call.how)
        reply(.unlinkat, call.tag, &out)
    }
}

extension Kernel.OpenMode {
    /// What Linux's flags ask for; those that only the client acts on are left out.
    init(_ flags: OpenFlags) throws(SysError) {
        guard flags.access < 3 else { throw .badMode }
        self.init(rawValue: UInt16(flags.access))
        if flags.contains(.truncate) { insert(.truncate) }
        if flags.contains(.append) { insert(.append) }
        if flags.contains(.nonBlocking) { insert(.nonBlocking) }
    }
}
