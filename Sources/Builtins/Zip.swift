import Codec
import Kernel

/// The builtin module `$Zip`: zlib's checksums and streams for scripts.
struct Zip: ZipModule {
    /// What a decompressed result may hold, in bytes: a small input can stand for gigabytes.
    private static let limit = 64 << 20

    func crc32(_: Proc, _ data: [UInt8]) throws(SysError) -> Int32 {
        Int32(bitPattern: Checksum.crc32(data.span.bytes))
    }

    func adler32(_: Proc, _ data: [UInt8]) throws(SysError) -> Int32 {
        Int32(bitPattern: Checksum.adler32(data.span.bytes))
    }

    func deflate(_: Proc, _ data: [UInt8]) throws(SysError) -> [UInt8] { try Deflate.all(data.span.bytes, .zlib) }

    func inflate(_: Proc, _ data: [UInt8]) throws(SysError) -> [UInt8] { try unpack(data, .zlib) }

    func gzip(_: Proc, _ data: [UInt8]) throws(SysError) -> [UInt8] { try Deflate.all(data.span.bytes, .gzip) }

    func gunzip(_: Proc, _ data: [UInt8]) throws(SysError) -> [UInt8] { try unpack(data, .gzip) }

    private func unpack(_ data: [UInt8], _ framing: Framing) throws(SysError) -> [UInt8] {
        try Inflate.all(data.span.bytes, framing, limit: Self.limit)
    }
}
