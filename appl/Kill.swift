import Kernel

/// Sends notes to processes, through their files in /prog: what may be written there decides.
struct Kill: Command {
    static let usage: Usage = """
        kill [-g] [-s signal | -signal] process ...
        -g         all of the process's group
        -l         list the signals
        -s signal  which: a name such as term (that is the standard), hup, int, kill, stop, cont; or its number
        A process is a number, or the name of a program: all that run it.
        """

    private static let signals: [(name: String, number: Int, control: String)] = [
        ("hup", 1, "note hangup"), ("int", 2, "note interrupt"), ("quit", 3, "note quit"), ("abrt", 6, "note abort"),
        ("kill", 9, "kill"), ("usr1", 10, "note usr1"), ("usr2", 12, "note usr2"), ("alrm", 14, "note alarm"),
        ("term", 15, "note term"), ("cont", 18, "start"), ("stop", 19, "stop"),
    ]

    /// `-9` and `-int` are `-s 9` and `-s int`.
    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, first.hasPrefix("-"), first.count > 1, !first.hasPrefix("--"),
            !["-g", "-h", "-l", "-s"].contains(first), !first.hasPrefix("-s") || find(first.dropFirst()) != nil
        else { return arguments }
        return ["-s", String(first.dropFirst())] + arguments.dropFirst()
    }

    private static func find(_ name: Substring) -> (name: String, number: Int, control: String)? {
        var key = name.lowercased()
        if key.hasPrefix("sig") { key.removeFirst(3) }
        return signals.first { $0.name == key || String($0.number) == key }
    }

    func run(_ r: Run) throws(SysError) {
        if r.has("l") {
            _ = try r.operands(0...0)
            for signal in Self.signals { try r.out.line("\(signal.number) \(signal.name)") }
            return
        }
        let name = r.options.value("s") ?? "term"
        guard let signal = Self.find(name[...]) else { throw SysError("unknown signal '\(name)'") }
        for word in try r.operands(1...Int.max) {
            try r.going(on: word) { () throws(SysError) in
                for pid in try processes(word, r) { try send(signal.control, to: pid) }
            }
            func send(_ control: String, to pid: Int32) throws(SysError) {
                do throws(SysError) {
                    let fd = try r.p.open("/prog/\(pid)/ctl", .write)
                    defer { try? r.p.close(fd) }  // a control file holds nothing back
                    try r.p.write(fd, control)
                } catch {
                    guard error.code == .nonexist else { throw error }
                    throw SysError(.noProcess, subject: word)
                }
            }
        }
    }

    /// The processes that a word means, and with -g their groups.
    private func processes(_ word: String, _ r: Run) throws(SysError) -> [Int32] {
        let all = try ProcessRow.all(r)
        var found: [ProcessRow]
        if let pid = Int32(word) {
            guard r.has("g") else { return [pid] }
            found = all.filter { $0.pid == pid }
        } else {
            found = all.filter { $0.name == word && $0.pid != r.p.pid }
        }
        guard !found.isEmpty else { throw SysError(.noProcess, subject: word) }
        if r.has("g") {
            let groups = Set(found.map(\.group))
            found = all.filter { groups.contains($0.group) }
        }
        return found.map(\.pid)
    }
}
