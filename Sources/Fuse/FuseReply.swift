import Kernel

/// Answers to requests, laid out as the kernel takes them: one answer a write.
struct FuseReply {
    static let headerSize = 16
    private(set) var bytes: [UInt8]

    /// The answer to `unique`, of a header so far.
    init(_ unique: UInt64) {
        bytes = []
        put(UInt32(0))
        put(UInt32(0))
        put(unique)
    }

    /// A failure, with the errno of `error`; one that a program may be told.
    static func failure(_ unique: UInt64, _ error: SysError) -> [UInt8] { failure(unique, errno: error.errno) }

    static func failure(_ unique: UInt64, errno: Int32) -> [UInt8] {
        var reply = FuseReply(bytes: [])
        reply.put(UInt32(headerSize))
        reply.put(UInt32(bitPattern: -(1...511 ~= errno ? errno : 5)))
        reply.put(unique)
        return reply.bytes
    }

    /// Tells that a file which was polled has become ready. It answers no request.
    static func wakeUp(_ key: UInt64) -> [UInt8] {
        var reply = FuseReply(bytes: [])
        reply.put(UInt32(headerSize + 8))
        reply.put(UInt32(1))
        reply.put(UInt64(0))
        reply.put(key)
        return reply.bytes
    }

    mutating func put<T: FixedWidthInteger>(_ value: T) {
        var rest = value
        for _ in 0..<T.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = T.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    mutating func zeros(_ count: Int) { bytes += [UInt8](repeating: 0, count: count) }

    /// The whole answer.
    consuming func finished() -> [UInt8] {
        var length = FuseReply(bytes: [])
        length.put(UInt32(bytes.count))
        bytes.replaceSubrange(0..<4, with: length.bytes)
        return bytes
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The header of an answer with `count` bytes of data.
    static func header(_ unique: UInt64, _ count: Int) -> [UInt8] {
        var reply = FuseReply(bytes: [])
        reply.put(UInt32(headerSize + count))
        reply.put(UInt32(0))
        reply.put(unique)
        return reply.bytes
    }

    /// Of `initialize`: version 7.31, and what of `flags` is made use of.
    mutating func initialized(_ flags: UInt32, most: Int) {
        put(UInt32(7))
        put(UInt32(31))
        put(UInt32(0))
        // FUSE_ASYNC_READ, FUSE_BIG_WRITES, FUSE_MAX_PAGES.
        put(flags & (1 | 1 << 5 | 1 << 22))
        put(UInt16(64))
        put(UInt16(48))
        put(UInt32(most))
        put(UInt32(1))
        put(UInt16(most / 4096))
        zeros(34)
    }

    /// What the kernel is told of a file, 88 bytes. It keeps none of it.
    mutating func attributes(_ inode: UInt64, _ dir: Dir, mode: UInt32, _ request: FuseRequest) {
        put(inode)
        put(dir.length)
        put((dir.space ?? dir.length &+ 511) / 512)
        let times = [dir.accessed, dir.modified, dir.changed].map {
            max(0, $0).quotientAndRemainder(dividingBy: 1_000_000_000)
        }
        for time in times { put(UInt64(time.quotient)) }
        for time in times { put(UInt32(time.remainder)) }
        put(mode)
        put(dir.links)
        put(request.user)
        put(request.group)
        put(UInt32(0))
        put(UInt32(4096))
        put(UInt32(0))
    }
}
