import Kernel

/// The turn to read the wire. Whoever has taken it out of the link's state is alone with what has come; the state's lock
/// makes his turn follow the one before.
final class MntReader: @unchecked Sendable {
    var input = MntInput()
}

/// What has come over the wire, cut into frames.
///
/// The data of a long frame that the reader himself waits for are read into his own buffer: then only the frame's
/// beginning goes through here. Otherwise it grows to hold one frame, whose length is bounded by msize.
struct MntInput: Sendable {
    private(set) var bytes = [UInt8](repeating: 0, count: Self.usual)
    private var start = 0
    private var end = 0

    private static let usual = 64 * 1024

    var pending: Int { end - start }

    /// The size that the next frame says it has; nil where it cannot be seen yet.
    private var size: Int? {
        guard pending >= 4 else { return nil }
        return Int(bytes[start]) | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2]) << 16 | Int(bytes[start + 3])
            << 24
    }

    /// The next whole frame; nil where more must come first. It lies in `bytes` until the next `fill`.
    mutating func next(_ msize: Int) throws(Malformed) -> Range<Int>? {
        guard let size else { return nil }
        guard size >= Wire.header else { throw .frame(.undersize, type: 0) }
        guard size <= msize else { throw .frame(.oversize, type: pending > 4 ? bytes[start + 4] : 0) }
        guard size <= pending else { return nil }
        defer { start += size }
        return start..<start + size
    }

    /// How many bytes of data the frame has that begins here, where it is the Rread of `tag`; nil where it is another, or
    /// its header is not there yet. Call it when `next` has given nil.
    func dataComing(_ tag: UInt16) -> Int? {
        guard let size, pending >= Wire.readHeader, bytes[start + 4] == MessageType.Rread.rawValue,
            UInt16(bytes[start + 5]) | UInt16(bytes[start + 6]) << 8 == tag
        else { return nil }
        let count = (0..<4).reduce(0) { $0 | Int(bytes[start + 7 + $1]) << (8 * $1) }
        // One whose count is not its size is looked at when it is whole, and is found out then.
        return count == size - Wire.readHeader ? count : nil
    }

    /// Moves what has come of these data to `buffer`, and gives how much; what follows belongs there too.
    mutating func takeData(into buffer: inout MutableRawSpan) -> Int {
        let n = buffer.copy(bytes.span.bytes.extracting(start + Wire.readHeader..<end))
        (start, end) = (0, 0)
        return n
    }

    /// The reader of an Rread has gone away when only `data` of the `count` bytes had come: the frame's beginning
    /// stands here again, for the next reader.
    mutating func putBack(_ tag: UInt16, count: Int, data: RawSpan) {
        let size = UInt32(count + Wire.readHeader)
        let n = data.byteCount + Wire.readHeader
        grow(to: n)
        func put(_ value: UInt32, _ at: Int) {
            for i in 0..<4 { bytes[at + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))) }
        }
        put(size, 0)
        bytes[4] = MessageType.Rread.rawValue
        bytes[5] = UInt8(truncatingIfNeeded: tag)
        bytes[6] = UInt8(truncatingIfNeeded: tag >> 8)
        put(UInt32(count), 7)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        raw.copy(data, at: Wire.readHeader)
        (start, end) = (0, n)
    }

    /// Has `read` put at most `most` bytes behind what is here; gives how many it put.
    mutating func fill(
        most: Int, _ read: (inout MutableRawSpan) throws(SysError) -> Int
    ) throws(SysError) -> Int {
        if start == end {
            (start, end) = (0, 0)
        } else if start > 0 {
            // The beginning of a frame moves to the front.
            let rest = [UInt8](copying: bytes.span.bytes.extracting(start..<end))
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            (start, end) = (0, raw.copy(rest.span.bytes))
        }
        grow(to: max(size ?? 0, end + 1))
        let place = end..<end + min(max(most, 1), bytes.count - end)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        var room = raw._mutatingExtracting(place)
        let n = try read(&room)
        guard n > 0, n <= room.byteCount else { return 0 }
        end += n
        return n
    }

    private mutating func grow(to size: Int) {
        guard size > bytes.count else { return }
        bytes.append(contentsOf: [UInt8](repeating: 0, count: size - bytes.count))
    }
}
