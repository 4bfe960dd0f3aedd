import Kernel

/// A compiled regular expression: POSIX extended, or basic, with GNU's additions, over UTF-8.
///
/// It matches the longest of the leftmost matches, in a time linear in the text. Bytes that are not UTF-8 match nothing, not
/// even `.`. Expressions with back-references are matched in another way, whose steps are counted: too many are an error. Any number of threads may use it at once, each with a `Matcher` of its own.
///
/// The corresponding pages are `regexp(6)` and POSIX `regcomp(3)`.
public struct Regex: Sendable {
    public struct Options: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// A basic expression: `\( \) \{ \} \| \+ \?`.
        public static let basic = Options(rawValue: 1)
        /// The pattern is the text to look for.
        public static let literal = Options(rawValue: 2)
        /// Upper and lower case are the same.
        public static let ignoreCase = Options(rawValue: 4)
        /// `^` and `$` match also at each newline, and `.` and `[^...]` do not match one; REG_NEWLINE of `regcomp(3)`.
        public static let newline = Options(rawValue: 8)
        /// A match is the whole text (or line, where lines are searched).
        public static let whole = Options(rawValue: 16)
        /// No word character stands before or after a match.
        public static let word = Options(rawValue: 32)
    }

    /// How many groups there are in parentheses.
    public let groups: Int

    let forward: Program
    let backward: Program
    let needles: Needles?
    let hasBackReference: Bool
    let ignoresCase: Bool

    /// Throws what is wrong with the pattern, as `regular expression: unmatched (`.
    public init(_ pattern: String, _ options: Options = []) throws(SysError) {
        try self.init(anyOf: [pattern], options)
    }

    /// Matches what any of the patterns matches; none at all, if there are none. Groups are counted through.
    public init(anyOf patterns: [String], _ options: Options = []) throws(SysError) {
        var branches: [Node] = []
        var groups = 0
        var hasBackReference = false
        for pattern in patterns {
            var parser = try RegexParser(pattern, options, groups: groups)
            branches.append(try parser.parse())
            groups = parser.groups
            hasBackReference = hasBackReference || parser.hasBackReference
        }
        var tree = branches.count == 1 ? branches[0] : branches.isEmpty ? .set(ScalarSet()) : .either(branches)
        if options.contains(.word) { tree = .sequence([.assert(.noWordBefore), tree, .assert(.noWordAfter)]) }
        if options.contains(.whole) { tree = .sequence([.assert(.textStart), tree, .assert(.textEnd)]) }
        self.groups = groups
        self.hasBackReference = hasBackReference
        ignoresCase = options.contains(.ignoreCase)
        forward = try Program(tree)
        backward = try Program(tree, backwards: true)
        needles = Needles(tree)
    }

    /// What one thread needs to search with this expression. A `terminator` ends each line in `nextLine`.
    public func matcher(terminator: UInt8 = 10) -> Matcher {
        matcher(terminator: terminator, cache: 4 << 20)
    }

    /// `cache` bounds the bytes that each automaton may keep.
    func matcher(terminator: UInt8 = 10, cache: Int) -> Matcher {
        Matcher(self, terminator, cache)
    }
}
