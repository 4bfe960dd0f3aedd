import Applib
import Kernel

/// Prints its arguments. It takes no flag but a first `-n`: everything else is text.
struct Echo: Program {
    static let usage: Usage = """
        echo [-n] [word ...]
        -n  no newline at the end
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        var words = args.dropFirst()
        if Self.usage.isAsked(args) {
            try p.write(1, Self.usage.help)
            return .ok
        }
        let bare = words.first == "-n"
        if bare { words = words.dropFirst() }
        let out = Writer(p, 1)
        try out.write(words.joined(separator: " ") + (bare ? "" : "\n"))
        try out.flush()
        return .ok
    }
}
