import Applib
import Codec
import Kernel
import Shell

/// What `find` asks of a file: tests and actions, joined by and, or, not; `both` asks all, whatever came, and takes what
/// the last says. Chains are lists: only parentheses and `!` make an expression deep.
indirect enum FindTest {
    case and([FindTest])
    case or([FindTest])
    case both([FindTest])
    case not(FindTest)
    case test((FindFile) throws(SysError) -> Bool)
    case action(FindAction)
}

/// A file on the way, as the tests see it: `root` is the path that the walk began with.
struct FindFile: Sendable {
    let path: String
    let root: String
    let dir: Dir
    let depth: Int
}

/// What is done with a file; where the expression has none, its path is printed.
enum FindAction {
    case print(ending: UInt8)
    case format(FindFormat)
    case prune, delete, quit
    case list
    case exec(FindExec)
}

/// A command that is run: on many files, those of a batch; in the file's own directory; after a question.
struct FindExec {
    var command: [String]
    var batch: Int?
    var isLocal = false
    var asks = false
}

/// Reads the expression behind `find`'s paths. Depth is bounded: nested parentheses recurse.
struct FindParser {
    private let p: Proc
    private let follow: Bool
    private var words: ArraySlice<String>
    private var depth = 0
    private var isExtended = false
    private(set) var batches: [[String]] = []
    private(set) var hasAction = false
    private(set) var minDepth = 0
    private(set) var maxDepth = Int.max
    private(set) var depthFirst = false
    private(set) var staysOnServer = false

    private static let depthLimit = 100

    /// `follow`: the tests look at what symbolic links lead to.
    init(_ p: Proc, _ words: ArraySlice<String>, follow: Bool) {
        self.p = p
        self.words = words
        self.follow = follow
    }

    mutating func parse() throws(SysError) -> FindTest {
        guard !words.isEmpty else { return .test { _ in true } }
        let test = try list()
        if let word = words.first { throw SysError("'\(word)' is not expected here") }
        return test
    }

    private mutating func list() throws(SysError) -> FindTest {
        var all = [try either()]
        while words.first == "," {
            words.removeFirst()
            all.append(try either())
        }
        return all.count == 1 ? all[0] : .both(all)
    }

    private mutating func either() throws(SysError) -> FindTest {
        var all = [try both()]
        while words.first == "-o" || words.first == "-or" {
            words.removeFirst()
            all.append(try both())
        }
        return all.count == 1 ? all[0] : .or(all)
    }

    private mutating func both() throws(SysError) -> FindTest {
        var all = [try one()]
        while let word = words.first, !["-o", "-or", ")", ","].contains(word) {
            if word == "-a" || word == "-and" { words.removeFirst() }
            all.append(try one())
        }
        return all.count == 1 ? all[0] : .and(all)
    }

    private mutating func one() throws(SysError) -> FindTest {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw SysError("expression too deep") }
        guard let word = words.popFirst() else { throw SysError("an expression is expected at the end") }
        switch word {
        case "!", "-not": return .not(try one())
        case "(":
            let inner = try list()
            guard words.popFirst() == ")" else { throw SysError("'(' is not closed") }
            return inner
        default: return try primary(word)
        }
    }

    private mutating func value(_ word: String) throws(SysError) -> String {
        guard let value = words.popFirst() else { throw SysError("\(word) takes a value") }
        return value
    }

    private mutating func primary(_ word: String) throws(SysError) -> FindTest {
        switch word {
        case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename":
            let byPath = word != "-name" && word != "-iname"
            return try pattern(word) { byPath ? $0.path : lastName($0.path) }
        case "-lname", "-ilname":
            return try pattern(word) { [p] (f) throws(SysError) in
                f.dir.qid.isSymlink ? try p.readlink(f.path) : nil
            }
        case "-regex", "-iregex": return try regex(word)
        case "-regextype":
            let kind = try value(word)
            guard ["emacs", "posix-extended", "posix-egrep", "egrep"].contains(kind) else {
                throw SysError("-regextype \(kind): not in this emu (emacs, posix-extended)")
            }
            isExtended = kind != "emacs"
            return .test { _ in true }
        case "-type":
            let kinds = try value(word).split(separator: ",")
            for k in kinds where !"fdlpsbc".contains(k) || k.count != 1 { throw SysError("-type \(k): no such type") }
            return .test { f in kinds.contains { f.dir.kindLetter == $0.first } }
        case "-empty":
            return .test { [p] (f) throws(SysError) in
                if f.dir.isDirectory { return try p.entries(of: f.path).isEmpty }
                return f.dir.kindLetter == "f" && f.dir.length == 0
            }
        case "-size": return try size(try value(word))
        case "-links": return try amount(word) { Int64($0.dir.links) }
        case "-inum": return try amount(word) { Int64(bitPattern: $0.dir.qid.path) }
        case "-samefile":
            let file = try p.stat(try value(word), follow: follow).identity
            return .test { $0.dir.identity == file }
        case "-user":
            let name = try value(word)
            return .test { $0.dir.owner == name || String($0.dir.ownerID) == name }
        case "-group":
            let name = try value(word)
            return .test { $0.dir.group == name || String($0.dir.groupID) == name }
        case "-nouser": return .test { $0.dir.owner.isEmpty || Int($0.dir.owner) != nil }
        case "-nogroup": return .test { $0.dir.group.isEmpty || Int($0.dir.group) != nil }
        case "-perm": return try permissions(try value(word))
        case "-readable": return access(.read)
        case "-writable": return access(.write)
        case "-executable": return access(.execute)
        case "-true": return .test { _ in true }
        case "-false": return .test { _ in false }
        case "-maxdepth", "-mindepth":
            guard let n = Int(try value(word)), n >= 0 else { throw SysError("\(word): bad number") }
            if word == "-maxdepth" { maxDepth = n } else { minDepth = n }
            return .test { _ in true }
        case "-depth", "-d":
            depthFirst = true
            return .test { _ in true }
        case "-xdev", "-mount":
            staysOnServer = true
            return .test { _ in true }
        case "-prune": return .action(.prune)
        default:
            let time = try FindTime(p).test(word) { (w) throws(SysError) in try value(w) }
            return if let time { time } else { try action(word) }
        }
    }

    /// Whether who calls has a right, by the file's bits and by what its path is left with.
    private func access(_ right: Mask) -> FindTest {
        .test { [p] (f) throws(SysError) in
            // A path that leads nowhere gives no right.
            guard let route = try? p.whence(f.path), let dir = try? p.stat(f.path) else { return false }
            return route.mask.contains(right) && p.cred.may(dir, right)
        }
    }

    private mutating func pattern(
        _ word: String, _ of: @escaping (FindFile) throws(SysError) -> String?
    ) throws(SysError) -> FindTest {
        let folds = word.hasPrefix("-i")
        let text = try value(word)
        let pattern = Pattern(folds ? text.lowercased() : text)
        return .test { (f) throws(SysError) in
            guard let name = try of(f) else { return false }
            return try pattern.matches(folds ? name.lowercased() : name)
        }
    }

    private mutating func regex(_ word: String) throws(SysError) -> FindTest {
        let text = try value(word)
        let expression = isExtended ? text : Self.extended(text)
        let matcher = try Regex(expression, word == "-iregex" ? [.whole, .ignoreCase] : .whole).matcher()
        return .test { (f) throws(SysError) in
            let path = Array(f.path.utf8)
            return try matcher.matches(path.span.bytes)
        }
    }

    /// An expression in Emacs' syntax, where `\(`, `\|` and `\)` are what they are without the backslash in POSIX's.
    private static func extended(_ text: String) -> String {
        var out = ""
        var rest = text[...]
        while let c = rest.popFirst() {
            switch c {
            case "\\":
                guard let next = rest.popFirst() else { return out + "\\" }
                out += "()|".contains(next) ? String(next) : "\\\(next)"
            case "(", ")", "|", "{", "}": out += "\\\(c)"
            case "[":
                // A bracket may stand first in its own list.
                let lead = rest.prefix { $0 == "^" }.count
                let body = rest.dropFirst(lead)
                let end = body.dropFirst().firstIndex(of: "]") ?? rest.endIndex
                out += "[" + rest[..<end]
                rest = rest[end...]
            default: out.append(c)
            }
        }
        return out
    }

    private mutating func action(_ word: String) throws(SysError) -> FindTest {
        let action: FindAction
        switch word {
        case "-print": action = .print(ending: UInt8(ascii: "\n"))
        case "-print0": action = .print(ending: 0)
        case "-printf": action = .format(try FindFormat(try value(word), Zone(of: p)))
        case "-ls": action = .list
        case "-quit": action = .quit
        case "-delete":
            depthFirst = true
            action = .delete
        case "-exec", "-execdir", "-ok", "-okdir": action = try exec(word)
        default: throw SysError("'\(word)': no such test or action")
        }
        hasAction = true
        return .action(action)
    }

    private mutating func exec(_ word: String) throws(SysError) -> FindAction {
        var e = FindExec(command: [], isLocal: word.hasSuffix("dir"), asks: word.hasPrefix("-ok"))
        while let next = words.popFirst() {
            let isBatch = next == "+" && e.command.last == "{}" && !e.asks
            if next == ";" || isBatch {
                if isBatch { e.command.removeLast() }
                guard !e.command.isEmpty else { throw SysError("\(word) takes a command") }
                if isBatch {
                    batches.append(e.command)
                    e.batch = batches.count - 1
                }
                return .exec(e)
            }
            e.command.append(next)
        }
        throw SysError("\(word): ';' or '{} +' is missing")
    }

    private mutating func amount(
        _ word: String, _ of: @escaping (FindFile) -> Int64
    ) throws(SysError) -> FindTest {
        let isRight = try FindTime.relation(try value(word))
        return .test { isRight(of($0)) }
    }

    private func size(_ text: String) throws(SysError) -> FindTest {
        let units: [Character: UInt64] = ["c": 1, "w": 2, "b": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = text.last.flatMap { units[$0] }
        let isRight = try FindTime.relation(unit == nil ? text : String(text.dropLast()))
        let size = unit ?? 512
        return .test { isRight(Int64(clamping: $0.dir.length.blocks(of: size))) }
    }

    /// Octal, or as chmod takes it from nothing; `-` all of these bits, `/` any.
    private func permissions(_ text: String) throws(SysError) -> FindTest {
        let sign = text.first
        let mode = String(text.dropFirst(sign == "-" || sign == "/" ? 1 : 0))
        let bits = try ModeChange(mode).apply(to: [], isDirectory: false, umask: 0).bits
        return .test { f in
            let has = f.dir.mode.bits
            switch sign {
            case "-": return has & bits == bits
            case "/": return bits == 0 || has & bits != 0
            default: return has == bits
            }
        }
    }
}
