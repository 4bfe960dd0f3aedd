/// Strings. The corresponding Inferno pages are `sh-string(1)` and `string(2)`.
///
/// A character is a Unicode code point.
enum StringModule {
    @Sendable static func make() -> ShellModule {
        ShellModule(
            name: "string",
            builtins: [
                "prefix": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 2, "prefix pre s")
                    return a[1].utf8.starts(with: a[0].utf8) ? "" : "no match"
                },
                "in": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 2, "in c cl")
                    guard let c = a[0].unicodeScalars.first else { return "no match" }
                    return CharacterClass(a[1]).contains(c) ? "" : "no match"
                },
            ],
            substitutions: [
                "splitl": { (shell, items) throws(Failure) in
                    let (s, cl) = try classed(shell, items)
                    return cut(s, s.firstIndex { cl.contains($0) } ?? s.endIndex)
                },
                "splitr": { (shell, items) throws(Failure) in
                    let (s, cl) = try classed(shell, items)
                    return cut(s, s.lastIndex { cl.contains($0) }.map { s.index(after: $0) } ?? s.startIndex)
                },
                "drop": { (shell, items) throws(Failure) in
                    let (s, cl) = try classed(shell, items)
                    return [.text(String(s.drop { cl.contains($0) }))]
                },
                "take": { (shell, items) throws(Failure) in
                    let (s, cl) = try classed(shell, items)
                    return [.text(String(s.prefix { cl.contains($0) }))]
                },
                "splitstrl": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 2, "${splitstrl s t}")
                    let s = Array(a[0].utf8)
                    return cut(s, find(Array(a[1].utf8), in: s, fromEnd: false) ?? s.count)
                },
                "splitstrr": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 2, "${splitstrr s t}")
                    let (s, t) = (Array(a[0].utf8), Array(a[1].utf8))
                    return cut(s, find(t, in: s, fromEnd: true).map { $0 + t.count } ?? 0)
                },
                "tolower": { (shell, items) throws(Failure) in
                    [.text(try arguments(shell, items, 1, "${tolower s}")[0].lowercased())]
                },
                "toupper": { (shell, items) throws(Failure) in
                    [.text(try arguments(shell, items, 1, "${toupper s}")[0].uppercased())]
                },
                "len": { (shell, items) throws(Failure) in
                    [.text("\(try arguments(shell, items, 1, "${len s}")[0].unicodeScalars.count)")]
                },
                "alen": { (shell, items) throws(Failure) in
                    [.text("\(try arguments(shell, items, 1, "${alen s}")[0].utf8.count)")]
                },
                "slice": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 3, "${slice start end s}")
                    guard let start = Int(a[0]), let end = a[1] == "end" ? .max : Int(a[1]) else {
                        throw shell.usage("${slice start end s}")
                    }
                    let low = max(0, start)
                    return [.text(String(a[2].unicodeScalars.dropFirst(low).prefix(end > low ? end - low : 0)))]
                },
                "fields": { (shell, items) throws(Failure) in
                    let a = try arguments(shell, items, 2, "${fields cl s}")
                    let cl = CharacterClass(a[0])
                    let parts = a[1].unicodeScalars.split(omittingEmptySubsequences: false) { cl.contains($0) }
                    return parts.map { .text(String($0)) }
                },
                "padl": { (shell, items) throws(Failure) in
                    let (text, pad) = try padded(shell, items)
                    return [.text(text + pad)]
                },
                "padr": { (shell, items) throws(Failure) in
                    let (text, pad) = try padded(shell, items)
                    return [.text(pad + text)]
                },
            ])
    }

    /// The arguments, of which there must be `count`.
    private static func arguments(
        _ shell: Shell, _ items: [Item], _ count: Int, _ synopsis: String
    ) throws(Failure) -> [String] {
        guard items.count == count + 1 else { throw shell.usage(synopsis) }
        return items.dropFirst().map(\.text)
    }

    private static func classed(
        _ shell: Shell, _ items: [Item]
    ) throws(Failure) -> (String.UnicodeScalarView, CharacterClass) {
        let a = try arguments(shell, items, 2, "${\(items[0].text) s cl}")
        return (a[0].unicodeScalars, CharacterClass(a[1]))
    }

    private static func cut(_ s: String.UnicodeScalarView, _ at: String.Index) -> [Item] {
        [.text(String(s[..<at])), .text(String(s[at...]))]
    }

    private static func cut(_ s: [UInt8], _ at: Int) -> [Item] {
        [.text(String(decoding: s[..<at], as: UTF8.self)), .text(String(decoding: s[at...], as: UTF8.self))]
    }

    /// Where `t` stands in `s` for the first or the last time.
    private static func find(_ t: [UInt8], in s: [UInt8], fromEnd: Bool) -> Int? {
        guard t.count <= s.count else { return nil }
        let places = 0...(s.count - t.count)
        let isThere = { (at: Int) in s[at..<(at + t.count)].elementsEqual(t) }
        return fromEnd ? places.last(where: isThere) : places.first(where: isThere)
    }

    private static func padded(_ shell: Shell, _ items: [Item]) throws(Failure) -> (String, String) {
        guard items.count > 1, let width = Int(items[1].text), width <= Limit.string else {
            throw shell.usage("${\(items[0].text) n [s ...]}")
        }
        let text = items.dropFirst(2).map(\.text).joined(separator: " ")
        return (text, String(repeating: " ", count: max(0, width - text.unicodeScalars.count)))
    }
}

/// A class of characters as `string(2)` writes it: `a-zA-Z`, `^acg-mr`.
struct CharacterClass {
    private var ranges: [ClosedRange<Unicode.Scalar>] = []
    private var not = false

    init(_ text: String) {
        var rest = Array(text.unicodeScalars)[...]
        if rest.first == "^" {
            not = true
            rest.removeFirst()
        }
        while let low = rest.popFirst() {
            guard rest.count > 1, rest.first == "-", let high = rest.dropFirst().first else {
                ranges.append(low...low)
                continue
            }
            rest.removeFirst(2)
            if low <= high { ranges.append(low...high) }
        }
    }

    func contains(_ c: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(c) } != not }
}
