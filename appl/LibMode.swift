import Kernel

/// What `chmod` and `mkdir -m` are told: an octal number, or letters such as `u+rw,go-x`. `a` and `l` as rights are Plan 9's
/// append-only and exclusive use.
struct ModeChange {
    private struct Clause {
        /// Of `ugo`, as bits of a permission triple each; nil where nobody was named: all, less the umask.
        var who: UInt32?
        var operation: Character
        var rights: UInt32 = 0
        /// `X`: execution, where it is a directory or somebody may execute it already.
        var search = false
        /// `u`, `g` or `o`: as these have it now.
        var copy: Character?
        var flags: FileMode = []
    }

    private var clauses: [Clause] = []
    private var absolute: UInt32?

    init(_ text: String) throws(SysError) {
        let wrong = SysError("bad mode '\(text)'")
        if let first = text.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first {
            guard let bits = UInt32(text, radix: 8), bits <= 0o777 else { throw wrong }
            absolute = bits
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let who = part.prefix { "ugoa".contains($0) }
            var rest = part.dropFirst(who.count)
            guard !rest.isEmpty else { throw wrong }
            while let operation = rest.popFirst() {
                guard "+-=".contains(operation) else { throw wrong }
                var clause = Clause(who: Self.mask(who), operation: operation)
                while let c = rest.first, !"+-=".contains(c) {
                    rest.removeFirst()
                    switch c {
                    case "r": clause.rights |= 0o444
                    case "w": clause.rights |= 0o222
                    case "x": clause.rights |= 0o111
                    case "X": clause.search = true
                    case "a": clause.flags.insert(.append)
                    case "l": clause.flags.insert(.exclusive)
                    case "u", "g", "o": clause.copy = c
                    default: throw wrong
                    }
                }
                clauses.append(clause)
            }
        }
    }

    private static func mask(_ who: Substring) -> UInt32? {
        guard !who.isEmpty else { return nil }
        return who.reduce(0) { $0 | ($1 == "u" ? 0o700 : $1 == "g" ? 0o070 : $1 == "o" ? 0o007 : 0o777) }
    }

    /// The mode that a file of mode `mode` gets.
    func apply(to mode: FileMode, isDirectory: Bool, umask: UInt32) -> FileMode {
        if let absolute { return FileMode(rawValue: mode.rawValue & ~0o777 | absolute) }
        var bits = mode.rawValue
        for clause in clauses {
            var rights = clause.rights
            if clause.search, isDirectory || bits & 0o111 != 0 { rights |= 0o111 }
            if let copy = clause.copy {
                let triple = bits >> (copy == "u" ? 6 : copy == "g" ? 3 : 0) & 7
                rights |= triple << 6 | triple << 3 | triple
            }
            let who = clause.who ?? 0o777 & ~umask
            let flags = clause.flags.rawValue
            switch clause.operation {
            case "+": bits |= rights & who | flags
            case "-": bits &= ~(rights & who | flags)
            default: bits = bits & ~(clause.who ?? 0o777) | rights & who | flags
            }
        }
        return FileMode(rawValue: bits)
    }
}
