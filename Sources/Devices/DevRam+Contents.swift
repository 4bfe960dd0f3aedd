import Kernel

/// A file's bytes, in chunks; what no chunk holds is zero and takes no room. Guarded by the tree's lock.
struct RamContents: Sendable {
    private(set) var length: UInt64 = 0
    private var chunks: [UInt64: RamChunk] = [:]

    /// No byte stands at or behind this offset.
    static let lengthLimit = UInt64(Int64.max)

    /// Bytes that its chunks hold.
    var space: UInt64 { chunks.values.reduce(0) { $0 + UInt64($1.count) } }

    /// Fills `buffer` from `place` on with what stands at `offset`, at most `limit` bytes; how many there were.
    func read(at offset: UInt64, _ limit: Int, into buffer: inout MutableRawSpan, at place: Int) -> Int {
        guard offset < length else { return 0 }
        let want = Int(min(UInt64(limit), length - offset))
        var done = 0
        while done < want {
            let (number, position, size) = Self.piece(offset + UInt64(done), want - done)
            let got = chunks[number]?.read(at: position, size, into: &buffer, at: place + done) ?? 0
            if got < size { buffer.zero(place + done + got..<place + done + size) }
            done += size
        }
        return done
    }

    /// Writes `bytes` at `offset` and gives how many there was room for. Throws `.noSpace` where there was none,
    /// `.fileTooBig` behind the largest offset.
    mutating func write(_ bytes: RawSpan, at offset: UInt64, _ space: RamSpace) throws(SysError) -> Int {
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
        guard !overflow, end <= Self.lengthLimit else { throw .fileTooBig }
        var done = 0
        while done < bytes.byteCount {
            let (number, position, size) = Self.piece(offset + UInt64(done), bytes.byteCount - done)
            do throws(SysError) {
                let chunk = try chunk(number, position + size, space)
                try chunk.write(bytes.extracting(done..<done + size), at: position)
            } catch {
                guard done > 0 else { throw error }
                break
            }
            done += size
        }
        length = max(length, offset + UInt64(done))
        return done
    }

    /// Cuts, or extends by zeros that take no room.
    mutating func truncate(to newLength: UInt64) throws(SysError) {
        guard newLength <= Self.lengthLimit else { throw .fileTooBig }
        if newLength < length {
            let (last, keep, _) = Self.piece(newLength, 0)
            if newLength == 0 {
                chunks = [:]
            } else {
                chunks = chunks.filter { $0.key < last || $0.key == last && keep > 0 }
                chunks[last]?.truncate(to: keep)
            }
        }
        length = newLength
    }

    private mutating func chunk(_ number: UInt64, _ capacity: Int, _ space: RamSpace) throws(SysError) -> RamChunk {
        if let chunk = chunks[number] { return chunk }
        let chunk = try RamChunk.make(capacity, space)
        chunks[number] = chunk
        return chunk
    }

    /// The chunk that holds `offset`, where in it, and how many of `count` bytes it can hold from there.
    private static func piece(_ offset: UInt64, _ count: Int) -> (number: UInt64, position: Int, size: Int) {
        let position = Int(offset % UInt64(RamChunk.size))
        return (offset / UInt64(RamChunk.size), position, min(count, RamChunk.size - position))
    }
}
