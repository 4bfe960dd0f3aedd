import Host
import Kernel

/// A file's bytes, in chunks; what no chunk holds is zero and takes no room. Or, from when it is lent, a file of the host's.
/// Guarded by the tree's lock.
struct RamContents: Sendable {
    let host: RamHost?
    private var heapLength: UInt64 = 0
    private var chunks: [UInt64: RamChunk] = [:]

    init(_ host: RamHost? = nil) { self.host = host }

    var length: UInt64 { host.map { $0.look()?.size ?? 0 } ?? heapLength }

    /// No byte stands at or behind this offset.
    static let lengthLimit = UInt64(Int64.max)

    /// Bytes that its chunks hold.
    var space: UInt64 { host.map { $0.look()?.space ?? 0 } ?? chunks.values.reduce(0) { $0 + UInt64($1.count) } }

    /// Fills `buffer` from `place` on with what stands at `offset`, at most `limit` bytes; how many there were.
    func read(at offset: UInt64, _ limit: Int, into buffer: inout MutableRawSpan, at place: Int) -> Int {
        guard offset < heapLength else { return 0 }
        let want = Int(min(UInt64(limit), heapLength - offset))
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
        heapLength = max(heapLength, offset + UInt64(done))
        return done
    }

    /// Cuts, or extends by zeros that take no room.
    mutating func truncate(to newLength: UInt64) throws(SysError) {
        guard newLength <= Self.lengthLimit else { throw .fileTooBig }
        if let host { return try HostFiles.setLength(host.file.number, newLength) }
        if newLength < heapLength {
            let (last, keep, _) = Self.piece(newLength, 0)
            if newLength == 0 {
                chunks = [:]
            } else {
                chunks = chunks.filter { $0.key < last || $0.key == last && keep > 0 }
                chunks[last]?.truncate(to: keep)
            }
        }
        heapLength = newLength
    }

    /// Writes all that the chunks hold to a file of the host's that has no byte yet.
    func copy(to descriptor: Int32) throws(SysError) {
        try HostFiles.setLength(descriptor, heapLength)
        for (number, chunk) in chunks {
            var bytes = [UInt8](repeating: 0, count: chunk.count)
            var span = bytes.mutableSpan
            var room = span.mutableBytes
            _ = chunk.read(at: 0, chunk.count, into: &room, at: 0)
            try Self.write(bytes.span.bytes, descriptor, at: number * UInt64(RamChunk.size))
        }
    }

    private static func write(_ bytes: RawSpan, _ descriptor: Int32, at offset: UInt64) throws(SysError) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(done..<bytes.byteCount)
            done += try HostIO.pwrite(descriptor, rest, at: offset + UInt64(done))
        }
    }

    /// The bytes of the host's file, in chunks.
    func copied(_ space: RamSpace) throws(SysError) -> RamContents {
        guard let host else { return self }
        var copy = RamContents()
        var part = [UInt8](repeating: 0, count: RamChunk.size)
        while true {
            var span = part.mutableSpan
            var room = span.mutableBytes
            let n = try HostIO.pread(host.file.number, into: &room, at: copy.heapLength)
            if n == 0 { return copy }
            _ = try copy.write(part.span.bytes.extracting(0..<n), at: copy.heapLength, space)
        }
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
