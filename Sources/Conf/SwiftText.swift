/// How values of ours are written in Swift source.
enum SwiftText {
    /// A string literal, quotes included; all but printable ASCII is escaped.
    static func literal(_ text: some StringProtocol) -> String {
        var out = "\""
        out.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars { escape(scalar, into: &out) }
        out += "\""
        return out
    }

    private static func escape(_ scalar: UnicodeScalar, into out: inout String) {
        switch scalar {
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        case "\r": out += "\\r"
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case " "..."~": out.unicodeScalars.append(scalar)
        default: out += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    /// A name from an interface as an identifier.
    static func identifier(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    private static let keywords: Set<String> = [
        "Any", "Protocol", "Self", "Type", "as", "associatedtype", "break", "case", "catch", "class",
        "continue", "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false",
        "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows", "return", "self",
        "static", "struct", "subscript", "super", "switch", "throw", "throws", "true", "try", "typealias", "var",
        "where", "while", "_",
    ]

    /// Standard base64 with padding; the corresponding page is RFC 4648, section 4.
    static func base64(_ bytes: ArraySlice<UInt8>) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var i = bytes.startIndex
        while i < bytes.endIndex {
            let have = min(3, bytes.endIndex - i)
            var group: UInt32 = 0
            for j in 0..<3 { group = group << 8 | (j < have ? UInt32(bytes[i + j]) : 0) }
            for j in 0..<4 {
                out.append(j <= have ? digits[Int(group >> UInt32(18 - 6 * j) & 63)] : UInt8(ascii: "="))
            }
            i += have
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The bytes as text for a literal, or nil when they are not: not UTF-8, or with control characters.
    static func text(_ bytes: [UInt8]) -> String? {
        guard !bytes.contains(where: { $0 < 0x20 && $0 != 0x0a && $0 != 0x09 && $0 != 0x0d || $0 == 0x7f }) else {
            return nil
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The pieces of a text, each of at most `limit` characters of UTF-8.
    static func pieces(_ text: String, _ limit: Int) -> [Substring] {
        var pieces: [Substring] = []
        var rest = text[...]
        while rest.utf8.count > limit {
            let cut = rest.unicodeScalars.index(before: rest.utf8.index(rest.startIndex, offsetBy: limit))
            pieces.append(rest[..<cut])
            rest = rest[cut...]
        }
        pieces.append(rest)
        return pieces
    }
}
