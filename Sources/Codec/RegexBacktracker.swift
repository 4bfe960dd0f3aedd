import Kernel

/// Matches expressions with back-references, which no automaton can: it tries one way after the other, and remembers where it
/// could have gone otherwise. The time may grow exponentially, so the steps of a search are counted, and too many are an error.
struct Backtracker {
    /// What one search may take; about a tenth of a second.
    static let maxSteps = 5_000_000
    private static let maxPending = 1 << 20

    private let program: Program
    private let ignoresCase: Bool
    /// Where each group begins and ends in the way now tried, -1 where it has not been met.
    private var slots: [Int]
    /// For each loop, where its body was last begun: it is not begun again at the same place.
    private var begun: [Int]
    private var pending: [Choice] = []
    private var steps = 0

    private enum Choice {
        case go(op: Int32, at: Int)
        case slot(Int, was: Int)
        case begun(Int, was: Int)
    }

    init(_ program: Program, groups: Int, ignoresCase: Bool) {
        self.program = program
        self.ignoresCase = ignoresCase
        slots = [Int](repeating: -1, count: 2 * groups + 2)
        begun = [Int](repeating: -1, count: program.ops.count)
    }

    /// The longest of the leftmost matches at `start` or later, and its groups.
    mutating func first(in text: RawSpan, from start: Int) throws(SysError) -> [Range<Int>?]? {
        steps = 0
        for at in start...text.byteCount where beginsCharacter(text, at) {
            if let found = try longest(in: text, at: at) { return found }
        }
        return nil
    }

    /// The longest match that begins at `start`; of equally long ones the preferred.
    private mutating func longest(in text: RawSpan, at start: Int) throws(SysError) -> [Range<Int>?]? {
        for i in slots.indices { slots[i] = -1 }
        for i in begun.indices { begun[i] = -1 }
        var best: [Range<Int>?]?
        pending = [.go(op: program.entry, at: start)]
        while let choice = pending.popLast() {
            switch choice {
            case .slot(let slot, let was): slots[slot] = was
            case .begun(let op, let was): begun[op] = was
            case .go(let op, let at):
                guard let end = try follow(op, at, text), end > best?[0]?.upperBound ?? -1 else { continue }
                best = ranges(start..<end)
                if end == text.byteCount { return best }
            }
        }
        return best
    }

    private func ranges(_ match: Range<Int>) -> [Range<Int>?] {
        var ranges: [Range<Int>?] = [match]
        for slot in stride(from: 2, to: slots.count, by: 2) {
            let (low, high) = (slots[slot], slots[slot + 1])
            ranges.append(low >= 0 && high >= low ? low..<high : nil)
        }
        return ranges
    }

    /// Follows one way to its end: where it matched, or nil.
    private mutating func follow(_ op: Int32, _ at: Int, _ text: RawSpan) throws(SysError) -> Int? {
        var (op, at) = (op, at)
        while true {
            steps += 1
            guard steps < Self.maxSteps, pending.count < Self.maxPending else {
                throw regexError("a back-reference takes too many steps")
            }
            if steps & 0xfff == 0, Thread.running != nil { try Thread.check() }
            switch program.ops[Int(op)] {
            case .match: return at
            case .bytes(let first, let count):
                guard at < text.byteCount else { return nil }
                let byte = text.unsafeLoad(fromByteOffset: at, as: UInt8.self)
                let edges = program.edges[Int(first)..<Int(first + count)]
                var targets = edges.lazy.filter { $0.low <= byte && byte <= $0.high }.map(\.target).makeIterator()
                guard let next = targets.next() else { return nil }
                at += 1
                op = next
                // Where several lead on, the preferred of the others is to be tried first, so it goes on top.
                var others: [Choice] = []
                while let other = targets.next() { others.append(.go(op: other, at: at)) }
                pending += others.reversed()
            case .split(let a, let b):
                pending.append(.go(op: b, at: at))
                op = a
            case .loop(let body, let exit):
                if begun[Int(op)] == at {
                    op = exit
                    continue
                }
                pending.append(.go(op: exit, at: at))
                pending.append(.begun(Int(op), was: begun[Int(op)]))
                begun[Int(op)] = at
                op = body
            case .assert(let assertion, let next):
                guard assertion.holds(side(before: at, in: text), side(after: at, in: text)) else { return nil }
                op = next
            case .save(let slot, let next):
                pending.append(.slot(Int(slot), was: slots[Int(slot)]))
                slots[Int(slot)] = at
                op = next
            case .backReference(let group, let next):
                let (low, high) = (slots[Int(2 * group)], slots[Int(2 * group + 1)])
                guard low >= 0, high >= low, let end = repeats(text, low..<high, at) else { return nil }
                steps += high - low
                at = end
                op = next
            }
        }
    }

    /// Where the text at `at` that is the same as that in `group` ends.
    private func repeats(_ text: RawSpan, _ group: Range<Int>, _ at: Int) -> Int? {
        var at = at
        for i in group {
            guard at < text.byteCount else { return nil }
            let (a, b) = (
                text.unsafeLoad(fromByteOffset: i, as: UInt8.self), text.unsafeLoad(fromByteOffset: at, as: UInt8.self)
            )
            guard a == b || ignoresCase && a ^ b == 0x20 && 0x61...0x7a ~= a | 0x20 else { return nil }
            at += 1
        }
        return at
    }
}

/// Whether a match may begin at `at`: not inside a character.
func beginsCharacter(_ text: RawSpan, _ at: Int) -> Bool {
    at >= text.byteCount || text.unsafeLoad(fromByteOffset: at, as: UInt8.self) & 0xc0 != 0x80
        || side(after: at, in: text) != .inside
}
