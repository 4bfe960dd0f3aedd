/// What a program takes, written once, as a person reads it:
///
///     head [-n count | -c count] [file ...]
///     -c count         bytes instead of lines
///     -n count         how many lines (10)
///     -q, --quiet      no names
///     -I[precision]    a value that may be left out stands right behind the letter
///     --color[=when]   and behind a =
///     -count           the same as -n count
///
/// The first line is the synopsis; `--help` prints it all, and so does `-h` alone where that is no flag. A line that begins with
/// `-` declares a flag: its names, and where it takes one the name of its value, up to two blanks. The first name is the
/// one that the program asks for. A name of several letters behind one `-` lets a number stand for `-n number`.
public struct Usage: Sendable, ExpressibleByStringLiteral {
    /// As it was written.
    public let text: String
    /// What the names of a flag stand for: a letter, or without its dashes a long one.
    public private(set) var flags: [String: Flag] = [:]
    private var takesNumber = false

    /// A flag, and what follows it.
    public struct Flag: Sendable {
        /// Whether a value follows.
        public enum Value: Sendable { case none, needed, optional }
        /// Its first name, without dashes.
        public let name: String
        /// Whether a value follows.
        public let value: Value
    }

    /// Reads the lines; what begins with no `-` is text.
    public init(stringLiteral text: String) {
        self.text = text
        for line in text.split(separator: "\n").dropFirst() where line.hasPrefix("-") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
            var names: [String] = []
            var value = words.last?.hasPrefix("-") ?? true ? Flag.Value.none : .needed
            for word in words where word.hasPrefix("-") {
                if word.contains("[") { value = .optional }
                let isLong = word.hasPrefix("--")
                let name = word.drop { $0 == "-" }.prefix { !",[=".contains($0) }
                if isLong || name.count == 1 { names.append(String(name)) } else { takesNumber = true }
            }
            guard let first = names.first else { continue }
            for name in names { flags[name] = Flag(name: first, value: value) }
        }
    }

    /// Whether a value must follow `letter`.
    public func takesValue(_ letter: Character) -> Bool {
        if case .needed = flags[String(letter)]?.value { true } else { false }
    }

    /// `usage: ` and the first line.
    public var synopsis: String { "usage: " + (text.split(separator: "\n").first.map(String.init) ?? "") }

    /// What `--help` prints: the synopsis, and the flags below it.
    public var help: String {
        let rows = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
        return rows.reduce(synopsis) { $0 + "\n  " + $1 } + "\n"
    }

    /// Whether all that was said is `-h` or `--help`, for programs to which other words that begin with `-` are no flags.
    public func isAsked(_ args: [String]) -> Bool { args.count == 2 && (args[1] == "-h" || args[1] == "--help") }

    /// What became of the arguments.
    public enum Parsed {
        case options(Options)
        /// `--help`, or `-h` as the only word.
        case help
        case wrong(String)
    }

    /// Takes the flags out of `arguments`, as POSIX's utility conventions say: letters may share a `-`, a value is the rest
    /// of the word or the next one, `--` ends the flags. As in GNU's programs they may stand behind operands too, unless
    /// `early` says that the first operand ends them.
    public func parse(_ arguments: ArraySlice<String>, early: Bool = false) -> Parsed {
        var options = Options()
        var rest = arguments
        while let word = rest.popFirst() {
            guard word.count > 1, word.first == "-" else {
                options.operands.append(word)
                if early { break }
                continue
            }
            if word == "--" { break }
            if word == "--help" || word == "-h" && flags["h"] == nil && arguments.count == 1 { return .help }
            if takesNumber, word.utf8.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
                options.add("n", String(word.dropFirst()))
            } else if let why = word.hasPrefix("--") ? long(word, &rest, &options) : short(word, &rest, &options) {
                return .wrong(why)
            }
        }
        options.operands += rest
        return .options(options)
    }

    /// Takes `--name`, `--name=value` or `--name value`; what is wrong with it, if anything is.
    private func long(_ word: String, _ rest: inout ArraySlice<String>, _ options: inout Options) -> String? {
        let name = word.dropFirst(2).prefix { $0 != "=" }
        let given = name.endIndex < word.endIndex ? String(word[name.endIndex...].dropFirst()) : nil
        // A letter has one dash.
        guard name.count > 1, let flag = flags[String(name)] else { return "unknown flag --\(name)" }
        switch (flag.value, given) {
        case (.none, nil): options.add(flag.name, "")
        case (.none, _?): return "flag --\(name) takes no value"
        case (.needed, nil):
            guard let value = rest.popFirst() else { return "flag --\(name) takes a value" }
            options.add(flag.name, value)
        case (.needed, let value?), (.optional, let value?): options.add(flag.name, value)
        case (.optional, nil): options.add(flag.name, "")
        }
        return nil
    }

    /// Takes the letters behind a `-`, and the value of the last; what is wrong with one, if anything is.
    private func short(_ word: String, _ rest: inout ArraySlice<String>, _ options: inout Options) -> String? {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let flag = flags[String(letter)] else { return "unknown flag -\(letter)" }
            switch flag.value {
            case .none:
                options.add(flag.name, "")
                continue
            case .needed where letters.isEmpty:
                guard let value = rest.popFirst() else { return "flag -\(letter) takes a value" }
                options.add(flag.name, value)
            case .needed, .optional: options.add(flag.name, String(letters))
            }
            letters = ""
        }
        return nil
    }
}

/// The flags that were given, in order, and the other words.
public struct Options: Sendable {
    /// One flag.
    public struct Given: Sendable {
        /// The flag's first name, without dashes.
        public let name: String
        /// Its value; empty where it takes none.
        public let value: String
        /// The number of operands before it.
        public let place: Int
    }

    /// The flags, in order.
    public private(set) var given: [Given] = []
    /// The other words, in order.
    public var operands: [String] = []

    /// Nothing was asked for.
    public init() {}

    fileprivate mutating func add(_ name: String, _ value: String) {
        given.append(Given(name: name, value: value, place: operands.count))
    }

    /// Whether `flag` was given.
    public func has(_ flag: String) -> Bool { given.contains { $0.name == flag } }

    /// Whether `flag` was given.
    public func has(_ flag: Character) -> Bool { has(String(flag)) }

    /// The value of the last `flag`.
    public func value(_ flag: String) -> String? { given.last { $0.name == flag }?.value }

    /// The value of the last `flag`.
    public func value(_ flag: Character) -> String? { value(String(flag)) }

    /// The values of all `flag`s.
    public func values(_ flag: String) -> [String] { given.filter { $0.name == flag }.map(\.value) }

    /// All of `flags` with their values, as they were given.
    public func all(of flags: String) -> [(flag: Character, value: String)] {
        given.compactMap { g in Self.letter(g, of: flags).map { ($0, g.value) } }
    }

    /// Of flags that exclude each other, the one that was given last.
    public func last(of flags: String) -> Character? {
        given.reversed().lazy.compactMap { Self.letter($0, of: flags) }.first
    }

    private static func letter(_ given: Given, of flags: String) -> Character? {
        given.name.count == 1 ? given.name.first.flatMap { flags.contains($0) ? $0 : nil } : nil
    }
}
