import Kernel

/// An open file in one line, as /prog/N/fd and /fd/Nctl tell it: number, `r`, `w` or `rw`, device and instance, qid (path,
/// version, type), unit of I/O, offset, name. The corresponding Inferno page is `prog(3)`.
func descriptorLine(_ fd: Int32, _ c: Chan) -> String {
    let mode =
        switch c.mode?.access {
        case 1: "w "
        case 2: "rw"
        default: "r "
        }
    let path = String(c.qid.path, radix: 16).right(16, fill: "0")
    let type = String(c.qid.type.rawValue, radix: 16).right(2, fill: "0")
    return "\(String(fd).right(3)) \(mode) \(c.dev.letter) \(String(c.instance).right(4)) "
        + "(\(path) \(c.qid.version) \(type)) \(String(c.iounit).right(5)) \(String(c.offset).right(8)) \(c.path)\n"
}

extension String {
    /// Filled up on the left to `width` characters.
    func right(_ width: Int, fill: Character = " ") -> String {
        String(repeating: fill, count: max(0, width - count)) + self
    }
}
