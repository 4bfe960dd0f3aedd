import Kernel

/// Comma-separated values. The corresponding Inferno page is `sh-csv(1)`.
///
/// An item with a comma, a quote or a newline stands in double quotes, and a quote within is doubled.
enum CsvModule {
    @Sendable static func make() -> ShellModule {
        ShellModule(
            name: "csv",
            builtins: ["getcsv": getcsv],
            substitutions: [
                "csv": { (shell, items) throws(Failure) in
                    [.text(items.dropFirst().map { written($0.text) }.joined(separator: ","))]
                }
            ])
    }

    private static func written(_ item: String) -> String {
        guard item.utf8.contains(where: { Array(",\"\r\n".utf8).contains($0) }) else { return item }
        return "\"" + item.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private static let getcsv: Builtin = { (shell, items) throws(Failure) in
        guard items.count == 2 else { throw shell.usage("getcsv command") }
        var reader = LineReader(shell, "\n")
        defer { reader.giveBack() }
        var status = ""
        while var line = try reader.next() {
            var row = Row()
            row.add(line)
            while row.isOpen, let more = try reader.next() {
                line = more
                row.add("\n" + line)
            }
            let values = row.finish().map { Item.text($0) }
            let goOn = try StdModule.turn(&status) { () throws(Failure) in
                shell.context.setLocal("line", values)
                return try shell.inner(items[1])
            }
            if !goOn { break }
        }
        return status
    }

    /// One row as it is read: it goes on with the next line where a quote is open.
    private struct Row {
        private var items: [String] = []
        private var item: [UInt8] = []
        private(set) var isOpen = false
        /// A quote has just ended the quoted text, or is the first of two.
        private var ended = false

        mutating func add(_ text: String) {
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "\""):
                    if isOpen {
                        isOpen = false
                        ended = true
                    } else {
                        // The second of two within quotes stands for itself; so does one inside an unquoted item.
                        if ended || !item.isEmpty { item.append(byte) }
                        isOpen = ended || item.isEmpty
                        ended = false
                    }
                case UInt8(ascii: ",") where !isOpen: next()
                default:
                    item.append(byte)
                    ended = false
                }
            }
        }

        private mutating func next() {
            items.append(String(decoding: item, as: UTF8.self))
            item = []
            ended = false
        }

        /// The items; a carriage return before the end of the line is not of the last one.
        mutating func finish() -> [String] {
            if item.last == UInt8(ascii: "\r") { item.removeLast() }
            next()
            return items
        }
    }
}
