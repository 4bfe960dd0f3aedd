import Kernel

/// Prints pages of the manual.
struct Man: Command {
    static let usage: Usage = """
        man [-kw] [section] name ...
        -k  the lines of all pages whose name or description has that word in it
        -w  the pages' files, not what is in them
        """

    func run(_ r: Run) throws(SysError) {
        var words = try r.operands(1...Int.max)[...]
        if r.has("k") {
            let topics = try Manual.topics(r.p)
            for word in words {
                let found = topics.filter { $0.holds(word) }
                if found.isEmpty { try r.warn(SysError("nothing in the manual", subject: word)) }
                for topic in found { try r.out.line(topic.line) }
            }
            return
        }
        var section: String?
        if words.count > 1, let first = words.first, try Manual.sections(r.p).contains(first) {
            section = first
            words.removeFirst()
        }
        for word in words {
            try r.going(on: word) { () throws(SysError) in
                let found = try Manual.pages(of: word, r.p).filter { section == nil || $0.section == section }.map(
                    \.path)
                guard let first = found.first else { throw SysError("no such page in the manual") }
                if r.has("w") {
                    for path in found { try r.out.line(path) }
                    return
                }
                let fd = try r.open(first)
                try r.copy(fd)
                try r.p.close(fd)
            }
        }
    }
}

/// The manual: plain text, `/lib/man/SECTION/NAME`.
enum Manual {
    static let root = "/lib/man"

    /// What a page says of itself under NAME: `ls, lc - list files`.
    struct Topic {
        let section: String
        let path: String
        let names: [String]
        let about: String

        var line: String { "\(names.joined(separator: ", "))(\(section)) - \(about)" }

        func holds(_ word: String) -> Bool {
            let word = word.lowercased()
            return (names + [about]).contains { $0.lowercased().contains(word) }
        }
    }

    static func sections(_ p: Proc) throws(SysError) -> [String] {
        try p.entries(of: root).filter(\.isDirectory).map(\.name).sorted()
    }

    /// All pages' topics, by section and name.
    static func topics(_ p: Proc) throws(SysError) -> [Topic] {
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
    static func pages(of word: String, _ p: Proc) throws(SysError) -> [(section: String, path: String)] {
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
