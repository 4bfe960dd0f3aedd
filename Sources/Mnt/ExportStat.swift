import Kernel

/// Messages about a file's entry, of 9P2000: stat and wstat.
extension ExportSession {
    /// The corresponding Plan 9 page is `stat(5)`.
    func stat(_ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter) throws(SysError) {
        reply(.stat(Stat(try entry(of: file, call.how))), call.tag, &out)
    }

    /// What 9P2000 tells of a file.
    private func entry(of file: ExportFile, _ how: How) throws(SysError) -> Dir {
        var dir = try file.tree.stat(file.best, how)
        if file.entry !== file.file { dir.name = try file.tree.stat(file.entry, how).name }
        return plan9(dir)
    }

    /// An entry of directory `file` as 9P2000 has it: a symbolic link is what it leads to, by the link's name.
    func plan9(_ entry: Dir, in file: ExportFile, _ how: How) throws(SysError) -> Dir {
        guard entry.qid.isSymlink || entry.mode.contains(.symlink) else { return plan9(entry) }
        do throws(SysError) {
            var dir = try file.tree.stat(try file.tree.walk(file.file, entry.name, follow: true, how), how)
            dir.name = entry.name
            return plan9(dir)
        } catch {
            if error.code == .wouldBlock || error.code == .killed { throw error }
            return plan9(entry)
        }
    }

    /// A file's entry without what 9P2000 does not know.
    private func plan9(_ dir: Dir) -> Dir {
        var dir = dir
        dir.mode.formIntersection(.plan9)
        dir.qid = export.qid(dir.qid, in: dir.instance)
        dir.qid.type = dir.mode.qidType
        return dir
    }

    /// All that is asked for, or nothing. The corresponding Plan 9 page is `stat(5)`.
    func wstat(
        _ file: ExportFile, _ wanted: Stat, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard wanted != .untouched else {
            if file.open?.mode?.canWrite ?? false { try file.tree.fsync(file.best, call.how) }
            return reply(.wstat, call.tag, &out)
        }
        let told = try file.tree.stat(file.best, call.how)
        let now = Stat(try entry(of: file, call.how))
        var change = try Self.change(wanted, now)
        if let mode = change.mode { change.mode = mode.union(told.mode.subtracting(.plan9)) }
        if let name = change.name, file.entry !== file.file {
            // A link has the name, what it leads to has the rest.
            change.name = nil
            if change != DirChange() { throw .badStatBuffer }
            try file.tree.wstat(file.entry, DirChange(name: name), call.how)
        } else if change != DirChange() {
            try file.tree.wstat(file.best, change, call.how)
        }
        reply(.wstat, call.tag, &out)
    }

    /// What differs. A client may write back all that it was told. Throws where it asks for what cannot be.
    private static func change(_ wanted: Stat, _ now: Stat) throws(SysError) -> DirChange {
        let free = Stat.untouched
        guard wanted.type == free.type || wanted.type == now.type, wanted.dev == free.dev || wanted.dev == now.dev,
            wanted.qid == free.qid || wanted.qid == now.qid, wanted.muid.isEmpty || wanted.muid == now.muid
        else { throw .perm }
        var change = DirChange(wanted)
        if change.mode == now.mode { change.mode = nil }
        if let mode = change.mode {
            guard mode.contains(.directory) == now.mode.contains(.directory) else { throw .noConversion }
            guard mode.isSubset(of: .plan9), mode.contains(.auth) == now.mode.contains(.auth) else { throw .badMode }
        }
        if wanted.length == now.length { change.length = nil }
        guard change.length == nil || !now.mode.contains(.directory) else { throw .isDir }
        if wanted.atime == now.atime { change.accessed = nil }
        if wanted.mtime == now.mtime { change.modified = nil }
        if wanted.name == now.name { change.name = nil }
        if wanted.gid == now.gid { change.group = nil }
        if wanted.uid == now.uid { change.owner = nil }
        guard change.owner == nil else { throw .notOwner }
        return change
    }
}
