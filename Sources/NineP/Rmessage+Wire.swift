extension Rmessage {
    /// The reply in `frame`, which is one whole frame from its `size[4]` on. Throws as `Tmessage.decode` does.
    public static func decode(
        _ frame: Span<UInt8>, _ dialect: Dialect
    ) throws(Malformed) -> (tag: UInt16, message: Rmessage) {
        var get = try Get(frame)
        let (type, tag) = get.header
        guard let known = MessageType(rawValue: type) else { throw .message(.unknownType, type: type, tag: tag) }
        let message: Rmessage
        switch known {
        case .Rversion: message = .version(msize: get.u32(frame), version: get.string(frame))
        case .Rauth: message = .auth(aqid: get.qid(frame))
        case .Rattach: message = .attach(qid: get.qid(frame))
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
        case .auth(let qid), .attach(let qid): put.qid(qid, &out)
        case .error(let ename): put.text(ename, most: Self.mostError, &out)
        case .lerror(let ecode): put.u32(ecode, &out)
        case .flush, .clunk, .remove, .wstat: break
        case .walk(let qids):
            put.u16(UInt16(clamping: qids.count), &out)
            for qid in qids { put.qid(qid, &out) }
        case .open(let qid, let iounit), .create(let qid, let iounit):
            put.qid(qid, &out)
            put.u32(iounit, &out)
        case .read(let count): put.data(count, &out)
        case .write(let count): put.u32(count, &out)
        case .stat(let stat): put.countedStat(stat, &out)
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
