/// Which program runs files that are no programs themselves, by how they begin or are called: the lines of `/lib/exectab`.
///
/// The corresponding page is `exectab(6)`.
public struct ExecTable: Sendable {
    public static let path = "/lib/exectab"
    /// Bytes of the file, and bytes of a program's file that are looked at.
    public static let sizeLimit = 64 * 1024
    static let magicLimit = 64

    private enum Sign: Hashable {
        case magic(offset: Int, [UInt8])
        case suffix(String)
    }

    private struct Row {
        let sign: Sign
        let words: [String]
    }

    private var rows: [Row] = []

    /// Lines that are not understood are passed over: a table that somebody has spoilt stops no other program.
    public init(_ text: String) {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }
                .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
                .map { String(Substring($0)) }
            if let row = Self.row(words) { rows.append(row) }
        }
    }

    private static func row(_ words: [String]) -> Row? {
        guard let kind = words.first else { return nil }
        switch (kind, words.count) {
        case ("suffix", 3...): return Row(sign: .suffix(words[1]), words: Array(words[2...]))
        case ("magic", 4...):
            guard let offset = Int(words[1]), (0..<magicLimit).contains(offset), let bytes = hex(words[2]),
                !bytes.isEmpty, bytes.count <= magicLimit
            else { return nil }
            return Row(sign: .magic(offset: offset, bytes), words: Array(words[3...]))
        default: return nil
        }
    }

    /// Two digits a byte.
    private static func hex(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[i], let low = digits[i + 1] else { return nil }
            bytes.append(UInt8(high * 16 + low))
        }
        return bytes
    }

    /// The program and its first arguments for a file of that name which begins with `head`: the first line that fits.
    public func words(for name: String, _ head: [UInt8]) -> [String]? {
        rows.first { row in
            switch row.sign {
            case .suffix(let suffix): name.utf8.count > suffix.utf8.count && name.hasSuffix(suffix)
            case .magic(let offset, let bytes): head.dropFirst(offset).starts(with: bytes)
            }
        }?.words
    }
}
