import Applib
import Kernel
import Shell

/// Says in a line each what there is: programs, modules, devices.
struct Help: Command {
    static let usage: Usage = """
        help [topic ...]
        """

    private static let titles = [
        "1": "Programs", "2": "Modules", "3": "Devices", "4": "Servers", "5": "Protocol", "6": "Files",
        "8": "Administration",
    ]

    func run(_ r: Run) throws(SysError) {
        let topics = try Manual.topics(r.p)
        guard r.operands.isEmpty else { return try explain(r.operands, topics, r) }
        let width = topics.reduce(0) { max($0, $1.names.joined(separator: " ").count) }
        var section = ""
        for topic in topics {
            if topic.section != section {
                try r.out.line(
                    (section.isEmpty ? "" : "\n") + (Self.titles[topic.section] ?? "Section \(topic.section)"))
                section = topic.section
            }
            try r.out.line("  " + topic.names.joined(separator: " ").left(width) + "  " + topic.about)
        }
        try r.out.line("\nhelp topic: what has to do with it; man name: the whole page; program --help: its flags")
    }

    /// What is of that name, else whose synopsis lists it, else what speaks of it, else what may have been meant. A path
    /// is its last name. No page is listed twice.
    private func explain(_ words: [String], _ topics: [Manual.Topic], _ r: Run) throws(SysError) {
        var listed: Set<String> = []
        for given in words {
            let word = given.hasPrefix("/") ? lastName(given) : given
            var named = topics.filter { $0.names.contains(word) }
            if named.isEmpty { named = topics.filter { $0.offers.contains(word) } }
            let found = named.isEmpty ? topics.filter { $0.holds(word) } : named
            for topic in found where !listed.contains(topic.path) { try r.out.line(topic.line) }
            for topic in named where !listed.contains(topic.path) {
                try r.out.line("\tman \(topic.section) \(topic.names.first ?? word)")
            }
            listed.formUnion(found.map(\.path))
            guard found.isEmpty else { continue }
            let near = Suggestion.nearest(to: word, among: topics.flatMap(\.names))
            let advice = near.map { " (did you mean \($0)?)" } ?? ""
            try r.warn(SysError("no such topic" + advice, subject: given))
        }
    }
}
