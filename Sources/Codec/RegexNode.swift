/// A regular expression as a tree: what the parser makes, and what the compiler and the literal search read.
///
/// Its depth is bounded by the parser, so recursion over it is safe.
indirect enum Node: Hashable, Sendable {
    /// Matches the empty string.
    case empty
    /// One character out of a set; a literal is a set of one.
    case set(ScalarSet)
    /// The empty string, where the surroundings are as they should be.
    case assert(Assertion)
    case sequence([Node])
    /// The first that matches is preferred where the lengths are equal.
    case either([Node])
    /// At least `min` and at most `max` times; without end where `max` is nil.
    case repeated(Node, min: Int, max: Int?)
    /// A group with its number, from 1.
    case group(Int, Node)
    /// What the group of that number matched.
    case backReference(Int)
}

/// What stands on one side of a position in the text.
enum Side: UInt8, Sendable {
    /// Nothing: the text (or the line, where lines are searched one by one) begins or ends here.
    case edge
    case newline
    /// A letter, digit or underscore of any script.
    case word
    case other
    /// The rest of a character that began before. No assertion holds inside a character.
    case inside
}

/// A condition on the two sides of a position: the set of (before, after) pairs that satisfy it, as 16 bits.
struct Assertion: Hashable, Sendable {
    /// Bit `before * 4 + after`.
    let pairs: UInt16

    init(_ holds: (_ before: Side, _ after: Side) -> Bool) {
        var pairs: UInt16 = 0
        for before in Self.sides {
            for after in Self.sides where holds(before, after) { pairs |= 1 << (before.rawValue * 4 + after.rawValue) }
        }
        self.pairs = pairs
    }

    private static let sides: [Side] = [.edge, .newline, .word, .other]

    func holds(_ before: Side, _ after: Side) -> Bool {
        after != .inside && before != .inside && pairs >> (before.rawValue * 4 + after.rawValue) & 1 != 0
    }

    /// The four bits that say for which sides after it holds, given the side before.
    func given(_ before: Side) -> UInt16 { pairs >> (before.rawValue * 4) & 15 }

    /// The same condition for one who reads the text backwards.
    var reversed: Assertion {
        Assertion { before, after in holds(after, before) }
    }

    static let textStart = Assertion { before, _ in before == .edge }
    static let textEnd = Assertion { _, after in after == .edge }
    static let lineStart = Assertion { before, _ in before == .edge || before == .newline }
    static let lineEnd = Assertion { _, after in after == .edge || after == .newline }
    static let boundary = Assertion { before, after in (before == .word) != (after == .word) }
    static let noBoundary = Assertion { before, after in (before == .word) == (after == .word) }
    static let wordStart = Assertion { before, after in before != .word && after == .word }
    static let wordEnd = Assertion { before, after in before == .word && after != .word }
    static let noWordBefore = Assertion { before, _ in before != .word }
    static let noWordAfter = Assertion { _, after in after != .word }

    /// Whether it tells words from other characters.
    var readsWords: Bool {
        let row: (Side) -> UInt16 = { given($0) }
        let column: (Side) -> UInt16 = { reversed.given($0) }
        return row(.word) != row(.other) || column(.word) != column(.other)
    }
}
