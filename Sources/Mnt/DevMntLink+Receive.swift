import Kernel

/// What the server says: looked at before anybody believes it.
extension MntLink {
    /// Gives the reply in `frame` to its request. The lock is held: gives who is to be woken and what is to be let go of
    /// after it, or what is wrong with the reply.
    func receive(_ frame: Span<UInt8>, _ s: inout State) -> (MntCall?, [AnyObject?], lie: String?) {
        let tag: UInt16
        let reply: Rmessage
        do { (tag, reply) = try Rmessage.decode(frame, s.dialect) } catch { return (nil, [], "\(error)") }
        guard let call = s.sent(tag) else { return (nil, [], "\(reply.type) to tag \(tag), which asks nothing") }
        let answer: Result<Rmessage, SysError>
        switch reply {
        case .error(let ename) where s.dialect == .plan9 || call === s.version:
            answer = .failure(SysError(server: ename))
        case .lerror(let ecode) where s.dialect == .linux:
            answer = .failure(SysError(server: ecode))
        default:
            if let lie = Self.lie(in: reply, to: call) { return (nil, [], lie) }
            answer = .success(reply)
        }
        // Whatever the reply to a remove is, the fid is gone.
        if call.expected == .Rremove { call.fid?.isKnown = false }
        guard call.phase == .sent else {
            return (nil, call.take(answer) + ended(call, &s), nil)
        }
        var data: [UInt8] = []
        switch reply {
        case .read, .readdir: data = [UInt8](copying: frame.bytes.extracting(Wire.readHeader...))
        default: break
        }
        return (call, call.take(answer, data: data), nil)
    }

    /// What is wrong with `reply` as an answer to `call`.
    private static func lie(in reply: Rmessage, to call: MntCall) -> String? {
        guard reply.type == call.expected else { return "\(reply.type) where \(call.expected) belongs" }
        switch reply {
        case .walk(let qids):
            guard qids.count <= call.limit else { return "Rwalk has \(qids.count) qids for \(call.limit) names" }
        case .read(let count), .write(let count), .readdir(let count):
            guard count <= call.limit else { return "\(reply.type) of \(count) bytes for \(call.limit)" }
        case .stat(let stat): return lie(in: stat)
        case .getattr(let attr):
            if attr.qid.isDirectory != FileMode(linux: attr.mode).contains(.directory) {
                return "mode and qid disagree"
            }
        default: break
        }
        return nil
    }

    /// What is wrong with an entry.
    static func lie(in stat: Stat) -> String? {
        if stat.qid.isDirectory != stat.mode.contains(.directory) { return "mode and qid disagree" }
        // A root is called `/`, or, by u9fs, nothing.
        if stat.name != "/", !stat.name.isEmpty, let fault = Element.fault(stat.name) {
            return "Rstat: \(fault.rawValue)"
        }
        return nil
    }
}

extension SysError {
    /// What a 9P2000 server's sentence means. It is kept as it came, but for those that other systems have for what we
    /// have a code for: programs must know a file that is missing.
    init(server ename: String) {
        self.init(ename)
        if code == .other, let known = Self.foreign[ename.lowercased()] { self.init(known) }
        self = aboutElsewhere
    }

    /// The error of a 9P2000.L server.
    init(server ecode: UInt32) {
        self.init(errno: Int32(clamping: ecode))
        self = aboutElsewhere
    }

    /// What means something else to a caller here than it did there.
    private var aboutElsewhere: SysError {
        switch code {
        case .wouldBlock, .killed, .stale: SysError("\(sentence) at the server")
        default: self
        }
    }

    private static let foreign: [String: Code] = [
        "file not found": .nonexist, "directory entry not found": .nonexist, "no such file or directory": .nonexist,
        "file exists": .exist, "operation not permitted": .notOwner, "is a directory": .isDir,
        "directory is not empty": .notEmpty, "read only file system": .readOnly,
        "function not implemented": .notSupported, "invalid argument": .badArg, "input/output error": .io,
        "interrupted system call": .interrupted, "not owner": .notOwner, "exclusive use file already open": .inUse,
        "file in use": .inUse, "device or resource busy": .inUse, "file name too long": .nameTooLong,
    ]
}
