import CShim
import Glibc

extension MutableRawSpan {
    /// Copies as much of `bytes` as fits to `offset`; gives how many bytes that was.
    @discardableResult
    public mutating func copy(_ bytes: RawSpan, at offset: Int = 0) -> Int {
        let n = Swift.min(bytes.byteCount, byteCount - offset)
        guard n > 0, offset >= 0 else { return 0 }
        withUnsafeMutableBytes { to in
            bytes.withUnsafeBytes { from in
                // SAFETY: n bytes lie in both, and a mutable span overlaps no other.
                if let to = to.baseAddress, let from = from.baseAddress { memcpy(to + offset, from, n) }
            }
        }
        return n
    }

    /// Sets every byte to zero.
    @inline(__always)
    public mutating func clear() {
        withUnsafeMutableBytes { b in
            // SAFETY: the buffer is what is cleared.
            if let start = b.baseAddress { memset(start, 0, b.count) }
        }
    }

    /// Fills with bytes that nobody can foretell. The corresponding Linux call is `getrandom(2)`.
    public mutating func fillRandom() throws(SysError) {
        var done = 0
        while done < byteCount {
            let n = withUnsafeMutableBytes { b in
                HostIO.retry { getrandom(b.baseAddress.map { $0 + done }, b.count - done, 0) }
            }
            done += try HostIO.check(n)
        }
    }
}

extension Array where Element == UInt8 {
    /// The bytes of a span, copied.
    public init(copying bytes: RawSpan) {
        self = bytes.withUnsafeBytes { [UInt8]($0) }
    }
}
