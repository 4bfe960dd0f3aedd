/// Bytes by their role in the language.
enum Lex {
    /// True for a byte that may stand in an unquoted word. `=` may too, but not in the first word of a command.
    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0,
            UInt8(ascii: "#"), UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "^"),
            UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "'"), UInt8(ascii: "{"), UInt8(ascii: "}"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""),
            UInt8(ascii: "="):
            false
        default: true
        }
    }

    /// True for a byte of a variable's name after `$`: letters, digits, `_`, `*`, and all beyond ASCII.
    static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "*"), 0x80...0xff:
            true
        default: false
        }
    }

    static func isGlob(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[")
    }
}

/// `text` so that the shell reads it as one word that stands for itself.
func quoted(_ text: String) -> String {
    if !text.isEmpty, text.utf8.allSatisfy({ Lex.isWord($0) && !Lex.isGlob($0) }) { return text }
    var result = "'"
    for c in text.unicodeScalars {
        if c == "'" { result.unicodeScalars.append("'") }
        result.unicodeScalars.append(c)
    }
    result.append("'")
    return result
}

/// A list as one string which, parsed again, gives the list. The corresponding Inferno call is `string(2)` `quoted`.
func quoted(_ list: [String]) -> String {
    list.map { quoted($0) }.joined(separator: " ")
}

/// The list in a string made by `quoted`: split at unquoted blanks and newlines, quotes taken off.
func unquoted(_ text: String) -> [String] {
    var list: [String] = []
    var item: [UInt8]?
    var inQuotes = false
    let bytes = Array(text.utf8)
    var i = 0
    while i < bytes.count {
        let byte = bytes[i]
        i += 1
        if inQuotes {
            if byte != UInt8(ascii: "'") {
                item?.append(byte)
            } else if i < bytes.count, bytes[i] == byte {
                item?.append(byte)
                i += 1
            } else {
                inQuotes = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"):
            if let done = item { list.append(String(decoding: done, as: UTF8.self)) }
            item = nil
        case UInt8(ascii: "'"):
            inQuotes = true
            item = item ?? []
        default:
            if item == nil { item = [] }
            item?.append(byte)
        }
    }
    if let done = item { list.append(String(decoding: done, as: UTF8.self)) }
    return list
}
