/// Takes the fields of a frame one after the other; each is checked against the frame.
///
/// Once a field does not fit every later one is 0 or empty, so that only the end need be looked at: `finish` throws.
struct Get {
    private(set) var at: Int
    private let end: Int
    private let type: UInt8
    private let tag: UInt16
    /// The first thing wrong with the frame, and with what it says.
    private var broken: Malformed.Fault?
    private var refused: Malformed.Fault?

    /// The fields after the header. Throws where `frame` is not `size[4]` bytes long.
    init(_ frame: Span<UInt8>) throws(Malformed) {
        guard frame.count >= Wire.header else { throw .frame(.undersize, type: 0) }
        type = frame[4]
        tag = UInt16(frame[5]) | UInt16(frame[6]) << 8
        at = Wire.header
        end = frame.count
        guard Int(load32(frame, 0)) == end else { throw .frame(.length, type: type) }
    }

    /// The fields between `at` and the end of `bytes`, outside a frame.
    init(_ bytes: Span<UInt8>, from at: Int) {
        (self.at, end, type, tag) = (at, bytes.count, 0, 0)
    }

    var header: (type: UInt8, tag: UInt16) { (type, tag) }
    var isBroken: Bool { broken != nil }

    /// Throws what was found to be wrong. Nothing may be left over.
    func finish() throws(Malformed) {
        if let broken { throw .frame(broken, type: type) }
        guard at == end else { throw .frame(.trailing, type: type) }
        if let refused { throw .message(refused, type: type, tag: tag) }
    }

    /// Throws what was found to be wrong with one entry of data, outside a frame; more may follow.
    func finishPart() throws(Malformed) {
        if let broken { throw .frame(broken, type: 0) }
        if let refused { throw .message(refused, type: 0, tag: 0) }
    }

    mutating func refuse(_ fault: Malformed.Fault) {
        if refused == nil { refused = fault }
    }

    mutating func fail(_ fault: Malformed.Fault) {
        if broken == nil { broken = fault }
        at = end
    }

    /// The place of the next `n` bytes; nil where the frame ends before.
    @inline(__always)
    private mutating func take(_ n: Int, else fault: Malformed.Fault) -> Int? {
        guard n <= end &- at else {
            fail(fault)
            return nil
        }
        defer { at &+= n }
        return at
    }

    @inline(__always)
    mutating func u8(_ f: Span<UInt8>) -> UInt8 { take(1, else: .field).map { f[$0] } ?? 0 }

    @inline(__always)
    mutating func u16(_ f: Span<UInt8>) -> UInt16 { take(2, else: .field).map { load16(f, $0) } ?? 0 }

    @inline(__always)
    mutating func u32(_ f: Span<UInt8>) -> UInt32 { take(4, else: .field).map { load32(f, $0) } ?? 0 }

    @inline(__always)
    mutating func u64(_ f: Span<UInt8>) -> UInt64 { take(8, else: .field).map { load64(f, $0) } ?? 0 }

    mutating func qid(_ f: Span<UInt8>) -> Qid {
        let type = u8(f)
        let version = u32(f)
        return Qid(path: u64(f), version: version, type: QidType(rawValue: type))
    }

    /// What a string may be.
    private enum Rule { case any, element, new }

    /// `n[2]` and so many bytes: UTF-8 without NUL.
    mutating func string(_ f: Span<UInt8>) -> String { string(f, .any) }

    /// A name to walk to; one that cannot be is refused.
    mutating func element(_ f: Span<UInt8>) -> String { string(f, .element) }

    /// A name that a file is to be given.
    mutating func newName(_ f: Span<UInt8>) -> String { string(f, .new) }

    private mutating func string(_ f: Span<UInt8>, _ rule: Rule) -> String {
        let n = Int(u16(f))
        guard let start = take(n, else: .string) else { return "" }
        let bytes = f.extracting(start..<start + n)
        do {
            let string = String(copying: try UTF8Span(validating: bytes))
            guard let fault = Self.fault(bytes, rule) else { return string }
            refuse(fault)
        } catch { refuse(.utf8) }
        return ""
    }

    /// `Element.fault` of bytes.
    private static func fault(_ bytes: Span<UInt8>, _ rule: Rule) -> Malformed.Fault? {
        var nul = false
        var slash = false
        var dots = true
        for i in bytes.indices {
            let c = bytes[i]
            nul = nul || c == 0
            slash = slash || c == UInt8(ascii: "/")
            dots = dots && c == UInt8(ascii: ".")
        }
        if nul { return .nul }
        if rule == .any { return nil }
        if bytes.isEmpty { return .emptyName }
        if slash { return .slash }
        return rule == .new && dots && bytes.count <= 2 ? .dot : nil
    }

    /// A string that people read only: what is no UTF-8 in it is replaced.
    mutating func text(_ f: Span<UInt8>) -> String {
        let n = Int(u16(f))
        guard let start = take(n, else: .string) else { return "" }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(n)
        for i in start..<start + n { bytes.append(f[i]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `count[4]` and so many bytes, which stay where they are.
    mutating func data(_ f: Span<UInt8>) -> UInt32 {
        let count = u32(f)
        _ = take(Int(count), else: .data)
        return count
    }

    /// An entry that begins with its own `size[2]`.
    mutating func stat(_ f: Span<UInt8>) -> Stat {
        let size = Int(u16(f))
        let start = at
        let stat = Stat(
            type: u16(f), dev: u32(f), qid: qid(f), mode: FileMode(rawValue: u32(f)), atime: u32(f), mtime: u32(f),
            length: u64(f), name: string(f), uid: string(f), gid: string(f), muid: string(f))
        if broken == nil, at - start != size { fail(.entry) }
        return stat
    }

    /// An entry with the `n[2]` before it that Rstat and Twstat have.
    mutating func countedStat(_ f: Span<UInt8>) -> Stat {
        let size = Int(u16(f))
        let start = at
        let stat = stat(f)
        if broken == nil, at - start != size { fail(.entry) }
        return stat
    }

    mutating func timespec(_ f: Span<UInt8>) -> Timespec { Timespec(sec: u64(f), nsec: u64(f)) }

    /// What stands behind the kind of a lock; Tlock has its flags between the two.
    mutating func lockRange(_ kind: LockRange.Kind, _ f: Span<UInt8>) -> LockRange {
        LockRange(kind, start: u64(f), length: u64(f), procID: u32(f), clientID: string(f))
    }

    mutating func lockRange(_ f: Span<UInt8>) -> LockRange {
        let kind = LockRange.Kind(rawValue: u8(f))
        return lockRange(kind, f)
    }
}

// The optimizer makes each of these one load, after the one check.

@inline(__always)
func load16(_ f: Span<UInt8>, _ at: Int) -> UInt16 {
    precondition(at >= 0 && at <= f.count &- 2)
    return UInt16(f[at]) | UInt16(f[at &+ 1]) << 8
}

@inline(__always)
func load32(_ f: Span<UInt8>, _ at: Int) -> UInt32 {
    precondition(at >= 0 && at <= f.count &- 4)
    return UInt32(f[at]) | UInt32(f[at &+ 1]) << 8 | UInt32(f[at &+ 2]) << 16 | UInt32(f[at &+ 3]) << 24
}

@inline(__always)
func load64(_ f: Span<UInt8>, _ at: Int) -> UInt64 {
    UInt64(load32(f, at)) | UInt64(load32(f, at &+ 4)) << 32
}
