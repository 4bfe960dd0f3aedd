import Kernel

/// A tree compiled to a machine over bytes: what the automata and the matchers run.
///
/// It is built from its end, so that what follows is known when an operation is made; only a loop is patched.
struct Program: Sendable {
    enum Op: Sendable {
        /// Takes one byte: to the target of each of these edges whose range holds it, earlier ones preferred.
        case bytes(first: Int32, count: Int32)
        /// Both; the first is preferred.
        case split(Int32, Int32)
        /// As `split`, but where the body has just matched nothing, the body is not tried again.
        case loop(body: Int32, exit: Int32)
        case assert(Assertion, Int32)
        /// Notes the position in a slot: 2n where group n begins, 2n + 1 where it ends.
        case save(Int32, Int32)
        case backReference(group: Int32, Int32)
        case match
    }

    struct Edge: Hashable, Sendable {
        let low: UInt8
        let high: UInt8
        let target: Int32
    }

    /// Operations and edges together; what a pattern may grow to.
    static let maxSize = 1 << 18

    private(set) var ops: [Op] = []
    private(set) var edges: [Edge] = []
    private(set) var entry: Int32 = 0
    private(set) var hasAssertions = false
    /// Some assertion asks about words, so that characters beyond ASCII must be told apart.
    private(set) var readsWords = false

    /// A program that reads the text backwards matches the same texts from their ends, and notes no groups.
    private let backwards: Bool

    init(_ tree: Node, backwards: Bool = false) throws(SysError) {
        self.backwards = backwards
        let end = try add(.match)
        entry = try emit(tree, then: end)
    }

    private mutating func add(_ op: Op) throws(SysError) -> Int32 {
        guard ops.count + edges.count < Self.maxSize else { throw regexError("too large") }
        ops.append(op)
        return Int32(ops.count - 1)
    }

    private mutating func add(_ list: [Edge]) throws(SysError) -> Int32 {
        guard ops.count + edges.count + list.count < Self.maxSize else { throw regexError("too large") }
        edges += list
        return try add(.bytes(first: Int32(edges.count - list.count), count: Int32(list.count)))
    }

    /// Code that matches `node` and goes on at `next`.
    private mutating func emit(_ node: Node, then next: Int32) throws(SysError) -> Int32 {
        switch node {
        case .empty: return next
        case .set(let set): return try emit(set, then: next)
        case .assert(let assertion):
            hasAssertions = true
            readsWords = readsWords || assertion.readsWords
            return try add(.assert(backwards ? assertion.reversed : assertion, next))
        case .sequence(let parts):
            var next = next
            if backwards {
                for part in parts { next = try emit(part, then: next) }
            } else {
                for part in parts.reversed() { next = try emit(part, then: next) }
            }
            return next
        case .either(let branches): return try emit(branches, then: next)
        case .repeated(let inner, let min, let max): return try emit(inner, min, max, then: next)
        case .group(let number, let inner):
            if backwards { return try emit(inner, then: next) }
            let end = try add(.save(Int32(2 * number + 1), next))
            return try add(.save(Int32(2 * number), emit(inner, then: end)))
        case .backReference(let number): return try add(.backReference(group: Int32(number), next))
        }
    }

    // MARK: Repetition

    private mutating func emit(_ inner: Node, _ min: Int, _ max: Int?, then next: Int32) throws(SysError) -> Int32 {
        var next = next
        if let max {
            let exit = next
            for _ in min..<Swift.max(min, max) {
                let body = try emit(inner, then: next)
                if body == next { break }
                next = try add(.split(body, exit))
            }
        } else {
            let loop = try add(.match)
            let body = try emit(inner, then: loop)
            ops[Int(loop)] = .loop(body: body, exit: next)
            next = loop
        }
        for _ in 0..<min {
            let body = try emit(inner, then: next)
            // Nothing was made, so that no bound would ever be met.
            if body == next { break }
            next = body
        }
        return next
    }

    // MARK: Alternatives

    /// Alternatives that begin with bytes become one operation with all their edges.
    private mutating func emit(_ branches: [Node], then next: Int32) throws(SysError) -> Int32 {
        if branches.count > 2 {
            let lists = branches.compactMap { Self.characters($0) }
            if lists.count == branches.count {
                return try emitTrie(lists.map { ArraySlice(backwards ? $0.reversed() : $0) }, then: next, depth: 0)
            }
        }
        var entries: [Int32] = []
        for branch in branches { entries.append(try emit(branch, then: next)) }
        return try choice(entries)
    }

    private mutating func choice(_ entries: [Int32]) throws(SysError) -> Int32 {
        var all: [Edge] = []
        for entry in entries {
            guard case .bytes(let first, let count) = ops[Int(entry)] else { return try splits(entries) }
            all += edges[Int(first)..<Int(first + count)]
        }
        return entries.count == 1 ? entries[0] : try add(all)
    }

    private mutating func splits(_ entries: [Int32]) throws(SysError) -> Int32 {
        guard var entry = entries.last else { return 0 }
        for other in entries.dropLast().reversed() { entry = try add(.split(other, entry)) }
        return entry
    }

    /// The characters of a plain sequence of them.
    private static func characters(_ node: Node) -> [ScalarSet]? {
        switch node {
        case .set(let set): return [set]
        case .sequence(let parts):
            var sets: [ScalarSet] = []
            for part in parts {
                guard case .set(let set) = part else { return nil }
                sets.append(set)
            }
            return sets
        default: return nil
        }
    }

    /// Lists of words share their beginnings, to a depth; so thousands of words stay quick.
    private mutating func emitTrie(
        _ words: [ArraySlice<ScalarSet>], then next: Int32, depth: Int
    ) throws(SysError) -> Int32 {
        if words.count == 1 || depth == 24 {
            var entries: [Int32] = []
            for word in words {
                var entry = next
                for set in word.reversed() { entry = try emit(set, then: entry) }
                entries.append(entry)
            }
            return try choice(entries)
        }
        var order: [ScalarSet] = []
        var rest: [ScalarSet: [ArraySlice<ScalarSet>]] = [:]
        var endsHere = false
        for word in words {
            guard let first = word.first else {
                endsHere = true
                continue
            }
            if rest[first] == nil { order.append(first) }
            rest[first, default: []].append(word.dropFirst())
        }
        var entries: [Int32] = []
        for first in order {
            let after = try emitTrie(rest[first] ?? [], then: next, depth: depth + 1)
            entries.append(try emit(first, then: after))
        }
        guard !entries.isEmpty else { return next }
        let longer = try choice(entries)
        return endsHere ? try add(.split(longer, next)) : longer
    }

    // MARK: Characters

    /// One operation for the first byte, and more for those after it, shared where equal.
    private mutating func emit(_ set: ScalarSet, then next: Int32) throws(SysError) -> Int32 {
        if set.ranges.count == 1, set.ranges[0].upperBound < 0x80 {
            let range = set.ranges[0]
            return try add([Edge(low: UInt8(range.lowerBound), high: UInt8(range.upperBound), target: next)])
        }
        var made: [[Edge]: Int32] = [:]
        var forms = set.utf8
        if backwards && forms.contains(where: { $0.count > 1 }) {
            forms = forms.map { $0.reversed }.sorted { ($0[0].lowerBound, $0.low) < ($1[0].lowerBound, $1.low) }
        }
        return try emit(forms[...], at: 0, then: next, &made)
    }

    /// The bytes of `forms` from index `i` on; those before are equal in all.
    private mutating func emit(
        _ forms: ArraySlice<ByteRanges>, at i: Int, then next: Int32, _ made: inout [[Edge]: Int32]
    ) throws(SysError) -> Int32 {
        var list: [Edge] = []
        var rest = forms
        while let first = rest.first {
            let range = first[i]
            let same = rest.prefix { $0[i] == range }
            rest = rest.dropFirst(same.count)
            let target = first.count == i + 1 ? next : try emit(same, at: i + 1, then: next, &made)
            list.append(Edge(low: range.lowerBound, high: range.upperBound, target: target))
        }
        if let same = made[list] { return same }
        let op = try add(list)
        made[list] = op
        return op
    }
}
