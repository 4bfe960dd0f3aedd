extension Tmessage {
    /// The request in `frame`, which is one whole frame from its `size[4]` on.
    ///
    /// Throws `.frame` where the connection is to end, `.message` where the request is to be refused.
    public static func decode(
        _ frame: Span<UInt8>, _ dialect: Dialect
    ) throws(Malformed) -> (tag: UInt16, message: Tmessage) {
        var get = try Get(frame)
        let (type, tag) = get.header
        guard let known = MessageType(rawValue: type) else { throw .message(.unknownType, type: type, tag: tag) }
        guard known.isSpoken(in: dialect) else { throw .message(.otherDialect, type: type, tag: tag) }
        let message: Tmessage
        switch known {
        case .Tversion: message = .version(msize: get.u32(frame), version: get.string(frame))
        case .Tauth:
            message = .auth(
                afid: get.u32(frame), uname: get.string(frame), aname: get.string(frame),
                n_uname: get.n_uname(frame, dialect))
        case .Tattach:
            message = .attach(
                fid: get.u32(frame), afid: get.u32(frame), uname: get.string(frame), aname: get.string(frame),
                n_uname: get.n_uname(frame, dialect))
        case .Tflush: message = .flush(oldtag: get.u16(frame))
        case .Twalk: message = .walk(fid: get.u32(frame), newfid: get.u32(frame), names: get.names(frame))
        case .Topen: message = .open(fid: get.u32(frame), mode: OpenMode(rawValue: get.u8(frame)))
        case .Tcreate:
            message = .create(
                fid: get.u32(frame), name: get.newName(frame), perm: FileMode(rawValue: get.u32(frame)),
                mode: OpenMode(rawValue: get.u8(frame)))
        case .Tread: message = .read(fid: get.u32(frame), offset: get.u64(frame), count: get.u32(frame))
        case .Twrite: message = .write(fid: get.u32(frame), offset: get.u64(frame), count: get.data(frame))
        case .Tclunk: message = .clunk(fid: get.u32(frame))
        case .Tremove: message = .remove(fid: get.u32(frame))
        case .Tstat: message = .stat(fid: get.u32(frame))
        case .Twstat: message = .wstat(fid: get.u32(frame), stat: get.wstat(frame))
        case .Tstatfs: message = .statfs(fid: get.u32(frame))
        case .Tlopen: message = .lopen(fid: get.u32(frame), flags: OpenFlags(rawValue: get.u32(frame)))
        case .Tlcreate:
            message = .lcreate(
                fid: get.u32(frame), name: get.newName(frame), flags: OpenFlags(rawValue: get.u32(frame)),
                mode: get.u32(frame), gid: get.u32(frame))
        case .Tsymlink:
            message = .symlink(
                fid: get.u32(frame), name: get.newName(frame), symtgt: get.string(frame), gid: get.u32(frame))
        case .Tmknod:
            message = .mknod(
                dfid: get.u32(frame), name: get.newName(frame), mode: get.u32(frame), major: get.u32(frame),
                minor: get.u32(frame), gid: get.u32(frame))
        case .Trename: message = .rename(fid: get.u32(frame), dfid: get.u32(frame), name: get.newName(frame))
        case .Treadlink: message = .readlink(fid: get.u32(frame))
        case .Tgetattr: message = .getattr(fid: get.u32(frame), requestMask: AttrMask(rawValue: get.u64(frame)))
        case .Tsetattr: message = .setattr(fid: get.u32(frame), attr: get.setAttr(frame))
        case .Txattrwalk: message = .xattrwalk(fid: get.u32(frame), newfid: get.u32(frame), name: get.string(frame))
        case .Txattrcreate:
            message = .xattrcreate(
                fid: get.u32(frame), name: get.string(frame), attrSize: get.u64(frame),
                flags: XattrFlags(rawValue: get.u32(frame)))
        case .Treaddir: message = .readdir(fid: get.u32(frame), offset: get.u64(frame), count: get.u32(frame))
        case .Tfsync: message = .fsync(fid: get.u32(frame), datasync: get.u32(frame))
        case .Tlock: message = get.lock(frame)
        case .Tgetlock: message = .getlock(fid: get.u32(frame), range: get.lockRange(frame))
        case .Tlink: message = .link(dfid: get.u32(frame), fid: get.u32(frame), name: get.newName(frame))
        case .Tmkdir:
            message = .mkdir(dfid: get.u32(frame), name: get.newName(frame), mode: get.u32(frame), gid: get.u32(frame))
        case .Trenameat:
            message = .renameat(
                olddirfid: get.u32(frame), oldname: get.newName(frame), newdirfid: get.u32(frame),
                newname: get.newName(frame))
        case .Tunlinkat:
            message = .unlinkat(
                dirfid: get.u32(frame), name: get.newName(frame), flags: UnlinkFlags(rawValue: get.u32(frame)))
        default: throw .message(.notRequest, type: type, tag: tag)
        }
        try get.finish()
        return (tag, message)
    }

    func put(_ put: inout Put, _ out: inout MutableRawSpan, _ dialect: Dialect) {
        switch self {
        case .version(let msize, let version):
            put.u32(msize, &out)
            put.string(version, &out)
        case .auth(let afid, let uname, let aname, let n_uname):
            put.u32(afid, &out)
            put.string(uname, &out)
            put.string(aname, &out)
            if dialect == .linux { put.u32(n_uname, &out) }
        case .attach(let fid, let afid, let uname, let aname, let n_uname):
            put.u32(fid, &out)
            put.u32(afid, &out)
            put.string(uname, &out)
            put.string(aname, &out)
            if dialect == .linux { put.u32(n_uname, &out) }
        case .flush(let oldtag): put.u16(oldtag, &out)
        case .walk(let fid, let newfid, let names):
            put.u32(fid, &out)
            put.u32(newfid, &out)
            put.u16(UInt16(clamping: names.count), &out)
            for name in names { put.string(name, &out) }
        case .open(let fid, let mode):
            put.u32(fid, &out)
            put.u8(mode.rawValue, &out)
        case .create(let fid, let name, let perm, let mode):
            put.u32(fid, &out)
            put.string(name, &out)
            put.u32(perm.rawValue, &out)
            put.u8(mode.rawValue, &out)
        case .read(let fid, let offset, let count):
            put.u32(fid, &out)
            put.u64(offset, &out)
            put.u32(count, &out)
        case .write(let fid, let offset, let count):
            put.u32(fid, &out)
            put.u64(offset, &out)
            put.data(count, &out)
        case .clunk(let fid), .remove(let fid), .stat(let fid): put.u32(fid, &out)
        case .wstat(let fid, let stat):
            put.u32(fid, &out)
            put.countedStat(stat, &out)
        case .statfs(let fid):
            put.u32(fid, &out)
        case .lopen(let fid, let flags):
            put.u32(fid, &out)
            put.u32(flags.rawValue, &out)
        case .lcreate(let fid, let name, let flags, let mode, let gid):
            put.u32(fid, &out)
            put.string(name, &out)
            put.u32(flags.rawValue, &out)
            put.u32(mode, &out)
            put.u32(gid, &out)
        case .symlink(let fid, let name, let symtgt, let gid):
            put.u32(fid, &out)
            put.string(name, &out)
            put.string(symtgt, &out)
            put.u32(gid, &out)
        case .mknod(let dfid, let name, let mode, let major, let minor, let gid):
            put.u32(dfid, &out)
            put.string(name, &out)
            put.u32(mode, &out)
            put.u32(major, &out)
            put.u32(minor, &out)
            put.u32(gid, &out)
        case .rename(let fid, let dfid, let name):
            put.u32(fid, &out)
            put.u32(dfid, &out)
            put.string(name, &out)
        case .readlink(let fid):
            put.u32(fid, &out)
        case .getattr(let fid, let requestMask):
            put.u32(fid, &out)
            put.u64(requestMask.rawValue, &out)
        case .setattr(let fid, let attr):
            put.u32(fid, &out)
            put.setAttr(attr, &out)
        case .xattrwalk(let fid, let newfid, let name):
            put.u32(fid, &out)
            put.u32(newfid, &out)
            put.string(name, &out)
        case .xattrcreate(let fid, let name, let attrSize, let flags):
            put.u32(fid, &out)
            put.string(name, &out)
            put.u64(attrSize, &out)
            put.u32(flags.rawValue, &out)
        case .readdir(let fid, let offset, let count):
            put.u32(fid, &out)
            put.u64(offset, &out)
            put.u32(count, &out)
        case .fsync(let fid, let datasync):
            put.u32(fid, &out)
            put.u32(datasync, &out)
        case .lock(let fid, let flags, let range):
            put.u32(fid, &out)
            put.u8(range.kind.rawValue, &out)
            put.u32(flags.rawValue, &out)
            put.lockRange(range, &out)
        case .getlock(let fid, let range):
            put.u32(fid, &out)
            put.u8(range.kind.rawValue, &out)
            put.lockRange(range, &out)
        case .link(let dfid, let fid, let name):
            put.u32(dfid, &out)
            put.u32(fid, &out)
            put.string(name, &out)
        case .mkdir(let dfid, let name, let mode, let gid):
            put.u32(dfid, &out)
            put.string(name, &out)
            put.u32(mode, &out)
            put.u32(gid, &out)
        case .renameat(let olddirfid, let oldname, let newdirfid, let newname):
            put.u32(olddirfid, &out)
            put.string(oldname, &out)
            put.u32(newdirfid, &out)
            put.string(newname, &out)
        case .unlinkat(let dirfid, let name, let flags):
            put.u32(dirfid, &out)
            put.string(name, &out)
            put.u32(flags.rawValue, &out)
        }
    }
}

extension Get {
    fileprivate mutating func n_uname(_ f: Span<UInt8>, _ dialect: Dialect) -> UInt32 {
        dialect == .linux ? u32(f) : Wire.noUser
    }

    fileprivate mutating func names(_ f: Span<UInt8>) -> [String] {
        let n = Int(u16(f))
        if n > Wire.mostNames { refuse(.tooManyNames) }
        var names: [String] = []
        names.reserveCapacity(min(n, Wire.mostNames))
        for i in 0..<n {
            let name = element(f)
            guard !isBroken else { break }
            if i < Wire.mostNames { names.append(name) }
        }
        return names
    }

    /// The entry of a Twstat, whose name may be empty.
    fileprivate mutating func wstat(_ f: Span<UInt8>) -> Stat {
        let stat = countedStat(f)
        if !stat.name.isEmpty, let fault = Element.fault(new: stat.name) { refuse(fault) }
        return stat
    }
}

extension Get {
    fileprivate mutating func lock(_ f: Span<UInt8>) -> Tmessage {
        let fid = u32(f)
        let kind = LockRange.Kind(rawValue: u8(f))
        let flags = LockRange.Flags(rawValue: u32(f))
        return .lock(fid: fid, flags: flags, range: lockRange(kind, f))
    }

    fileprivate mutating func setAttr(_ f: Span<UInt8>) -> SetAttr {
        SetAttr(
            valid: SetAttr.Valid(rawValue: u32(f)), mode: u32(f), uid: u32(f), gid: u32(f), size: u64(f),
            atime: timespec(f), mtime: timespec(f))
    }
}

extension Put {
    fileprivate mutating func setAttr(_ attr: SetAttr, _ out: inout MutableRawSpan) {
        u32(attr.valid.rawValue, &out)
        u32(attr.mode, &out)
        u32(attr.uid, &out)
        u32(attr.gid, &out)
        u64(attr.size, &out)
        timespec(attr.atime, &out)
        timespec(attr.mtime, &out)
    }
}
