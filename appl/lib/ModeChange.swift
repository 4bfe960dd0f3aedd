import Kernel

extension FileMode {
    /// The mode that has these twelve bits.
    public init(bits: UInt32) {
        self.init()
        self.bits = bits
    }

    /// The twelve bits of POSIX: permissions, and before them setuid, setgid and sticky.
    public var bits: UInt32 {
        get {
            permissions | (contains(.setuid) ? 0o4000 : 0) | (contains(.setgid) ? 0o2000 : 0)
                | (contains(.sticky) ? 0o1000 : 0)
        }
        set {
            self = FileMode(rawValue: rawValue & ~0o777 | newValue & 0o777).subtracting([.setuid, .setgid, .sticky])
            if newValue & 0o4000 != 0 { insert(.setuid) }
            if newValue & 0o2000 != 0 { insert(.setgid) }
            if newValue & 0o1000 != 0 { insert(.sticky) }
        }
    }
}

/// What `chmod` and `mkdir -m` are told: an octal number, or letters such as `u+rw,go-x`. `a` and `l` as rights are Plan 9's
/// append-only and exclusive use.
public struct ModeChange {
    private struct Clause {
        /// The bits that those who were named have: nil where nobody was, all less the umask.
        var who: UInt32?
        var operation: Character
        var rights: UInt32 = 0
        /// `X`: execution, where it is a directory or somebody may execute it already.
        var search = false
        /// `u`, `g` or `o`: as these have it now.
        var copy: Character?
        var flags: FileMode = []
    }

    private static let all: UInt32 = 0o7777
    private var clauses: [Clause] = []
    /// An octal mode, and whether it says what becomes of a directory's setuid and setgid: with five digits it does.
    private var absolute: (bits: UInt32, isWhole: Bool)?

    /// Reads `text`; throws where it is no mode.
    public init(_ text: String) throws(SysError) {
        let wrong = SysError("bad mode '\(text)'")
        if let first = text.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first {
            guard let bits = UInt32(text, radix: 8), bits <= Self.all else { throw wrong }
            absolute = (bits, text.utf8.count > 4)
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
                    case "s": clause.rights |= 0o6000
                    case "t": clause.rights |= 0o1000
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
        return who.reduce(0) { $0 | ($1 == "u" ? 0o4700 : $1 == "g" ? 0o2070 : $1 == "o" ? 0o1007 : all) }
    }

    /// The mode that a file of mode `mode` gets. A directory keeps setuid and setgid where they are not named.
    public func apply(to mode: FileMode, isDirectory: Bool, umask: UInt32) -> FileMode {
        var mode = mode
        let tacit: UInt32 = isDirectory ? 0o6000 : 0
        if let (bits, isWhole) = absolute {
            mode.bits = bits | (isWhole ? 0 : mode.bits & tacit)
            return mode
        }
        for clause in clauses {
            let bits = mode.bits
            var rights = clause.rights
            if clause.search, isDirectory || bits & 0o111 != 0 { rights |= 0o111 }
            if let copy = clause.copy {
                let triple = bits >> (copy == "u" ? 6 : copy == "g" ? 3 : 0) & 7
                rights |= triple << 6 | triple << 3 | triple
            }
            let meant = rights & (clause.who ?? Self.all & ~umask)
            switch clause.operation {
            case "+":
                mode.bits = bits | meant
                mode.formUnion(clause.flags)
            case "-":
                mode.bits = bits & ~meant
                mode.subtract(clause.flags)
            default:
                let kept = tacit & ~clause.rights | ~(clause.who ?? Self.all)
                mode.bits = bits & kept | meant
                mode.formUnion(clause.flags)
            }
        }
        return mode
    }
}
