import CZlib
import Kernel

/// The one owner of a `z_stream` and the gzip header beside it. zlib keeps pointers to both, so they live on the heap
/// from `init` to `deinit`.
struct ZStream: ~Copyable {
    private enum Kind { case deflate, inflate }

    private static let nameSize = 1024

    private let kind: Kind
    private let z: UnsafeMutablePointer<z_stream>
    private let head: UnsafeMutablePointer<gz_header>?
    /// `nameSize` bytes, the last always zero: the name in `head`.
    private let name: UnsafeMutablePointer<UInt8>?

    init(deflating framing: Framing, level: Int32, header: GzipHeader?) throws(SysError) {
        let keeps = if case .gzip = framing { header != nil } else { false }
        self.init(.deflate, withHeader: keeps)
        let status = deflateInit2_(
            z, level, Z_DEFLATED, Self.windowBits(framing), 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Self.size)
        guard status == Z_OK else { throw zlibError(status, z) }
        if let header, let head, let name {
            // SAFETY: `name` has nameSize bytes, all zero; at most nameSize - 1 are stored, so a zero ends it.
            for (i, byte) in header.name.prefix(Self.nameSize - 1).prefix(while: { $0 != 0 }).enumerated() {
                name[i] = byte
            }
            head.pointee.time = uLong(header.mtime)
            head.pointee.os = 3
            if name[0] == 0 { head.pointee.name = nil }
            let status = deflateSetHeader(z, head)
            guard status == Z_OK else { throw zlibError(status, z) }
        }
    }

    init(inflating framing: Framing) throws(SysError) {
        let keeps = if case .gzip = framing { true } else { false }
        self.init(.inflate, withHeader: keeps)
        let status = inflateInit2_(z, Self.windowBits(framing), ZLIB_VERSION, Self.size)
        guard status == Z_OK else { throw zlibError(status, z) }
        try askForHeader()
    }

    private init(_ kind: Kind, withHeader: Bool) {
        self.kind = kind
        z = .allocate(capacity: 1)
        z.initialize(to: z_stream())
        guard withHeader else {
            head = nil
            name = nil
            return
        }
        let name = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.nameSize)
        name.initialize(repeating: 0, count: Self.nameSize)
        let head = UnsafeMutablePointer<gz_header>.allocate(capacity: 1)
        head.initialize(to: gz_header())
        head.pointee.name = name
        self.name = name
        self.head = head
    }

    // SAFETY: both end calls accept a stream whose init failed; the rest was allocated by `init` and by nobody else.
    deinit {
        switch kind {
        case .deflate: deflateEnd(z)
        case .inflate: inflateEnd(z)
        }
        z.deallocate()
        head?.deallocate()
        name?.deallocate()
    }

    private static let size = Int32(MemoryLayout<z_stream>.size)

    private static func windowBits(_ framing: Framing) -> Int32 {
        switch framing {
        case .raw: -15
        case .zlib: 15
        case .gzip: 15 + 16
        }
    }

    var header: GzipHeader? {
        guard let head, let name, head.pointee.done == 1 else { return nil }
        var bytes: [UInt8] = []
        // SAFETY: the last of the nameSize bytes stays zero (name_max is one less), and head.name is `name` or nil.
        if head.pointee.name != nil {
            var i = 0
            while name[i] != 0 {
                bytes.append(name[i])
                i += 1
            }
        }
        return GzipHeader(name: bytes, mtime: UInt32(truncatingIfNeeded: head.pointee.time))
    }

    mutating func deflate(
        _ input: RawSpan, into output: inout MutableRawSpan, flush: Deflate.Flush
    ) throws(SysError) -> ZStep {
        // A piece that does not fit into zlib's 32-bit count is not the last one.
        let whole = input.byteCount <= Self.most
        let mode =
            switch flush {
            case .none: Z_NO_FLUSH
            case .sync: whole ? Z_SYNC_FLUSH : Z_NO_FLUSH
            case .finish: whole ? Z_FINISH : Z_NO_FLUSH
            }
        return try step(input, into: &output) { CZlib.deflate($0, mode) }
    }

    mutating func inflate(_ input: RawSpan, into output: inout MutableRawSpan) throws(SysError) -> ZStep {
        try step(input, into: &output) { CZlib.inflate($0, Z_NO_FLUSH) }
    }

    mutating func resetInflate() throws(SysError) {
        let status = inflateReset(z)
        guard status == Z_OK else { throw zlibError(status, z) }
        try askForHeader()
    }

    private func askForHeader() throws(SysError) {
        guard let head, let name else { return }
        head.pointee = gz_header()
        name.update(repeating: 0, count: Self.nameSize)
        head.pointee.name = name
        head.pointee.name_max = uInt(Self.nameSize - 1)
        let status = inflateGetHeader(z, head)
        guard status == Z_OK else { throw zlibError(status, z) }
    }

    private static let most = 1 << 30

    /// SAFETY: zlib sees both buffers only during `call`, bounded by the counts given, and the pointers are dropped after.
    private func step(
        _ input: RawSpan, into output: inout MutableRawSpan, _ call: (UnsafeMutablePointer<z_stream>) -> Int32
    ) throws(SysError) -> ZStep {
        let give = min(input.byteCount, Self.most)
        let room = min(output.byteCount, Self.most)
        let z = z
        let status = input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                z.pointee.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
                z.pointee.avail_in = uInt(give)
                z.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                z.pointee.avail_out = uInt(room)
                defer {
                    z.pointee.next_in = nil
                    z.pointee.next_out = nil
                }
                // zlib refuses a null output even when it is empty; so does it a null input that is not.
                return room == 0 ? Z_BUF_ERROR : call(z)
            }
        }
        switch status {
        case Z_OK, Z_STREAM_END, Z_BUF_ERROR:
            return ZStep(
                consumed: give - Int(z.pointee.avail_in), produced: room - Int(z.pointee.avail_out),
                ended: status == Z_STREAM_END)
        default: throw zlibError(status, z)
        }
    }
}

private func zlibError(_ status: Int32, _ z: UnsafePointer<z_stream>) -> SysError {
    let why = z.pointee.msg.map { String(cString: $0) }
    switch status {
    case Z_DATA_ERROR: return SysError("zlib: data is corrupt: \(why ?? "unknown reason")")
    case Z_NEED_DICT: return SysError("zlib: data needs a preset dictionary")
    case Z_MEM_ERROR: return SysError("zlib: out of memory")
    default: return SysError("zlib: \(why ?? "error \(status)")")
    }
}

func crc32Unsafe(_ bytes: RawSpan, from start: UInt32) -> UInt32 {
    // SAFETY: zlib reads within the buffer, during the call; a null buffer would mean "give the first value".
    bytes.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return start }
        return UInt32(
            truncatingIfNeeded: crc32_z(uLong(start), base.assumingMemoryBound(to: UInt8.self), buffer.count))
    }
}

func adler32Unsafe(_ bytes: RawSpan, from start: UInt32) -> UInt32 {
    // SAFETY: as above.
    bytes.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return start }
        return UInt32(
            truncatingIfNeeded: adler32_z(uLong(start), base.assumingMemoryBound(to: UInt8.self), buffer.count))
    }
}
