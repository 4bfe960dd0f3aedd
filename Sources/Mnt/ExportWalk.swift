import Kernel

/// Messages about names: attach, walk, clunk, remove.
extension ExportSession {
    /// The corresponding Plan 9 page is `attach(5)`. `aname` is a path below the exported directory.
    func attach(
        _ fid: UInt32, _ afid: UInt32, _ aname: String, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        try checkFree(fid, call)
        guard afid == Wire.noFid else { throw .noAuthentication }
        var tree = tree
        var root = try tree.root()
        let names = aname.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        if !names.isEmpty {
            for name in names { root = try tree.walk(root, name, follow: true, call.how) }
            tree = try tree.below(root)
            root = try tree.root()
        }
        try bind(fid, ExportFile(tree: tree, entry: root, file: root), call)
        reply(.attach(qid: export.qid(root)), call.tag, &out)
    }

    /// The corresponding Plan 9 page is `walk(5)`.
    func walk(
        _ from: ExportFile, _ fid: UInt32, _ newfid: UInt32, _ names: [String], _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        guard from.open == nil || out.dialect == .linux else { throw .fidOpen }
        if newfid != fid { try checkFree(newfid, call) }
        var here = from
        here.open = nil
        var qids: [Qid] = []
        if !names.isEmpty { qids.reserveCapacity(names.count) }
        for name in names {
            do throws(SysError) { here = try step(here, name, call.how, out.dialect) } catch {
                if qids.isEmpty || error.code == .wouldBlock { throw error }
                return reply(.walk(qids: qids), call.tag, &out)
            }
            qids.append(qid(here.file, out.dialect))
        }
        if newfid != fid || !names.isEmpty { try bind(newfid, here, call) }
        reply(.walk(qids: qids), call.tag, &out)
    }

    /// The file that `name` is in directory `here`. With 9P2000 a symbolic link is what it leads to, as long as that is
    /// there; one that leads nowhere is a file that can be removed.
    func step(
        _ here: ExportFile, _ name: String, _ how: How, _ dialect: Dialect
    ) throws(SysError) -> ExportFile {
        let entry = try here.tree.walk(here.file, name, follow: false, how)
        guard dialect == .plan9, entry.qid.isSymlink else {
            return ExportFile(tree: here.tree, entry: entry, file: entry)
        }
        do throws(SysError) {
            let file = try here.tree.walk(here.file, name, follow: true, how)
            return ExportFile(tree: here.tree, entry: entry, file: file)
        } catch {
            if error.code == .wouldBlock || error.code == .killed { throw error }
            return ExportFile(tree: here.tree, entry: entry, file: entry)
        }
    }

    /// A file's qid as the dialect has it: 9P2000 knows no symbolic links.
    func qid(_ c: Chan, _ dialect: Dialect) -> Qid {
        var qid = export.qid(c)
        if dialect == .plan9 { qid.type.remove(.symlink) }
        return qid
    }

    /// Frees the fid even where it throws what a delayed write had left to say. The page is `clunk(5)`.
    func clunk(
        _ file: ExportFile, _ fid: UInt32, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        guard let open = file.open else {
            unbind(fid, call)
            return reply(.clunk, call.tag, &out)
        }
        try open.checkQuick(call.how)
        unbind(fid, call)
        try file.tree.flush(open, call.how)
        reply(.clunk, call.tag, &out)
    }

    /// Frees the fid even where the file stays. The corresponding Plan 9 page is `remove(5)`.
    func remove(
        _ file: ExportFile, _ fid: UInt32, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        do throws(SysError) { try file.tree.remove(file.entry, call.how) } catch {
            if error.code != .wouldBlock { unbind(fid, call) }
            throw error
        }
        unbind(fid, call)
        reply(.remove, call.tag, &out)
    }
}
