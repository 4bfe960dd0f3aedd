import Kernel

/// Finds where the groups of a match are, once its bounds are known.
///
/// All ways to match are followed side by side, the preferred first: an earlier alternative before a later one, another
/// turn of a loop before its end. The first that reaches the end of the match wins, as in GNU's tools; where POSIX would have
/// the first group as long as can be, `(a|ab)(c|bcd)` on `abcd` gives `a` and `bcd`. It takes a time linear in the
/// match's length.
struct Threads {
    private let program: Program
    private let slots: Int
    private var visited: [Int]
    /// Threads at the current position: an operation that takes a byte, and the thread's slots.
    private var list: [(op: Int32, slots: [Int])] = []

    init(_ program: Program, groups: Int) {
        self.program = program
        slots = 2 * groups + 2
        visited = [Int](repeating: -1, count: program.ops.count)
    }

    /// The ranges of the whole match and of each group; nil for a group that took no part.
    mutating func groups(in text: RawSpan, of match: Range<Int>) throws(SysError) -> [Range<Int>?] {
        for i in visited.indices { visited[i] = -1 }
        list.removeAll(keepingCapacity: true)
        var none = [Int](repeating: -1, count: slots)
        var won: [Int]?
        add(program.entry, &none, match.lowerBound, text, match.upperBound, &won)
        for at in match where !list.isEmpty {
            if at & 255 == 0, Thread.running != nil { try Thread.check() }
            let byte = text.unsafeLoad(fromByteOffset: at, as: UInt8.self)
            let before = list
            list.removeAll(keepingCapacity: true)
            for thread in before {
                guard won == nil, case .bytes(let first, let count) = program.ops[Int(thread.op)] else { continue }
                var slots = thread.slots
                for edge in program.edges[Int(first)..<Int(first + count)] where edge.low <= byte && byte <= edge.high {
                    add(edge.target, &slots, at + 1, text, match.upperBound, &won)
                }
            }
        }
        var ranges: [Range<Int>?] = [match]
        guard let won else { return ranges + [Range<Int>?](repeating: nil, count: slots / 2 - 1) }
        for start in stride(from: 2, to: slots, by: 2) {
            ranges.append(won[start] >= 0 && won[start + 1] >= won[start] ? won[start]..<won[start + 1] : nil)
        }
        return ranges
    }

    private enum Todo {
        case visit(Int32)
        case restore(slot: Int, value: Int)
    }

    /// Adds the thread at `op`, and those it splits into; the first to match at `end` has won.
    private mutating func add(
        _ op: Int32, _ slots: inout [Int], _ at: Int, _ text: RawSpan, _ end: Int, _ won: inout [Int]?
    ) {
        var todo: [Todo] = [.visit(op)]
        while let next = todo.popLast() {
            guard case .visit(let op) = next else {
                if case .restore(let slot, let value) = next { slots[slot] = value }
                continue
            }
            guard won == nil, visited[Int(op)] != at else { continue }
            visited[Int(op)] = at
            switch program.ops[Int(op)] {
            case .bytes:
                if at < end { list.append((op, slots)) }
            case .match:
                if at == end { won = slots }
            case .split(let a, let b), .loop(let a, let b):
                todo.append(.visit(b))
                todo.append(.visit(a))
            case .save(let slot, let next):
                todo.append(.restore(slot: Int(slot), value: slots[Int(slot)]))
                todo.append(.visit(next))
                slots[Int(slot)] = at
            case .assert(let assertion, let next):
                if assertion.holds(side(before: at, in: text), side(after: at, in: text)) { todo.append(.visit(next)) }
            case .backReference:
                break
            }
        }
    }
}
