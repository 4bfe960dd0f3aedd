import Applib
import Kernel

/// Prints the last name of a path.
struct Basename: Command {
    static let usage: Usage = """
        basename [-az] [-s suffix] path [suffix]
        -a, --multiple       each operand is a path
        -s, --suffix suffix  taken off the end, of each path
        -z, --zero           a zero byte instead of a newline behind each
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let isMany = r.has("a") || r.has("s")
        let words = try r.operands(1...(isMany ? Int.max : 2))
        let suffix = r.options.value("s") ?? (isMany || words.count < 2 ? "" : words[1])
        for path in isMany ? words : [words[0]] {
            var name = lastName(path)
            if name != suffix, name.hasSuffix(suffix) { name.removeLast(suffix.count) }
            try r.out.write(name + (r.has("z") ? "\0" : "\n"))
        }
    }
}
