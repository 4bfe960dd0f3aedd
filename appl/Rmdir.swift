import Applib
import Kernel

/// Removes empty directories.
struct Rmdir: Command {
    static let usage: Usage = """
        rmdir [-pv] [--ignore-fail-on-non-empty] directory ...
        -p, --parents  those above too, as far as the name says
        -v, --verbose  tell of each that is removed
        --ignore-fail-on-non-empty  a directory with something in it stays, which is no failure
        """

    func run(_ r: Run) throws(SysError) {
        for name in try r.operands(1...Int.max) {
            try r.going(on: name) { () throws(SysError) in
                var path = name
                while true {
                    guard try r.p.stat(path, follow: false).isDirectory else { throw SysError(.notDir, subject: path) }
                    if r.has("v") { try r.out.line("rmdir: removing directory, '\(path)'") }
                    do throws(SysError) { try r.p.remove(path) } catch {
                        if error.code == .notEmpty, r.has("ignore-fail-on-non-empty") { return }
                        throw error
                    }
                    guard r.has("p"), let above = above(path) else { return }
                    path = above
                }
            }
        }
    }

    /// What stands before the last name; nil where nothing does, or the root.
    private func above(_ path: String) -> String? {
        let above = pathNames(path).dropLast()
        guard !above.isEmpty else { return nil }
        return (path.utf8.first == UInt8(ascii: "/") ? "/" : "") + above.joined(separator: "/")
    }
}
