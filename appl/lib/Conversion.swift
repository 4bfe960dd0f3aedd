import Kernel

/// What stands between the `%` and the letter of a conversion, `-08.3` in `%-08.3f`, and what it makes of text and numbers.
/// Widths are in bytes. The corresponding POSIX page is `printf(1)`, base definitions chapter 5.
public struct Conversion {
    /// More than that is asked for by mistake.
    public static let limit = 1 << 16

    /// Those of `-+ #0'` that were given.
    public var flags = ""
    /// The least number of bytes.
    public var width = 0
    /// What stands behind a point.
    public var precision: Int?

    /// Takes flags, width and precision off the front of `rest`, in which no `*` may stand.
    public init(_ rest: inout Substring) throws(SysError) {
        try self.init(&rest) { () throws(SysError) in throw .badArg }
    }

    /// Takes flags, width and precision off the front of `rest`. `star` gives what a `*` stands for.
    public init(_ rest: inout Substring, star: () throws(SysError) -> Int) throws(SysError) {
        while let c = rest.first, "-+ #0'".contains(c) { flags.append(rest.removeFirst()) }
        width = try Self.number(&rest, star) ?? 0
        if width < 0 {
            flags.append("-")
            width = -width
        }
        guard rest.first == "." else { return }
        rest.removeFirst()
        precision = try Self.number(&rest, star) ?? 0
        // As if none were there.
        if let p = precision, p < 0 { precision = nil }
    }

    private static func number(_ rest: inout Substring, _ star: () throws(SysError) -> Int) throws(SysError) -> Int? {
        if rest.first == "*" {
            rest.removeFirst()
            let n = try star()
            guard n.magnitude <= limit else { throw .range }
            return n
        }
        let digits = rest.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        guard let n = Int(digits), n <= limit else { throw .range }
        return n
    }

    /// As many bytes of `text` as the precision allows, filled up with blanks.
    public func text(_ text: [UInt8]) -> [UInt8] { pad(Array(text.prefix(precision ?? .max))) }

    /// As many bytes of `text` as the precision allows, filled up with blanks.
    public func text(_ text: String) -> String { String(decoding: self.text(Array(text.utf8)), as: UTF8.self) }

    /// A whole number: digits behind a sign or a prefix. The precision is the least number of digits.
    public func integer(_ prefix: String, _ digits: String) -> String {
        if let precision { return fill(prefix, precision == 0 && digits == "0" ? "" : digits.zeros(precision), false) }
        return fill(prefix, digits, flags.contains("0"))
    }

    /// The sign that a number has: `-`, or what the flags give one that has none.
    public func sign(_ isNegative: Bool) -> String {
        isNegative ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : ""
    }

    /// A number with a fraction, as letter `e`, `f` or `g` writes it, or a capital one.
    public func real(_ number: Numeral, _ letter: Character) -> String {
        let places = precision ?? 6
        let isAlternate = flags.contains("#")
        let text =
            switch letter.lowercased() {
            case "f": number.fixed(places, alternate: isAlternate)
            case "e": number.scientific(places, alternate: isAlternate)
            default: number.general(places, alternate: isAlternate)
            }
        let isFinite = number.special == nil
        return fill(
            sign(number.isNegative), letter.isUppercase ? text.uppercased() : text, flags.contains("0") && isFinite)
    }

    private func fill(_ prefix: String, _ digits: String, _ zeros: Bool) -> String {
        let isLeft = flags.contains("-")
        let body = zeros && !isLeft ? digits.zeros(width - prefix.utf8.count) : digits
        return String(decoding: pad(Array((prefix + body).utf8)), as: UTF8.self)
    }

    private func pad(_ text: [UInt8]) -> [UInt8] {
        let blanks = [UInt8](repeating: UInt8(ascii: " "), count: max(0, width - text.count))
        return flags.contains("-") ? text + blanks : blanks + text
    }
}

/// Escapes behind a backslash, as programs that take formats have them.
public enum Escape {
    /// Takes what follows a backslash off the front of `rest`, the bytes it stands for; nil where it stands for nothing:
    /// the backslash is one. Octal digits are at most `octal`, and with `leadingZero` one more, a 0, may stand before.
    public static func take(_ rest: inout Substring, leadingZero: Bool = false) -> [UInt8]? {
        guard let c = rest.first else { return nil }
        let letters: [Character: UInt8] = [
            "a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "\"": 34, "'": 39,
        ]
        if let byte = letters[c] {
            rest.removeFirst()
            return [byte]
        }
        if ("0"..."7").contains(c) {
            if leadingZero, c == "0" { rest.removeFirst() }
            let digits = rest.prefix(3).prefix { ("0"..."7").contains($0) }
            rest = rest.dropFirst(digits.count)
            return [UInt8(truncatingIfNeeded: Int(digits, radix: 8) ?? 0)]
        }
        if c == "x" {
            let digits = rest.dropFirst().prefix(2).prefix { $0.isHexDigit && $0.isASCII }
            guard let n = UInt8(digits, radix: 16) else { return nil }
            rest = rest.dropFirst(digits.count + 1)
            return [n]
        }
        if c == "u" || c == "U" {
            let digits = rest.dropFirst().prefix(c == "u" ? 4 : 8).prefix { $0.isHexDigit && $0.isASCII }
            guard let n = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(n) else { return nil }
            rest = rest.dropFirst(digits.count + 1)
            return Array(String(Character(scalar)).utf8)
        }
        return nil
    }

    /// `text` with its escapes replaced.
    public static func replaced(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = text[...]
        while let c = rest.popFirst() {
            if c == "\\", let bytes = take(&rest) { out += bytes } else { out += String(c).utf8 }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
