import Kernel

/// A pattern of file names: `*` any text, `?` one character, `[a-z]` one of a class, `[^a-z]` one not of it, `\x` x itself.
/// The corresponding Inferno page is `filepat(2)`.
public struct Pattern: Sendable {
    private enum Part {
        case many
        case one
        case character(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], not: Bool)
    }

    private var parts: [Part] = []
    /// Whether it has one of `* ? [` in force, and the text it stands for if not.
    private(set) var isLiteral = true
    private(set) var text = ""

    public init(_ pattern: some StringProtocol) {
        let source = Array(pattern.unicodeScalars)
        var i = 0
        while i < source.count {
            let c = source[i]
            i += 1
            switch c {
            case "*":
                isLiteral = false
                if case .many? = parts.last { continue }
                parts.append(.many)
            case "?":
                isLiteral = false
                parts.append(.one)
            case "[":
                if let (part, end) = Self.oneOf(source, i) {
                    isLiteral = false
                    parts.append(part)
                    i = end
                } else {
                    parts.append(.character(c))
                    text.unicodeScalars.append(c)
                }
            case "\\" where i < source.count:
                parts.append(.character(source[i]))
                text.unicodeScalars.append(source[i])
                i += 1
            default:
                parts.append(.character(c))
                text.unicodeScalars.append(c)
            }
        }
    }

    /// The class that begins after a bracket at `start`, and where it ends; nil where no bracket closes it.
    private static func oneOf(_ source: [Unicode.Scalar], _ start: Int) -> (Part, Int)? {
        var i = start
        var not = false
        if i < source.count, source[i] == "^" {
            not = true
            i += 1
        }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        func scalar() -> Unicode.Scalar? {
            guard i < source.count else { return nil }
            if source[i] == "\\", i + 1 < source.count { i += 1 }
            defer { i += 1 }
            return source[i]
        }
        var first = true
        while i < source.count, first || source[i] != "]" {
            first = false
            guard let low = scalar() else { return nil }
            var high = low
            if i + 1 < source.count, source[i] == "-", source[i + 1] != "]" {
                i += 1
                guard let end = scalar() else { return nil }
                high = end
            }
            if low <= high { ranges.append(low...high) }
        }
        guard i < source.count else { return nil }
        return (.oneOf(ranges, not: not), i + 1)
    }

    /// True when all of `text` matches. The time is at most the product of both lengths; throws when the process is to end.
    public func matches(_ text: some StringProtocol) throws(SysError) -> Bool {
        let text = Array(text.unicodeScalars)
        var p = 0
        var t = 0
        // Where to go on when a match fails: after the last `*`, with one character more given to it.
        var retry: (part: Int, text: Int)?
        while t < text.count {
            if p < parts.count {
                if case .many = parts[p] {
                    p += 1
                    retry = (p, t)
                    continue
                }
                if matches(parts[p], text[t]) {
                    p += 1
                    t += 1
                    continue
                }
            }
            guard let again = retry else { return false }
            p = again.part
            t = again.text + 1
            if t & 0xffff == 0, Thread.running != nil { try Thread.check() }
            retry = (p, t)
        }
        return parts[p...].allSatisfy { if case .many = $0 { true } else { false } }
    }

    private func matches(_ part: Part, _ c: Unicode.Scalar) -> Bool {
        switch part {
        case .many: false
        case .one: true
        case .character(let wanted): c == wanted
        case .oneOf(let ranges, let not): ranges.contains { $0.contains(c) } != not
        }
    }

    /// `text` as a pattern that matches it alone.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for c in text.unicodeScalars {
            if c == "*" || c == "?" || c == "[" || c == "]" || c == "-" || c == "\\" { result.append("\\") }
            result.append(c)
        }
        return String(result)
    }
}
