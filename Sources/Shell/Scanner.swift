/// The text of a program and a place in it: blanks, comments, words, quotes, numbers in brackets.
///
/// The grammar is in `Parser`, which asks for the piece that may come next; there are no tokens between the two, since what
/// a byte means depends on what stands to its left (a free caret, the name after `$`, the `=` of an assignment).
struct Scanner {
    private let bytes: [UInt8]
    private(set) var at = 0
    private(set) var line: Int
    let file: String

    init(_ bytes: [UInt8], file: String, line: Int) {
        self.bytes = bytes
        self.file = file
        self.line = line
    }

    /// The byte at this place, nil at the end.
    var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    func byte(after n: Int) -> UInt8? { at + n < bytes.count ? bytes[at + n] : nil }

    func looking(at text: StaticString) -> Bool {
        guard bytes.count - at >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in wanted.indices.allSatisfy { bytes[at + $0] == wanted[$0] } }
    }

    mutating func advance(_ n: Int = 1) {
        for _ in 0..<n where at < bytes.count {
            if bytes[at] == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
    }

    /// Takes `text` if it comes next.
    mutating func take(_ text: StaticString) -> Bool {
        guard looking(at: text) else { return false }
        advance(text.utf8CodeUnitCount)
        return true
    }

    /// Passes over blanks and comments, and over newlines where they are only white space.
    mutating func skip(newlines: Bool) {
        while let b = byte {
            switch b {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): at += 1
            case UInt8(ascii: "\n") where newlines: advance()
            case UInt8(ascii: "#"):
                while let c = byte, c != UInt8(ascii: "\n") { at += 1 }
            default: return
            }
        }
    }

    func error(_ reason: String, incomplete: Bool = false) -> SyntaxError {
        SyntaxError(file: file, line: line, reason: reason, incomplete: incomplete)
    }

    /// An error about what comes next: that it should not, or that it is the end of the text and should not be.
    func unexpected(_ wanted: String) -> SyntaxError {
        guard let b = byte else { return error("unexpected end, expected \(wanted)", incomplete: true) }
        return error("unexpected \(Self.shown(b)), expected \(wanted)")
    }

    private static func shown(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\n"): "end of line"
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): "blank"
        case 0x21...0x7e: String(UnicodeScalar(byte))
        default: "byte 0x\(String(byte, radix: 16))"
        }
    }

    /// True where an unquoted word can begin.
    func atWord(equals: Bool) -> Bool {
        guard let b = byte else { return false }
        if b == UInt8(ascii: "=") { return equals }
        return Lex.isWord(b) && (equals || !looking(at: ":="))
    }

    /// An unquoted word, possibly empty. With `equals`, `=` is a byte like others; else the word ends before `=` and `:=`.
    ///
    /// `^` right after `[` belongs to the word: `[^x]` is a class. (In Inferno that caret must be quoted, and `[^x]` means
    /// `[x]`, the opposite of what it says.)
    mutating func word(equals: Bool) -> Word {
        let start = at
        var glob = false
        while let b = byte {
            if b == UInt8(ascii: "=") {
                guard equals else { break }
            } else if b == UInt8(ascii: ":"), !equals, looking(at: ":=") {
                break
            } else if b == UInt8(ascii: "^") {
                guard at > start, bytes[at - 1] == UInt8(ascii: "[") else { break }
            } else if !Lex.isWord(b) {
                break
            }
            glob = glob || Lex.isGlob(b)
            at += 1
        }
        return .literal(String(decoding: bytes[start..<at], as: UTF8.self), glob: glob)
    }

    /// The name after `$`, nil if there is none.
    mutating func name() -> Word? {
        let start = at
        while let b = byte, Lex.isName(b) { at += 1 }
        return at == start ? nil : .literal(String(decoding: bytes[start..<at], as: UTF8.self), glob: false)
    }

    /// A quoted word, at its opening quote.
    mutating func quotedWord() throws(SyntaxError) -> Word {
        let opened = line
        var text: [UInt8] = []
        advance()
        while let b = byte {
            if b == UInt8(ascii: "'") {
                advance()
                guard byte == b else { return .literal(String(decoding: text, as: UTF8.self), glob: false) }
            }
            text.append(b)
            advance()
        }
        throw error("missing ' to end the quote of line \(opened)", incomplete: true)
    }

    /// What stands in brackets right after an operator: `[2]`, `[2=1]`, `[2=]`; nil if no bracket follows.
    mutating func descriptors() throws(SyntaxError) -> (Int, Second)? {
        guard take("[") else { return nil }
        let first = try descriptor()
        if take("]") { return (first, .none) }
        guard take("=") else { throw unexpected("= or ]") }
        if take("]") { return (first, .closed) }
        let second = try descriptor()
        guard take("]") else { throw unexpected("]") }
        return (first, .number(second))
    }

    enum Second {
        case none, closed
        case number(Int)
    }

    private mutating func descriptor() throws(SyntaxError) -> Int {
        var n = 0
        var digits = 0
        while let b = byte, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(b) {
            n = n * 10 + Int(b - UInt8(ascii: "0"))
            digits += 1
            guard n <= 99_999 else { throw error("file descriptor too large") }
            at += 1
        }
        guard digits > 0 else { throw unexpected("the number of a file descriptor") }
        return n
    }
}
