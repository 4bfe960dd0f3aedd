/// One element of a list: text, or a block that is still a tree and need not be parsed again to be run.
enum Item: Sendable {
    case text(String)
    case block(Block)

    /// What it is outside the shell.
    var text: String {
        switch self {
        case .text(let s): s
        case .block(let b): b.text
        }
    }
}

/// Where in a program the shell is; nil for what a person types.
struct Place: Sendable {
    var file: String?
    var line: Int
}

/// Why a command did not end in the ordinary way.
enum Failure: Error {
    /// An exception: `rescue` can catch it, the end of a process turns it into its status.
    case raised(Exception)
    /// `exit`: the process ends.
    case exit(String)
    /// An interrupt from the keyboard: back to the prompt.
    case interrupted
    /// The process has been told to end.
    case killed
}

/// An exception of the language. Its name is what scripts see; the message says to a person what was wrong and where,
/// and is printed where nobody has caught it. One raised by `raise` has no message; where it is empty nothing is printed,
/// since whoever failed has told.
struct Exception: Sendable {
    let name: String
    let message: String?
    let place: Place

    /// As it is printed: `sh: file:line: message`.
    var diagnostic: String { place.prefix + (message ?? name) }
}

extension Place {
    /// What a diagnostic begins with.
    var prefix: String { file.map { "sh: \($0):\(line): " } ?? "sh: " }
}

/// How many bytes one string of the shell may have, and elements one list: what a loop can make must end somewhere
/// before memory does.
enum Limit {
    static let string = 1 << 26
    static let list = 1 << 22
    /// How deep processes of one shell may start each other.
    static let level = 100
}
