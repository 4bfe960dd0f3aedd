/// The loops that see every byte of a text.
extension Automaton {
    /// Reads `text[at..<end]` from `state`, until it comes to a state that has something to say or to `end`; `at` is then
    /// behind the last byte read.
    func forward(_ text: RawSpan, _ at: inout Int, to end: Int, from state: State) -> State {
        text.withUnsafeBytes { bytes in
            let end = min(end, bytes.count)
            var state = state & ~Self.mark
            var i = at
            defer { at = i }
            while i < end {
                let entry = readsWords ? glideWords(bytes, &i, end, &state) : glide(bytes, &i, end, &state)
                guard let entry else { break }
                let new = entry == Self.unknown ? next(state, symbol(bytes, i)) : entry
                i += 1
                guard new & Self.mark == 0 else { return new }
                state = new
            }
            return state
        }
    }

    /// Follows the table until it has a mark; leaves `i` at the byte that led there. Nil when the bytes end.
    ///
    /// SAFETY: `i` is below `end`, which is within the bytes; a state without a mark is the index of a row of the table, which
    /// does not change meanwhile, and every symbol is less than the width of a row.
    private func glide(_ bytes: UnsafeRawBufferPointer, _ i: inout Int, _ end: Int, _ state: inout State) -> State? {
        table.withUnsafeBufferPointer { table in
            symbols.map.withUnsafeBufferPointer { map in
                var s = state
                var at = i
                defer {
                    state = s
                    i = at
                }
                while at < end {
                    let entry = table[Int(s) &+ Int(map[Int(bytes[at])])]
                    if entry & Self.mark != 0 { return entry }
                    s = entry
                    at &+= 1
                }
                return nil
            }
        }
    }

    /// As `glide`, where characters beyond ASCII are looked at.
    private func glideWords(
        _ bytes: UnsafeRawBufferPointer, _ i: inout Int, _ end: Int, _ state: inout State
    ) -> State? {
        table.withUnsafeBufferPointer { table in
            symbols.map.withUnsafeBufferPointer { map in
                var s = state
                var at = i
                defer {
                    state = s
                    i = at
                }
                while at < end {
                    let byte = bytes[at]
                    let symbol = byte < 128 ? Int(map[Int(byte)]) : symbol(bytes, at)
                    let entry = table[Int(s) &+ symbol]
                    if entry & Self.mark != 0 { return entry }
                    s = entry
                    at &+= 1
                }
                return nil
            }
        }
    }

    /// Reads `text[start..<at]` from its end, until it comes to a state that has something to say or to `start`; `at` is then
    /// at the last byte read.
    func backward(_ text: RawSpan, _ at: inout Int, to start: Int, from state: State) -> State {
        text.withUnsafeBytes { bytes in
            var state = state & ~Self.mark
            while at > start {
                let entry = readsWords ? nil : glideBack(bytes, &at, start, &state)
                guard at > start else { break }
                let symbol = symbol(bytes, at - 1, backwards: true)
                let new = entry ?? next(state, symbol)
                at -= 1
                guard new & Self.mark == 0 else { return new }
                state = new
            }
            return state
        }
    }

    /// Follows the table back until it has a mark, which is returned unless it means a state not made yet; leaves `i` behind
    /// the byte that led there.
    ///
    /// SAFETY: as in `glide`; `i` is above `start`, which is at least 0.
    private func glideBack(
        _ bytes: UnsafeRawBufferPointer, _ i: inout Int, _ start: Int, _ state: inout State
    ) -> State? {
        table.withUnsafeBufferPointer { table in
            symbols.map.withUnsafeBufferPointer { map in
                var s = state
                var at = i
                defer {
                    state = s
                    i = at
                }
                while at > start {
                    let entry = table[Int(s) &+ Int(map[Int(bytes[at &- 1])])]
                    if entry & Self.mark != 0 { return entry == Self.unknown ? nil : entry }
                    s = entry
                    at &-= 1
                }
                return nil
            }
        }
    }

    /// The symbol of the byte at `i`.
    func symbol(_ bytes: UnsafeRawBufferPointer, _ i: Int, backwards: Bool = false) -> Int {
        let byte = Int(bytes[i])
        guard byte > 127 && readsWords else { return Int(symbols.map[byte]) }
        guard let (range, scalar) = character(bytes, at: i) else { return Int(symbols.map[Symbols.other + byte]) }
        guard i == (backwards ? range.upperBound - 1 : range.lowerBound) else { return Int(symbols.map[byte]) }
        return Int(symbols.map[(ScalarSet.isWord(scalar) ? Symbols.word : Symbols.other) + byte])
    }

    func symbol(_ text: RawSpan, _ i: Int) -> Int {
        text.withUnsafeBytes { symbol($0, i) }
    }

    /// The symbol that one who reads backwards from `i` would read next.
    func symbolBefore(_ i: Int, in text: RawSpan) -> Int {
        i == 0 ? symbols.end : text.withUnsafeBytes { symbol($0, i - 1, backwards: true) }
    }

    /// Skips from the idle state to the first byte in `text[at..<end]` that leads out of it, and returns that state, which may
    /// have been made anew.
    func skip(_ text: RawSpan, _ at: inout Int, to end: Int, from state: State) -> State {
        let exits = exits(of: state)
        let start = at
        text.withUnsafeBytes { bytes in
            exits.withUnsafeBufferPointer { exits in
                var i = at
                let end = min(end, bytes.count)
                // SAFETY: i + 7 < end <= count, and `exits` has an element for each byte.
                while i &+ 8 <= end {
                    if exits[Int(bytes[i])] { break }
                    if exits[Int(bytes[i &+ 1])] { i &+= 1; break }
                    if exits[Int(bytes[i &+ 2])] { i &+= 2; break }
                    if exits[Int(bytes[i &+ 3])] { i &+= 3; break }
                    if exits[Int(bytes[i &+ 4])] { i &+= 4; break }
                    if exits[Int(bytes[i &+ 5])] { i &+= 5; break }
                    if exits[Int(bytes[i &+ 6])] { i &+= 6; break }
                    if exits[Int(bytes[i &+ 7])] { i &+= 7; break }
                    i &+= 8
                }
                while i < end, !exits[Int(bytes[i])] { i &+= 1 }
                at = i
            }
        }
        skippedAhead(at - start)
        return self.start(after: .other)
    }
}

/// What stands before position `i`.
func side(before i: Int, in text: RawSpan) -> Side {
    guard i > 0 else { return .edge }
    return text.withUnsafeBytes { bytes in
        switch bytes[i - 1] {
        case 10: .newline
        case let byte where byte < 128: ScalarSet.isWordByte(byte) ? .word : .other
        default: character(bytes, at: i - 1).map { ScalarSet.isWord($0.1) } ?? false ? .word : .other
        }
    }
}

/// What stands after position `i`.
func side(after i: Int, in text: RawSpan) -> Side {
    guard i < text.byteCount else { return .edge }
    return text.withUnsafeBytes { bytes in
        switch bytes[i] {
        case 10: return .newline
        case let byte where byte < 128: return ScalarSet.isWordByte(byte) ? .word : .other
        default:
            guard let (range, scalar) = character(bytes, at: i) else { return .other }
            return range.lowerBound < i ? .inside : ScalarSet.isWord(scalar) ? .word : .other
        }
    }
}

/// The well-formed character that the byte at `i` is part of.
func character(_ bytes: UnsafeRawBufferPointer, at i: Int) -> (Range<Int>, Unicode.Scalar)? {
    var start = i
    while start > 0, i - start < 3, bytes[start] & 0xc0 == 0x80 { start -= 1 }
    let lead = bytes[start]
    let count = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    guard count > 0, start + count <= bytes.count, i < start + count else { return nil }
    var value = count == 1 ? UInt32(lead) : UInt32(lead) & (0x7f >> UInt32(count))
    for k in 1..<max(count, 1) {
        guard bytes[start + k] & 0xc0 == 0x80 else { return nil }
        value = value << 6 | UInt32(bytes[start + k] & 0x3f)
    }
    let least: [UInt32] = [0, 0, 0x80, 0x800, 0x10000]
    guard value >= least[count], let scalar = Unicode.Scalar(value) else { return nil }
    return (start..<(start + count), scalar)
}
