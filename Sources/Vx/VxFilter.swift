import Linux

/// What happens to a call: the leaves of the filter.
indirect enum VxRule: Hashable, Sendable {
    /// The host does it.
    case allow
    /// We are asked.
    case ask
    /// It fails with this errno; 0 is success without doing anything.
    case fail(Int32)
    /// The process dies.
    case kill
    /// Whether the low half of an argument is one of these.
    case isOneOf(argument: Int, [UInt32], VxRule, else: VxRule)
    /// Whether the low half of an argument has any of these bits.
    case hasAny(argument: Int, UInt32, VxRule, else: VxRule)
    /// Whether an argument is this, all of it.
    case equals(argument: Int, UInt64, VxRule, else: VxRule)

    /// The rules that it may lead to.
    var parts: [VxRule] {
        switch self {
        case .allow, .ask, .fail, .kill: []
        case .isOneOf(_, _, let yes, let no): [yes, no]
        case .hasAny(_, _, let yes, let no): [yes, no]
        case .equals(_, _, let yes, let no): [yes, no]
        }
    }

    /// What it comes to for a call with these arguments.
    func leaf(_ arguments: InlineArray<6, UInt64>) -> VxRule {
        switch self {
        case .allow, .ask, .fail, .kill: self
        case .isOneOf(let i, let values, let yes, let no):
            (values.contains(UInt32(truncatingIfNeeded: arguments[i])) ? yes : no).leaf(arguments)
        case .hasAny(let i, let bits, let yes, let no):
            (UInt32(truncatingIfNeeded: arguments[i]) & bits != 0 ? yes : no).leaf(arguments)
        case .equals(let i, let value, let yes, let no): (arguments[i] == value ? yes : no).leaf(arguments)
        }
    }

    /// How many rules follow each other in it.
    var depth: Int { (parts.map(\.depth).max() ?? -1) + 1 }
}

/// The seccomp filter of a view, from a table of rules. The host looks at numbers and registers only, never behind a pointer.
///
/// The corresponding Linux pages are `seccomp(2)` and `bpf(4)`.
struct VxFilter: Sendable {
    /// By the call's number; others are asked about, and refused and counted there.
    var rules: [Int32: VxRule] = [:]

    /// What every view has. `secret` marks the call that we complete ourselves.
    static func plain(secret: UInt64) -> VxFilter {
        var filter = VxFilter()
        for number in VxMachine.allowed { filter.rules[number] = .allow }
        for row in VxMachine.allowedWhen {
            filter.rules[row.number] = .isOneOf(argument: row.argument, row.values, .allow, else: .ask)
        }
        for row in VxMachine.fastOpen {
            filter.rules[row.number] = .hasAny(argument: row.argument, 0x2000_0000, .ask, else: .allow)
        }
        // Local ones are of the view's own network. Without an address a socket sends to its peer.
        filter.rules[VxMachine.socket] = .isOneOf(argument: 0, [1], .allow, else: .ask)
        filter.rules[VxMachine.sendto] = .hasAny(
            argument: 3, 0x2000_0000, .ask, else: .equals(argument: 4, 0, .allow, else: .ask))
        filter.rules[VxMachine.setsockopt] = VxMachine.socketOptions.reduce(.ask) { rule, row in
            .isOneOf(argument: 1, [row.level], .isOneOf(argument: 2, row.names, .allow, else: .ask), else: rule)
        }
        for number in VxMachine.absent { filter.rules[number] = .fail(38) }
        for number in VxMachine.ignored { filter.rules[number] = .fail(0) }
        // Whether a handler asks for restarts is behind a pointer.
        filter.rules[VxMachine.sigaction] = .equals(argument: 1, 0, .allow, else: .ask)
        filter.rules[VxMachine.execveat] = .equals(argument: 5, secret, .allow, else: .ask)
        return filter
    }

    /// Whether we are asked about a call.
    func asks(_ number: Int32, _ arguments: InlineArray<6, UInt64>) -> Bool {
        (rules[number] ?? .ask).leaf(arguments) == .ask
    }

    /// The instructions, eight bytes each.
    var program: [UInt64] {
        var code = Assembler()
        code.load(Assembler.architecture)
        code.jump(.equal, VxMachine.architecture, to: "number")
        code.end(.kill)
        code.mark("number")
        code.load(Assembler.number)
        // Neighbours with the same rule are one range.
        var ranges: [(start: UInt32, rule: VxRule)] = [(0, rules[0] ?? .ask)]
        for number in rules.keys.sorted() {
            for n in [number, number + 1] {
                let rule = rules[n] ?? .ask
                if ranges[ranges.count - 1].rule == rule { continue }
                if ranges[ranges.count - 1].start == UInt32(bitPattern: n) {
                    ranges[ranges.count - 1].rule = rule
                } else {
                    ranges.append((UInt32(bitPattern: n), rule))
                }
            }
        }
        code.search(ranges[...])
        code.leaves()
        return code.assembled
    }
}

/// Flags of clone(2).
enum VxClone {
    /// New name spaces, and being traced or not.
    static let forbidden: UInt64 = 0x7E82_2000
    static let thread: UInt64 = 0x1_0000
    static let sharesMemory: UInt64 = 0x100
    static let waits: UInt64 = 0x4000
    static let childEnds: UInt64 = 17
}

/// Instructions with names for places, since a conditional jump reaches no further than 255.
private struct Assembler {
    enum Test: UInt16 {
        case equal = 0x15, atLeast = 0x35, any = 0x45
    }

    // Offsets in seccomp_data.
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4
    static func low(_ argument: Int) -> UInt32 { UInt32(16 + 8 * argument) }

    private enum Item {
        case plain(UInt16, UInt32)
        /// Skips the next one unless the test holds.
        case unless(Test, UInt32)
        case jump(String)
    }

    private var items: [Item] = []
    private var places: [String: Int] = [:]
    private var leafNames: [VxRule: String] = [:]
    private var pending: [(String, VxRule)] = []

    mutating func load(_ offset: UInt32) { items.append(.plain(0x20, offset)) }

    mutating func mark(_ place: String) { places[place] = items.count }

    mutating func jump(_ test: Test, _ value: UInt32, to place: String) {
        items.append(.unless(test, value))
        items.append(.jump(place))
    }

    mutating func end(_ rule: VxRule) {
        let value: UInt32? =
            switch rule {
            case .allow: 0x7FFF_0000
            case .ask: 0x7FC0_0000
            case .fail(let errno): 0x0005_0000 | UInt32(errno & 0xFFF)
            case .kill: 0x8000_0000
            default: nil
            }
        if let value { items.append(.plain(0x06, value)) }
    }

    /// The name of the place where `rule` stands, once.
    private mutating func place(_ rule: VxRule) -> String {
        if let name = leafNames[rule] { return name }
        let name = "rule \(leafNames.count)"
        leafNames[rule] = name
        pending.append((name, rule))
        return name
    }

    /// Finds the number's range, by halves.
    mutating func search(_ ranges: ArraySlice<(start: UInt32, rule: VxRule)>) {
        guard ranges.count > 1 else {
            if let only = ranges.first { items.append(.jump(place(only.rule))) }
            return
        }
        let middle = ranges.startIndex + ranges.count / 2
        let upper = "from \(ranges[middle].start)"
        jump(.atLeast, ranges[middle].start, to: upper)
        search(ranges[..<middle])
        mark(upper)
        search(ranges[middle...])
    }

    /// The rules that were asked for, and those in them, each behind all that lead to it: jumps go forward only.
    mutating func leaves() {
        var all: [(name: String, rule: VxRule)] = []
        while let next = pending.popLast() {
            all.append(next)
            for part in next.1.parts { _ = place(part) }
        }
        for (name, rule) in all.sorted(by: { $0.rule.depth > $1.rule.depth }) {
            mark(name)
            switch rule {
            case .allow, .ask, .fail, .kill: end(rule)
            case .isOneOf(let argument, let values, let yes, let no):
                load(Self.low(argument))
                for value in values { jump(.equal, value, to: place(yes)) }
                items.append(.jump(place(no)))
            case .hasAny(let argument, let bits, let yes, let no):
                load(Self.low(argument))
                jump(.any, bits, to: place(yes))
                items.append(.jump(place(no)))
            case .equals(let argument, let value, let yes, let no):
                let half = "\(name) half"
                load(Self.low(argument))
                jump(.equal, UInt32(truncatingIfNeeded: value), to: half)
                items.append(.jump(place(no)))
                mark(half)
                load(Self.low(argument) + 4)
                jump(.equal, UInt32(truncatingIfNeeded: value >> 32), to: place(yes))
                items.append(.jump(place(no)))
            }
        }
    }

    /// struct sock_filter: code, jt, jf, k.
    var assembled: [UInt64] {
        items.indices.map { i in
            switch items[i] {
            case .plain(let code, let k): return UInt64(code) | UInt64(k) << 32
            case .unless(let test, let k): return UInt64(test.rawValue) | 1 << 24 | UInt64(k) << 32
            case .jump(let name):
                let distance = UInt32((places[name] ?? items.count) - i - 1)
                return 0x05 | UInt64(distance) << 32
            }
        }
    }
}
