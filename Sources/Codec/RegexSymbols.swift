/// The alphabet of an automaton: neighbouring bytes that no operation of the program tells apart are one symbol.
///
/// Where the program asks about words, a byte beyond ASCII has three symbols: as the first byte read of a word
/// character, as that of another character, and inside a character.
struct Symbols: Sendable {
    /// The symbol of each byte; then, 256 and 512 further, those of bytes beyond ASCII as `word` and as `other`.
    private(set) var map = [UInt16](repeating: 0, count: 3 * 256)
    /// For each symbol, a byte that stands for it and the side that its character is.
    private(set) var bytes: [UInt8] = []
    private(set) var sides: [Side] = []
    /// The end of the text: no byte has it.
    let end: Int

    static let word = 256
    static let other = 512

    var count: Int { end + 1 }

    init(_ program: Program, terminator: UInt8?) {
        var begins = [Bool](repeating: false, count: 257)
        func cut(_ low: UInt8, _ high: UInt8) {
            begins[Int(low)] = true
            begins[Int(high) + 1] = true
        }
        for edge in program.edges { cut(edge.low, edge.high) }
        if let terminator { cut(terminator, terminator) }
        if program.hasAssertions { cut(10, 10) }
        if program.readsWords {
            for range: ClosedRange<UInt8> in [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a, 0x80...0xff] {
                cut(range.lowerBound, range.upperBound)
            }
        }
        var side: (UInt8) -> Side = { $0 == 10 && program.hasAssertions ? .newline : .other }
        if program.readsWords {
            side = { $0 == 10 ? .newline : $0 > 127 ? .inside : ScalarSet.isWordByte($0) ? .word : .other }
        }
        for byte in 0...255 {
            if byte == 0 || begins[byte] {
                bytes.append(UInt8(byte))
                sides.append(side(UInt8(byte)))
            }
            map[byte] = UInt16(bytes.count - 1)
        }
        if program.readsWords {
            for (offset, side) in [(Self.word, Side.word), (Self.other, Side.other)] {
                for byte in 128...255 {
                    if begins[byte] {
                        bytes.append(UInt8(byte))
                        sides.append(side)
                    }
                    map[offset + byte] = UInt16(bytes.count - 1)
                }
            }
        }
        end = bytes.count
        bytes.append(0)
        sides.append(.edge)
    }
}
