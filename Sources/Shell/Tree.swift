/// A line number carried for messages. Two trees are the same program wherever they were written, so lines are always
/// equal to each other.
struct Line: Equatable, Sendable {
    let number: Int

    static func == (a: Line, b: Line) -> Bool { true }
}

/// An argument as written; its value is a list of strings.
///
/// What can be long is an array, so that no input makes a tree deeper than the parser's nesting limit: taking a tree
/// apart recurses as deep as it nests.
indirect enum Word: Equatable, Sendable {
    /// Text as it stands. `glob`: it was written without quotes and holds one of `* ? [`.
    case literal(String, glob: Bool)
    /// `$x`
    case variable(Word)
    /// `$#x`
    case count(Word)
    /// `$"x`
    case joined(Word)
    /// `${name args}`, at least one word.
    case substitution([Word], Line)
    /// `` `{...} `` (split at `$ifs`) and `"{...}` (one string).
    case output(Block, split: Bool)
    /// `<{...}`, `>{...}` and `<>{...}`: the name of a pipe to the block.
    case pipe(Block, Access)
    /// `{...}`: a value that can be run.
    case block(Block)
    /// `a^b`, written or implied; at least two.
    case caret([Word])
    /// `(a b c)`
    case list([Word])
}

/// How a file is opened by a redirection, or which way a named pipe goes as its user sees it.
enum Access: Equatable, Sendable {
    case read, write, append, both

    /// The operator that says so.
    var sign: String {
        switch self {
        case .read: "<"
        case .write: ">"
        case .append: ">>"
        case .both: "<>"
        }
    }

    /// The descriptor that it applies to when none is named.
    var descriptor: Int {
        switch self {
        case .read, .both: 0
        case .write, .append: 1
        }
    }
}

/// A redirection; several are carried out from left to right.
enum Redirection: Equatable, Sendable {
    /// `>[fd] file`
    case open(fd: Int, Access, Word)
    /// `>[fd=from]`; `sign` is kept to print it as it was written.
    case dup(fd: Int, from: Int, Access)
    /// `>[fd=]`
    case close(fd: Int, Access)
}

/// Arguments and redirections; never both empty.
struct Simple: Equatable, Sendable {
    var words: [Word]
    var redirections: [Redirection]
    let line: Line
}

/// `names = value`, `names := value`.
indirect enum Assigned: Equatable, Sendable {
    case words([Word])
    /// `a = b = c`: the value is what the inner assignment assigned.
    case assignment(Assignment)
}

struct Assignment: Equatable, Sendable {
    let names: Word
    /// `:=`, into the innermost scope.
    let local: Bool
    let value: Assigned
    let line: Line
}

/// One `|[left=right]` between two commands.
struct Joint: Equatable, Sendable {
    let left: Int
    let right: Int
}

/// `a | b | c`: one joint fewer than commands, at least one.
struct Pipeline: Equatable, Sendable {
    let commands: [Command]
    let joints: [Joint]
}

/// One `&& command` or `|| command`.
struct Link: Equatable, Sendable {
    let and: Bool
    let command: Command
}

indirect enum Command: Equatable, Sendable {
    case simple(Simple)
    case assign(Assignment)
    case pipeline(Pipeline)
    /// `a && b || c`, from left to right; at least one link.
    ///
    /// Inferno rewrites these to the commands `and` and `or` of its module std, so that they need `load std` and lose `$*`.
    /// Here they are of the language and neither holds.
    case chain(Command, [Link])
    case background(Command)
}

/// A braced block: a value and a program.
///
/// As a string it is `text`, which parses to an equal block.
final class Block: Equatable, Sendable {
    let commands: [Command]
    /// Where it was written, for messages.
    let file: String
    let line: Int

    init(_ commands: [Command], file: String, line: Int) {
        self.commands = commands
        self.file = file
        self.line = line
    }

    static func == (a: Block, b: Block) -> Bool { a === b || a.commands == b.commands }
}

/// Text that is not a program; says where and why.
public struct SyntaxError: Error, Equatable {
    let file: String
    let line: Int
    let reason: String
    /// The text ends where more could make it right: an interactive shell then asks for another line.
    let incomplete: Bool

    /// `file:line: reason`
    public var sentence: String { "\(file):\(line): \(reason)" }
}
