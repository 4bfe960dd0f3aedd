import Applib
import Kernel

/// Makes a file that nobody else has, and prints its path.
struct Mktemp: Command {
    static let usage: Usage = """
        mktemp [-dqtu] [-p dir] [--suffix text] [template]
        -d, --directory   a directory
        -p, --tmpdir dir  where; without a template, and with -t, $TMPDIR, or /tmp
        -q, --quiet       do not say what is wrong
        -t                the template is a name in that directory
        -u, --dry-run     only a path that nothing is at
        --suffix text     behind the template
        The X at the end of the template, three at least, become letters and digits; it is tmp.XXXXXXXXXX where none is given.
        """

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    /// How often a name that is taken is made another.
    private static let attempts = 1000

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(0...1)
        var template = words.first ?? "tmp.XXXXXXXXXX"
        var suffix = r.options.value("suffix") ?? ""
        if !r.has("suffix"), let last = template.lastIndex(of: "X") {
            let behind = template.index(after: last)
            suffix = String(template[behind...])
            template = String(template[..<behind])
        }
        guard !suffix.contains("/") else { throw SysError("bad suffix '\(suffix)'") }
        let count = template.reversed().prefix { $0 == "X" }.count
        guard 3...255 ~= count else { throw SysError("template '\(template)' needs at least three X at its end") }
        if words.isEmpty || r.has("t") || r.has("p") {
            guard !isRooted(template), !r.has("t") || !template.contains("/") else {
                throw SysError("template '\(template)' is a path, and the directory is known already")
            }
            let said = r.p.environment["TMPDIR"].map { String(decoding: $0.value, as: UTF8.self) } ?? ""
            let dir = r.options.value("p").flatMap { $0.isEmpty ? nil : $0 } ?? (said.isEmpty ? "/tmp" : said)
            template = dir + (dir.hasSuffix("/") ? "" : "/") + template
        }
        do throws(SysError) { try r.out.line(try make(String(template.dropLast(count)), count, suffix, r)) } catch {
            try r.warn(error, quietly: r.has("q"))
        }
    }

    private func make(_ start: String, _ count: Int, _ suffix: String, _ r: Run) throws(SysError) -> String {
        for _ in 0..<Self.attempts {
            let path = start + String((0..<count).map { _ in Self.letters.randomElement() ?? "x" }) + suffix
            do throws(SysError) {
                if r.has("u") {
                    do throws(SysError) { _ = try r.p.stat(path, follow: false) } catch {
                        guard error.code == .nonexist else { throw error }
                        return path
                    }
                } else if r.has("d") {
                    try r.p.mkdir(path, 0o700)
                    return path
                } else {
                    let mode = OpenMode.readWrite.union(.exclusive)
                    try r.p.close(try r.p.create(path, mode, FileMode(rawValue: 0o600)))
                    return path
                }
            } catch { guard error.code == .exist else { throw error } }
        }
        throw SysError("no name is free")
    }
}
