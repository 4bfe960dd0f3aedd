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
        try r.out.line("\nhelp topic: what has to do with it; man name: the whole page; program -h: its flags")
    }

    /// What is of that name, else what speaks of it, else what may have been meant.
    private func explain(_ words: [String], _ topics: [Manual.Topic], _ r: Run) throws(SysError) {
        for word in words {
            let named = topics.filter { $0.names.contains(word) }
            let found = named.isEmpty ? topics.filter { $0.holds(word) } : named
            for topic in found { try r.out.line(topic.line) }
            for topic in named { try r.out.line("\tman \(topic.section) \(topic.names.first ?? word)") }
            guard found.isEmpty else { continue }
            let near = Suggestion.nearest(to: word, among: topics.flatMap(\.names))
            let advice = near.map { " (did you mean \($0)?)" } ?? ""
            try r.warn(SysError("no such topic" + advice, subject: word))
        }
    }
}
