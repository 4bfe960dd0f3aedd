import Kernel

/// The line that is being typed: its bytes, and where each of them stands on the screen, so that it can be rubbed out.
struct TypedLine: Sendable {
    private(set) var bytes: [UInt8] = []
    /// The column of each byte, and the one behind the last.
    private var columns: [Int] = []
    private var end = 0

    var isEmpty: Bool { bytes.isEmpty }
    var count: Int { bytes.count }

    /// Adds a byte, which is shown as `settings` say; `column` is where the first one of a line stands.
    mutating func append(_ byte: UInt8, _ settings: TerminalSettings, at column: Int) {
        if bytes.isEmpty { end = column }
        bytes.append(byte)
        columns.append(end)
        guard settings.local.contains(.echo) else { return }
        if byte == 9 {
            end += 8 - end % 8
        } else if byte < 32 || byte == 127 {
            end += settings.local.contains(.echoctl) ? 2 : 0
        } else if settings.input.contains(.iutf8), byte >= 0x80, let (scalar, size) = scalar(before: count) {
            // Its bytes counted one each as long as they were no character.
            end = columns[count - size] + scalar.columns
        } else {
            end += 1
        }
    }

    mutating func removeAll() -> Int { cut(to: 0) }

    /// Takes off the last character, of UTF-8 with the marks that belong to it; how many columns of the screen it took.
    mutating func removeCharacter(utf8: Bool) -> Int {
        var size = min(1, count)
        if utf8, let last = bytes.last, last >= 0x80 {
            var character = String.UnicodeScalarView()
            var start = count
            while let (scalar, length) = scalar(before: start) {
                character.insert(scalar, at: character.startIndex)
                guard String(character).count == 1, character.count <= 32 else { break }
                start -= length
                size = count - start
            }
        }
        return cut(to: count - size)
    }

    /// Takes off blanks, and then the word before them; how many columns they took.
    mutating func removeWord() -> Int {
        var n = count
        while n > 0, Self.isBlank(bytes[n - 1]) { n -= 1 }
        while n > 0, !Self.isBlank(bytes[n - 1]) { n -= 1 }
        return cut(to: n)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

    private mutating func cut(to n: Int) -> Int {
        guard n < count else { return 0 }
        defer {
            end = columns[n]
            bytes.removeSubrange(n...)
            columns.removeSubrange(n...)
        }
        return end - columns[n]
    }

    /// The character that ends at byte `end`, and its bytes; nil where these are no UTF-8.
    private func scalar(before end: Int) -> (Unicode.Scalar, Int)? {
        var start = end - 1
        while start > 0, end - start < 4, bytes[start] & 0xc0 == 0x80 { start -= 1 }
        guard start >= 0, let text = String(validating: bytes[start..<end], as: UTF8.self) else { return nil }
        let scalars = text.unicodeScalars
        return scalars.count == 1 ? scalars.first.map { ($0, end - start) } : nil
    }
}

extension Unicode.Scalar {
    /// Columns that it takes on a screen, where it is no control character.
    fileprivate var columns: Int { isMark ? 0 : isWide ? 2 : 1 }

    /// Whether it stands on or in the character before it.
    private var isMark: Bool {
        if properties.isGraphemeExtend || properties.isEmojiModifier { return true }
        // A soft hyphen is shown.
        return properties.generalCategory == .format && value != 0xad
    }

    /// The characters of East Asia, and pictures.
    private var isWide: Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3,
            0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x17000...0x18cff, 0x1b000...0x1b2ff,
            0x20000...0x3fffd:
            true
        default: properties.isEmojiPresentation
        }
    }
}
