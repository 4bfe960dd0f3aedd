/// A deterministic automaton, made from a program while it reads: a state is made when a text first leads to it.
///
/// What the states take is bounded; when it is used up, all are dropped and made anew as needed. Reading a text takes
/// a time linear in its length: a table look-up per byte mostly, at worst a step of each operation of the program.
///
/// It belongs to one `Matcher` and is not to be shared between threads. No call is made while a property is being changed, so
/// those read for every line are spared the check for it.
final class Automaton {
    enum Purpose {
        /// Finds whether a line has a match; a terminator ends a line and begins another.
        case lines(terminator: UInt8)
        /// Begun anywhere, reads on: finds where matches may end (for a program that reads backwards, begin).
        case anywhere
        /// Begun where a match begins: finds how long it may be.
        case here
    }

    /// A state as the table has it: where its row begins, and a mark.
    typealias State = UInt32

    /// Set in a state that has something to say: it has matched, it is dead, or the reader can skip ahead.
    static let mark: State = 1 << 31
    /// In the table: a state not made yet.
    static let unknown = State.max

    /// What a marked state says.
    struct Traits: OptionSet {
        let rawValue: UInt8
        /// A match ends here.
        static let matched = Traits(rawValue: 1)
        /// A match ended before the last byte; what follows it had to be seen.
        static let matchedBefore = Traits(rawValue: 2)
        /// No match will come.
        static let dead = Traits(rawValue: 4)
        /// The start state, which most bytes lead back to.
        static let idle = Traits(rawValue: 8)
    }

    private let program: Program
    let readsWords: Bool
    let symbols: Symbols
    private let purpose: Purpose
    private let maxBytes: Int

    /// Rows of `1 << shift` states.
    private let shift: UInt32
    @exclusivity(unchecked) private(set) var table: [State] = []
    @exclusivity(unchecked) private(set) var traits: [Traits] = []
    /// Operations of each state: those that take a byte, the assertions that wait for what follows, and the match.
    private var members: [[Int32]] = []
    /// What stands before; `.other` for all where nothing asks.
    private var before: [Side] = []
    private var known: [Key: State] = [:]
    private var bytesUsed = 0
    /// How often all states have been dropped.
    @exclusivity(unchecked) private(set) var flushes = 0
    /// Operations visited while states were made: the work done beyond table look-ups.
    private(set) var steps = 0

    /// Start states by the side before.
    @exclusivity(unchecked) private var starts: [State?] = [nil, nil, nil, nil]

    /// The operations of the idle state: nothing of a match seen yet, in the middle of a line. Empty where skipping ahead
    /// from there is not worth while.
    private var idle: [Int32] = []
    /// For each byte whether it leads out of the idle state; made when the reader first gets there.
    @exclusivity(unchecked) private var exits: [Bool]?
    @exclusivity(unchecked) private var skips = 0
    @exclusivity(unchecked) private var skipped = 0

    // Scratch for making a state.
    private var visited: [UInt32]
    private var generation: UInt32 = 0
    private var stack: [Int32] = []

    private struct Key: Hashable {
        let members: [Int32]
        let before: Side
        let traits: UInt8
    }

    init(_ program: Program, _ purpose: Purpose, maxBytes: Int) {
        self.program = program
        readsWords = program.readsWords
        self.purpose = purpose
        self.maxBytes = maxBytes
        let terminator: UInt8? = if case .lines(let byte) = purpose { byte } else { nil }
        symbols = Symbols(program, terminator: terminator)
        shift = UInt32(Int.bitWidth - (symbols.count - 1).leadingZeroBitCount)
        visited = [UInt32](repeating: 0, count: program.ops.count)
        if case .lines = purpose {
            beginVisit()
            collect(program.entry, before: .other, after: nil, into: &idle)
            idle.sort()
        }
    }

    func traits(of state: State) -> Traits {
        traits[Int(state & ~Self.mark) >> Int(shift)]
    }

    // MARK: Making states

    /// The state of a reader who begins with `side` before him.
    func start(after side: Side) -> State {
        var side = side
        if !program.hasAssertions { side = .other }
        if !program.readsWords && side == .word { side = .other }
        if let state = starts[Int(side.rawValue)] { return state }
        beginVisit()
        var list: [Int32] = []
        collect(program.entry, before: side, after: nil, into: &list)
        let state = intern(list, before: side, traits: [])
        starts[Int(side.rawValue)] = state
        return state
    }

    /// The state after `state` has read `symbol`; made if it is new. All other states may have been dropped.
    func next(_ state: State, _ symbol: Int) -> State {
        let id = Int(state & ~Self.mark) >> Int(shift)
        let cell = id << Int(shift) + symbol
        if table[cell] != Self.unknown { return table[cell] }
        let flushed = flushes
        let new = make(id, symbol)
        if flushes == flushed { table[cell] = new }
        return new
    }

    private func make(_ id: Int, _ symbol: Int) -> State {
        let side = symbols.sides[symbol]
        let byte = symbols.bytes[symbol]
        var ends = symbol == symbols.end
        if case .lines(let terminator) = purpose, !ends, byte == terminator { ends = true }
        let ready = resolve(members[id], before[id], ends ? .edge : side)
        let matchedBefore = !traits[id].contains(.matched) && ready.contains(where: isMatch)
        if ends, symbol != symbols.end {
            // A line is over: the next one begins, or the reader stops at the match.
            guard matchedBefore else { return start(after: .edge) }
            return intern([], before: .other, traits: .matchedBefore)
        }
        var after: Side = side == .inside ? before[id] : side
        if !program.hasAssertions { after = .other }
        var list: [Int32] = []
        beginVisit()
        if !ends {
            for op in ready {
                guard case .bytes(let first, let count) = program.ops[Int(op)] else { continue }
                for edge in program.edges[Int(first)..<Int(first + count)] where edge.low <= byte && byte <= edge.high {
                    collect(edge.target, before: after, after: nil, into: &list)
                }
                steps += Int(count)
            }
            if case .here = purpose {} else { collect(program.entry, before: after, after: nil, into: &list) }
        }
        return intern(list, before: after, traits: matchedBefore ? .matchedBefore : [])
    }

    /// Lets the assertions among `members` see both sides.
    private func resolve(_ members: [Int32], _ before: Side, _ after: Side) -> [Int32] {
        beginVisit()
        var list: [Int32] = []
        for op in members { collect(op, before: before, after: after, into: &list) }
        return list
    }

    private func beginVisit() {
        generation &+= 1
        if generation == 0 {
            for i in visited.indices { visited[i] = 0 }
            generation = 1
        }
    }

    /// Adds to `list` what can be reached from `op` without taking a byte. While the side after is unknown, an assertion
    /// that depends on it is added itself.
    private func collect(_ op: Int32, before: Side, after: Side?, into list: inout [Int32]) {
        stack.append(op)
        while let op = stack.popLast() {
            guard visited[Int(op)] != generation else { continue }
            visited[Int(op)] = generation
            steps += 1
            switch program.ops[Int(op)] {
            case .bytes, .match: list.append(op)
            case .split(let a, let b), .loop(let a, let b):
                stack.append(b)
                stack.append(a)
            case .save(_, let next), .backReference(_, let next): stack.append(next)
            case .assert(let assertion, let next):
                if let after {
                    if assertion.holds(before, after) { stack.append(next) }
                } else {
                    let open = assertion.given(before)
                    if open == 15 { stack.append(next) } else if open != 0 { list.append(op) }
                }
            }
        }
    }

    private func intern(_ list: [Int32], before side: Side, traits given: Traits) -> State {
        var traits = given
        let list = list.sorted()
        let waits = list.contains { if case .assert = program.ops[Int($0)] { true } else { false } }
        if list.contains(where: isMatch) { traits.insert(.matched) }
        if list.isEmpty, case .here = purpose { traits.insert(.dead) }
        if traits.isEmpty, !idle.isEmpty, list == idle, side == .other { traits.insert(.idle) }
        // Nobody will ask what stands before, except assertions that wait and a character that goes on.
        let side = waits || program.readsWords ? side : .other
        let key = Key(members: list, before: side, traits: traits.rawValue)
        if let state = known[key] { return state }

        let width = 1 << Int(shift)
        let size = width * MemoryLayout<State>.size + list.count * 8 + 128
        if bytesUsed + size > maxBytes && !known.isEmpty { flush() }
        bytesUsed += size
        let id = members.count
        var state = State(id << Int(shift))
        table += repeatElement(Self.unknown, count: width)
        members.append(list)
        before.append(side)
        if !traits.isEmpty { state |= Self.mark }
        self.traits.append(traits)
        known[key] = state
        return state
    }

    private func isMatch(_ op: Int32) -> Bool {
        if case .match = program.ops[Int(op)] { true } else { false }
    }

    // MARK: The idle state

    /// The bytes that lead out of the idle state `state`.
    func exits(of state: State) -> [Bool] {
        if let exits { return exits }
        var found = [Bool](repeating: false, count: 256)
        let flushed = flushes
        for symbol in 0..<symbols.end {
            guard next(state, symbol) != state else { continue }
            for (i, other) in symbols.map.enumerated() where Int(other) == symbol { found[i & 255] = true }
            // The cache is too small to hold a row: every byte may lead out.
            if flushes != flushed {
                found = [Bool](repeating: true, count: 256)
                break
            }
        }
        exits = found
        return found
    }

    /// Notes that skipping ahead passed over `count` bytes; gives it up when it does not pay.
    func skippedAhead(_ count: Int) {
        skips += 1
        skipped += count
        guard skips == 256 else { return }
        if skipped < 256 * 12 {
            idle = []
            flush()
        }
        skips = 0
        skipped = 0
    }

    private func flush() {
        table.removeAll(keepingCapacity: true)
        traits.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        before.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        starts = [nil, nil, nil, nil]
        bytesUsed = 0
        flushes += 1
    }
}
