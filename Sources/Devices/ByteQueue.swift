import Kernel

/// Bytes in the order in which they came. It does not bound itself.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var head = 0
    /// How many bytes were ever taken: the place of the first one that is there.
    private(set) var taken: UInt64 = 0

    init() {}

    var count: Int { bytes.count - head }
    var isEmpty: Bool { count == 0 }
    /// The place behind the last byte.
    var end: UInt64 { taken + UInt64(count) }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Moves at most `limit` bytes to `buffer`; how many.
    mutating func take(into buffer: inout MutableRawSpan, limit: Int = .max) -> Int {
        let n = min(count, limit, buffer.byteCount)
        guard n > 0 else { return 0 }
        buffer.copy(bytes.span.bytes.extracting(head..<head + n))
        head += n
        taken += UInt64(n)
        // What was taken is let go of when it is more than what is left.
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.count <= 4096)
            head = 0
        } else if head > 4096, head > count {
            bytes.removeFirst(head)
            head = 0
        }
        return n
    }

    mutating func removeAll() {
        taken += UInt64(count)
        bytes = []
        head = 0
    }
}
