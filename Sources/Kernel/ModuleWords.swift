/// Words to Values and back: how a shell calls a typed function.
///
/// A number, a string, a descriptor and an array of byte (as the UTF-8 of the word) are one word each; a tuple or an
/// adt is its parts one after the other; a list, which is the last, is all words that are left.
extension Module {
    /// The arguments that the words of a command stand for.
    func arguments(
        _ function: ModuleFunction, _ words: [String], _ input: (() throws(SysError) -> [UInt8])?
    ) throws(SysError) -> [Value] {
        var reader = WordReader(constants: entry.constants, words: words[...])
        var values: [Value] = []
        for parameter in function.parameters {
            if reader.words.isEmpty, let input, case .array(.byte) = parameter.type,
                values.count == function.parameters.count - 1
            {
                values.append(.bytes(try input()))
                break
            }
            do throws(WordFault) {
                values.append(try reader.value(parameter.type))
            } catch {
                switch error {
                case .count: throw usage(function)
                case .word(let text): throw SysError("\(parameter.name): \(text)")
                }
            }
        }
        guard reader.words.isEmpty else { throw usage(function) }
        return values
    }

    private func usage(_ function: ModuleFunction) -> SysError {
        SysError("\(function.name): usage: \(function)")
    }
}

private enum WordFault: Error {
    /// Too few words, or a list that ends inside an element.
    case count
    /// A word that is no value of its type, and why.
    case word(String)
}

private struct WordReader {
    let constants: [ModuleConstant]
    var words: ArraySlice<String>

    mutating func value(_ type: ModuleType) throws(WordFault) -> Value {
        switch type {
        case .list(let element), .array(let element):
            if case .array(.byte) = type { return .bytes(Array(try next().utf8)) }
            var values: [Value] = []
            while !words.isEmpty { values.append(try value(element)) }
            return .list(values)
        case .tuple(let parts): return try tuple(parts)
        case .adt(_, let fields): return try tuple(fields.map(\.type))
        case .byte: return .byte(try integer(type))
        case .int: return .int(try integer(type))
        case .big: return .big(try integer(type))
        case .fd: return .fd(FD(try integer(type)))
        case .string: return .string(try next())
        case .real:
            let word = try next()
            guard let value = Double(word) else { throw .word("\(quoted(word)) is no real") }
            return .real(value)
        }
    }

    private mutating func tuple(_ parts: [ModuleType]) throws(WordFault) -> Value {
        var values: [Value] = []
        for part in parts { values.append(try value(part)) }
        return .tuple(values)
    }

    private mutating func next() throws(WordFault) -> String {
        guard let word = words.popFirst() else { throw .count }
        return word
    }

    /// A number (`12`, `-1`, `0x1f`, Limbo's `8r644`), or constants of the module joined by `|`.
    private mutating func integer<I: FixedWidthInteger>(_ type: ModuleType) throws(WordFault) -> I {
        let word = try next()
        let what = type == .fd ? "descriptor" : type.description
        var bits: Int64 = 0
        guard let first = word.utf8.first, !(first >= 0x41 && first <= 0x5a || first >= 0x61 && first <= 0x7a) else {
            for name in word.split(separator: "|", omittingEmptySubsequences: false) {
                switch constants.first(where: { $0.name == name })?.value {
                case .int(let value): bits |= Int64(value)
                case .big(let value): bits |= value
                default: throw .word("\(quoted(word)) is no \(what)")
                }
            }
            return try fit(bits, word, what)
        }
        let negative = first == UInt8(ascii: "-")
        var digits = word.dropFirst(negative || first == UInt8(ascii: "+") ? 1 : 0)
        var radix = 10
        if digits.hasPrefix("0x") {
            radix = 16
            digits = digits.dropFirst(2)
        } else if let mark = digits.firstIndex(of: "r") {
            guard let base = Int(digits[..<mark]), (2...36).contains(base) else {
                throw .word("\(quoted(word)) is no \(what)")
            }
            radix = base
            digits = digits[digits.index(after: mark)...]
        } else if digits.count > 1, digits.first == "0" {
            throw .word("\(quoted(word)) is ambiguous: octal is 8r\(digits.dropFirst())")
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ Self.digit($0) < radix }) else {
            throw .word("\(quoted(word)) is no \(what)")
        }
        guard let value = Int64((negative ? "-" : "") + digits, radix: radix) else {
            throw .word("\(quoted(word)) is out of range for \(what)")
        }
        return try fit(value, word, what)
    }

    /// The value of a digit of any radix; 36 for what is none.
    private static func digit(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 0x41 + 10
        default: 36
        }
    }

    private func fit<I: FixedWidthInteger>(_ value: Int64, _ word: String, _ what: String) throws(WordFault) -> I {
        guard let exact = I(exactly: value) else { throw .word("\(quoted(word)) is out of range for \(what)") }
        return exact
    }

    private func quoted(_ word: String) -> String { word.count > 64 ? "'\(word.prefix(64))...'" : "'\(word)'" }
}

extension Value {
    /// The words that a result is for a shell: one for each number, string, descriptor and array of byte, those of a
    /// list or a tuple one after the other, none without a result. Throws when bytes are not UTF-8, since a word of
    /// other bytes would not be what the function gave; `output` has them as they are.
    public func words() throws(SysError) -> [String] {
        var words: [String] = []
        try append(to: &words)
        return words
    }

    private func append(to words: inout [String]) throws(SysError) {
        switch self {
        case .void: break
        case .byte(let value): words.append("\(value)")
        case .int(let value): words.append("\(value)")
        case .big(let value): words.append("\(value)")
        case .real(let value): words.append("\(value)")
        case .string(let value): words.append(value)
        case .fd(let value): words.append("\(value.number)")
        case .bytes(let value):
            guard let text = String(validating: value, as: UTF8.self) else {
                throw SysError("the result is not text: \(value.count) bytes")
            }
            words.append(text)
        case .list(let values), .tuple(let values):
            for value in values { try value.append(to: &words) }
        }
    }

    /// What a command writes to its standard output: bytes as they are, other results one word on a line.
    public func output() throws(SysError) -> [UInt8] {
        if case .bytes(let bytes) = self { return bytes }
        return try words().flatMap { Array($0.utf8) + [0x0a] }
    }
}
