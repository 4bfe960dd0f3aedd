import Applib
import Kernel

/// How two lines compare: one `-k`, or the flags that hold for the whole line.
struct SortKey: Sendable {
    /// The order of a key's bytes.
    enum Order: Sendable { case bytes, numeric, general, human, month, random, version }

    /// A place in a line: field and character from 1; a character of 0 is the end of the field.
    struct Place: Sendable {
        var field: Int
        var character: Int
        var skipsBlanks = false
    }

    var start = Place(field: 1, character: 1)
    var end: Place?
    var order = Order.bytes
    var reverse = false
    var foldsCase = false
    /// Only blanks and alphanumerics count, or only printable characters.
    var dictionary = false
    var printable = false
    /// It had flags of its own: the general ones do not hold.
    private(set) var isOwn = false
    private var isMixed = false

    /// Whether a key's bytes can be compared as they stand in the line.
    var isPlain: Bool { order == .bytes && !foldsCase && !dictionary && !printable }

    /// Sets what one flag letter says; false for a letter that says nothing.
    mutating func set(_ flag: Character) -> Bool {
        switch flag {
        case "b":
            start.skipsBlanks = true
            end?.skipsBlanks = true
        case "d": dictionary = true
        case "f": foldsCase = true
        case "g": order = .general
        case "h": order = .human
        case "i": printable = true
        case "M": order = .month
        case "n": order = .numeric
        case "R": order = .random
        case "V": order = .version
        case "r": reverse = true
        default: return false
        }
        return true
    }

    /// Reads `F[.C][flags][,F[.C][flags]]`.
    init(_ text: String) throws(SysError) {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        var letters: [(Character, atEnd: Bool)] = []
        start = try Self.place(parts[0], text, isEnd: false, &letters)
        if parts.count == 2 { end = try Self.place(parts[1], text, isEnd: true, &letters) }
        for (letter, atEnd) in letters {
            isOwn = true
            // Two orders of one key would be a mistake.
            let before = order
            defer { isMixed = isMixed || before != .bytes && order != before }
            if letter == "b" {
                if atEnd { end?.skipsBlanks = true } else { start.skipsBlanks = true }
            } else if !set(letter) {
                throw SysError("-k \(text): bad key")
            }
        }
        guard !isMixed else { throw SysError("-k \(text): one order is enough") }
    }

    init() {}

    private static func place(
        _ text: Substring, _ whole: String, isEnd: Bool, _ letters: inout [(Character, atEnd: Bool)]
    ) throws(SysError) -> Place {
        var rest = text
        func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return Int(digits).map { min($0, 1 << 30) }
        }
        guard let field = number(), field > 0 else { throw SysError("-k \(whole): bad key") }
        var place = Place(field: field, character: isEnd ? 0 : 1)
        if rest.first == "." {
            rest = rest.dropFirst()
            guard let c = number(), isEnd || c > 0 else { throw SysError("-k \(whole): bad key") }
            place.character = c
        }
        for letter in rest { letters.append((letter, isEnd)) }
        return place
    }
}

/// All that decides the order of lines, and the comparison itself. Lines are bytes; the order is that of their bytes.
struct SortOrder: Sendable {
    var keys: [SortKey]
    /// Between fields; nil for the empty string between a non-blank and a blank.
    var separator: UInt8?
    /// Lines whose keys are equal keep their order.
    var stable = false
    var reverse = false

    /// Keys are the whole line as it stands.
    var isWhole: Bool {
        keys.count == 1 && keys[0].isPlain && keys[0].start.field == 1 && keys[0].start.character == 1
            && !keys[0].start.skipsBlanks && keys[0].end == nil
    }

    /// The part of `line` that a key is.
    func part(_ key: SortKey, _ line: Span<UInt8>) -> Range<Int> {
        let from = position(key.start, line, isEnd: false)
        guard let end = key.end else { return from..<max(from, line.count) }
        return from..<max(from, position(end, line, isEnd: true))
    }

    private func position(_ place: SortKey.Place, _ line: Span<UInt8>, isEnd: Bool) -> Int {
        var i = 0
        // The field's beginning, or the place behind the field that an end without a character means.
        let skip = isEnd && place.character == 0 ? place.field : place.field - 1
        for n in 0..<skip {
            if i >= line.count { break }
            if let separator {
                while i < line.count, line[i] != separator { i += 1 }
                if i < line.count, !(isEnd && place.character == 0 && n == skip - 1) { i += 1 }
            } else {
                while i < line.count, Self.isBlank(line[i]) { i += 1 }
                while i < line.count, !Self.isBlank(line[i]) { i += 1 }
            }
        }
        if isEnd && place.character == 0 { return i }
        if place.skipsBlanks { while i < line.count, Self.isBlank(line[i]) { i += 1 } }
        return min(line.count, i + (isEnd ? place.character : place.character - 1))
    }

    static func isBlank(_ c: UInt8) -> Bool { c == 0x20 || c == 0x09 }

    /// Whether the lines' keys are equal, or which comes first: negative for `a`.
    func compareKeys(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        for key in keys {
            let x = a.extracting(part(key, a))
            let y = b.extracting(part(key, b))
            let c: Int
            switch key.order {
            case .numeric: c = Decimal(x).compare(Decimal(y), x, y)
            case .general: c = Self.general(x, y)
            case .human: c = SortHuman(x).compare(SortHuman(y), x, y)
            case .month: c = SortMonth.number(x) - SortMonth.number(y)
            case .random: c = SortRandom.compare(x, y)
            case .version: c = VersionOrder.compare(x, y)
            case .bytes: c = key.isPlain ? x.compare(y) : Self.folded(key, x, y)
            }
            if c != 0 { return key.reverse ? -c : c }
        }
        return 0
    }

    /// The order of whole lines: by keys, then by their bytes.
    func compare(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        let c = compareKeys(a, b)
        if c != 0 || stable { return c }
        return reverse ? b.compare(a) : a.compare(b)
    }

    private static func folded(_ key: SortKey, _ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        var i = 0
        var j = 0
        func next(_ s: Span<UInt8>, _ n: inout Int) -> Int {
            while n < s.count {
                let c = s[n]
                n += 1
                let isLetter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a
                if key.dictionary, !(isLetter || (c >= 0x30 && c <= 0x39) || isBlank(c)) { continue }
                if key.printable, c < 0x20 || c > 0x7e { continue }
                return Int(key.foldsCase && c >= 0x61 && c <= 0x7a ? c - 0x20 : c)
            }
            return -1
        }
        while true {
            let x = next(a, &i)
            let y = next(b, &j)
            if x != y { return x - y }
            if x < 0 { return 0 }
        }
    }

    /// What is no number comes before all numbers.
    private static func general(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Int {
        let x = number(a)
        let y = number(b)
        switch (x, y) {
        case (nil, nil): return 0
        case (nil, _): return -1
        case (_, nil): return 1
        case (let x?, let y?): return x < y ? -1 : x > y ? 1 : 0
        }
    }

    private static func number(_ s: Span<UInt8>) -> Double? {
        var text = ""
        for i in s.indices {
            let c = s[i]
            if text.isEmpty, isBlank(c) { continue }
            guard (c >= 0x30 && c <= 0x39) || c == 0x2e || c == 0x2b || c == 0x2d || (c | 0x20) == 0x65,
                text.utf8.count < 64
            else { break }
            text.unicodeScalars.append(Unicode.Scalar(c))
        }
        while !text.isEmpty {
            if let value = Double(text) { return value }
            text.removeLast()
        }
        return nil
    }
}

/// A number in a line: blanks, a sign, digits, a point, digits. Of any length: it is compared digit by digit.
struct Decimal {
    private var negative = false
    /// Digits before the point without leading zeros, and behind it.
    private var whole = 0..<0
    private var fraction = 0..<0

    init(_ s: Span<UInt8>) {
        var i = 0
        func isDigit(_ n: Int) -> Bool { n < s.count && s[n] >= 0x30 && s[n] <= 0x39 }
        while i < s.count, SortOrder.isBlank(s[i]) { i += 1 }
        if i < s.count, s[i] == UInt8(ascii: "-") {
            negative = true
            i += 1
        }
        while i < s.count, s[i] == 0x30 { i += 1 }
        let start = i
        while isDigit(i) { i += 1 }
        whole = start..<i
        if i < s.count, s[i] == UInt8(ascii: ".") {
            i += 1
            let start = i
            while isDigit(i) { i += 1 }
            var end = i
            while end > start, s[end - 1] == 0x30 { end -= 1 }
            fraction = start..<end
        }
        if whole.isEmpty, fraction.isEmpty { negative = false }
    }

    func compare(_ other: Decimal, _ x: Span<UInt8>, _ y: Span<UInt8>) -> Int {
        if negative != other.negative { return negative ? -1 : 1 }
        var c = whole.count - other.whole.count
        if c == 0 { c = x.extracting(whole).compare(y.extracting(other.whole)) }
        if c == 0 { c = x.extracting(fraction).compare(y.extracting(other.fraction)) }
        return negative ? -c : c
    }

    /// The value, near enough to order by where the values differ much.
    func approximate(_ s: Span<UInt8>) -> Double {
        var value = 0.0
        for i in whole { value = value * 10 + Double(s[i] - 0x30) }
        var scale = 0.1
        for i in fraction.prefix(17) {
            value += Double(s[i] - 0x30) * scale
            scale /= 10
        }
        return negative ? -value : value
    }
}
