import Applib
import Kernel

/// Marks parts of grep's output with a terminal's colours.
struct GrepPaint {
    /// What is graphic rendition for each part.
    static let match = "01;31"
    static let name = "35"
    static let number = "32"
    static let mark = "36"

    /// nil where nothing is to be marked.
    init?(_ r: Run) throws(SysError) {
        guard let when = r.options.given.last(where: { ["color", "colour"].contains($0.name) })?.value else {
            return nil
        }
        switch when {
        case "always", "yes", "force": return
        case "never", "no", "none": return nil
        case "", "auto", "tty", "if-tty":
            let terminal = r.p.environment["TERM"].map { String(decoding: $0.value, as: UTF8.self) }
            guard r.p.isTerminal(1), terminal != "dumb" else { return nil }
        default: throw r.misuse("--color: bad value '\(when)'")
        }
    }

    func put(_ text: String, _ colour: String, _ out: Writer) throws(SysError) {
        try out.write("\u{1b}[\(colour)m\u{1b}[K\(text)\u{1b}[m\u{1b}[K")
    }

    /// A line, with its `matches`, in order, marked.
    func put(_ line: Span<UInt8>, matches: [Range<Int>], _ out: Writer) throws(SysError) {
        var at = 0
        for match in matches where !match.isEmpty {
            try out.write(line.extracting(at..<match.lowerBound))
            try out.write("\u{1b}[\(Self.match)m\u{1b}[K")
            try out.write(line.extracting(match))
            try out.write("\u{1b}[m\u{1b}[K")
            at = match.upperBound
        }
        try out.write(line.extracting(at..<line.count))
    }
}
