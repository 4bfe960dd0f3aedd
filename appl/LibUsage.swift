/// What a program takes, written once, as a person reads it:
///
///     head [-n count | -c count] [file ...]
///     -c count  bytes instead of lines
///     -n count  how many lines (10)
///     -count    the same as -n count
///
/// The first line is the synopsis; `-h` prints it all. A line that begins with `-` declares a flag: its letter and, where
/// it takes one, the name of its value, up to two blanks. A name of several letters lets a number stand for `-n number`.
struct Usage: Sendable, ExpressibleByStringLiteral {
    let text: String
    /// Flags, and whether each takes a value.
    private(set) var flags: [Character: Bool] = [:]
    private var takesNumber = false

    init(stringLiteral text: String) {
        self.text = text
        for line in text.split(separator: "\n").dropFirst() where line.hasPrefix("-") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
            guard let flag = words.first?.dropFirst(), let letter = flag.first else { continue }
            if flag.count == 1 { flags[letter] = words.count > 1 } else { takesNumber = true }
        }
    }

    /// `usage: ` and the first line.
    var synopsis: String { "usage: " + (text.split(separator: "\n").first.map(String.init) ?? "") }

    /// What `-h` prints: the synopsis, and the flags below it.
    var help: String {
        let rows = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
        return rows.reduce(synopsis) { $0 + "\n  " + $1 } + "\n"
    }

    /// What became of the arguments.
    enum Parsed {
        case options(Options)
        /// `-h` or `--help`.
        case help
        case wrong(String)
    }

    /// Takes flags off the front of `arguments`, as POSIX's utility conventions say: letters may share a `-`, a value is
    /// the rest of the word or the next one, `--` ends the flags, and the first word that is none ends them too.
    func parse(_ arguments: ArraySlice<String>) -> Parsed {
        var options = Options()
        var rest = arguments
        while let word = rest.first, word.count > 1, word.first == "-" {
            rest = rest.dropFirst()
            if word == "--" { break }
            if word == "--help" { return .help }
            if word.hasPrefix("--") { return .wrong("unknown flag \(word)") }
            if takesNumber, word.utf8.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
                options.add("n", String(word.dropFirst()))
                continue
            }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                switch flags[letter] {
                case false: options.add(letter, "")
                case true:
                    if letters.isEmpty {
                        guard let value = rest.popFirst() else { return .wrong("flag -\(letter) takes a value") }
                        options.add(letter, value)
                    } else {
                        options.add(letter, String(letters))
                    }
                    letters = ""
                case nil where letter == "h": return .help
                case nil: return .wrong("unknown flag -\(letter)")
                }
            }
        }
        options.operands = Array(rest)
        return .options(options)
    }
}

/// The flags that were given, in order, and the words behind them.
struct Options {
    private var given: [(flag: Character, value: String)] = []
    var operands: [String] = []

    fileprivate mutating func add(_ flag: Character, _ value: String) { given.append((flag, value)) }

    func has(_ flag: Character) -> Bool { given.contains { $0.flag == flag } }

    /// The value of the last `flag`.
    func value(_ flag: Character) -> String? { given.last { $0.flag == flag }?.value }

    func values(_ flag: Character) -> [String] { given.filter { $0.flag == flag }.map(\.value) }

    /// All of `flags` with their values, as they were given.
    func all(of flags: String) -> [(flag: Character, value: String)] { given.filter { flags.contains($0.flag) } }

    /// Of flags that exclude each other, the one that was given last.
    func last(of flags: String) -> Character? { given.last { flags.contains($0.flag) }?.flag }
}
