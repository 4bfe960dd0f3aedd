import Applib
import Kernel

/// Prints its arguments as a format says. The corresponding POSIX page is `printf(1)`.
struct Printf: Command {
    static let usage: Usage = """
        printf format [argument ...]
        %d %i %o %u %x %X  whole numbers; 0x and 0 begin others than decimal ones, a ' or " a character's code
        %e %f %g %E %F %G  numbers with fractions
        %c %s %b           a character, text, text with its escapes replaced
        %%                 a %
        Between % and letter: - for left, + or a blank for the sign, # for the prefix, 0; width and .precision, * for
        one that is an argument. The format is used again as long as arguments are left.
        """

    /// It has no flags, and a format may begin as one does.
    static func arrange(_ arguments: [String]) -> [String] {
        ["--", "--help", "-h"].contains(arguments.first) ? arguments : ["--"] + arguments
    }

    private struct Arguments {
        var words: ArraySlice<String>
        /// Some were taken since the format began.
        var wasUsed = false

        mutating func next() -> String? {
            if !words.isEmpty { wasUsed = true }
            return words.popFirst()
        }
    }

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...Int.max)
        var arguments = Arguments(words: words.dropFirst())
        repeat {
            try Thread.check()
            arguments.wasUsed = false
            guard try print(words[0], &arguments, r) else { return }
        } while arguments.wasUsed && !arguments.words.isEmpty
    }

    /// Goes through the format once; false where a `\c` ends all.
    private func print(_ format: String, _ arguments: inout Arguments, _ r: Run) throws(SysError) -> Bool {
        var rest = format[...]
        while let c = rest.popFirst() {
            if c == "\\" {
                if rest.first == "c" { return false }
                try r.out.write(Escape.take(&rest) ?? [UInt8(ascii: "\\")])
            } else if c == "%", rest.first != "%" {
                guard try convert(&rest, &arguments, r) else { return false }
            } else {
                if c == "%" { rest.removeFirst() }
                try r.out.write(String(c))
            }
        }
        return true
    }

    private func convert(
        _ rest: inout Substring, _ arguments: inout Arguments, _ r: Run
    ) throws(SysError) -> Bool {
        let conversion = try Conversion(&rest) { () throws(SysError) in
            Int(clamping: try integer(arguments.next() ?? "0", r).value)
        }
        // Sizes mean nothing here: all numbers have 64 bits.
        rest = rest.drop { "hlLqjzt".contains($0) }
        guard let letter = rest.popFirst() else { throw SysError("%: a conversion is missing") }
        switch letter {
        case "d", "i":
            let n = try integer(arguments.next() ?? "0", r)
            let value = Int64(clamping: n.value)
            if value != n.value { try r.warn(SysError(.range, subject: n.text)) }
            try r.out.write(conversion.integer(conversion.sign(value < 0), String(value.magnitude)))
        case "o", "u", "x", "X":
            let n = try integer(arguments.next() ?? "0", r)
            let value = n.value < 0 ? UInt64(bitPattern: Int64(clamping: n.value)) : UInt64(clamping: n.value)
            if n.value > UInt64.max || n.value < Int64.min { try r.warn(SysError(.range, subject: n.text)) }
            try r.out.write(unsigned(conversion, letter, value))
        case "e", "f", "g", "E", "F", "G":
            try r.out.write(conversion.real(try real(arguments.next() ?? "0", r), letter))
        case "c": try r.out.write(conversion.text(Array((arguments.next() ?? "").utf8.prefix(1))))
        case "s": try r.out.write(conversion.text(Array((arguments.next() ?? "").utf8)))
        case "b":
            let (bytes, isLast) = expanded(arguments.next() ?? "")
            try r.out.write(conversion.text(bytes))
            return !isLast
        case "a", "A", "n", "q": throw SysError("%\(letter): not in this emu")
        default: throw SysError("%\(letter): no such conversion")
        }
        return true
    }

    private func unsigned(_ conversion: Conversion, _ letter: Character, _ value: UInt64) -> String {
        let isAlternate = conversion.flags.contains("#")
        switch letter {
        case "o":
            let digits = String(value, radix: 8)
            return conversion.integer("", isAlternate && value != 0 ? "0" + digits : digits)
        case "u": return conversion.integer("", String(value))
        default:
            let prefix = isAlternate && value != 0 ? "0\(letter)" : ""
            return conversion.integer(prefix, String(value, radix: 16, uppercase: letter == "X"))
        }
    }

    /// Text with its escapes replaced, and whether a `\c` ends the output.
    private func expanded(_ text: String) -> ([UInt8], Bool) {
        var out: [UInt8] = []
        var rest = text[...]
        while let c = rest.popFirst() {
            guard c == "\\" else {
                out += String(c).utf8
                continue
            }
            if rest.first == "c" { return (out, true) }
            out += Escape.take(&rest, leadingZero: true) ?? [UInt8(ascii: "\\")]
        }
        return (out, false)
    }

    /// A character's code, where a quote stands before it.
    private func code(_ text: String) -> Int128? {
        guard let c = text.first, c == "'" || c == "\"" else { return nil }
        return text.unicodeScalars.dropFirst().first.map { Int128($0.value) }
    }

    /// The number at the beginning of `text`. What does not belong to it is told of, and so is that there is none.
    private func integer(_ text: String, _ r: Run) throws(SysError) -> (value: Int128, text: String) {
        if let code = code(text) { return (code, text) }
        var rest = text.drop { $0 == " " || $0 == "\t" }
        let isNegative = rest.first == "-"
        if let c = rest.first, "+-".contains(c) { rest.removeFirst() }
        var radix = 10
        if rest.hasPrefix("0x") || rest.hasPrefix("0X") {
            (radix, rest) = (16, rest.dropFirst(2))
        } else if rest.hasPrefix("0") {
            radix = 8
        }
        let digits = rest.prefix { $0.isASCII && $0.hexDigitValue.map { $0 < radix } ?? false }
        if digits.isEmpty {
            if !text.isEmpty { try r.warn(SysError("not a number", subject: text)) }
            return (0, text)
        }
        if digits.endIndex < rest.endIndex { try r.warn(SysError("not wholly a number", subject: text)) }
        // What has more digits is out of range, too, and so is what is left of it.
        let value = Int128("0" + digits.drop { $0 == "0" }.prefix(radix == 16 ? 31 : 37), radix: radix) ?? 0
        return (isNegative ? -value : value, text)
    }

    private func real(_ text: String, _ r: Run) throws(SysError) -> Numeral {
        if text.isEmpty { return Numeral() }
        if let code = code(text) { return Numeral(String(code)) ?? Numeral() }
        let unsigned = text.drop { "+- \t".contains($0) }
        if unsigned.hasPrefix("0x") || unsigned.hasPrefix("0X") {
            return Numeral(String(try integer(text, r).value)) ?? Numeral()
        }
        guard let (number, count) = Numeral.read(text[...]) else {
            try r.warn(SysError("not a number", subject: text))
            return Numeral()
        }
        if count < text.utf8.count { try r.warn(SysError("not wholly a number", subject: text)) }
        return number
    }
}
