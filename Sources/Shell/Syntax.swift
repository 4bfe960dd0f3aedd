/// The language without running it: what tools and the fuzzer need.
public enum Syntax {
    /// The program `text` in its shortest form, a line for each line of commands. It parses to the same trees.
    ///
    /// Throws the first error of syntax; `file` is named in it.
    public static func canonical(_ text: [UInt8], file: String) throws(SyntaxError) -> String {
        var parser = Parser(text, file: file)
        var lines = ""
        while let commands = try parser.next() { lines += Printer.text(commands) + "\n" }
        return lines
    }
}
