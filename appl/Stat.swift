import Applib
import Kernel

/// Prints what is known of a file.
struct Stat: Command {
    static let usage: Usage = """
        stat [-Lt] [-c format] [--printf format] file ...
        -c, --format format  that, and a newline, instead
        -L, --dereference    what a symbolic link leads to
        --printf format      the same with escapes such as \\n in it, and no newline
        -t, --terse          in a line
        In a format: %a %A permissions, %b %B blocks and their size, %d device tree, %f mode, %F kind, %g %G group,
        %h links, %i qid path, %n name, %N name and what it leads to, %o best size to read, %s size, %t device letter,
        %u %U owner, %v qid version, %x %X %y %Y %z %Z times of access, of modification, of any change. Flags, a width
        and a precision may stand before the letter, as in printf(1).
        """

    func run(_ r: Run) throws(SysError) {
        let zone = Zone(of: r.p)
        let format = r.options.value("c")
        let escaped = try r.options.value("printf").map { (f) throws(SysError) in try Self.unescaped(f) }
        for path in try r.operands(1...Int.max) {
            try r.going(on: path) { () throws(SysError) in
                let dir = try r.p.stat(path, follow: r.has("L"))
                let leads = dir.qid.isSymlink ? try r.p.readlink(path) : nil
                let sheet = StatSheet(path: path, dir: dir, leads: leads, zone: zone)
                if let escaped { return try r.out.write(try sheet.text(escaped)) }
                if let format { return try r.out.line(try sheet.text(format)) }
                if r.has("t") {
                    return try r.out.line(try sheet.text("%n %s %b %f %u %g %d %i %h 0 0 %X %Y %Z 0 %o"))
                }
                for row in StatSheet.rows { try r.out.line(try sheet.text(row)) }
            }
        }
    }

    private static func unescaped(_ format: String) throws(SysError) -> String {
        guard format.utf8.count <= Conversion.limit else { throw .range }
        return Escape.replaced(format)
    }
}

/// What is known of one file, and how formats show it.
struct StatSheet {
    let path: String
    let dir: Dir
    let leads: String?
    let zone: Zone

    /// What is shown where nothing else is said.
    static let rows = [
        "name: %N", "size: %s", "kind: %F", "mode: %a %A", "owner: %U (%u)", "group: %G (%g)", "modifier: %m",
        "links: %h",
        "server: #%t, tree %d", "qid: %i.%v", "access: %x", "modify: %y", "change: %z",
    ]

    func text(_ format: String) throws(SysError) -> String {
        var out = ""
        var rest = format[...]
        while let c = rest.popFirst() {
            guard c == "%", let next = rest.first else {
                out.append(c)
                continue
            }
            if next == "%" {
                rest.removeFirst()
                out += "%"
                continue
            }
            let conversion = try Conversion(&rest)
            guard let letter = rest.popFirst() else { throw SysError("%: a letter is missing") }
            out += field(letter, conversion)
        }
        return out
    }

    private func field(_ letter: Character, _ c: Conversion) -> String {
        switch letter {
        case "a": return octal(c, dir.mode.bits)
        case "A": return c.text(dir.posixMode)
        case "b": return number(c, (dir.space ?? dir.length).blocks(of: 512))
        case "B": return number(c, 512 as UInt64)
        case "d": return number(c, dir.instance)
        case "f": return c.integer(c.flags.contains("#") ? "0x" : "", String(hostMode, radix: 16))
        case "F": return c.text(dir.kindName)
        case "g": return number(c, dir.groupID)
        case "G": return c.text(dir.group)
        case "h": return number(c, dir.links)
        case "i": return number(c, dir.qid.path)
        case "m": return c.text(dir.modifier)
        case "n": return c.text(path)
        case "N": return c.text("'\(path)'" + (leads.map { " -> '\($0)'" } ?? ""))
        case "o": return number(c, 4096 as UInt64)
        case "s": return number(c, dir.length)
        case "t": return c.text(String(dir.type))
        case "u": return number(c, dir.ownerID)
        case "U": return c.text(dir.owner)
        case "v": return number(c, dir.qid.version)
        case "x": return c.text(time(dir.accessed))
        case "X": return seconds(c, dir.accessed)
        case "y": return c.text(time(dir.modified))
        case "Y": return seconds(c, dir.modified)
        case "z": return c.text(time(dir.changed))
        case "Z": return seconds(c, dir.changed)
        default: return "?"
        }
    }

    private func number(_ c: Conversion, _ n: some BinaryInteger) -> String { c.integer("", String(n)) }

    private func octal(_ c: Conversion, _ n: UInt32) -> String {
        c.integer("", (c.flags.contains("#") ? "0" : "") + String(n, radix: 8))
    }

    /// Seconds since 1970, with as many digits behind the point as the precision says.
    private func seconds(_ c: Conversion, _ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.wholeSeconds()
        guard let places = c.precision else { return c.integer(c.sign(seconds < 0), String(seconds.magnitude)) }
        var whole = c
        whole.precision = nil
        let fraction = String(rest).zeros(9)
        let digits =
            places > 0 ? "." + (fraction + String(repeating: "0", count: max(0, places - 9))).prefix(places) : ""
        return whole.integer(c.sign(seconds < 0), String(seconds.magnitude) + digits)
    }

    private func time(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.wholeSeconds()
        return Moment(seconds, in: zone).text(
            "%Y-%m-%d %H:%M:%S.%N %z", nanoseconds: rest)
    }

    /// Kind and permissions as a host's `st_mode`.
    private var hostMode: UInt32 {
        let kinds: [Character: UInt32] = ["d": 0o4, "l": 0o12, "p": 0o1, "s": 0o14, "b": 0o6, "c": 0o2]
        return (kinds[dir.kindLetter] ?? 0o10) << 12 | dir.mode.bits
    }
}
