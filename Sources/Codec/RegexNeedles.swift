/// A few strings of which every match contains at least one: looked for first, as that is much faster than to run an
/// automaton over every byte.
struct Needles: Sendable {
    /// A byte to look for, with the bits to be set in the text's byte before comparing: 0x20 where case does not matter.
    struct Byte: Hashable, Sendable {
        let value: UInt8
        let fold: UInt8

        func equals(_ other: UInt8) -> Bool { other | fold == value }
    }

    struct Word: Sendable {
        let bytes: [Byte]
        /// Where its two rarest bytes are (the same twice in a word of one).
        let rare: (Int, Int)
    }

    let words: [Word]
    /// The words, made ready for the search, and the length of the longest.
    let lanes: [Lanes]
    let reach: Int
    /// A match is one of the words, and each of them is a match.
    let areMatches: Bool

    private static let maxWords = 4
    private static let maxLength = 32

    /// Nil where the pattern has no such strings, or only strings too common to be of use.
    init?(_ tree: Node) {
        let facts = Facts(tree)
        let strings: Set<[Byte]>
        if let exact = facts.exact, !facts.asserts {
            (strings, areMatches) = (exact, true)
        } else if let best = facts.best {
            (strings, areMatches) = (best, false)
        } else {
            return nil
        }
        guard Facts.worth(strings) > (areMatches ? 0 : Facts.least) else { return nil }
        words = strings.sorted { $0.lexicographicallyPrecedes($1) { $0.value < $1.value } }.map { bytes in
            let order = bytes.indices.sorted { Facts.rarity(bytes[$0]) > Facts.rarity(bytes[$1]) }
            return Word(bytes: bytes, rare: (order[0], order.count > 1 ? order[1] : order[0]))
        }
        lanes = words.map { Lanes($0) }
        reach = words.reduce(0) { max($0, $1.bytes.count) }
    }

    /// What is known of the texts that a tree matches.
    private struct Facts {
        /// All of them, when they are few and short.
        var exact: Set<[Byte]>?
        /// Each contains one of these.
        var best: Set<[Byte]>?
        /// Whether a match depends on more than its text.
        var asserts = false

        init(_ node: Node) {
            switch node {
            case .empty: exact = [[]]
            case .assert:
                exact = [[]]
                asserts = true
            case .backReference: asserts = true
            case .set(let set):
                exact = Self.strings(set)
            case .group(_, let inner): self = Facts(inner)
            case .sequence(let parts): self = Self.sequence(parts)
            case .either(let branches): self = Self.either(branches)
            case .repeated(let inner, let min, let max):
                let facts = Facts(inner)
                asserts = facts.asserts
                if max == 0 {
                    exact = [[]]
                } else if min > 0 {
                    if min == 1 && max == 1 { exact = facts.exact }
                    best = Self.better(facts.best, facts.exact)
                }
            }
        }

        private static func sequence(_ parts: [Node]) -> Facts {
            var facts = Facts(.empty)
            // What the parts just before match, when that is known exactly; and the same where it is one string.
            var run: Set<[Byte]> = [[]]
            var single: Set<[Byte]> = [[]]
            var broken = false
            for part in parts {
                let next = Facts(part)
                facts.asserts = facts.asserts || next.asserts
                if let exact = next.exact, exact.count == 1, let longer = product(single, exact) {
                    single = longer
                } else {
                    facts.best = better(facts.best, single)
                    single = [[]]
                }
                if let exact = next.exact, let longer = product(run, exact) {
                    run = longer
                    continue
                }
                facts.best = better(better(facts.best, run), better(next.best, next.exact))
                run = next.exact ?? [[]]
                broken = true
            }
            facts.best = better(better(facts.best, run), single)
            facts.exact = broken ? nil : run
            return facts
        }

        private static func either(_ branches: [Node]) -> Facts {
            var facts = Facts(.empty)
            var exact: Set<[Byte]>? = []
            var best: Set<[Byte]>? = []
            for branch in branches {
                let next = Facts(branch)
                facts.asserts = facts.asserts || next.asserts
                exact = next.exact.flatMap { exact?.union($0) }
                best = better(next.best, next.exact).flatMap { best?.union($0) }
                if exact?.count ?? 0 > maxWords { exact = nil }
                if best?.count ?? 0 > maxWords { best = nil }
                if exact == nil && best == nil { break }
            }
            facts.exact = exact
            facts.best = best
            return facts
        }

        private static func product(_ left: Set<[Byte]>, _ right: Set<[Byte]>) -> Set<[Byte]>? {
            guard left.count * right.count <= maxWords else { return nil }
            var all: Set<[Byte]> = []
            for a in left {
                for b in right {
                    guard a.count + b.count <= maxLength else { return nil }
                    all.insert(a + b)
                }
            }
            return all
        }

        private static func strings(_ set: ScalarSet) -> Set<[Byte]>? {
            guard let members = set.members(upTo: maxWords) else { return nil }
            // Both cases of an ASCII letter are one byte with a fold.
            if members.count == 2, members[1] == members[0] | 0x20, 0x61...0x7a ~= members[1] {
                return [[Byte(value: UInt8(members[1]), fold: 0x20)]]
            }
            return Set(members.map { ScalarSet.encode($0).map { Byte(value: $0, fold: 0) } })
        }

        private static func better(_ a: Set<[Byte]>?, _ b: Set<[Byte]>?) -> Set<[Byte]>? {
            guard let a, worth(a) > 0 else { return b.flatMap { worth($0) > 0 ? $0 : nil } }
            guard let b else { return a }
            return worth(b) > worth(a) ? b : a
        }

        /// What a needle must be worth; about that of two common letters.
        static let least = 20

        /// How useful it is to look for these: their most common one decides, and each costs.
        static func worth(_ strings: Set<[Byte]>) -> Int {
            let least = strings.map { bytes in
                bytes.map { rarity($0) }.sorted(by: >).prefix(2).reduce(0, +) + min(bytes.count, 8)
            }.min()
            return (least ?? 0) == 0 ? 0 : max(1, (least ?? 0) - 10 * (strings.count - 1))
        }

        /// From 1 for the commonest byte in texts and logs to 100 for rare ones.
        static func rarity(_ byte: Byte) -> Int { rarities[Int(byte.value)] - (byte.fold != 0 ? 1 : 0) }

        private static let rarities: [Int] = {
            var table = [Int](repeating: 100, count: 128) + [Int](repeating: 50, count: 128)
            let common = " etaoinsrhldcu\nmfpgwyb,.v0k-1\"'2xTSAICj:q/3M5"
            for (rank, byte) in common.utf8.enumerated() { table[Int(byte)] = 2 + rank * 2 }
            return table
        }()
    }
}
