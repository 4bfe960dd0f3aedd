import Kernel

/// The manual: plain text, `/lib/man/SECTION/NAME`.
public enum Manual {
    /// Where it stands.
    public static let root = "/lib/man"

    /// What a page says of itself under NAME: `ls, lc - list files`.
    public struct Topic {
        /// `1`, say.
        public let section: String
        /// The file of the page.
        public let path: String
        /// What the page is about, by name.
        public let names: [String]
        /// What that is.
        public let about: String
        /// What its synopsis lists: the names of commands, substitutions and functions, and what is loaded for them.
        public let offers: Set<String>

        /// All of it on a line.
        public var line: String { "\(names.joined(separator: ", "))(\(section)) - \(about)" }

        /// Whether `word` is part of it.
        public func holds(_ word: String) -> Bool {
            let word = word.lowercased()
            return (names + [about]).contains { $0.lowercased().contains(word) }
        }
    }

    /// The names of the sections there are.
    public static func sections(_ p: Proc) throws(SysError) -> [String] {
        try p.entries(of: root).filter(\.isDirectory).map(\.name).sorted()
    }

    /// All pages' topics, by section and name.
    public static func topics(_ p: Proc) throws(SysError) -> [Topic] {
        var topics: [Topic] = []
        for section in try sections(p) {
            for page in try p.entries(of: "\(root)/\(section)").map(\.name).sorted() {
                let path = "\(root)/\(section)/\(page)"
                let text = try p.text(of: path, limit: 4096)
                guard let (names, about) = Self.names(in: text) else { continue }
                let offers = Self.offers(in: text)
                topics.append(Topic(section: section, path: path, names: names, about: about, offers: offers))
            }
        }
        return topics
    }

    /// The pages that are called `word`, or that speak of it by name.
    public static func pages(of word: String, _ p: Proc) throws(SysError) -> [(section: String, path: String)] {
        let pages = try sections(p).map { ($0, "\(root)/\($0)/\(word)") }
        let found = pages.filter { !word.contains("/") && (try? p.stat($0.1)) != nil }  // absent: not a page
        if !found.isEmpty { return found }
        return try topics(p).filter { $0.names.contains(word) }.map { ($0.section, $0.path) }
    }

    /// The words that begin the cells of the synopsis, which tabs or two blanks separate: `${hd list}` offers `hd`, and
    /// `load '$Sys'` what is loaded.
    private static func offers(in text: String) -> Set<String> {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "SYNOPSIS" }.dropFirst()
        var offers: Set<String> = []
        for line in lines.prefix(while: { $0.isEmpty || $0.first == "\t" || $0.first == " " }) {
            for cell in line.replacing("  ", with: "\t").split(separator: "\t") {
                var words = cell.split { " {}'".contains($0) }.filter { $0 != "$" }
                if words.count > 1, words[0] == "load" { words.removeFirst() }
                if let word = words.first { offers.insert(String(word)) }
            }
        }
        return offers
    }

    /// What the line after `NAME` says.
    private static func names(in text: String) -> (names: [String], about: String)? {
        let lines = text.split(separator: "\n").drop { $0 != "NAME" }
        guard let line = lines.dropFirst().first, let dash = line.firstRange(of: " - ") else { return nil }
        let names = line[..<dash.lowerBound].split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
        return (names, String(line[dash.upperBound...]))
    }
}
