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
