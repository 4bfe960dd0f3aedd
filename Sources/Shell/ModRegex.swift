import Codec
import Kernel

/// Regular expressions. The corresponding Inferno page is `sh-regex(1)`; the expressions are POSIX's extended ones.
final class RegexModule: Sendable {
    /// Expressions that were used, so that a loop compiles one once.
    private let compiled = Lock<[String: Regex]>([:])

    @Sendable static func make() -> ShellModule {
        let module = RegexModule()
        return ShellModule(
            name: "regex",
            builtins: [
                "match": { (shell, items) throws(Failure) in
                    guard items.count > 1 else { throw shell.usage("match regex [arg ...]") }
                    let matcher = try module.matcher(shell, items[1].text)
                    for item in items.dropFirst(2) where try !matches(shell, matcher, item.text) { return "no match" }
                    return ""
                }
            ],
            substitutions: ["re": { (shell, items) throws(Failure) in try module.re(shell, items) }])
    }

    private func re(_ shell: Shell, _ items: [Item]) throws(Failure) -> [Item] {
        let usage = "${re (g|v|m|M|mg|s|sg) regex arg ...}"
        guard items.count > 2 else { throw shell.usage(usage) }
        let operation = items[1].text
        let matcher = try matcher(shell, items[2].text)
        let rest = Array(items.dropFirst(3))
        switch operation {
        case "g", "v":
            var found: [Item] = []
            for item in rest where try Self.matches(shell, matcher, item.text) == (operation == "g") {
                found.append(item)
            }
            return found
        case "m", "M", "mg":
            guard rest.count == 1 else { throw shell.usage(usage) }
            let text = Array(rest[0].text.utf8)
            let found = try Self.find(shell, matcher, text, all: operation == "mg")
            guard operation == "M", let match = found.first else { return found.map { Self.part(text, $0) } }
            let groups = try shell.system { () throws(SysError) in
                try matcher.groups(in: text.span.bytes, of: match)
            }
            // A group that took no part is an empty string: those after it keep their places.
            return groups.map { $0.map { Self.part(text, $0) } ?? .text("") }
        case "s", "sg":
            guard let template = rest.first?.text else { throw shell.usage(usage) }
            var replaced: [Item] = []
            for item in rest.dropFirst() {
                replaced.append(
                    .text(try Self.replace(shell, matcher, item.text, template, all: operation == "sg")))
            }
            return replaced
        default: throw shell.usage(usage)
        }
    }

    private func matcher(_ shell: Shell, _ pattern: String) throws(Failure) -> Matcher {
        if let known = compiled.withLock({ $0[pattern] }) { return known.matcher() }
        let regex = try shell.system(as: "bad regex") { () throws(SysError) in try Regex(pattern) }
        compiled.withLock { c in
            if c.count >= 64 { c = [:] }
            c[pattern] = regex
        }
        return regex.matcher()
    }

    private static func matches(_ shell: Shell, _ matcher: Matcher, _ text: String) throws(Failure) -> Bool {
        let bytes = Array(text.utf8)
        return try shell.system { () throws(SysError) in try matcher.matches(bytes.span.bytes) }
    }

    /// The first match, or all of them up to the first that is empty.
    private static func find(
        _ shell: Shell, _ matcher: Matcher, _ text: [UInt8], all: Bool
    ) throws(Failure) -> [Range<Int>] {
        let found = try shell.system { () throws(SysError) in
            try matcher.all(in: text.span.bytes, limit: all ? .max : 1)
        }
        let end = found.firstIndex { $0.isEmpty }.map { $0 + 1 } ?? found.count
        return Array(found[..<end])
    }

    private static func part(_ text: [UInt8], _ range: Range<Int>) -> Item {
        .text(String(decoding: text[range], as: UTF8.self))
    }

    /// `text` with matches replaced by `template`, in which `\1` is a group, `\0` the match, and `\x` else x itself.
    private static func replace(
        _ shell: Shell, _ matcher: Matcher, _ text: String, _ template: String, all: Bool
    ) throws(Failure) -> String {
        let bytes = Array(text.utf8)
        let template = Array(template.utf8)
        var result: [UInt8] = []
        var done = 0
        for match in try find(shell, matcher, bytes, all: all) {
            result += bytes[done..<match.lowerBound]
            done = match.upperBound
            let groups = try shell.system { () throws(SysError) in
                try matcher.groups(in: bytes.span.bytes, of: match)
            }
            var i = 0
            while i < template.count {
                let c = template[i]
                i += 1
                guard c == UInt8(ascii: "\\"), i < template.count else {
                    result.append(c)
                    continue
                }
                let d = template[i]
                i += 1
                if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(d) {
                    let group = Int(d - UInt8(ascii: "0"))
                    if group < groups.count, let range = groups[group] { result += bytes[range] }
                } else {
                    result.append(d)
                }
            }
            guard result.count <= Limit.string else { throw shell.raise("string too long", "string too long") }
        }
        result += bytes[done...]
        return String(decoding: result, as: UTF8.self)
    }
}
