import Kernel

/// Prints what stands before the last name of a path.
struct Dirname: Command {
    static let usage: Usage = """
        dirname [-z] path ...
        -z  a zero byte instead of a newline behind each
        """

    func run(_ r: Run) throws(SysError) {
        for path in try r.operands(1...Int.max) { try r.out.write(directory(of: path) + (r.has("z") ? "\0" : "\n")) }
    }

    private func directory(of path: String) -> String {
        let slash = UInt8(ascii: "/")
        var rest = Array(path.utf8)[...]
        while rest.count > 1, rest.last == slash { rest.removeLast() }
        guard let cut = rest.lastIndex(of: slash) else { return "." }
        rest = rest[..<cut]
        while rest.last == slash { rest.removeLast() }
        return rest.isEmpty ? "/" : String(decoding: rest, as: UTF8.self)
    }
}
