/// A number as decimal text has it, exactly; and the forms that `printf(1)` writes one in, rounded to even.
public struct Numeral {
    /// What has no digits.
    public enum Special: Sendable { case infinity, nan }

    /// It has a minus; zero may.
    public private(set) var isNegative = false
    /// 0 to 9 each, the first not 0; none is zero.
    private var digits: [UInt8] = []
    /// The number is 0.DIGITS times ten to this power.
    private var exponent = 0
    /// Set where the number has no digits.
    public private(set) var special: Special?

    /// Beyond that a number is as good as 0, or infinite.
    private static let exponentLimit = 4000
    private static let digitLimit = 10000

    /// How many bytes of `text` are a number, and that number: digits with a point among them, `e` and a power of ten,
    /// `inf` and `nan`. Nil where none are.
    public static func read(_ text: Substring) -> (Numeral, count: Int)? {
        var number = Numeral()
        let bytes = Array(text.utf8.prefix(digitLimit))
        var i = 0
        if let c = bytes.first, c == UInt8(ascii: "-") || c == UInt8(ascii: "+") {
            number.isNegative = c == UInt8(ascii: "-")
            i = 1
        }
        let word = String(decoding: bytes[i...].prefix(8), as: UTF8.self).lowercased()
        for (name, special) in [("infinity", Special.infinity), ("inf", .infinity), ("nan", .nan)]
        where word.hasPrefix(name) {
            number.special = special
            return (number, i + name.utf8.count)
        }
        var seen = 0
        var isFraction = false
        var power = 0
        while i < bytes.count {
            let c = bytes[i]
            if c == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if 48...57 ~= c {
                seen += 1
                if c != 48 || !number.digits.isEmpty {
                    number.digits.append(c - 48)
                    if !isFraction { power += 1 }
                } else if isFraction {
                    power -= 1
                }
            } else {
                break
            }
            i += 1
        }
        guard seen > 0 else { return nil }
        if i < bytes.count, bytes[i] | 0x20 == UInt8(ascii: "e") {
            var at = i + 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
            let tail = bytes[min(at, bytes.count)...].prefix { 48...57 ~= $0 }
            if !tail.isEmpty {
                let size = Int(String(decoding: tail, as: UTF8.self)) ?? .max
                let bounded = min(size, 2 * exponentLimit)
                power += bytes[i + 1] == UInt8(ascii: "-") ? -bounded : bounded
                i = at + tail.count
            }
        }
        while number.digits.last == 0 { number.digits.removeLast() }
        number.exponent = power
        if power > exponentLimit, !number.digits.isEmpty { number.special = .infinity }
        if power < -exponentLimit || number.digits.isEmpty { (number.digits, number.exponent) = ([], 0) }
        return (number, i)
    }

    /// Zero.
    public init() {}

    /// All of `text`.
    public init?(_ text: String) {
        guard let (number, count) = Self.read(text[...]), count == text.utf8.count else { return nil }
        self = number
    }

    private var word: String? { special.map { $0 == .nan ? "nan" : "inf" } }

    /// With so many digits behind the point.
    public func fixed(_ places: Int, alternate: Bool = false) -> String {
        if let word { return word }
        let (kept, power) = rounded(exponent + places)
        let whole = power <= 0 ? "0" : Self.text(kept, 0, power)
        if places == 0 { return whole + (alternate ? "." : "") }
        return whole + "." + Self.text(kept, power, power + places)
    }

    /// `d.ddde+dd`.
    func scientific(_ places: Int, alternate: Bool = false) -> String {
        if let word { return word }
        let (kept, power) = rounded(places + 1)
        let tens = kept.isEmpty ? 0 : power - 1
        let point = places > 0 || alternate ? "." : ""
        let sign = tens < 0 ? "-" : "+"
        return Self.text(kept, 0, 1) + point + Self.text(kept, 1, places + 1) + "e" + sign
            + String(abs(tens)).zeros(2)
    }

    /// The shorter of both, with so many digits that count, and without zeros at the end.
    public func general(_ count: Int, alternate: Bool = false) -> String {
        if let word { return word }
        let count = max(1, count)
        let (kept, power) = rounded(count)
        let tens = kept.isEmpty ? 0 : power - 1
        guard tens < -4 || tens >= count else {
            let text = fixed(count - 1 - tens, alternate: alternate)
            return alternate ? text : Self.trimmed(text)
        }
        let text = scientific(count - 1, alternate: alternate)
        guard !alternate, let e = text.firstIndex(of: "e") else { return text }
        return Self.trimmed(String(text[..<e])) + text[e...]
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// The first `count` digits, rounded, and the exponent they have then.
    private func rounded(_ count: Int) -> (digits: [UInt8], exponent: Int) {
        guard count < digits.count else { return (digits, exponent) }
        guard count >= 0 else { return ([], 0) }
        var kept = Array(digits[..<count])
        let next = digits[count]
        let isTie = next == 5 && digits.count == count + 1
        guard next > 5 || next == 5 && !isTie || isTie && (kept.last ?? 0) % 2 == 1 else {
            return kept.isEmpty ? ([], 0) : (kept, exponent)
        }
        var i = kept.count
        while i > 0, kept[i - 1] == 9 {
            kept[i - 1] = 0
            i -= 1
        }
        guard i == 0 else {
            kept[i - 1] += 1
            return (kept, exponent)
        }
        return ([1] + kept, exponent + 1)
    }

    /// Digits `from` to `to`; what is not there is 0. Places before the first digit are negative.
    private static func text(_ digits: [UInt8], _ from: Int, _ to: Int) -> String {
        var out = ""
        for place in from..<max(from, to) {
            out.append(place >= 0 && place < digits.count ? Character(Unicode.Scalar(digits[place] + 48)) : "0")
        }
        return out
    }
}
