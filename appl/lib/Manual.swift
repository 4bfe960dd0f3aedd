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
                guard let (names, about) = Self.names(in: try p.text(of: path, limit: 1024)) else { continue }
                topics.append(Topic(section: section, path: path, names: names, about: about))
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

    /// What the line after `NAME` says.
    private static func names(in text: String) -> (names: [String], about: String)? {
        let lines = text.split(separator: "\n").drop { $0 != "NAME" }
        guard let line = lines.dropFirst().first, let dash = line.firstRange(of: " - ") else { return nil }
        let names = line[..<dash.lowerBound].split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
        return (names, String(line[dash.upperBound...]))
    }
}
