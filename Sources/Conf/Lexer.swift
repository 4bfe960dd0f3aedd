/// A token of Limbo's declaration syntax.
enum Token: Equatable, Sendable {
    case name(String)
    /// Magnitude; a sign is an operator.
    case integer(UInt64)
    case real(Double)
    case string(String)
    case character(UInt32)
    /// Punctuation, `->`, `<<` and `>>` included.
    case mark(String)
    case end

    /// How a diagnostic names the token.
    var text: String {
        switch self {
        case .name(let name): quoted(name)
        case .integer(let value): quoted("\(value)")
        case .real(let value): quoted("\(value)")
        case .string(let value): "string \(quoted(value))"
        case .character: "a character"
        case .mark(let mark): quoted(mark)
        case .end: "the end of the file"
        }
    }
}

/// A token and the line where it begins.
struct Placed: Sendable {
    let token: Token
    let line: Int
}

func isIdentifierStart(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == UInt8(ascii: "_")
}

func isIdentifierByte(_ byte: UInt8) -> Bool { isIdentifierStart(byte) || isDigit(byte) }

func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// Cuts an interface into tokens.
struct Lexer {
    private let bytes: [UInt8]
    private let file: String
    private var at = 0
    private var line = 1

    /// All tokens of an interface; the last is `.end`.
    static func tokens(_ bytes: [UInt8], file: String) throws(Diagnostic) -> [Placed] {
        guard bytes.count <= Limit.file else {
            throw Diagnostic(file, 0, "file is larger than \(Limit.file) bytes")
        }
        var lexer = Lexer(bytes, file)
        var tokens: [Placed] = []
        while true {
            lexer.skipBlanks()
            let line = lexer.line
            do throws(Fault) {
                let token = try lexer.next()
                tokens.append(Placed(token: token, line: line))
                if token == .end { return tokens }
            } catch {
                throw Diagnostic(file, lexer.line, error.message)
            }
        }
    }

    private init(_ bytes: [UInt8], _ file: String) {
        self.bytes = bytes
        self.file = file
    }

    private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipBlanks() {
        while let byte = current {
            switch byte {
            case 0x0a: line += 1
            case 0x20, 0x09, 0x0d, 0x0c: break
            case UInt8(ascii: "#"):
                while at < bytes.count, bytes[at] != 0x0a { at += 1 }
                continue
            default: return
            }
            at += 1
        }
    }

    private mutating func next() throws(Fault) -> Token {
        guard let byte = current else { return .end }
        if isIdentifierStart(byte) { return .name(try name()) }
        if isDigit(byte) { return try number() }
        if byte == UInt8(ascii: "\"") { return .string(try string()) }
        if byte == UInt8(ascii: "'") { return .character(try character()) }
        let next = at + 1 < bytes.count ? bytes[at + 1] : 0
        for mark in ["->", "<<", ">>"] where mark.utf8.elementsEqual([byte, next]) {
            at += 2
            return .mark(mark)
        }
        guard ":;,(){}=+-*/%&|^~.<>[]!".utf8.contains(byte) else {
            throw Fault(byte < 0x80 ? "stray character \(quoted(String(UnicodeScalar(byte))))" : "stray byte \(byte)")
        }
        at += 1
        return .mark(String(UnicodeScalar(byte)))
    }

    private mutating func name() throws(Fault) -> String {
        let start = at
        while let byte = current, isIdentifierByte(byte) { at += 1 }
        guard at - start <= Limit.name else { throw Fault("a name is longer than \(Limit.name) bytes") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// Decimal, `0x1f`, Limbo's `16r1f`, or a real with a point or an exponent.
    private mutating func number() throws(Fault) -> Token {
        let start = at
        while let byte = current, isDigit(byte) { at += 1 }
        let digits = String(decoding: bytes[start..<at], as: UTF8.self)
        if let mark = current, mark == UInt8(ascii: "r") || (mark == UInt8(ascii: "x") && digits == "0") {
            let radix = mark == UInt8(ascii: "x") ? 16 : Int(digits) ?? 0
            guard (2...36).contains(radix) else { throw Fault("radix \(quoted(digits)) is not 2 to 36") }
            at += 1
            let begin = at
            while let byte = current, isIdentifierByte(byte) { at += 1 }
            let text = String(decoding: bytes[begin..<at], as: UTF8.self)
            guard let value = UInt64(text, radix: radix) else {
                throw Fault("\(quoted(text)) is no number of radix \(radix) in 64 bits")
            }
            return .integer(value)
        }
        guard let mark = current, mark == UInt8(ascii: ".") || mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E")
        else {
            guard current.map(isIdentifierStart) != true else {
                throw Fault("a name follows the number \(quoted(digits))")
            }
            guard let value = UInt64(digits) else { throw Fault("number \(quoted(digits)) is too large") }
            return .integer(value)
        }
        if mark == UInt8(ascii: ".") { at += 1 }
        while let byte = current, isDigit(byte) { at += 1 }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            at += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { at += 1 }
            while let byte = current, isDigit(byte) { at += 1 }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        let real = Double(text.hasSuffix(".") ? text + "0" : text)
        guard let real, real.isFinite, current.map(isIdentifierStart) != true else {
            throw Fault("\(quoted(text)) is no number")
        }
        return .real(real)
    }

    private mutating func string() throws(Fault) -> String {
        var out: [UInt8] = []
        at += 1
        while current != UInt8(ascii: "\"") {
            let scalar = try element()
            out += Array(String(scalar).utf8)
            guard out.count <= Limit.string else { throw Fault("a string is longer than \(Limit.string) bytes") }
        }
        at += 1
        return String(decoding: out, as: UTF8.self)
    }

    private mutating func character() throws(Fault) -> UInt32 {
        at += 1
        guard current != UInt8(ascii: "'") else { throw Fault("a character constant is empty") }
        let scalar = try element()
        guard current == UInt8(ascii: "'") else {
            throw Fault("a character constant is not closed after one character")
        }
        at += 1
        return scalar.value
    }

    /// One character inside quotes, escapes resolved.
    private mutating func element() throws(Fault) -> UnicodeScalar {
        guard let byte = current, byte != 0x0a else { throw Fault("a quote is not closed on its line") }
        guard byte == UInt8(ascii: "\\") else {
            var decoder = UTF8()
            var rest = bytes[at..<min(at + 4, bytes.count)].makeIterator()
            guard case .scalarValue(let scalar) = decoder.decode(&rest) else { throw Fault("a string is not UTF-8") }
            at += UTF8.width(scalar)
            return scalar
        }
        at += 1
        guard let escape = current else { throw Fault("a quote is not closed on its line") }
        at += 1
        switch escape {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "a"): return "\u{7}"
        case UInt8(ascii: "v"): return "\u{b}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "0"): return "\0"
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): return UnicodeScalar(escape)
        case UInt8(ascii: "u"):
            guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy(isIdentifierByte),
                let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
                let scalar = UnicodeScalar(value)
            else { throw Fault("\\u needs four hexadecimal digits of a character") }
            at += 4
            return scalar
        default: throw Fault("unknown escape \\\(String(UnicodeScalar(escape).escaped(asASCII: true)))")
        }
    }
}
