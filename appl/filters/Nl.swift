import Applib
import Kernel

/// Numbers lines.
struct Nl: Command {
    static let usage: Usage = """
        nl [-p] [-b which] [-f which] [-i step] [-n form] [-s text] [-v first] [-w width] [file ...]
        -b, --body-numbering which    a all lines, t those with something in them, n none (t)
        -f, --footer-numbering which  the same below a line \\: (n)
        --header-numbering which      the same below a line \\:\\:\\: (n)
        -i, --line-increment step     from number to number (1)
        -n, --number-format form      ln on the left, rn on the right, rz on the right with zeros (rn)
        -p, --no-renumber             a new section goes on counting
        -s, --number-separator text   between number and line (a tab)
        -v, --starting-line-number first  where each section begins (1)
        -w, --number-width width      of the number (6)
        """

    func run(_ r: Run) throws(SysError) {
        let styles = try [("header-numbering", "n"), ("b", "t"), ("f", "n")].map { (flag, standard) throws(SysError) in
            let style = r.options.value(flag) ?? standard
            guard ["a", "t", "n"].contains(style) else {
                let name = flag.count > 1 ? "--\(flag)" : "-\(flag)"
                throw r.misuse(
                    style.hasPrefix("p") ? "\(name) \(style): not in this emu" : "\(name): bad style '\(style)'")
            }
            return style
        }
        let form = r.options.value("n") ?? "rn"
        guard ["ln", "rn", "rz"].contains(form) else { throw r.misuse("-n: bad form '\(form)'") }
        let step = try r.number("i", or: 1, in: Int.min...Int.max)
        let first = try r.number("v", or: 1, in: Int.min...Int.max)
        let width = try r.number("w", or: 6, in: 1...1000)
        let separator = r.options.value("s") ?? "\t"
        let blank = String(repeating: " ", count: width + separator.utf8.count)
        let sections = ["\\:\\:\\:", "\\:\\:", "\\:"].map { Array($0.utf8) }
        var number = first
        var section = 1
        try r.eachFile { (_, fd) throws(SysError) in
            var reader = Reader(r, fd)
            try reader.eachLine { (line) throws(SysError) in
                if line.count <= 6, let next = sections.firstIndex(where: { line.compare($0.span) == 0 }) {
                    section = next
                    if !r.has("p") { number = first }
                    return try r.out.put(UInt8(ascii: "\n"))
                }
                guard styles[section] == "a" || styles[section] == "t" && !line.isEmpty else {
                    try r.out.write(blank)
                    return try r.out.line(line)
                }
                let digits = String(number)
                switch form {
                case "ln": try r.out.write(digits.left(width))
                case "rz":
                    let sign = number < 0 ? "-" : ""
                    try r.out.write(sign + String(number.magnitude).zeros(width - sign.count))
                default: try r.out.write(digits.right(width))
                }
                try r.out.write(separator)
                try r.out.line(line)
                let (next, overflow) = number.addingReportingOverflow(step)
                if overflow { throw .range }
                number = next
            }
        }
    }
}
