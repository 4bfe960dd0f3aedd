import Kernel

/// Who pays for memory: the view that asked for it, and all RAM files together.
struct RamSpace: Sendable {
    let view: Account
    let device: Account

    /// Throws `.noSpace`, having taken nothing, where a limit would be passed.
    func take(_ count: Int) throws(SysError) {
        do throws(SysError) { try view.charge(.memory, count) } catch { throw .noSpace }
        do throws(SysError) { try device.charge(.memory, count) } catch {
            view.credit(.memory, count)
            throw .noSpace
        }
    }

    /// Takes what somebody has taken already.
    func owe(_ count: Int) {
        view.owe(.memory, count)
        device.owe(.memory, count)
    }

    func give(_ count: Int) {
        view.credit(.memory, count)
        device.credit(.memory, count)
    }
}

/// Up to 64 KB of a file's bytes; what lies behind `count` is zero. It grows as it is filled, so that small files are small.
///
/// Guarded by its tree's lock. The view that made it pays for it until it is dropped.
final class RamChunk: @unchecked Sendable {
    static let size = 64 * 1024

    private(set) var count = 0
    private var bytes: UnsafeMutableRawBufferPointer
    private let space: RamSpace

    /// Room for `capacity` bytes to begin with.
    static func make(_ capacity: Int, _ space: RamSpace) throws(SysError) -> RamChunk {
        let capacity = Self.rounded(capacity)
        try space.take(capacity)
        return RamChunk(capacity, space)
    }

    private init(_ capacity: Int, _ space: RamSpace) {
        bytes = .allocate(byteCount: capacity, alignment: 16)
        self.space = space
    }

    deinit {
        space.give(bytes.count)
        bytes.deallocate()
    }

    private static func rounded(_ capacity: Int) -> Int { min(size, (capacity + 63) & ~63) }

    /// Copies from `position` on to `place` of `buffer`, at most `limit` bytes; gives how many are there.
    func read(at position: Int, _ limit: Int, into buffer: inout MutableRawSpan, at place: Int) -> Int {
        let n = min(limit, count - position)
        guard n > 0 else { return 0 }
        // SAFETY: position + n <= count, which never passes the buffer's end; the chunk outlives the call.
        return buffer.copy(
            RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[position..<position + n])), at: place)
    }

    /// Copies `source` to `position`. Throws `.noSpace`, with nothing changed, where it cannot grow.
    func write(_ source: RawSpan, at position: Int) throws(SysError) {
        let end = position + source.byteCount
        precondition(end <= Self.size, "a write leaves its chunk")
        if end > bytes.count { try grow(max(end, 2 * bytes.count)) }
        source.withUnsafeBytes { from in
            // SAFETY: end is within the buffer now; the source overlaps no chunk.
            if position > count { zero(count..<position) }
            UnsafeMutableRawBufferPointer(rebasing: bytes[position..<end]).copyMemory(from: from)
        }
        count = max(count, end)
    }

    /// Forgets what lies behind `length`.
    func truncate(to length: Int) { count = min(count, length) }

    private func grow(_ capacity: Int) throws(SysError) {
        let capacity = Self.rounded(capacity)
        try space.take(capacity - bytes.count)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        // SAFETY: count <= bytes.count < capacity.
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        bytes.deallocate()
        bytes = larger
    }

    private func zero(_ range: Range<Int>) {
        // SAFETY: the range ends within the buffer.
        UnsafeMutableRawBufferPointer(rebasing: bytes[range]).initializeMemory(as: UInt8.self, repeating: 0)
    }
}

extension MutableRawSpan {
    /// Zeroes `range`, which lies within.
    mutating func zero(_ range: Range<Int>) {
        withUnsafeMutableBytes { bytes in
            // SAFETY: slicing checks the range.
            _ = UnsafeMutableRawBufferPointer(rebasing: bytes[range]).initializeMemory(as: UInt8.self, repeating: 0)
        }
    }
}
