import Applib
import Kernel

/// Says by its status whether something is so.
struct Test: Program {
    private static let usage: Usage = """
        test expression
        Files: -e there, -f regular, -d directory, -s not empty, -r -w -x may be read, written, run, -L -h symbolic link, -p pipe,
        -S socket, -A append only, -b block device, -c character device, -t fd terminal, -u -g set user, group id, -k sticky, -O -G
        owned by us, our group; a -nt b newer, a -ot b older, a -ef b the same.
        Text: -n s, -z s, s, a = b, a == b, a != b, a < b, a > b.
        Numbers: a -eq b, -ne, -lt, -le, -gt, -ge.
        ! e, e -a e, e -o e, ( e ).
        The status is empty where it is so, false where it is not, and 2 for a host where something is wrong.
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        let words = Array(args.dropFirst())
        if words == ["-h"] || words == ["--help"] {
            try p.write(1, Self.usage.help)
            return .ok
        }
        var expression = Expression(p, words[...])
        do throws(SysError) { return try expression.value() ? .ok : "false" } catch {
            if error.code == .killed { throw error }
            try p.write(2, "\(p.name): \(error)\n")
            return Status(code: 2, error.description)
        }
    }
}

private struct Expression {
    private let p: Proc
    private var rest: ArraySlice<String>
    private var depth = 0

    private static let depthLimit = 100
    private static let binary: Set<String> = [
        "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef",
    ]
    private static let unary: Set<String> = [
        "-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h", "-p", "-S", "-A", "-b", "-c", "-t", "-n", "-z",
        "-u", "-g", "-k", "-O", "-G",
    ]

    init(_ p: Proc, _ words: ArraySlice<String>) {
        self.p = p
        rest = words
    }

    /// The whole. What one to four words mean is said by POSIX; beyond that -a binds closer than -o.
    mutating func value() throws(SysError) -> Bool {
        if let short = try short(rest) { return short }
        let value = try or()
        guard rest.isEmpty else { throw SysError("'\(rest[rest.startIndex])' is one word too many") }
        return value
    }

    /// By the number of words, so that words from outside are not taken for operators; nil where that says nothing.
    private func short(_ words: ArraySlice<String>) throws(SysError) -> Bool? {
        let w = Array(words)
        switch w.count {
        case 0: return false
        case 1: return !w[0].isEmpty
        case 2:
            if w[0] == "!" { return w[1].isEmpty }
            return Self.unary.contains(w[0]) ? try test(w[0], w[1]) : nil
        case 3:
            if Self.binary.contains(w[1]) { return try compare(w[0], w[1], w[2]) }
            if w[1] == "-a" { return !w[0].isEmpty && !w[2].isEmpty }
            if w[1] == "-o" { return !w[0].isEmpty || !w[2].isEmpty }
            if w[0] == "!" { return try short(words.dropFirst()).map { !$0 } }
            return w[0] == "(" && w[2] == ")" ? !w[1].isEmpty : nil
        case 4:
            return w[0] == "!" ? try short(words.dropFirst()).map { !$0 } : nil
        default: return nil
        }
    }

    private mutating func or() throws(SysError) -> Bool {
        var value = try and()
        while rest.first == "-o" {
            rest.removeFirst()
            let next = try and()
            value = value || next
        }
        return value
    }

    private mutating func and() throws(SysError) -> Bool {
        var value = try not()
        while rest.first == "-a" {
            rest.removeFirst()
            let next = try not()
            value = value && next
        }
        return value
    }

    private mutating func not() throws(SysError) -> Bool {
        var isNot = false
        while rest.first == "!", rest.count > 1 {
            rest.removeFirst()
            isNot.toggle()
        }
        return try primary() != isNot
    }

    private mutating func primary() throws(SysError) -> Bool {
        guard let first = rest.popFirst() else { throw SysError("an operand is missing") }
        if let op = rest.first, Self.binary.contains(op), rest.count > 1 {
            let right = rest[rest.startIndex + 1]
            rest.removeFirst(2)
            return try compare(first, op, right)
        }
        if first == "(" {
            depth += 1
            guard depth < Self.depthLimit else { throw SysError("too deeply nested") }
            let value = try or()
            guard rest.popFirst() == ")" else { throw SysError("')' is missing") }
            depth -= 1
            return value
        }
        if Self.unary.contains(first) {
            guard let operand = rest.popFirst() else { throw SysError("'\(first)': an operand is missing") }
            return try test(first, operand)
        }
        return !first.isEmpty
    }

    private func test(_ op: String, _ word: String) throws(SysError) -> Bool {
        switch op {
        case "-n": return !word.isEmpty
        case "-z": return word.isEmpty
        case "-t": return p.isTerminal(try number(Int32.self, word))
        case "-L", "-h": return stat(word, follow: false)?.qid.isSymlink ?? false
        case "-r": return access(word, .read)
        case "-w": return access(word, .write)
        case "-x": return access(word, .execute)
        default: break
        }
        guard let dir = stat(word) else { return false }
        switch op {
        case "-f": return dir.isRegular
        case "-d": return dir.isDirectory
        case "-s": return dir.length > 0
        case "-p": return dir.kindLetter == "p"
        case "-S": return dir.mode.contains(.socket)
        case "-A": return dir.mode.contains(.append)
        case "-b": return dir.kindLetter == "b"
        case "-c": return dir.kindLetter == "c"
        case "-u": return dir.mode.contains(.setuid)
        case "-g": return dir.mode.contains(.setgid)
        case "-k": return dir.mode.contains(.sticky)
        case "-O": return dir.owner == p.cred.user
        case "-G": return dir.groupID == p.cred.gid.effective
        default: return true
        }
    }

    /// What cannot be looked at is not there, for a test.
    private func stat(_ path: String, follow: Bool = true) -> Dir? { try? p.stat(path, follow: follow) }

    private func access(_ path: String, _ right: Mask) -> Bool {
        // As above: a path that leads nowhere gives no right.
        guard let route = try? p.whence(path), let dir = stat(path) else { return false }
        return route.mask.contains(right) && p.cred.may(dir, right)
    }

    private func number<T: FixedWidthInteger>(_ type: T.Type, _ word: String) throws(SysError) -> T {
        guard let n = T(word.trimmingBlanks) else { throw SysError("bad number '\(word)'") }
        return n
    }

    private func compare(_ a: String, _ op: String, _ b: String) throws(SysError) -> Bool {
        switch op {
        case "=", "==": return a == b
        case "!=": return a != b
        case "<": return a.utf8.lexicographicallyPrecedes(b.utf8)
        case ">": return b.utf8.lexicographicallyPrecedes(a.utf8)
        case "-nt", "-ot":
            let (x, y) = (stat(a)?.modified, stat(b)?.modified)
            return op == "-nt" ? x.map { $0 > y ?? .min } ?? false : y.map { $0 > x ?? .min } ?? false
        case "-ef": return stat(a).map { $0.identity == stat(b)?.identity } ?? false
        default: break
        }
        let (x, y) = (try number(Int.self, a), try number(Int.self, b))
        switch op {
        case "-eq": return x == y
        case "-ne": return x != y
        case "-lt": return x < y
        case "-le": return x <= y
        case "-gt": return x > y
        default: return x >= y
        }
    }
}

extension String {
    fileprivate var trimmingBlanks: Substring {
        var s = self[...]
        while let c = s.first, c.isWhitespace { s.removeFirst() }
        while let c = s.last, c.isWhitespace { s.removeLast() }
        return s
    }
}
