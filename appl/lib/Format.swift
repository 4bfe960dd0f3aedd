import Kernel

/// Text in columns, and how files, sizes and rights are written.
extension String {
    /// Blanks behind, up to `width` characters.
    public func left(_ width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }

    /// Blanks before, up to `width` characters.
    public func right(_ width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }

    /// Zeros before, up to `width` digits.
    public func zeros(_ width: Int) -> String { String(repeating: "0", count: Swift.max(0, width - count)) + self }
}

extension FileMode {
    /// Three times `rwx`; `s` and `t` in the place of an `x` stand for setuid, setgid and sticky, `S` and `T` without it.
    public var rights: String {
        let special: [(UInt32, FileMode, Character)] = [(6, .setuid, "s"), (3, .setgid, "s"), (0, .sticky, "t")]
        return special.reduce(into: "") { text, part in
            let bits = permissions >> part.0
            text += (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-")
            let runs = bits & 1 != 0
            text += contains(part.1) ? (runs ? String(part.2) : part.2.uppercased()) : runs ? "x" : "-"
        }
    }
}

extension Dir {
    /// Kind and permissions as `ls -l` shows them: `d` directory, `a` append only, `L` symbolic link, `p` named pipe,
    /// `S` socket, `D` device; then `l` for exclusive use; then the rights.
    var modeText: String {
        let kinds: [(FileMode, String)] = [
            (.directory, "d"), (.symlink, "L"), (.append, "a"), (.namedPipe, "p"), (.socket, "S"), (.device, "D"),
        ]
        let kind = kinds.first { mode.contains($0.0) }?.1 ?? "-"
        return kind + (mode.contains(.exclusive) ? "l" : "-") + mode.rights
    }

    /// What kind of file it is, as POSIX's tools have it: `f` regular file, `d` directory, `l` symbolic link, `p` pipe, `s` socket,
    /// `b` block device, `c` character device, which the files of our console and terminals are too.
    public var kindLetter: Character {
        if isDirectory { return "d" }
        if qid.isSymlink { return "l" }
        if mode.contains(.socket) { return "s" }
        if mode.contains(.namedPipe) || type == "|" { return "p" }
        if mode.contains(.block) { return "b" }
        return mode.contains(.device) || type == "c" || type == "y" ? "c" : "f"
    }

    /// What kind of file it is, in words.
    public var kindName: String {
        switch kindLetter {
        case "d": "directory"
        case "l": "symbolic link"
        case "s": "socket"
        case "p": "fifo"
        case "b": "block special file"
        case "c": "character special file"
        default: length == 0 ? "regular empty file" : "regular file"
        }
    }

    /// A file that has bytes and is nothing else.
    public var isRegular: Bool { kindLetter == "f" }

    /// Kind and permissions as POSIX's `ls -l` shows them.
    public var posixMode: String { (kindLetter == "f" ? "-" : String(kindLetter)) + mode.rights }

    /// `.` and everything else that begins so stays out of sight unless it is asked for.
    var isHidden: Bool { name.hasPrefix(".") }

    /// What tells one file from all others.
    public var identity: FileIdentity { FileIdentity(type: type, instance: instance, path: qid.path) }
}

/// A byte as a person can see it: `a`, `^A`, `M-a`, `M-^A`.
public func visible(_ byte: UInt8) -> String {
    let low = byte & 0x7f
    let text = low < 0x20 || low == 0x7f ? "^" + String(UnicodeScalar(low ^ 0x40)) : String(UnicodeScalar(low))
    return byte < 0x80 ? text : "M-" + text
}

/// Which file: two names with the same identity are one file.
public struct FileIdentity: Hashable {
    let type: Character
    let instance: UInt32
    let path: UInt64
}

extension UInt64 {
    /// How many blocks of `size` hold so many bytes.
    public func blocks(of size: UInt64) -> UInt64 { self / size + (self % size == 0 ? 0 : 1) }
}

/// A number of bytes as people say it: `512`, `1.5K`, `20M`. Powers of 1024, rounded up, as `du -h` does; `thousand`: of
/// 1000, as `du --si` does.
public func brief(_ bytes: UInt64, thousand: Bool = false) -> String {
    let base: UInt64 = thousand ? 1000 : 1024
    let letters = [thousand ? "k" : "K", "M", "G", "T", "P", "E"]
    var unit: UInt64 = 1
    var power = 0
    while power < letters.count, bytes / unit >= base {
        unit *= base
        power += 1
    }
    guard power > 0 else { return String(bytes) }
    let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit)
    // A tenth of the largest unit times ten is below 2^64.
    let tenths = whole * 10 + (rest * 10 + unit - 1) / unit
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10)\(letters[power - 1])" }
    let up = whole + (rest > 0 ? 1 : 0)
    return up == base && power < letters.count ? "1.0\(letters[power])" : "\(up)\(letters[power - 1])"
}
