import Kernel

/// Reads one pattern, POSIX extended or basic with GNU's additions, into a tree.
///
/// What it accepts beyond POSIX: `\w \W \s \S \b \B \< \> \` \'`, `\n \t \r \f \v`, `{,n}`; in basic expressions
/// `\+ \? \|`. Where POSIX leaves the meaning open: a repetition with nothing before it repeats the empty string
/// (extended) or is an ordinary character (basic); a `{` that begins no count is ordinary; so is an unmatched `)` in an
/// extended expression.
struct RegexParser {
    /// Groups inside one another; with the next it bounds every recursion over the tree.
    static let maxDepth = 24
    /// Counted repetitions of one item, as in `a{2}{3}`.
    static let maxCounts = 2
    static let maxLength = 1 << 16
    static let maxCount = 32767
    static let maxGroups = 1000

    private let pattern: [Unicode.Scalar]
    private let options: Regex.Options
    private var at = 0
    private var open: [Int] = []
    private var closed: Set<Int> = []

    /// Groups of the expressions before this one.
    private let before: Int
    /// Groups so far; the next expression of a set goes on counting.
    private(set) var groups: Int
    private(set) var hasBackReference = false

    init(_ pattern: String, _ options: Regex.Options, groups: Int = 0) throws(SysError) {
        self.pattern = Array(pattern.unicodeScalars)
        self.options = options
        self.groups = groups
        before = groups
        guard self.pattern.count <= Self.maxLength else {
            throw regexError("longer than \(Self.maxLength) characters")
        }
    }

    private var basic: Bool { options.contains(.basic) }

    /// The tree of the whole pattern.
    mutating func parse() throws(SysError) -> Node {
        if options.contains(.literal) { return .sequence(pattern.map { literal($0) }) }
        let node = try alternatives(depth: 0)
        guard at == pattern.count else { throw regexError("unmatched \(basic ? "\\)" : ")")") }
        return node
    }

    // MARK: Structure

    private mutating func alternatives(depth: Int) throws(SysError) -> Node {
        guard depth < Self.maxDepth else { throw regexError("nested too deeply") }
        var branches = [try branch(depth: depth)]
        while takeOperator("|") { branches.append(try branch(depth: depth)) }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func branch(depth: Int) throws(SysError) -> Node {
        var parts: [Node] = []
        while at < pattern.count, !atOperator("|"), !(atOperator(")") && closesGroup) {
            parts.append(try repeats(of: atom(depth: depth, first: parts.isEmpty)))
        }
        switch parts.count {
        case 0: return .empty
        case 1: return parts[0]
        default: return .sequence(parts)
        }
    }

    /// An unmatched `)` is an ordinary character in an extended expression; `\)` in a basic one is not.
    private var closesGroup: Bool { basic || !open.isEmpty }

    private mutating func atom(depth: Int, first: Bool) throws(SysError) -> Node {
        if takeOperator("(") { return try group(depth: depth) }
        if basic && atOperator("{") { throw regexError("nothing to repeat before \\{") }
        let c = pattern[at]
        switch c {
        case "*" where first && !basic, "+" where first && !basic, "?" where first && !basic:
            return .empty
        case "^" where !basic || first:
            at += 1
            return .assert(options.contains(.newline) ? .lineStart : .textStart)
        case "$" where !basic || endsBranch(at + 1):
            at += 1
            return .assert(options.contains(.newline) ? .lineEnd : .textEnd)
        case ".":
            at += 1
            return .set(options.contains(.newline) ? .any.subtracting(.newline) : .any)
        case "[":
            return .set(try bracket())
        case "\\":
            return try escape()
        default: break
        }
        at += 1
        return literal(c)
    }

    /// In a basic expression: whether what begins at `i` ends the branch, so that `$` before it is an anchor.
    private func endsBranch(_ i: Int) -> Bool {
        guard i < pattern.count else { return true }
        return pattern[i] == "\\" && i + 1 < pattern.count && (pattern[i + 1] == ")" || pattern[i + 1] == "|")
    }

    private mutating func group(depth: Int) throws(SysError) -> Node {
        guard groups < Self.maxGroups else { throw regexError("more than \(Self.maxGroups) groups") }
        groups += 1
        let number = groups
        open.append(number)
        let inside = try alternatives(depth: depth + 1)
        guard takeOperator(")") else { throw regexError("unmatched \(basic ? "\\(" : "(")") }
        open.removeLast()
        closed.insert(number)
        return .group(number, inside)
    }

    // MARK: Repetition

    private mutating func repeats(of atom: Node) throws(SysError) -> Node {
        // In a basic expression an anchor is not repeated: the `*` after it is a character.
        if basic, case .assert(let which) = atom, which == .textStart || which == .lineStart { return atom }
        var node = atom
        var counts = 0
        while let (min, max) = try count() {
            if case .repeated(let inner, let low, let high) = node, low <= 1, min <= 1, high ?? 1 == 1, max ?? 1 == 1 {
                // Any two of * + ? in a row are one of them.
                node = .repeated(inner, min: low * min, max: high == 1 && max == 1 ? 1 : nil)
                continue
            }
            counts += 1
            guard counts <= Self.maxCounts else { throw regexError("nested too deeply") }
            node = .repeated(node, min: min, max: max)
        }
        return node
    }

    private mutating func count() throws(SysError) -> (min: Int, max: Int?)? {
        if at < pattern.count, pattern[at] == "*" {
            at += 1
            return (0, nil)
        }
        if takeOperator("+") { return (1, nil) }
        if takeOperator("?") { return (0, 1) }
        guard atOperator("{") else { return nil }
        let start = at
        at += basic ? 2 : 1
        let min = try number()
        var max = min
        if at < pattern.count, pattern[at] == "," {
            at += 1
            max = try number()
        } else if min == nil {
            return try notACount(start)
        }
        guard takeOperator("}") else { return try notACount(start) }
        if let max, max < min ?? 0 { throw regexError("{\(min ?? 0),\(max)} counts down") }
        return (min ?? 0, max)
    }

    private mutating func notACount(_ start: Int) throws(SysError) -> (min: Int, max: Int?)? {
        guard !basic else {
            throw regexError(at < pattern.count ? "invalid content of \\{\\}" : "unmatched \\{")
        }
        at = start
        return nil
    }

    private mutating func number() throws(SysError) -> Int? {
        var value: Int?
        while at < pattern.count, "0"..."9" ~= pattern[at] {
            let next = (value ?? 0) * 10 + Int(pattern[at].value - 0x30)
            guard next <= Self.maxCount else { throw regexError("a count is larger than \(Self.maxCount)") }
            value = next
            at += 1
        }
        return value
    }

    // MARK: Characters

    /// The operator `c`: itself in an extended expression, `\c` in a basic one.
    private func atOperator(_ c: Unicode.Scalar) -> Bool {
        guard basic else { return at < pattern.count && pattern[at] == c }
        return at + 1 < pattern.count && pattern[at] == "\\" && pattern[at + 1] == c
    }

    private mutating func takeOperator(_ c: Unicode.Scalar) -> Bool {
        guard atOperator(c) else { return false }
        at += basic ? 2 : 1
        return true
    }

    private func literal(_ c: Unicode.Scalar) -> Node {
        let set = ScalarSet(c.value)
        return .set(options.contains(.ignoreCase) ? set.ignoringCase : set)
    }

    private mutating func escape() throws(SysError) -> Node {
        guard at + 1 < pattern.count else { throw regexError("trailing backslash") }
        let c = pattern[at + 1]
        at += 2
        switch c {
        case "w": return .set(.word)
        case "W": return .set(complement(.word))
        case "s": return .set(.space)
        case "S": return .set(complement(.space))
        case "b": return .assert(.boundary)
        case "B": return .assert(.noBoundary)
        case "<": return .assert(.wordStart)
        case ">": return .assert(.wordEnd)
        case "`": return .assert(.textStart)
        case "'": return .assert(.textEnd)
        case "n": return literal("\n")
        case "t": return literal("\t")
        case "r": return literal("\r")
        case "f": return literal("\u{c}")
        case "v": return literal("\u{b}")
        case "1"..."9":
            let number = Int(c.value - 0x30)
            guard closed.contains(before + number) else { throw regexError("\\\(number) refers to no group before it") }
            hasBackReference = true
            return .backReference(before + number)
        case "0", "a"..."z", "A"..."Z":
            throw regexError("unknown escape \\\(c)")
        default: return literal(c)
        }
    }

    private func complement(_ set: ScalarSet) -> ScalarSet {
        options.contains(.newline) ? set.union(.newline).inverted : set.inverted
    }

    // MARK: Brackets

    /// The set at `[`.
    private mutating func bracket() throws(SysError) -> ScalarSet {
        let start = at
        at += 1
        let negated = at < pattern.count && pattern[at] == "^"
        if negated { at += 1 }
        let first = at
        var ranges: [ClosedRange<UInt32>] = []
        var classes = ScalarSet()
        while true {
            guard at < pattern.count else { throw regexError("unmatched [") }
            if pattern[at] == "]" && at > first { break }
            if let set = try characterClass() {
                classes = classes.union(set)
                guard !beginsRange else { throw regexError("a class cannot begin a range") }
                continue
            }
            let low = try member()
            guard beginsRange else {
                ranges.append(low.value...low.value)
                continue
            }
            at += 1
            if try characterClass() != nil { throw regexError("a class cannot end a range") }
            let high = try member()
            guard low <= high else { throw regexError("range \(low)-\(high) runs backwards") }
            ranges.append(low.value...high.value)
            guard !beginsRange else { throw regexError("range \(low)-\(high) is followed by another -") }
        }
        at += 1
        try refuseSingleBracketClass(start)
        var set = ScalarSet(ranges)
        if options.contains(.ignoreCase) { set = set.ignoringCase }
        set = set.union(classes)
        return negated ? complement(set) : set
    }

    /// Whether a `-` stands here that is not the last character of the bracket.
    private var beginsRange: Bool {
        at + 1 < pattern.count && pattern[at] == "-" && pattern[at + 1] != "]"
    }

    /// One character of a bracket, also as `[.c.]` or `[=c=]`.
    private mutating func member() throws(SysError) -> Unicode.Scalar {
        guard at < pattern.count else { throw regexError("unmatched [") }
        for (mark, what) in [("." as Unicode.Scalar, "collating element"), ("=", "equivalence class")] {
            guard let name = try named(mark) else { continue }
            guard name.count == 1 else { throw regexError("\(what) [\(mark)\(text(name))\(mark)] is not known") }
            return name[0]
        }
        at += 1
        return pattern[at - 1]
    }

    private mutating func characterClass() throws(SysError) -> ScalarSet? {
        guard let name = try named(":") else { return nil }
        let anyCase = options.contains(.ignoreCase) && (text(name) == "upper" || text(name) == "lower")
        guard let set = ScalarSet.named(anyCase ? "upper" : text(name)) else {
            throw regexError("unknown class [:\(text(name)):]")
        }
        return anyCase ? ScalarSet.named("lower").map { set.union($0) } ?? set : set
    }

    /// What stands between `[` and `mark` and `mark` and `]`, if such a thing begins here.
    private mutating func named(_ mark: Unicode.Scalar) throws(SysError) -> ArraySlice<Unicode.Scalar>? {
        guard at + 1 < pattern.count, pattern[at] == "[", pattern[at + 1] == mark else { return nil }
        var end = at + 2
        while end + 1 < pattern.count, !(pattern[end] == mark && pattern[end + 1] == "]") { end += 1 }
        guard end + 1 < pattern.count else { throw regexError("unmatched [\(mark)") }
        let name = pattern[(at + 2)..<end]
        at = end + 2
        return ArraySlice(Array(name))
    }

    /// `[:space:]` alone would be the set of `:`, `s`, `p` ...: never meant.
    private func refuseSingleBracketClass(_ start: Int) throws(SysError) {
        guard at - start > 4, pattern[start + 1] == ":", pattern[at - 2] == ":" else { return }
        let name = text(pattern[(start + 2)..<(at - 2)])
        throw regexError("a class is written [[:\(name):]], not [:\(name):]")
    }

    private func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}

/// Every complaint about a pattern begins alike.
func regexError(_ what: String) -> SysError {
    SysError("regular expression: \(what)")
}
