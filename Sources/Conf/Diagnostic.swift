/// What is wrong, and where: printed as `emu.conf:12: error: unknown section 'devs'`.
public struct Diagnostic: Error, Equatable, CustomStringConvertible {
    /// The file, relative to the package.
    public let file: String
    /// The line, from 1; 0 when the whole file is meant.
    public let line: Int
    /// A lower-case sentence that names the thing.
    public let message: String

    public init(_ file: String, _ line: Int, _ message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    public var description: String {
        line == 0 ? "\(file): error: \(message)" : "\(file):\(line): error: \(message)"
    }
}

/// What the generator may be given. Larger things are refused, so that no input makes it slow.
public enum Limit {
    /// Bytes of `emu.conf`, and of one interface.
    public static let file = 1 << 20
    /// Bytes of one embedded file.
    public static let embedded = 16 << 20
    /// Bytes of one name: a file name, an identifier.
    static let name = 255
    /// Bytes of one path.
    static let path = 4096
    /// Words on one line of `emu.conf`.
    static let words = 64
    /// How deep types and constant expressions nest.
    static let depth = 32
    /// Parameters of a function, fields of an adt, parts of a tuple, names in one declaration.
    static let parts = 64
    /// Words that one value becomes in the shell, adts and tuples flattened.
    static let width = 256
    /// Declarations in one interface.
    static let declarations = 1024
    /// Bytes of one string constant.
    static let string = 4096
}

/// How a name from the input is quoted in a diagnostic: printable, and short.
func quoted(_ text: some StringProtocol) -> String {
    var out = "'"
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == 60 {
            out += "..."
            break
        }
        let visible = scalar.value >= 0x20 && scalar.value != 0x7f && !(0x80..<0xa0).contains(scalar.value)
        out += visible ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
    return out + "'"
}
