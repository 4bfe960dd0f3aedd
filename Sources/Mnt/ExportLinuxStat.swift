import Kernel

/// Messages of 9P2000.L about what a file is: getattr, setattr, readdir, statfs, fsync, and extended attributes, which no
/// device keeps.
extension ExportSession {
    /// All that is known is told, whatever is asked for. The corresponding Linux call is `stat(2)`.
    func getattr(_ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        let dir = try file.tree.stat(file.best, call.how)
        let space = dir.space ?? dir.length
        reply(
            .getattr(
                Attr(
                    valid: .basic, qid: linux(dir), mode: dir.mode.linux, uid: dir.ownerID, gid: dir.groupID,
                    nlink: UInt64(dir.links), rdev: dir.rdev, size: dir.length,
                    blksize: UInt64(out.msize - Wire.ioHeader),
                    blocks: space / 512 + (space % 512 == 0 ? 0 : 1), atime: Timespec(nanoseconds: dir.accessed),
                    mtime: Timespec(nanoseconds: dir.modified), ctime: Timespec(nanoseconds: dir.changed))),
            call.tag, &out)
    }

    /// The qid of an entry.
    private func linux(_ dir: Dir) -> Qid {
        var qid = export.qid(dir.qid, in: dir.instance)
        qid.type = dir.mode.qidType.linux
        return qid
    }

    /// All that is asked for, or nothing. The corresponding Linux calls are `chmod(2)`, `chown(2)`, `truncate(2)` and
    /// `utimensat(2)`. The time of the last change cannot be set; to ask for it changes nothing.
    func setattr(
        _ file: ExportFile, _ wanted: SetAttr, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        let now = try file.tree.stat(file.best, call.how)
        let clock = caller.clock.now()
        var change = DirChange()
        let valid = wanted.valid
        if valid.contains(.mode) {
            // The kind stays, and what only Plan 9 knows.
            let mine = FileMode(linux: 0o7777)
            change.mode = now.mode.subtracting(mine).union(FileMode(linux: wanted.mode & 0o7777).intersection(mine))
        }
        if valid.contains(.uid), wanted.uid != now.ownerID { change.owner = String(wanted.uid) }
        if valid.contains(.gid), wanted.gid != now.groupID { change.group = String(wanted.gid) }
        if valid.contains(.size) {
            guard !now.isDirectory else { throw .isDir }
            change.length = wanted.size
        }
        if valid.contains(.atime) { change.accessed = valid.contains(.atimeSet) ? wanted.atime.nanoseconds : clock }
        if valid.contains(.mtime) { change.modified = valid.contains(.mtimeSet) ? wanted.mtime.nanoseconds : clock }
        if change != DirChange() { try file.tree.wstat(file.best, change, call.how) }
        reply(.setattr, call.tag, &out)
    }

    /// Whole entries as they fit, behind the one whose offset is given. `.` and `..` come first, with the offsets 1 and 2;
    /// the others have their cookies behind these. The corresponding Linux call is `getdents(2)`.
    func readdir(
        _ file: ExportFile, _ fid: UInt32, _ offset: UInt64, _ count: UInt32, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        let open = try file.opened()
        guard open.isDirectory else { throw .notDir }
        try withListing(of: fid, call) { (kept) throws(SysError) in
            var listing: ExportListing
            if let kept, offset >= 2, kept.offset == offset {
                listing = kept
            } else {
                listing = ExportListing(try file.tree.entries(of: open, call.how))
                if offset > 2 { try file.tree.resume(&listing.reader, of: open, after: offset - 2, call.how) }
                listing.offset = offset
            }
            try out.appendReaddir(tag: call.tag, most: count) { (room) throws(SysError) in
                var end = 0
                var isFull = false
                while !isFull, let (entry, used) = try next(in: file, &listing, call.how) {
                    isFull = !entry.pack(into: &room, at: &end)
                    if isFull { break }
                    listing.offset = entry.offset
                    if used { listing.pending.removeFirst() }
                }
                guard end > 0 || !isFull else { throw .countTooSmall }
                return end
            }
            kept = listing
        }
    }

    /// The next entry, and whether it is the first of those that are pending.
    private func next(
        in file: ExportFile, _ listing: inout ExportListing, _ how: How
    ) throws(SysError) -> (Dirent, Bool)? {
        let directory = Dirent.type(.directory)
        switch listing.offset {
        case 0: return (Dirent(qid: qid(file.file, .linux), offset: 1, type: directory, name: "."), false)
        case 1:
            let above = try file.tree.walk(file.file, "..", follow: false, how)
            return (Dirent(qid: qid(above, .linux), offset: 2, type: directory, name: ".."), false)
        default:
            guard let (dir, cookie) = try listing.next(file.tree, how) else { return nil }
            let entry = Dirent(qid: linux(dir), offset: cookie &+ 2, type: Dirent.type(dir.mode), name: dir.name)
            return (entry, true)
        }
    }

    /// The corresponding Linux call is `statfs(2)`.
    func statfs(_ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        let room = try file.tree.statfs(file.best, call.how)
        reply(
            .statfs(
                Statfs(
                    bsize: UInt32(clamping: room.blockSize), blocks: room.blocks, bfree: room.free,
                    bavail: room.available, files: room.files, ffree: room.filesFree,
                    fsid: UInt64(file.file.instance), namelen: 255)),
            call.tag, &out)
    }

    func fsync(_ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        try file.tree.fsync(try file.opened(), call.how)
        reply(.fsync, call.tag, &out)
    }
}
