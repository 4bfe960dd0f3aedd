import Applib
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
