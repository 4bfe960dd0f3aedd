/// A request of the host's kernel, as a FUSE server reads it: one request a read.
///
/// The bytes come from the kernel, and what is in them from the programs that it serves: every length is checked, and what is
/// too short for its kind is none. The corresponding Linux page is `fuse(4)`; numbers are the machine's.
public struct FuseRequest: Sendable {
    public let unique: UInt64
    public let node: UInt64
    /// Whoever asks, as the mount's name space numbers him.
    public let user: UInt32
    public let group: UInt32
    public let body: Body

    /// Flags of an open file that a transfer carries.
    public struct Flags: Sendable {
        let rawValue: UInt32

        /// O_NONBLOCK.
        public var isImpatient: Bool { rawValue & 0o4000 != 0 }
    }

    public enum Body: Sendable {
        case initialize(major: UInt32, minor: UInt32, readahead: UInt32, flags: UInt32)
        case lookUp(name: [UInt8])
        /// No answer is expected of these two.
        case forget
        case interrupt(unique: UInt64)
        case getAttributes
        /// nil where something else than the length is to be set.
        case setAttributes(length: UInt64?)
        case open
        case read(handle: UInt64, offset: UInt64, count: Int, Flags)
        /// `data`: where in the request the bytes stand.
        case write(handle: UInt64, offset: UInt64, data: Range<Int>, Flags)
        case flush(handle: UInt64)
        case sync(handle: UInt64)
        case release(handle: UInt64)
        case poll(handle: UInt64, key: UInt64, notifies: Bool, events: UInt32)
        case statfs
        case control
        case destroy
        case other(UInt32)
    }

    static let headerSize = 40
    /// The longest name that is looked at.
    static let nameLimit = 255

    /// Throws `FuseMalformed` where the bytes are no whole request.
    public init(_ bytes: RawSpan) throws(FuseMalformed) {
        var from = FuseFields()
        guard from.next32(bytes) == UInt32(exactly: bytes.byteCount) else { throw FuseMalformed() }
        let operation = from.next32(bytes)
        unique = from.next64(bytes)
        node = from.next64(bytes)
        user = from.next32(bytes)
        group = from.next32(bytes)
        from.skip(8, bytes)
        body =
            switch operation {
            case 26:
                .initialize(
                    major: from.next32(bytes), minor: from.next32(bytes), readahead: from.next32(bytes),
                    flags: from.next32(bytes))
            case 1: .lookUp(name: from.name(Self.nameLimit, bytes))
            case 2, 42: .forget
            case 36: .interrupt(unique: from.next64(bytes))
            case 3: .getAttributes
            case 4: .setAttributes(length: from.length(bytes))
            case 14: .open
            case 15: from.read(bytes)
            case 16: from.write(bytes)
            case 25: .flush(handle: from.next64(bytes))
            case 20: .sync(handle: from.next64(bytes))
            case 18: .release(handle: from.next64(bytes))
            case 40: from.poll(bytes)
            case 17: .statfs
            case 39: .control
            case 38: .destroy
            default: .other(operation)
            }
        guard !from.isShort else { throw FuseMalformed() }
    }
}

/// The bytes are no request.
public struct FuseMalformed: Error {}

/// The fields of a request, one after the other; what would stand behind the end is 0 and makes the request short.
private struct FuseFields {
    private var at = 0
    private(set) var isShort = false

    mutating func skip(_ count: Int, _ bytes: RawSpan) {
        if bytes.byteCount - at < count { isShort = true } else { at += count }
    }

    mutating func next32(_ bytes: RawSpan) -> UInt32 {
        guard bytes.byteCount - at >= 4 else {
            isShort = true
            return 0
        }
        defer { at += 4 }
        return bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self)
    }

    mutating func next64(_ bytes: RawSpan) -> UInt64 {
        let low = next32(bytes)
        return UInt64(low) | UInt64(next32(bytes)) << 32
    }

    /// What stands before the next NUL.
    mutating func name(_ limit: Int, _ bytes: RawSpan) -> [UInt8] {
        var name: [UInt8] = []
        while at < bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: at, as: UInt8.self)
            at += 1
            if byte == 0 { return name }
            guard name.count < limit else { break }
            name.append(byte)
        }
        isShort = true
        return []
    }

    /// Of setattr: bit 3 of what is valid is the length.
    mutating func length(_ bytes: RawSpan) -> UInt64? {
        let valid = next32(bytes)
        skip(12, bytes)
        let length = next64(bytes)
        return valid & 8 != 0 ? length : nil
    }

    /// Of read and write: handle, offset, count and the flags of the open file.
    mutating func transfer(_ bytes: RawSpan) -> (UInt64, UInt64, Int, FuseRequest.Flags) {
        let (handle, offset, count) = (next64(bytes), next64(bytes), next32(bytes))
        skip(12, bytes)
        let flags = next32(bytes)
        skip(4, bytes)
        return (handle, offset, Int(count), .init(rawValue: flags))
    }

    mutating func read(_ bytes: RawSpan) -> FuseRequest.Body {
        let (handle, offset, count, flags) = transfer(bytes)
        return .read(handle: handle, offset: offset, count: count, flags)
    }

    mutating func write(_ bytes: RawSpan) -> FuseRequest.Body {
        let (handle, offset, count, flags) = transfer(bytes)
        if bytes.byteCount - at < count { isShort = true }
        return .write(handle: handle, offset: offset, data: at..<(isShort ? at : at + count), flags)
    }

    mutating func poll(_ bytes: RawSpan) -> FuseRequest.Body {
        let (handle, key, flags, events) = (next64(bytes), next64(bytes), next32(bytes), next32(bytes))
        return .poll(handle: handle, key: key, notifies: flags & 1 != 0, events: events)
    }
}
