import Applib
import Codec
import Kernel

/// Reads a script of `sed`: POSIX's commands, and GNU's `F Q R T W z`, addresses, flags and escapes.
struct SedParser {
    private static let maxDepth = 200
    private static let newline = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")

    private let text: [UInt8]
    private let extended: Bool
    /// Lines end in a zero byte: then `^` and `$` do not look for newlines.
    private let isZero: Bool
    private var at = 0
    private var script = SedScript()
    /// Indices of the blocks that are open.
    private var open: [Int] = []
    private var labels: [String: Int] = [:]
    /// Branches whose labels may come later.
    private var branches: [(index: Int, label: String)] = []

    init(_ text: [UInt8], extended: Bool, zero: Bool) {
        self.text = text
        self.extended = extended
        isZero = zero
    }

    /// The script; throws what is wrong, and where, as `1:5: unterminated s command`.
    mutating func parse() throws(SysError) -> SedScript {
        if text.starts(with: "#n\n".utf8) || text == Array("#n".utf8) { script.isQuiet = true }
        do throws(SysError) {
            while try command() {}
            if !open.isEmpty { throw SysError("unmatched {") }
        } catch {
            throw SysError("script:\(place): \(error.sentence)")
        }
        for (index, label) in branches {
            let target = label.isEmpty ? script.commands.count : labels[label]
            guard let target else { throw SysError("no label '\(label)'") }
            switch script.commands[index].action {
            case .branchIf: script.commands[index].action = .branchIf(target)
            case .branchUnless: script.commands[index].action = .branchUnless(target)
            default: script.commands[index].action = .branch(target)
            }
        }
        return script
    }

    /// Line and column of the byte that was read last.
    private var place: String {
        let before = text[..<max(min(at, text.count) - 1, 0)]
        let line = before.count { $0 == Self.newline } + 1
        let column = before.count - (before.lastIndex(of: Self.newline) ?? -1)
        return "\(line):\(column)"
    }

    // MARK: Bytes

    private var next: UInt8? { at < text.count ? text[at] : nil }

    private func isNext(_ c: Unicode.Scalar) -> Bool { at < text.count && text[at] == UInt8(ascii: c) }

    private mutating func take(_ c: Unicode.Scalar) -> Bool {
        guard isNext(c) else { return false }
        at += 1
        return true
    }

    private mutating func skipBlanks() {
        while isNext(" ") || isNext("\t") { at += 1 }
    }

    private mutating func number() throws(SysError) -> Int? {
        var value: Int?
        while let digit = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit {
            let (tens, tooBig) = (value ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, tooMuch) = tens.addingReportingOverflow(Int(digit) - 48)
            guard !tooBig, !tooMuch else { throw SysError("number too large") }
            value = sum
            at += 1
        }
        return value
    }

    /// Up to the end of the line.
    private mutating func restOfLine() -> [UInt8] {
        let end = text[at...].firstIndex(of: Self.newline) ?? text.count
        defer { at = end }
        return Array(text[at..<end])
    }

    /// Up to a blank, a semicolon or the end of the line.
    private mutating func word() -> String {
        let start = at
        while let c = next, c > 32, c != UInt8(ascii: ";") { at += 1 }
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    // MARK: Commands

    /// Reads a command; false at the end of the script.
    private mutating func command() throws(SysError) -> Bool {
        while let c = next, c == UInt8(ascii: ";") || c <= 32 { at += 1 }
        guard next != nil else { return false }
        var entry = SedScript.Entry()
        entry.first = try address()
        if entry.first != nil {
            skipBlanks()
            if take(",") {
                skipBlanks()
                guard let second = try secondAddress() else { throw SysError("unexpected ,") }
                entry.second = second
            }
        }
        if case .line(0) = entry.first {
            guard case .match = entry.second else { throw SysError("line 0 is only for 0,/expression/") }
        }
        skipBlanks()
        while take("!") {
            entry.isNegated = true
            skipBlanks()
        }
        guard let c = next else { throw SysError("missing command") }
        at += 1
        try action(UnicodeScalar(c), &entry)
        return true
    }

    private mutating func action(_ c: Unicode.Scalar, _ entry: inout SedScript.Entry) throws(SysError) {
        let index = script.commands.count
        script.commands.append(entry)
        var action = SedScript.Action.nothing
        switch c {
        case "{":
            guard open.count < Self.maxDepth else { throw SysError("too many {") }
            open.append(index)
            return
        case "}":
            guard entry.first == nil else { throw SysError("} takes no address") }
            guard let start = open.popLast() else { throw SysError("unexpected }") }
            script.commands[start].action = .block(end: index)
        case "#":
            guard entry.first == nil else { throw SysError("a comment takes no address") }
            _ = restOfLine()
            return
        case ":":
            guard entry.first == nil else { throw SysError(": takes no address") }
            skipBlanks()
            let label = word()
            guard !label.isEmpty else { throw SysError(": lacks a label") }
            guard labels.updateValue(index, forKey: label) == nil else {
                throw SysError("label '\(label)' is there twice")
            }
            return
        case "a": action = .append(try lines())
        case "i": action = .insert(try lines())
        case "c": action = .change(try lines())
        case "b", "t", "T":
            action = c == "b" ? .branch(0) : c == "t" ? .branchIf(0) : .branchUnless(0)
            skipBlanks()
            branches.append((index, isNext("}") ? "" : labelOfBranch()))
        case "r": action = .read(try fileName())
        case "R": action = .readLine(try fileName())
        case "w": action = .write(try file())
        case "W": action = .writeFirst(try file())
        case "s": action = .substitute(try substitution())
        case "y": action = .translate(try translation())
        case "l":
            skipBlanks()
            action = .list(width: try number())
        case "q", "Q":
            guard entry.second == nil else { throw SysError("\(c) takes one address only") }
            skipBlanks()
            let code = Int32(clamping: try number() ?? 0)
            action = c == "q" ? .quit(code) : .quitSilently(code)
        case "=": action = .lineNumber
        case "d": action = .delete
        case "D": action = .deleteFirst
        case "F": action = .fileName
        case "g": action = .get
        case "G": action = .getAppend
        case "h": action = .hold
        case "H": action = .holdAppend
        case "x": action = .exchange
        case "n": action = .next
        case "N": action = .nextAppend
        case "p": action = .print
        case "P": action = .printFirst
        case "z": action = .clear
        case "e", "v": throw SysError("command \(c) is not in this emu")
        default: throw SysError("unknown command \(c)")
        }
        script.commands[index].action = action
        try end()
    }

    /// Nothing but the end of the command may stand here.
    private mutating func end() throws(SysError) {
        skipBlanks()
        guard let c = next, !"}#".utf8.contains(c) else { return }
        guard c == UInt8(ascii: ";") || c == Self.newline else { throw SysError("extra characters after the command") }
        at += 1
    }

    /// A `}` right behind a branch ends its block.
    private mutating func labelOfBranch() -> String {
        let label = word()
        guard label.hasSuffix("}") else { return label }
        at -= 1
        return String(label.dropLast())
    }

    private mutating func fileName() throws(SysError) -> String {
        skipBlanks()
        let name = restOfLine()
        guard !name.isEmpty else { throw SysError("missing name of a file") }
        return String(decoding: name, as: UTF8.self)
    }

    private mutating func file() throws(SysError) -> Int {
        let name = try fileName()
        if let known = script.files.firstIndex(of: name) { return known }
        script.files.append(name)
        return script.files.count - 1
    }

    /// The text of `a`, `i` or `c`: behind `\` and a newline, or on the same line; a `\` before a newline goes on.
    private mutating func lines() throws(SysError) -> [UInt8] {
        skipBlanks()
        guard next != nil else { throw SysError("missing text") }
        var result: [UInt8] = []
        if take("\\") {
            let start = at
            skipBlanks()
            // Blanks in front of the text are kept, those before the end of the line are not part of it.
            if !take("\n") { at = start }
            if next == nil { return [] }
            if start == at, let c = next {
                result.append(c)
                at += 1
            }
        }
        while let c = next, c != Self.newline {
            at += 1
            guard c == Self.backslash else {
                result.append(c)
                continue
            }
            guard let escaped = next else { break }
            at += 1
            result += try escape(escaped) ?? [escaped]
        }
        return result + [Self.newline]
    }

    // MARK: Addresses

    private mutating func address() throws(SysError) -> SedScript.Address? {
        if take("$") {
            return .last
        }
        if take("/") { return .match(try expression(ending: UInt8(ascii: "/"))) }
        if take("\\") {
            guard let delimiter = next, delimiter != Self.newline, delimiter != Self.backslash else {
                throw SysError("bad delimiter of an expression")
            }
            at += 1
            return .match(try expression(ending: delimiter))
        }
        guard let line = try number() else { return nil }
        skipBlanks()
        guard take("~") else { return .line(line) }
        let step = try number() ?? 0
        return step > 0 ? .every(start: line, step: step) : .line(line)
    }

    private mutating func secondAddress() throws(SysError) -> SedScript.Address? {
        if take("+") {
            guard let count = try number() else { throw SysError("missing number after +") }
            return .more(count)
        }
        if take("~") {
            guard let count = try number() else { throw SysError("missing number after ~") }
            return .multiple(count)
        }
        return try address()
    }

    /// An address's expression, from behind its first delimiter, with its flags.
    private mutating func expression(ending delimiter: UInt8) throws(SysError) -> Int? {
        guard let pattern = try pattern(ending: delimiter) else { throw SysError("unterminated expression") }
        var options: Regex.Options = []
        while true {
            skipBlanks()
            if take("I") { options.insert(.ignoreCase) } else if take("M") { options.insert(.newline) } else { break }
        }
        return try compile(pattern, options)
    }

    /// The number of an expression; nil for the empty one, which means the one used last.
    private mutating func compile(_ pattern: [UInt8], _ options: Regex.Options) throws(SysError) -> Int? {
        guard !pattern.isEmpty else {
            guard options.isEmpty else { throw SysError("flags on an empty expression") }
            return nil
        }
        var options = isZero ? options.subtracting(.newline) : options
        if !extended { options.insert(.basic) }
        script.expressions.append(try Regex(String(decoding: pattern, as: UTF8.self), options))
        return script.expressions.count - 1
    }

    /// The pattern up to `delimiter`, which does not end it inside brackets or behind a `\`; nil where it never comes.
    private mutating func pattern(ending delimiter: UInt8) throws(SysError) -> [UInt8]? {
        var pattern: [UInt8] = []
        while let c = next {
            at += 1
            if c == delimiter { return pattern }
            if c == UInt8(ascii: "[") {
                guard try bracket(&pattern) else { return nil }
            } else if c == Self.backslash, let escaped = next {
                at += 1
                if escaped == delimiter {
                    pattern.append(escaped)
                } else if escaped == UInt8(ascii: "n") {
                    pattern.append(Self.newline)
                } else if let bytes = try numbered(escaped) {
                    // A character given by its number is never an operator.
                    let operators = extended ? "$*.[\\]^+?(){}|" : "$*.[\\]^"
                    pattern += (operators.utf8.contains(bytes[0]) ? [c] : []) + bytes
                } else {
                    pattern += [c, escaped]
                }
            } else {
                pattern.append(c)
            }
        }
        return nil
    }

    /// A bracket expression, from behind its `[`; false where it is not closed.
    private mutating func bracket(_ pattern: inout [UInt8]) throws(SysError) -> Bool {
        pattern.append(UInt8(ascii: "["))
        if take("^") { pattern.append(UInt8(ascii: "^")) }
        if take("]") { pattern.append(UInt8(ascii: "]")) }
        while let c = next {
            at += 1
            if c == UInt8(ascii: "]") {
                pattern.append(c)
                return true
            }
            if c == UInt8(ascii: "["), let kind = next, ":.=".utf8.contains(kind) {
                pattern += [c, kind]
                at += 1
                while let inner = next {
                    pattern.append(inner)
                    at += 1
                    if inner == kind, isNext("]") { break }
                }
                if take("]") { pattern.append(UInt8(ascii: "]")) }
            } else if c == Self.backslash, let escaped = next {
                at += 1
                if let bytes = try escape(escaped) {
                    pattern += bytes
                } else {
                    at -= 1
                    pattern.append(c)
                }
            } else {
                pattern.append(c)
            }
        }
        return false
    }

    // MARK: Escapes

    /// What `\c` stands for, from behind `c`, where it is a control character or a number.
    private mutating func escape(_ c: UInt8) throws(SysError) -> [UInt8]? {
        switch UnicodeScalar(c) {
        case "a": [7]
        case "f": [12]
        case "n": [10]
        case "r": [13]
        case "t": [9]
        case "v": [11]
        default: try numbered(c)
        }
    }

    /// The character that `\xHH`, `\oNNN`, `\dNNN` or `\cX` is, from behind its letter.
    private mutating func numbered(_ c: UInt8) throws(SysError) -> [UInt8]? {
        let (base, most): (Int, Int)
        switch UnicodeScalar(c) {
        case "c":
            guard let letter = next, letter < 128 else { throw SysError("\\c lacks a character") }
            at += 1
            let upper = UInt8(ascii: "a")...UInt8(ascii: "z") ~= letter ? letter - 32 : letter
            return [upper ^ 0x40]
        case "x": (base, most) = (16, 2)
        case "o": (base, most) = (8, 3)
        case "d": (base, most) = (10, 3)
        default: return nil
        }
        var value = 0
        var digits = 0
        while digits < most, let digit = next.flatMap({ Int(String(UnicodeScalar($0)), radix: base) }) {
            value = value * base + digit
            digits += 1
            at += 1
        }
        return digits == 0 ? [c] : [UInt8(truncatingIfNeeded: value)]
    }

    // MARK: s and y

    private mutating func delimiter(_ name: String) throws(SysError) -> UInt8 {
        guard let c = next, c != Self.newline, c != Self.backslash else {
            throw SysError("unterminated \(name) command")
        }
        guard c < 128 else { throw SysError("the delimiter of \(name) is no single byte") }
        at += 1
        return c
    }

    private mutating func substitution() throws(SysError) -> SedScript.Substitution {
        let delimiter = try delimiter("s")
        guard let pattern = try pattern(ending: delimiter) else { throw SysError("unterminated s command") }
        var result = SedScript.Substitution()
        result.parts = try replacement(ending: delimiter)
        var options: Regex.Options = []
        var hasNumber = false
        while let c = next {
            at += 1
            switch UnicodeScalar(c) {
            case "g":
                guard !result.isGlobal else { throw SysError("s has g twice") }
                result.isGlobal = true
            case "p":
                guard !result.prints else { throw SysError("s has p twice") }
                result.prints = true
            case "i", "I": options.insert(.ignoreCase)
            case "m", "M": options.insert(.newline)
            case "e": throw SysError("flag e of s is not in this emu")
            case "0"..."9":
                at -= 1
                guard !hasNumber, let which = try number() else { throw SysError("s has two numbers") }
                guard which > 0 else { throw SysError("the number of s is 0") }
                hasNumber = true
                result.which = which
            case "w":
                result.file = try file()
            case ";", "\n", "}", "#", " ", "\t":
                at -= 1
                return try finish(result, pattern, options)
            default: throw SysError("unknown flag \(UnicodeScalar(c)) of s")
            }
        }
        return try finish(result, pattern, options)
    }

    private mutating func finish(
        _ substitution: SedScript.Substitution, _ pattern: [UInt8], _ options: Regex.Options
    ) throws(SysError) -> SedScript.Substitution {
        var result = substitution
        result.expression = try compile(pattern, options)
        if let number = result.expression {
            for case .group(let group) in result.parts where group > script.expressions[number].groups {
                throw SysError("\\\(group) refers to no group")
            }
        }
        return result
    }

    private mutating func replacement(ending delimiter: UInt8) throws(SysError) -> [SedScript.Part] {
        var parts: [SedScript.Part] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
        }
        while let c = next {
            at += 1
            if c == delimiter {
                flush()
                return parts
            }
            switch UnicodeScalar(c) {
            case "&":
                flush()
                parts.append(.group(0))
            case "\n": throw SysError("unterminated s command")
            case "\\":
                guard let escaped = next else { throw SysError("unterminated s command") }
                at += 1
                var part: SedScript.Part?
                switch UnicodeScalar(escaped) {
                case "0"..."9": part = .group(Int(escaped) - 48)
                case "U": part = .upper
                case "L": part = .lower
                case "u": part = .nextUpper
                case "l": part = .nextLower
                case "E": part = .asIs
                default: break
                }
                if let part, escaped != delimiter {
                    flush()
                    parts.append(part)
                } else if escaped != delimiter, let bytes = try escape(escaped) {
                    literal += bytes
                } else {
                    literal.append(escaped)
                }
            default: literal.append(c)
            }
        }
        throw SysError("unterminated s command")
    }

    private mutating func translation() throws(SysError) -> [UInt32: [UInt8]] {
        let delimiter = try delimiter("y")
        let from = try letters(ending: delimiter)
        let to = try letters(ending: delimiter)
        guard from.count == to.count else { throw SysError("the two texts of y differ in length") }
        var map: [UInt32: [UInt8]] = [:]
        for (a, b) in zip(from, to) where map[a.value] == nil { map[a.value] = Array(String(Character(b)).utf8) }
        return map
    }

    private mutating func letters(ending delimiter: UInt8) throws(SysError) -> [Unicode.Scalar] {
        var bytes: [UInt8] = []
        while let c = next {
            at += 1
            if c == delimiter { return Array(String(decoding: bytes, as: UTF8.self).unicodeScalars) }
            guard c == Self.backslash else {
                bytes.append(c)
                continue
            }
            guard let escaped = next else { break }
            at += 1
            if escaped == delimiter || escaped == Self.backslash {
                bytes.append(escaped)
            } else if let other = try escape(escaped) {
                bytes += other
            } else {
                throw SysError("unknown escape \\\(UnicodeScalar(escaped)) in y")
            }
        }
        throw SysError("unterminated y command")
    }
}
