import Kernel

/// How one request is being answered.
struct ExportCall {
    let tag: UInt16
    /// `.try` on the reader's Thread, and for files that can be polled.
    let how: How
    let epoch: Int
    /// Bytes of a write that the file has taken.
    var done = 0
    /// On the reader's Thread, whose conduit may be used: its reply goes out before the next one is made.
    var isReaders = false
}

extension Tmessage {
    /// The fid that it is about; nil for those that are about none which is there.
    var fid: UInt32? {
        switch self {
        case .version, .auth, .attach, .flush: nil
        case .walk(let fid, _, _), .open(let fid, _), .create(let fid, _, _, _), .read(let fid, _, _),
            .write(let fid, _, _), .clunk(let fid), .remove(let fid), .stat(let fid), .wstat(let fid, _),
            .statfs(let fid), .lopen(let fid, _), .lcreate(let fid, _, _, _, _), .symlink(let fid, _, _, _),
            .mknod(let fid, _, _, _, _, _), .rename(let fid, _, _), .readlink(let fid), .getattr(let fid, _),
            .setattr(let fid, _), .xattrwalk(let fid, _, _), .xattrcreate(let fid, _, _, _), .readdir(let fid, _, _),
            .fsync(let fid, _), .lock(let fid, _, _), .getlock(let fid, _), .link(let fid, _, _),
            .mkdir(let fid, _, _, _), .renameat(let fid, _, _, _), .unlinkat(let fid, _, _):
            fid
        }
    }

    /// All fids that it uses or makes, the one it is about first.
    var fids: [UInt32] {
        switch self {
        case .attach(let fid, _, _, _, _): [fid]
        case .walk(let fid, let newfid, _), .xattrwalk(let fid, let newfid, _), .rename(let fid, let newfid, _),
            .link(let fid, let newfid, _), .renameat(let fid, _, let newfid, _):
            [fid, newfid]
        default: fid.map { [$0] } ?? []
        }
    }

    /// Whether it moves data, so that several may be at one fid together.
    var isTransfer: Bool {
        switch self {
        case .read, .write: true
        default: false
        }
    }
}

extension ExportSession {
    /// Adds the reply to `message`. Throws what the client is to be told, and `.wouldBlock`, having changed nothing but
    /// `call.done`. `file` is what the message's fid stands for.
    func perform(
        _ message: Tmessage, _ file: ExportFile?, _ frame: Span<UInt8>, _ call: inout ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        switch message {
        case .version, .flush: throw .badArg
        case .auth: throw .noAuthentication
        case .attach(let fid, let afid, _, let aname, _): try attach(fid, afid, aname, call, &out)
        default:
            guard let file else { throw .fidUnknown }
            try perform(message, file, frame, &call, &out)
        }
    }

    private func perform(
        _ message: Tmessage, _ file: ExportFile, _ frame: Span<UInt8>, _ call: inout ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        switch message {
        case .version, .auth, .attach, .flush: throw .badArg
        case .walk(let fid, let newfid, let names): try walk(file, fid, newfid, names, call, &out)
        case .open(let fid, let mode): try open(file, fid, mode, call, &out)
        case .create(let fid, let name, let perm, let mode): try create(file, fid, name, perm, mode, call, &out)
        case .read(let fid, let offset, let count): try read(file, fid, offset, count, call, &out)
        case .write(_, let offset, let count): try write(file, offset, count, frame, &call, &out)
        case .clunk(let fid): try clunk(file, fid, call, &out)
        case .remove(let fid): try remove(file, fid, call, &out)
        case .stat: try stat(file, call, &out)
        case .wstat(_, let stat): try wstat(file, stat, call, &out)
        default: try performLinux(message, file, call, &out)
        }
    }

    private func performLinux(
        _ message: Tmessage, _ file: ExportFile, _ call: ExportCall, _ out: inout FrameWriter
    ) throws(SysError) {
        switch message {
        case .statfs: try statfs(file, call, &out)
        case .lopen(let fid, let flags): try lopen(file, fid, flags, call, &out)
        case .lcreate(let fid, let name, let flags, let mode, _):
            try lcreate(file, fid, name, flags, mode, call, &out)
        case .symlink(_, let name, let target, _): try symlink(file, name, to: target, call, &out)
        case .mknod(_, let name, let mode, _, _, _): try mknod(file, name, mode, call, &out)
        case .rename(_, let directory, let name): try rename(file, to: directory, name, call, &out)
        case .readlink: try readlink(file, call, &out)
        case .getattr: try getattr(file, call, &out)
        case .setattr(_, let attr): try setattr(file, attr, call, &out)
        case .readdir(let fid, let offset, let count): try readdir(file, fid, offset, count, call, &out)
        case .fsync: try fsync(file, call, &out)
        case .lock(_, _, let range): try lock(file, range, call, &out)
        case .getlock(_, let range): try getlock(file, range, call, &out)
        case .link(_, let old, let name): try link(file, to: old, name, call, &out)
        case .mkdir(_, let name, let mode, _): try mkdir(file, name, mode, call, &out)
        case .renameat(_, let name, let directory, let newName):
            try renameat(file, name, to: directory, newName, call, &out)
        case .unlinkat(_, let name, let flags): try unlinkat(file, name, flags, call, &out)
        // Extended attributes are kept by no device.
        default: throw .notSupported
        }
    }

    // MARK: fids

    /// What `fid` stands for. Throws `fid unknown`.
    func file(_ fid: UInt32, _ call: ExportCall) throws(SysError) -> ExportFile {
        try state.withLock { (s) throws(SysError) in
            guard s.epoch == call.epoch else { throw .interrupted }
            guard let file = s.fids[fid]?.file else { throw .fidUnknown }
            return file
        }
    }

    /// Throws where `fid` stands for something.
    func checkFree(_ fid: UInt32, _ call: ExportCall) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard fid != Wire.noFid else { throw .fidUnknown }
            guard s.fids[fid]?.file == nil else { throw .fidInUse }
            guard s.fids.count < Self.fidLimit else { throw .noFd }
        }
    }

    /// Makes `fid` stand for `file`. Nothing happens where everything was given up meanwhile.
    func bind(_ fid: UInt32, _ file: ExportFile, _ call: ExportCall) throws(SysError) {
        if file.open != nil { try caller.account.charge(.descriptors) }
        let (before, wasCharged) = state.withLock { s -> (ExportFile?, Bool) in
            guard s.epoch == call.epoch else { return (file, file.open != nil) }
            let known = s.fids[fid] ?? ExportFid(nil, caller.account)
            s.fids[fid] = known
            defer { (known.file, known.isCharged) = (file, file.open != nil) }
            return (known.file, known.isCharged)
        }
        // The Chans that it stood for are dropped outside the lock.
        withExtendedLifetime(before) {}
        if wasCharged { caller.account.credit(.descriptors) }
    }

    /// Forgets `fid`.
    func unbind(_ fid: UInt32, _ call: ExportCall) {
        let gone = state.withLock { s in s.epoch == call.epoch ? s.fids.removeValue(forKey: fid) : nil }
        withExtendedLifetime(gone) {}
    }
}
