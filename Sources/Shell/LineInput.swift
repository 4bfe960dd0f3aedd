import Kernel

/// Commands from descriptor 0.
struct LineInput {
    private let p: Proc
    /// A terminal gives one line at a time; elsewhere no byte is taken that a command may want to read.
    private let isTerminal: Bool
    private var ahead: [UInt8] = []
    /// Number of the next line.
    private(set) var number = 1

    /// Most bytes of one command.
    private static let limit = 16 << 20

    init(_ p: Proc) {
        self.p = p
        isTerminal = p.isTerminal(0)
    }

    /// The next lines of commands, read until they are whole; nil at the end of the input.
    ///
    /// `read` gives a line without its newline; it is told whether it goes on with what was given before.
    mutating func commands(
        _ shell: Shell, _ file: String,
        _ read: (_ continued: Bool, _ input: inout LineInput) throws(Failure) -> String?
    ) throws(Failure) -> [[Command]]? {
        let first = number
        var text: [UInt8] = []
        var wanting: SyntaxError?
        while true {
            guard let line = try read(wanting != nil, &self) else {
                guard let wanting else { return nil }
                throw .raised(Exception(name: "parse error", message: wanting.reason, place: wanting.place))
            }
            number += 1
            text += line.utf8
            text.append(UInt8(ascii: "\n"))
            do throws(SyntaxError) {
                guard text.count <= Self.limit else { throw SyntaxError(tooLongAt: number, in: file) }
                return try Self.parse(text, file, first)
            } catch {
                guard error.incomplete else {
                    throw .raised(Exception(name: "parse error", message: error.reason, place: error.place))
                }
                wanting = error
            }
        }
    }

    private static func parse(_ text: [UInt8], _ file: String, _ line: Int) throws(SyntaxError) -> [[Command]] {
        var parser = Parser(text, file: file, line: line)
        var lines: [[Command]] = []
        while let commands = try parser.next() { lines.append(commands) }
        return lines
    }

    /// A line from descriptor 0, nil at its end.
    mutating func line(_ shell: Shell) throws(Failure) -> String? {
        while true {
            if let end = ahead.firstIndex(of: UInt8(ascii: "\n")) {
                defer { ahead.removeFirst(end + 1) }
                return String(decoding: ahead[..<end], as: UTF8.self)
            }
            let more = try shell.system { () throws(SysError) in try p.read(0, isTerminal ? 4096 : 1) }
            if more.isEmpty || ahead.count > Self.limit {
                guard !ahead.isEmpty else { return nil }
                defer { ahead = [] }
                return String(decoding: ahead, as: UTF8.self)
            }
            ahead += more
        }
    }
}

extension SyntaxError {
    fileprivate init(tooLongAt line: Int, in file: String) {
        self.init(file: file, line: line, reason: "command too long", incomplete: false)
    }
}
