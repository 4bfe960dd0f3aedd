extension Rmessage {
    /// The reply in `frame`, which is one whole frame from its `size[4]` on. Throws as `Tmessage.decode` does.
    public static func decode(
        _ frame: Span<UInt8>, _ dialect: Dialect
    ) throws(Malformed) -> (tag: UInt16, message: Rmessage) {
        var get = try Get(frame)
        let (type, tag) = get.header
        guard let known = MessageType(rawValue: type) else { throw .message(.unknownType, type: type, tag: tag) }
        guard known.isSpoken(in: dialect) else { throw .message(.otherDialect, type: type, tag: tag) }
        let message: Rmessage
        switch known {
        case .Rversion: message = .version(msize: get.u32(frame), version: get.string(frame))
        case .Rauth: message = .auth(aqid: get.qid(frame))
        case .Rattach: message = .attach(qid: get.qid(frame))
        // Some servers of 9P2000.L, nfs-ganesha among them, give the errno in an Rerror; Linux takes it too.
        case .Rerror where dialect == .linux && frame.count == Wire.header + 4:
            message = .lerror(ecode: get.u32(frame))
        case .Rerror: message = .error(ename: get.text(frame))
        case .Rlerror: message = .lerror(ecode: get.u32(frame))
        case .Rflush: message = .flush
        case .Rwalk: message = .walk(qids: get.qids(frame))
        case .Ropen: message = .open(qid: get.qid(frame), iounit: get.u32(frame))
        case .Rcreate: message = .create(qid: get.qid(frame), iounit: get.u32(frame))
        case .Rread: message = .read(count: get.data(frame))
        case .Rwrite: message = .write(count: get.u32(frame))
        case .Rclunk: message = .clunk
        case .Rremove: message = .remove
        case .Rstat: message = .stat(get.countedStat(frame))
        case .Rwstat: message = .wstat
        case .Rstatfs: message = .statfs(get.statfs(frame))
        case .Rlopen: message = .lopen(qid: get.qid(frame), iounit: get.u32(frame))
        case .Rlcreate: message = .lcreate(qid: get.qid(frame), iounit: get.u32(frame))
        case .Rsymlink: message = .symlink(qid: get.qid(frame))
        case .Rmknod: message = .mknod(qid: get.qid(frame))
        case .Rrename: message = .rename
        case .Rreadlink: message = .readlink(target: get.string(frame))
        case .Rgetattr: message = .getattr(get.attr(frame))
        case .Rsetattr: message = .setattr
        case .Rxattrwalk: message = .xattrwalk(size: get.u64(frame))
        case .Rxattrcreate: message = .xattrcreate
        case .Rreaddir: message = .readdir(count: get.data(frame))
        case .Rfsync: message = .fsync
        case .Rlock: message = .lock(status: LockRange.Status(rawValue: get.u8(frame)))
        case .Rgetlock: message = .getlock(get.lockRange(frame))
        case .Rlink: message = .link
        case .Rmkdir: message = .mkdir(qid: get.qid(frame))
        case .Rrenameat: message = .renameat
        case .Runlinkat: message = .unlinkat
        default: throw .message(.notReply, type: type, tag: tag)
        }
        try get.finish()
        return (tag, message)
    }

    func put(_ put: inout Put, _ out: inout MutableRawSpan) {
        switch self {
        case .version(let msize, let version):
            put.u32(msize, &out)
            put.string(version, &out)
        case .auth(let qid), .attach(let qid), .symlink(let qid), .mknod(let qid), .mkdir(let qid): put.qid(qid, &out)
        case .error(let ename): put.text(ename, most: Self.mostError, &out)
        case .lerror(let ecode): put.u32(ecode, &out)
        case .flush, .clunk, .remove, .wstat, .rename, .setattr, .xattrcreate, .fsync, .link, .renameat, .unlinkat:
            break
        case .walk(let qids):
            put.u16(UInt16(clamping: qids.count), &out)
            for qid in qids { put.qid(qid, &out) }
        case .open(let qid, let iounit), .create(let qid, let iounit), .lopen(let qid, let iounit),
            .lcreate(let qid, let iounit):
            put.qid(qid, &out)
            put.u32(iounit, &out)
        case .read(let count), .readdir(let count): put.data(count, &out)
        case .write(let count): put.u32(count, &out)
        case .stat(let stat): put.countedStat(stat, &out)
        case .statfs(let statfs): put.statfs(statfs, &out)
        case .readlink(let target): put.string(target, &out)
        case .getattr(let attr): put.attr(attr, &out)
        case .xattrwalk(let size): put.u64(size, &out)
        case .lock(let status): put.u8(status.rawValue, &out)
        case .getlock(let range):
            put.u8(range.kind.rawValue, &out)
            put.lockRange(range, &out)
        }
    }

    /// Longer sentences are cut, so that every error fits every msize that is agreed to.
    static let mostError = Wire.leastMsize - Wire.header - 2
}

extension Get {
    fileprivate mutating func qids(_ f: Span<UInt8>) -> [Qid] {
        let n = Int(u16(f))
        if n > Wire.mostNames { refuse(.tooManyNames) }
        var qids: [Qid] = []
        qids.reserveCapacity(min(n, Wire.mostNames))
        for i in 0..<n {
            let qid = qid(f)
            guard !isBroken else { break }
            if i < Wire.mostNames { qids.append(qid) }
        }
        return qids
    }
}

extension Get {
    fileprivate mutating func attr(_ f: Span<UInt8>) -> Attr {
        Attr(
            valid: AttrMask(rawValue: u64(f)), qid: qid(f), mode: u32(f), uid: u32(f), gid: u32(f), nlink: u64(f),
            rdev: u64(f), size: u64(f), blksize: u64(f), blocks: u64(f), atime: timespec(f), mtime: timespec(f),
            ctime: timespec(f), btime: timespec(f), gen: u64(f), dataVersion: u64(f))
    }

    fileprivate mutating func statfs(_ f: Span<UInt8>) -> Statfs {
        Statfs(
            type: u32(f), bsize: u32(f), blocks: u64(f), bfree: u64(f), bavail: u64(f), files: u64(f), ffree: u64(f),
            fsid: u64(f), namelen: u32(f))
    }
}

extension Put {
    fileprivate mutating func attr(_ attr: Attr, _ out: inout MutableRawSpan) {
        u64(attr.valid.rawValue, &out)
        qid(attr.qid, &out)
        u32(attr.mode, &out)
        u32(attr.uid, &out)
        u32(attr.gid, &out)
        u64(attr.nlink, &out)
        u64(attr.rdev, &out)
        u64(attr.size, &out)
        u64(attr.blksize, &out)
        u64(attr.blocks, &out)
        timespec(attr.atime, &out)
        timespec(attr.mtime, &out)
        timespec(attr.ctime, &out)
        timespec(attr.btime, &out)
        u64(attr.gen, &out)
        u64(attr.dataVersion, &out)
    }

    fileprivate mutating func statfs(_ statfs: Statfs, _ out: inout MutableRawSpan) {
        u32(statfs.type, &out)
        u32(statfs.bsize, &out)
        u64(statfs.blocks, &out)
        u64(statfs.bfree, &out)
        u64(statfs.bavail, &out)
        u64(statfs.files, &out)
        u64(statfs.ffree, &out)
        u64(statfs.fsid, &out)
        u32(statfs.namelen, &out)
    }
}
