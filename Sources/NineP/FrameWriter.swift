/// Frames on their way out, one behind the other, so that many go in one write.
///
/// A value of one thread at a time. It grows to what it is asked to hold: the caller bounds how much that is. The usual
/// messages are written without allocating.
public struct FrameWriter: Sendable {
    /// The frames are the first `count` bytes: `writer.buffer.span.extracting(0..<writer.count)`.
    public private(set) var buffer: [UInt8]
    public private(set) var count = 0
    /// The longest frame that the peer takes.
    public var msize: Int
    public var dialect: Dialect

    public init(msize: Int = Wire.firstMsize, _ dialect: Dialect = .plan9, capacity: Int = Wire.firstMsize) {
        self.msize = msize
        self.dialect = dialect
        buffer = [UInt8](repeating: 0, count: max(capacity, Wire.leastMsize))
    }

    /// Adds a request. Throws `.message(.tooLong)` where it would be longer than msize, and then adds nothing.
    public mutating func append(_ message: Tmessage, tag: UInt16) throws(Malformed) {
        if case .write(_, _, let count) = message { try checkData(count, Wire.writeHeader, .Twrite, tag) }
        try frame(message.type, tag) { (put, out, dialect) in message.put(&put, &out, dialect) }
    }

    /// Adds a reply. Throws `.message(.tooLong)` where it would be longer than msize, and then adds nothing.
    public mutating func append(_ message: Rmessage, tag: UInt16) throws(Malformed) {
        switch message {
        case .read(let count), .readdir(let count): try checkData(count, Wire.readHeader, message.type, tag)
        default: break
        }
        try frame(message.type, tag) { (put, out, _) in message.put(&put, &out) }
    }

    /// Adds an error, which always fits: a sentence that is too long is cut.
    public mutating func appendError(_ ename: String, tag: UInt16) {
        // It is no longer than leastMsize, so that it cannot be too long.
        try? append(Rmessage.error(ename: ename), tag: tag)
    }

    /// The same of 9P2000.L.
    public mutating func appendError(errno ecode: UInt32, tag: UInt16) {
        try? append(Rmessage.lerror(ecode: ecode), tag: tag)  // of 11 bytes
    }

    /// Adds an Rread of what `read` puts into its room of `most` bytes, or of as many as msize allows: no byte is moved
    /// again. Gives how many came; where `read` throws nothing is added.
    @discardableResult
    public mutating func appendRead<E: Error>(
        tag: UInt16, most: UInt32, _ read: (inout MutableRawSpan) throws(E) -> Int
    ) throws(E) -> Int {
        let room = min(Int(most), msize - Wire.readHeader)
        return try data(.Rread, tag, Wire.readHeader, room, 0, { (put, out) in }, read)
    }

    /// The same for an Rread whose last `more` bytes follow by another way: `read` fills its room with those before, and where
    /// it has fewer nothing follows.
    @discardableResult
    public mutating func appendRead<E: Error>(
        tag: UInt16, first: Int, more: Int, _ read: (inout MutableRawSpan) throws(E) -> Int
    ) throws(E) -> Int {
        precondition(first + more <= msize - Wire.readHeader, "longer than msize")
        return try data(.Rread, tag, Wire.readHeader, first, more, { (put, out) in }, read)
    }

    /// The same for an Rreaddir, which `read` fills with Dirents.
    @discardableResult
    public mutating func appendReaddir<E: Error>(
        tag: UInt16, most: UInt32, _ read: (inout MutableRawSpan) throws(E) -> Int
    ) throws(E) -> Int {
        let room = min(Int(most), msize - Wire.ioHeader)
        return try data(.Rreaddir, tag, Wire.readHeader, room, 0, { (put, out) in }, read)
    }

    /// Adds a Twrite of what `fill` puts into its room of `most` bytes, or of as many as msize allows. Gives how many.
    @discardableResult
    public mutating func appendWrite<E: Error>(
        tag: UInt16, fid: UInt32, offset: UInt64, most: UInt32, _ fill: (inout MutableRawSpan) throws(E) -> Int
    ) throws(E) -> Int {
        let room = min(Int(most), msize - Wire.ioHeader)
        return try data(
            .Twrite, tag, Wire.writeHeader, room, 0,
            { (put, out) in
                put.u32(fid, &out)
                put.u64(offset, &out)
            }, fill)
    }

    /// Forgets the first `n` bytes, which have gone out.
    public mutating func removeFirst(_ n: Int) {
        precondition(n <= count)
        if n == count {
            count = 0
        } else if n > 0 {
            buffer.removeFirst(n)
            buffer.append(contentsOf: [UInt8](repeating: 0, count: n))
            count -= n
        }
    }

    public mutating func removeAll() { count = 0 }

    /// Gives back what long frames needed, where there are none now.
    public mutating func trim() {
        if count == 0, buffer.count > Wire.firstMsize { buffer = [UInt8](repeating: 0, count: Wire.firstMsize) }
    }

    /// Data that could not be in a frame are refused before room is made for them.
    private func checkData(_ count: UInt32, _ header: Int, _ type: MessageType, _ tag: UInt16) throws(Malformed) {
        guard Int(count) <= msize - header else { throw .message(.tooLong, type: type.rawValue, tag: tag) }
    }

    /// Adds the frame whose fields `body` writes; it is called again where there was too little room.
    @inline(__always)
    private mutating func frame(
        _ type: MessageType, _ tag: UInt16, _ body: (inout Put, inout MutableRawSpan, Dialect) -> Void
    ) throws(Malformed) {
        while true {
            let (start, dialect) = (count, dialect)
            var put = Put(at: start + Wire.header)
            do {
                var span = buffer.mutableSpan
                var out = span.mutableBytes
                body(&put, &out, dialect)
                Self.putHeader(put.at, from: start, type, tag, &out)
            }
            guard !put.isTooLong, put.at - start <= msize else {
                throw .message(.tooLong, type: type.rawValue, tag: tag)
            }
            if put.at <= buffer.count {
                count = put.at
                return
            }
            grow(to: put.at)
        }
    }

    /// Adds a frame that ends with `count[4]` and the data that `fill` puts into `room` bytes.
    private mutating func data<E: Error>(
        _ type: MessageType, _ tag: UInt16, _ header: Int, _ room: Int, _ more: Int,
        _ fields: (inout Put, inout MutableRawSpan) -> Void, _ fill: (inout MutableRawSpan) throws(E) -> Int
    ) throws(E) -> Int {
        precondition(room >= 0, "msize is less than leastMsize")
        let (start, place) = (count, count + header)
        grow(to: place + room)
        var span = buffer.mutableSpan
        let n: Int
        do {
            var part = span._mutatingExtracting(place..<place + room)
            var free = part.mutableBytes
            n = try fill(&free)
        }
        precondition(n >= 0 && n <= room, "more bytes than there was room for")
        let following = n == room ? more : 0
        var out = span.mutableBytes
        var put = Put(at: start + Wire.header)
        fields(&put, &out)
        put.u32(UInt32(n + following), &out)
        Self.putHeader(place + n + following, from: start, type, tag, &out)
        count = place + n
        return n
    }

    private static func putHeader(
        _ end: Int, from start: Int, _ type: MessageType, _ tag: UInt16, _ out: inout MutableRawSpan
    ) {
        var put = Put(at: start)
        put.u32(UInt32(truncatingIfNeeded: end - start), &out)
        put.u8(type.rawValue, &out)
        put.u16(tag, &out)
    }

    /// At least `size` bytes, at least twice as many as before where it grows.
    private mutating func grow(to size: Int) {
        guard size > buffer.count else { return }
        buffer.append(contentsOf: [UInt8](repeating: 0, count: max(size - buffer.count, buffer.count)))
    }
}
