import Applib
import Kernel

/// Prints paths without what they do not need: empty names, `.`, and `..` with the name before it.
struct Cleanname: Command {
    static let usage: Usage = """
        cleanname [-d dir] path ...
        -d dir  what a path that does not begin with / is below of
        """

    func run(_ r: Run) throws(SysError) {
        for path in try r.operands(1...Int.max) {
            let isWhole = isRooted(path) || path.hasPrefix("#")
            try r.out.line(clean(isWhole ? path : r.options.value("d").map { $0 + "/" + path } ?? path))
        }
    }

    private func clean(_ path: String) -> String {
        let isWhole = isRooted(path)
        var names: [String] = []
        for name in pathNames(path) where name != "." {
            if name != ".." {
                names.append(name)
            } else if let last = names.last, last != "..", !last.hasPrefix("#") {
                names.removeLast()
            } else if !isWhole, names.isEmpty || names.last == ".." {
                names.append(name)
            }
        }
        let joined = names.joined(separator: "/")
        return isWhole ? "/" + joined : joined.isEmpty ? "." : joined
    }
}
