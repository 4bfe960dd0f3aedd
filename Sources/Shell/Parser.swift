import Kernel

/// Reads the language of `sh(1)`: one top-level line at a time, so that a program runs up to where it is wrong.
///
///     list     = [ chain ] { (";" | "&" | newline) [ chain ] }
///     chain    = pipeline { ("&&" | "||") pipeline }
///     pipeline = command { "|" [ "[" left [ "=" right ] "]" ] command }
///     command  = { word | redirection } | word ("=" | ":=") (assignment | { word })
///     word     = operand { ["^"] operand }
///     operand  = unquoted | quoted | "$" ["#" | quote-mark] operand | "${" { word } "}" | "`" block | quote-mark block
///              | ("<" | ">" | "<>") block | block | "(" { word } ")"
///     block    = "{" list "}"
///
/// Differences from Inferno: `=` and `:=` are ordinary text after the first word of a command (`dd if=a of=b`); `[^x]`;
/// `>[2=]` closes; the printed form of `&&` is `&&`.
struct Parser {
    /// How deep blocks, lists and `$` may nest, where the stack has room. What recurses over a tree needs less of it for
    /// a level than the parser.
    static let nesting = 64

    private var scan: Scanner
    private var depth = 0
    /// Inside `( )` and `${ }` a newline is white space.
    private var newlines = false

    init(_ text: [UInt8], file: String, line: Int = 1) {
        scan = Scanner(text, file: file, line: line)
    }

    /// The number of the line reached.
    var line: Int { scan.line }

    /// The place reached, in bytes.
    var at: Int { scan.at }

    /// The commands of the next line that has any (more lines where they belong together), nil at the end.
    mutating func next() throws(SyntaxError) -> [Command]? {
        while true {
            scan.skip(newlines: true)
            if scan.byte == nil { return nil }
            let commands = try list(newlineEnds: true)
            guard scan.byte == nil || scan.take("\n") else { throw scan.unexpected("a command") }
            if !commands.isEmpty { return commands }
        }
    }

    /// The block that `text` is, braces included, with nothing but white space around it.
    static func block(_ text: String, file: String, line: Int) throws(SyntaxError) -> Block {
        var parser = Parser(Array(text.utf8), file: file, line: line)
        parser.scan.skip(newlines: true)
        guard parser.scan.byte == UInt8(ascii: "{") else { throw parser.scan.unexpected("{") }
        let block = try parser.block()
        parser.scan.skip(newlines: true)
        guard parser.scan.byte == nil else { throw parser.scan.unexpected("nothing after }") }
        return block
    }

    // MARK: commands

    private mutating func list(newlineEnds: Bool) throws(SyntaxError) -> [Command] {
        var commands: [Command] = []
        while true {
            scan.skip(newlines: !newlineEnds)
            guard let b = scan.byte, b != UInt8(ascii: "\n"), b != UInt8(ascii: "}") else { return commands }
            if scan.take(";") { continue }
            let command = try chain()
            scan.skip(newlines: false)
            if scan.looking(at: "&") {
                scan.advance()
                commands.append(.background(command))
                continue
            }
            commands.append(command)
            switch scan.byte {
            case nil, UInt8(ascii: "}"), UInt8(ascii: ";"), UInt8(ascii: "\n"): break
            default: throw scan.unexpected("a word or the end of the command")
            }
        }
    }

    private mutating func chain() throws(SyntaxError) -> Command {
        let first = try pipeline()
        var links: [Link] = []
        while true {
            scan.skip(newlines: false)
            let and = scan.looking(at: "&&")
            guard and || scan.looking(at: "||") else { break }
            scan.advance(2)
            scan.skip(newlines: true)
            links.append(Link(and: and, command: try pipeline()))
        }
        return links.isEmpty ? first : .chain(first, links)
    }

    private mutating func pipeline() throws(SyntaxError) -> Command {
        var commands = [try command()]
        var joints: [Joint] = []
        while true {
            scan.skip(newlines: false)
            guard scan.byte == UInt8(ascii: "|"), !scan.looking(at: "||") else { break }
            scan.advance()
            // As in rc: the left command's descriptor first. (Both manuals name the two the other way round.)
            let (left, second) = try scan.descriptors() ?? (1, .none)
            switch second {
            case .none: joints.append(Joint(left: left, right: 0))
            case .number(let right): joints.append(Joint(left: left, right: right))
            case .closed: throw scan.error("a pipe needs two ends")
            }
            scan.skip(newlines: true)
            commands.append(try command())
        }
        return joints.isEmpty ? commands[0] : .pipeline(Pipeline(commands: commands, joints: joints))
    }

    private mutating func command() throws(SyntaxError) -> Command {
        var simple = Simple(words: [], redirections: [], line: Line(number: scan.line))
        while true {
            scan.skip(newlines: false)
            if atRedirection {
                simple.redirections.append(try redirection())
                continue
            }
            if simple.words.count == 1, let local = assignmentSign {
                guard simple.redirections.isEmpty else { throw scan.error("a redirection before an assignment") }
                return .assign(try assignment(simple.words[0], local: local, simple.line))
            }
            guard let word = try word(equals: !simple.words.isEmpty) else { break }
            simple.words.append(word)
        }
        guard !simple.words.isEmpty || !simple.redirections.isEmpty else { throw scan.unexpected("a command") }
        return .simple(simple)
    }

    /// Which of `=` (false) and `:=` (true) comes next, if one does.
    private var assignmentSign: Bool? {
        if scan.byte == UInt8(ascii: "=") { return false }
        return scan.looking(at: ":=") ? true : nil
    }

    private mutating func assignment(_ names: Word, local: Bool, _ line: Line) throws(SyntaxError) -> Assignment {
        if case .block = names { throw scan.error("cannot assign to a block") }
        try enter()
        defer { depth -= 1 }
        scan.advance(local ? 2 : 1)
        scan.skip(newlines: false)
        if assignmentSign != nil { throw scan.error("a value that begins with = wants quotes") }
        var words: [Word] = []
        while let word = try word(equals: !words.isEmpty) {
            words.append(word)
            scan.skip(newlines: false)
            if words.count == 1, let innerLocal = assignmentSign {
                let inner = try assignment(word, local: innerLocal, line)
                return Assignment(names: names, local: local, value: .assignment(inner), line: line)
            }
        }
        if atRedirection { throw scan.error("a redirection in an assignment") }
        return Assignment(names: names, local: local, value: .words(words), line: line)
    }

    // MARK: redirections

    /// True before `<` and `>`, unless they name a pipe to a block.
    private var atRedirection: Bool {
        switch scan.byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"): !atPipe
        default: false
        }
    }

    private var atPipe: Bool { scan.looking(at: "<{") || scan.looking(at: ">{") || scan.looking(at: "<>{") }

    private mutating func redirection() throws(SyntaxError) -> Redirection {
        let signs: [(StaticString, Access)] = [("<>", .both), (">>", .append), ("<", .read), (">", .write)]
        guard let access = signs.first(where: { scan.looking(at: $0.0) })?.1 else { throw scan.unexpected("< or >") }
        scan.advance(access.sign.utf8.count)
        let (fd, second) = try scan.descriptors() ?? (access.descriptor, .none)
        switch second {
        case .closed: return .close(fd: fd, access)
        case .number(let from): return .dup(fd: fd, from: from, access)
        case .none:
            scan.skip(newlines: false)
            guard let target = try word(equals: true) else { throw scan.unexpected("a file name after \(access.sign)") }
            if case .block = target {
                throw scan.error("a block is not a file (\(access.sign){...}, without a blank, is a pipe to it)")
            }
            return .open(fd: fd, access, target)
        }
    }

    // MARK: words

    /// The next word with its carets, nil if none begins here. With `equals`, `=` is part of words.
    private mutating func word(equals: Bool) throws(SyntaxError) -> Word? {
        guard var (part, free) = try operand(equals: equals) else { return nil }
        var parts = [part]
        while true {
            if free, atFreeCaret(equals: equals), let next = try operand(equals: equals) {
                (part, free) = next
            } else {
                var ahead = scan
                ahead.skip(newlines: newlines)
                guard ahead.take("^") else { break }
                scan = ahead
                scan.skip(newlines: true)
                guard let next = try operand(equals: equals) else { throw scan.unexpected("a word after ^") }
                (part, free) = next
            }
            parts.append(part)
        }
        return parts.count == 1 ? part : .caret(parts)
    }

    /// True where a caret is implied: before `$`, a quote or a backquote, and before an unquoted word.
    ///
    /// Only words and variables are followed by one. After `}` and `)` a new word begins: `if {a}{b}`, `x(2)`.
    private func atFreeCaret(equals: Bool) -> Bool {
        switch scan.byte {
        case UInt8(ascii: "$"), UInt8(ascii: "'"), UInt8(ascii: "`"): true
        default: scan.atWord(equals: equals)
        }
    }

    /// One operand, and whether a free caret may follow it; nil if none begins here.
    private mutating func operand(equals: Bool) throws(SyntaxError) -> (Word, Bool)? {
        switch scan.byte {
        case UInt8(ascii: "'"): return (try scan.quotedWord(), true)
        case UInt8(ascii: "$"): return try dollar()
        case UInt8(ascii: "`"), UInt8(ascii: "\""): return (try output(), false)
        case UInt8(ascii: "{"): return (.block(try block()), false)
        case UInt8(ascii: "("): return (.list(try words(in: "(", ")")), false)
        case UInt8(ascii: "<"), UInt8(ascii: ">"):
            guard atPipe else { return nil }
            let access: Access = scan.looking(at: "<>") ? .both : scan.looking(at: "<") ? .read : .write
            scan.advance(access.sign.utf8.count)
            return (.pipe(try block(), access), false)
        default: return scan.atWord(equals: equals) ? (scan.word(equals: equals), true) : nil
        }
    }

    private mutating func output() throws(SyntaxError) -> Word {
        let split = scan.byte == UInt8(ascii: "`")
        scan.advance()
        guard scan.byte == UInt8(ascii: "{") else {
            throw scan.unexpected(split ? "{ after `" : "{ after \" (quotes are '...')")
        }
        return .output(try block(), split: split)
    }

    private mutating func dollar() throws(SyntaxError) -> (Word, Bool) {
        try enter()
        defer { depth -= 1 }
        scan.advance()
        if scan.looking(at: "{") {
            let line = Line(number: scan.line)
            let words = try words(in: "{", "}")
            guard !words.isEmpty else { throw scan.error("${} without a name") }
            return (.substitution(words, line), false)
        }
        if scan.take("#") { return (.count(try variable()), true) }
        // $"{...} is the variable that the block's output names.
        if !scan.looking(at: "\"{"), scan.take("\"") { return (.joined(try variable()), true) }
        return (.variable(try variable()), true)
    }

    /// What names a variable, after `$`.
    private mutating func variable() throws(SyntaxError) -> Word {
        switch scan.byte {
        case UInt8(ascii: "'"): return try scan.quotedWord()
        case UInt8(ascii: "$"): return try dollar().0
        case UInt8(ascii: "`"), UInt8(ascii: "\""): return try output()
        case UInt8(ascii: "("): return .list(try words(in: "(", ")"))
        default:
            guard let name = scan.name() else { throw scan.unexpected("a name after $") }
            return name
        }
    }

    /// The words between two brackets, where newlines are white space.
    private mutating func words(in open: StaticString, _ close: StaticString) throws(SyntaxError) -> [Word] {
        try enter()
        let outer = newlines
        newlines = true
        defer {
            newlines = outer
            depth -= 1
        }
        let opened = scan.line
        scan.advance()
        var list: [Word] = []
        while true {
            scan.skip(newlines: true)
            if scan.take(close) { return list }
            guard let word = try word(equals: true) else {
                throw missing("\(close)", "\(open)", opened)
            }
            list.append(word)
        }
    }

    private mutating func block() throws(SyntaxError) -> Block {
        try enter()
        let outer = newlines
        newlines = false
        defer {
            newlines = outer
            depth -= 1
        }
        let opened = scan.line
        scan.advance()
        let commands = try list(newlineEnds: false)
        guard scan.take("}") else { throw missing("}", "{", opened) }
        return Block(commands, file: scan.file, line: opened)
    }

    private func missing(_ close: String, _ open: String, _ opened: Int) -> SyntaxError {
        guard scan.byte == nil else { return scan.unexpected("a word or \(close)") }
        return scan.error("missing \(close) for the \(open) of line \(opened)", incomplete: true)
    }

    private mutating func enter() throws(SyntaxError) {
        guard depth < Self.nesting, Thread.hasRoom else { throw scan.error("nested too deeply") }
        depth += 1
    }
}
