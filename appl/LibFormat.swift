import Kernel

/// Text in columns, and how files, sizes and rights are written.
extension String {
    /// Blanks behind, up to `width` characters.
    func left(_ width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }

    /// Blanks before, up to `width` characters.
    func right(_ width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }

    /// Zeros before, up to `width` digits.
    func zeros(_ width: Int) -> String { String(repeating: "0", count: Swift.max(0, width - count)) + self }
}

extension Dir {
    /// Kind and permissions as `ls -l` shows them: `d` directory, `a` append only, `L` symbolic link, `p` named pipe,
    /// `S` socket, `D` device; then `l` for exclusive use; then three times `rwx`.
    var modeText: String {
        let kinds: [(FileMode, String)] = [
            (.directory, "d"), (.symlink, "L"), (.append, "a"), (.namedPipe, "p"), (.socket, "S"), (.device, "D"),
        ]
        let kind = kinds.first { mode.contains($0.0) }?.1 ?? "-"
        let bits = [6, 3, 0].map { shift -> String in
            let bits = mode.permissions >> UInt32(shift)
            return (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-") + (bits & 1 != 0 ? "x" : "-")
        }
        return kind + (mode.contains(.exclusive) ? "l" : "-") + bits.joined()
    }

    /// `.` and everything else that begins so stays out of sight unless it is asked for.
    var isHidden: Bool { name.hasPrefix(".") }

    /// What tells one file from all others.
    var identity: FileIdentity { FileIdentity(type: type, instance: instance, path: qid.path) }
}

/// Which file: two names with the same identity are one file.
struct FileIdentity: Hashable {
    let type: Character
    let instance: UInt32
    let path: UInt64
}

/// A number of bytes as people say it: `512`, `1.5K`, `20M`. Powers of 1024, rounded up, as `du -h` does.
func brief(_ bytes: UInt64) -> String {
    var shift: UInt64 = 0
    while shift < 60, bytes >> (shift + 10) > 0 { shift += 10 }
    guard shift > 0 else { return String(bytes) }
    let unit: UInt64 = 1 << shift
    let letter = ["K", "M", "G", "T", "P", "E"][Int(shift / 10) - 1]
    let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit)
    // A tenth of the largest unit times ten is below 2^64.
    let tenths = whole * 10 + (rest * 10 + unit - 1) / unit
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10)\(letter)" : "\(whole + (rest > 0 ? 1 : 0))\(letter)"
}
