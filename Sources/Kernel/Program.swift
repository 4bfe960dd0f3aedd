/// A program of the system: in `appl/`, registered to a path by a `prog` line of `emu.conf`.
///
/// It sees the system through `p` only. It runs on a Thread of its own; the corresponding Inferno form is a module
/// with `init`.
public protocol Program: Sendable {
    init()
    /// Runs to its end. `args[0]` is the name it was called by. A thrown error is printed with that name before it
    /// and becomes the status.
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status
}

/// How a program ended: empty for success, else what went wrong. A number is a Linux program's exit code.
public struct Status: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(stringLiteral text: String) { self.text = text }
    /// 0 is success.
    public init(code: Int32) { text = code == 0 ? "" : String(code) }
    /// A failure that is `code` for a host, and has a sentence for everybody else: `2: file does not exist`.
    public init(code: Int32, _ sentence: String) { text = "\(code): \(sentence)" }

    public static let ok = Status("")

    public var isOK: Bool { text.isEmpty }
    public var description: String { text }

    /// As a host sees it: 0, the number that the text is or begins with before a colon (1 to 255), 128 and the
    /// signal for a note that stands for one, 2 for a wrong call, else 1.
    public var code: Int32 {
        if text.isEmpty { return 0 }
        if let n = Int32(text.prefix { $0 != ":" }), n > 0, n < 256 { return n }
        return switch text {
        case "usage": 2
        case "hangup": 129
        case "interrupt": 130
        case "quit": 131
        case "killed": 137
        case "term": 143
        default: 1
        }
    }
}

/// A row of the program table.
public struct ProgramEntry: Sendable {
    /// The Swift type, as in `emu.conf`.
    public let name: String
    public let path: String
    public let make: @Sendable () -> any Program

    public init(name: String, path: String, make: @escaping @Sendable () -> any Program) {
        self.name = name
        self.path = path
        self.make = make
    }

    /// What the program's file holds; `exec` knows it by this, wherever the file is bound or copied.
    public var text: String { "#!program \(name)\n" }
}

/// Runs files that are no programs of ours: ELF of some machine. Engines register themselves with the system.
public protocol Engine: Sendable {
    /// Whether a file that begins with `header` (up to 512 bytes) is its to run.
    func claims(_ header: [UInt8]) -> Bool
    /// Runs `file`, open for execution, in the calling Proc to its end.
    func run(_ p: Proc, _ file: Chan, _ args: [String]) throws(SysError) -> Status
    /// Whether that takes processes of the host. False by default.
    var makesProcesses: Bool { get }
}

extension Engine {
    public var makesProcesses: Bool { false }
}

/// Line editing for the console, given by the host where there is one.
public protocol LineEditor: Sendable {
    /// A line without its newline, or nil at end of file. Throws `.interrupted` on an interrupt.
    /// `complete` gives what can stand for the word between two offsets of the line, in UTF-8 bytes.
    func readLine(
        prompt: String, history: [String],
        complete: @escaping @Sendable (_ line: String, _ start: Int, _ end: Int) -> [String]
    ) throws(SysError) -> String?
}
