/// Finding words, eight positions at a time.
///
/// In a word of eight bytes `x`, `(x - ones) & ~x & highs` has the high bit of the lowest zero byte set, and none below it; above it
/// there may be false ones, so a hit is always looked at again.
private let ones: UInt64 = 0x0101_0101_0101_0101
private let highs: UInt64 = 0x8080_8080_8080_8080

@inline(__always)
private func zeroBytes(_ x: UInt64) -> UInt64 { (x &- ones) & ~x & highs }

extension Needles {
    /// One word made ready: the two rare bytes in all lanes.
    struct Lanes: Sendable {
        let first: UInt64, firstFold: UInt64, firstOffset: Int
        let second: UInt64, secondFold: UInt64, secondOffset: Int

        init(_ word: Word) {
            let (a, b) = (word.bytes[word.rare.0], word.bytes[word.rare.1])
            first = ones &* UInt64(a.value)
            firstFold = ones &* UInt64(a.fold)
            firstOffset = word.rare.0
            second = ones &* UInt64(b.value)
            secondFold = ones &* UInt64(b.fold)
            secondOffset = word.rare.1
        }

        @inline(__always)
        fileprivate func hits(_ base: UnsafeRawPointer, _ i: Int) -> UInt64 {
            let a = base.loadUnaligned(fromByteOffset: i &+ firstOffset, as: UInt64.self)
            let b = base.loadUnaligned(fromByteOffset: i &+ secondOffset, as: UInt64.self)
            return zeroBytes(((a | firstFold) ^ first) | ((b | secondFold) ^ second))
        }
    }

    /// The first position in `text[from..<to]` where one of the words stands.
    func find(in text: RawSpan, from: Int, to: Int) -> (position: Int, word: Word)? {
        text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let to = min(to, bytes.count)
            var i = from
            // SAFETY: a load begins less than `reach` after `i` and takes 8 bytes.
            while i &+ reach &+ 8 <= to {
                var hit: UInt64 = 0
                if lanes.count == 1 {
                    let only = lanes[0]
                    hit = only.hits(base, i)
                    while hit == 0, i &+ reach &+ 16 <= to {
                        i &+= 8
                        hit = only.hits(base, i)
                    }
                } else {
                    for lane in lanes { hit |= lane.hits(base, i) }
                }
                while hit != 0 {
                    let position = i &+ hit.trailingZeroBitCount >> 3
                    if let word = word(at: position, bytes, to) { return (position, word) }
                    hit &= hit &- 1
                }
                i &+= 8
            }
            while i < to {
                if let word = word(at: i, bytes, to) { return (i, word) }
                i &+= 1
            }
            return nil
        }
    }

    /// The longest word at `i`.
    @inline(__always)
    private func word(at i: Int, _ bytes: UnsafeRawBufferPointer, _ end: Int) -> Word? {
        var found: Word?
        for word in words where i + word.bytes.count <= end && word.bytes.count > found?.bytes.count ?? 0 {
            if word.bytes.indices.allSatisfy({ word.bytes[$0].equals(bytes[i + $0]) }) { found = word }
        }
        return found
    }
}
