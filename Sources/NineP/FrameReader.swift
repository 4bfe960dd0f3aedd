/// What has come over a connection, cut into frames.
///
/// A value of the thread that reads. It holds at most twice the longest frame that is allowed, or twice `batch`; a frame
/// that is whole is given where it lies, and the beginning of one is moved once at most.
///
/// ```
/// while try reader.fill({ (room) throws(SysError) in try stream.read(into: &room) }) > 0 {
///     while let frame = try reader.next() { ... Tmessage.decode(reader.buffer.span.extracting(frame), dialect) ... }
/// }
/// ```
public struct FrameReader: Sendable {
    /// Where the frames lie that `next` gave; good until the next `fill` or `feed`.
    public private(set) var buffer: [UInt8]
    /// Where short frames fill the buffer it grows up to this, so that many of them come with one read.
    private static let batch = 65536
    private var start = 0
    private var end = 0
    /// The longest frame that is taken: what Rversion said.
    public var msize: Int

    public init(msize: Int = Wire.firstMsize) {
        self.msize = msize
        buffer = [UInt8](repeating: 0, count: Wire.firstMsize)
    }

    /// Bytes that no frame has been made of. Where the connection ends with some, a frame was cut off.
    public var pending: Int { end - start }

    /// The place of the next whole frame in `buffer`; nil where more must come first. Throws `.frame` where its size
    /// cannot be: nothing after it can be read.
    public mutating func next() throws(Malformed) -> Range<Int>? {
        guard pending >= 4 else { return nil }
        let size = Int(load32(buffer.span, start))
        guard size >= Wire.header else { throw .frame(.undersize, type: 0) }
        guard size <= msize else { throw .frame(.oversize, type: pending > 4 ? buffer[start + 4] : 0) }
        guard size <= pending else { return nil }
        let frame = start..<start + size
        start += size
        return frame
    }

    /// Has `read` put bytes into the free room, and gives how many it says it put: 0 at the end of the connection.
    /// Call it when `next` has given nil.
    public mutating func fill<E: Error>(_ read: (inout MutableRawSpan) throws(E) -> Int) throws(E) -> Int {
        makeRoom()
        let (start, most) = (end, buffer.count - end)
        var span = buffer.mutableSpan
        var free = span._mutatingExtracting(start...)
        var room = free.mutableBytes
        let n = try read(&room)
        precondition(n >= 0 && n <= most, "more bytes than there was room for")
        end += n
        return n
    }

    /// Takes bytes that somebody else has read.
    public mutating func feed(_ bytes: Span<UInt8>) {
        var done = 0
        while done < bytes.count {
            done += fill { room in
                let n = min(room.byteCount, bytes.count - done)
                for i in 0..<n { room.storeBytes(of: bytes[done + i], toByteOffset: i, as: UInt8.self) }
                return n
            }
        }
    }

    /// Gives back what a long frame needed, where nothing waits: for a connection that has gone quiet.
    public mutating func trim() {
        guard pending == 0, buffer.count > Wire.firstMsize else { return }
        self = FrameReader(msize: msize)
    }

    /// The bytes of a frame that is not yet whole move to the front, unless all of it has room where it begins; a buffer that
    /// is full of one doubles.
    private mutating func makeRoom() {
        let isFilled = end == buffer.count && end < Self.batch
        if start == end {
            (start, end) = (0, 0)
        } else if start > 0, pending < 4 || Int(load32(buffer.span, start)) > buffer.count - start {
            let begun = Array(buffer[start..<end])
            buffer.replaceSubrange(..<begun.count, with: begun)
            (start, end) = (0, begun.count)
        }
        if end == buffer.count || isFilled { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
    }
}
