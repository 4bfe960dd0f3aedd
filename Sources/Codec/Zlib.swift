import Kernel

/// How a deflate stream is wrapped. The corresponding pages are RFC 1950 (zlib), 1951 (raw) and 1952 (gzip).
public enum Framing: Sendable {
    case raw, zlib, gzip
}

/// What a gzip header says about the file inside; a name longer than 1023 bytes is cut.
public struct GzipHeader: Equatable, Sendable {
    /// The file's name without directories, as bytes (the format wants Latin-1; people write UTF-8).
    public var name: [UInt8]
    /// Seconds since 1970, 0 where unknown.
    public var mtime: UInt32

    public init(name: [UInt8] = [], mtime: UInt32 = 0) {
        self.name = name
        self.mtime = mtime
    }
}

/// What one step of a stream did.
public struct ZStep: Equatable, Sendable {
    /// Bytes taken from the input.
    public let consumed: Int
    /// Bytes put at the start of the output.
    public let produced: Int
    /// The stream is complete; what follows in the input does not belong to it.
    public let ended: Bool
}

/// A compressor. Give it input in pieces of any size, and room for output of any size; each step is bounded by both.
///
/// The corresponding call is zlib's `deflate(3)`.
public struct Deflate: ~Copyable {
    /// How much of what was taken must come out now.
    public enum Flush: Sendable {
        /// As much as compresses well.
        case none
        /// All of it, and the stream goes on: a reader can decode up to here.
        case sync
        /// All of it, and the stream ends. Repeat with the rest of the input until the step says `ended`.
        case finish
    }

    private var stream: ZStream

    /// `level` is 0 (store) to 9 (smallest). `header` is written by `.gzip` only.
    public init(_ framing: Framing, level: Int = 6, header: GzipHeader? = nil) throws(SysError) {
        guard 0...9 ~= level else { throw SysError("zlib: level \(level) is not 0 to 9") }
        stream = try ZStream(deflating: framing, level: Int32(level), header: header)
    }

    /// Takes from `input`, puts into `output`. When neither moves, there was nothing to do: more input or more room
    /// is needed.
    public mutating func step(
        _ input: RawSpan, into output: inout MutableRawSpan, flush: Flush = .none
    ) throws(SysError) -> ZStep {
        try stream.deflate(input, into: &output, flush: flush)
    }

    /// The whole of `input`, compressed.
    public static func all(_ input: RawSpan, _ framing: Framing, level: Int = 6) throws(SysError) -> [UInt8] {
        var deflate = try Deflate(framing, level: level)
        return try collect(input, limit: .max) { (rest, room) throws(SysError) in
            try deflate.step(rest, into: &room, flush: .finish)
        }.output
    }
}

/// A decompressor; the twin of `Deflate`.
///
/// A gzip file may hold several members: when a step says `ended` and input is left, `reset()` and go on.
/// The corresponding call is zlib's `inflate(3)`.
public struct Inflate: ~Copyable {
    private var stream: ZStream

    public init(_ framing: Framing) throws(SysError) {
        stream = try ZStream(inflating: framing)
    }

    /// Takes from `input`, puts into `output`. When neither moves, more input or more room is needed: with no input
    /// left, the data was cut short. Throws what is wrong with corrupt data.
    public mutating func step(_ input: RawSpan, into output: inout MutableRawSpan) throws(SysError) -> ZStep {
        try stream.inflate(input, into: &output)
    }

    /// Ready for another stream of the same framing.
    public mutating func reset() throws(SysError) {
        try stream.resetInflate()
    }

    /// The gzip header, once it has been read.
    public var header: GzipHeader? { stream.header }

    /// The whole of `input`, decompressed: one stream, or for `.gzip` one or more members.
    ///
    /// Throws when the data is corrupt, cut short, followed by something else, or larger than `limit` bytes.
    public static func all(_ input: RawSpan, _ framing: Framing, limit: Int) throws(SysError) -> [UInt8] {
        var inflate = try Inflate(framing)
        var whole: [UInt8] = []
        var done = 0
        repeat {
            let part = try collect(input.extracting(droppingFirst: done), limit: limit - whole.count) {
                (rest, room) throws(SysError) in try inflate.step(rest, into: &room)
            }
            whole += part.output
            done += part.consumed
            guard done < input.byteCount else { return whole }
            guard case .gzip = framing else { break }
            try inflate.reset()
        } while true
        throw SysError("zlib: bytes after the end of the data")
    }
}

/// Checksums of zlib; each goes on from the value of the bytes before.
public enum Checksum {
    /// The corresponding call is zlib's `crc32(3)`.
    public static func crc32(_ bytes: RawSpan, from start: UInt32 = 0) -> UInt32 {
        crc32Unsafe(bytes, from: start)
    }

    /// The corresponding call is zlib's `adler32(3)`.
    public static func adler32(_ bytes: RawSpan, from start: UInt32 = 1) -> UInt32 {
        adler32Unsafe(bytes, from: start)
    }
}

/// Runs `step` to the end of a stream, collecting at most `limit` bytes.
private func collect(
    _ input: RawSpan, limit: Int, _ step: (RawSpan, inout MutableRawSpan) throws(SysError) -> ZStep
) throws(SysError) -> (output: [UInt8], consumed: Int) {
    var output: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 16)
    var consumed = 0
    while true {
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        let did = try step(input.extracting(droppingFirst: consumed), &bytes)
        guard did.produced <= limit - output.count else {
            throw SysError("zlib: the result is larger than \(limit) bytes")
        }
        consumed += did.consumed
        output += room[..<did.produced]
        if did.ended { return (output, consumed) }
        if did.consumed == 0 && did.produced == 0 { throw SysError("zlib: data ends too early") }
    }
}
