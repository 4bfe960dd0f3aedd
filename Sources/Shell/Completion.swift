import Kernel

/// What a word on the command line can become: commands, variables and paths of this name space.
struct Completion: Sendable {
    private let p: Proc
    /// The editor asks while the shell waits for its line.
    private let context: Context

    /// Most candidates that are worth showing.
    private static let limit = 2000

    init(_ p: Proc, _ context: Context) {
        self.p = p
        self.context = context
    }

    /// Texts that can stand for the word between two UTF-8 offsets of `line`, in order. A directory ends in `/`. A word that
    /// follows an open quote is what stands in the quotes.
    func candidates(_ line: String, _ start: Int, _ end: Int) -> [String] {
        let bytes = Array(line.utf8)
        guard 0 <= start, start <= end, end <= bytes.count else { return [] }
        let word = String(decoding: bytes[start..<end], as: UTF8.self)
        let quote = UInt8(ascii: "'")
        if bytes[..<start].count(where: { $0 == quote }) % 2 == 1 {
            // What is joined to the quotes in front is not known here.
            guard bytes[start - 1] == quote, start < 2 || !Lex.isWord(bytes[start - 2]) else { return [] }
            return paths(word, inQuotes: true)
        }
        if word.hasPrefix("$") { return variables(word) }
        let before = bytes[..<start].last { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        let first = before.map { Array(";|&{\u{60}\n".utf8).contains($0) } ?? true
        if first, !word.contains("/") { return commands(word) }
        return paths(unquoted(word).first ?? "", inQuotes: false)
    }

    private func variables(_ word: String) -> [String] {
        let sign = word.hasPrefix("$#") || word.hasPrefix("$\"") ? 2 : 1
        let prefix = word.dropFirst(sign)
        return context.names.filter { $0.hasPrefix(prefix) && $0.utf8.allSatisfy(Lex.isName) }
            .map { word.prefix(sign) + $0 }
    }

    private func commands(_ word: String) -> [String] {
        let names = Suggestion.programs(p) + context.allBuiltins.map(\.name)
        return Set(names.filter { $0.hasPrefix(word) }).sorted().prefix(Self.limit).map { quoted($0) }
    }

    private func paths(_ text: String, inQuotes: Bool) -> [String] {
        let slash = text.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(text[...$0]) } ?? ""
        let prefix = slash.map { text[text.utf8.index(after: $0)...] } ?? text[...]
        guard let fd = try? p.open(folder.isEmpty ? "." : folder) else { return [] }
        // A directory has nothing to flush.
        defer { try? p.close(fd) }
        var found: [String] = []
        while found.count < Self.limit, let some = try? p.dirread(fd), !some.isEmpty {
            for entry in some where entry.name.hasPrefix(prefix) {
                found.append(shown(folder + entry.name, isDirectory: entry.isDirectory, inQuotes))
            }
        }
        return found.sorted()
    }

    /// A path as it is typed. A directory's quotes stay open: it is gone on with.
    private func shown(_ path: String, isDirectory: Bool, _ inQuotes: Bool) -> String {
        let text = quoted(path)
        let hasQuotes = text.utf8.first == UInt8(ascii: "'")
        if inQuotes {
            return (hasQuotes ? String(text.dropFirst().dropLast()) : text) + (isDirectory ? "/" : "")
        }
        return isDirectory ? (hasQuotes ? String(text.dropLast()) : text) + "/" : text
    }
}

extension Proc {
    /// The line editor of the host, where the descriptor is its console.
    func editor(_ fd: Int32) -> (any LineEditor)? {
        guard isTerminal(fd), let chan = try? fildes(fd), chan.dev.letter == "c" else { return nil }
        return system.lineEditor
    }
}
