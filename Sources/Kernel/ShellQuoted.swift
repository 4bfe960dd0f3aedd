/// `word` as the shell reads it: in quotes where a character is special there, or it is empty.
public func shellQuoted(_ word: String) -> String {
    let plain = word.unicodeScalars.allSatisfy { c in
        c.value > 0x7f || "/._-+,:@%".unicodeScalars.contains(c) || c.properties.isAlphabetic || ("0"..."9").contains(c)
    }
    guard !plain || word.isEmpty else { return word }
    var quoted = "'".unicodeScalars
    for c in word.unicodeScalars {
        if c == "'" { quoted.append(c) }
        quoted.append(c)
    }
    quoted.append("'")
    return String(quoted)
}
