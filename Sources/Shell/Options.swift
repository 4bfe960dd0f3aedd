/// The arguments of `sh`: `[-eilnvx] [-c command] [file [arg ...]]`.
struct Options: Equatable {
    var flags: Set<Character> = []
    var command: String?
    var file: String?
    var arguments: [String] = []
    /// `$0` of the shell.
    var zero: String

    /// nil where they are not as they should be.
    init?(_ args: [String]) {
        zero = args.first ?? "sh"
        if zero.hasPrefix("-") { flags.insert("l") }
        var rest = args.dropFirst()
        while let word = rest.first, word.utf8.count > 1, word.hasPrefix("-") {
            rest.removeFirst()
            if word == "--" { break }
            for flag in word.dropFirst() {
                switch flag {
                case "e", "i", "l", "n", "v", "x": flags.insert(flag)
                case "c":
                    guard command == nil, let text = rest.popFirst() else { return nil }
                    command = text
                default: return nil
                }
            }
        }
        if command == nil, let name = rest.popFirst() {
            file = name
            zero = name
        }
        arguments = Array(rest)
    }
}
