import Applib
import Kernel

/// Sends notes to processes, through their files in /prog: what may be written there decides.
struct Kill: Command {
    static let usage: Usage = """
        kill [-g] [-s signal | -signal] process ... | -l [signal ...]
        -g         all of the process's group
        -l         list the signals, or say the name or number of those
        -s signal  which: a name such as term (that is the standard), hup, int, kill, stop, cont; that of its note; or its number; 0 is none
        A process is a number, that of a group with a - before it, or the name of a program: all that run it.
        """

    private static let signals: [(name: String, number: Int, control: String)] = [
        ("hup", 1, "note hangup"), ("int", 2, "note interrupt"), ("quit", 3, "note quit"), ("abrt", 6, "note abort"),
        ("kill", 9, "kill"), ("usr1", 10, "note usr1"), ("usr2", 12, "note usr2"), ("alrm", 14, "note alarm"),
        ("term", 15, "note term"), ("cont", 18, "start"), ("stop", 19, "stop"),
    ]

    /// `-9` and `-int` are `-s 9` and `-s int`. A group's number behind them is no flag.
    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, first.hasPrefix("-"), first.count > 1, !first.hasPrefix("--"),
            !["-g", "-h", "-l", "-s"].contains(first), !first.hasPrefix("-s") || find(first.dropFirst()) != nil
        else { return endFlags(arguments, behind: arguments.first == "-s" ? 2 : 0) }
        return endFlags(["-s", String(first.dropFirst())] + arguments.dropFirst(), behind: 2)
    }

    private static func endFlags(_ words: [String], behind count: Int) -> [String] {
        guard words.count > count, words[count].hasPrefix("-"), Int32(words[count]) != nil else { return words }
        return words.prefix(count) + ["--"] + words.dropFirst(count)
    }

    private static func find(_ name: Substring) -> (name: String, number: Int, control: String)? {
        var key = name.lowercased()
        if key.hasPrefix("sig") { key.removeFirst(3) }
        return key == "0"
            ? ("0", 0, "")
            : signals.first {
                $0.name == key || String($0.number) == key || $0.control == "note \(key)"
            }
    }

    func run(_ r: Run) throws(SysError) {
        if r.has("l") { return try list(r) }
        let name = r.options.value("s") ?? "term"
        guard let signal = Self.find(name[...]) else { throw SysError("unknown signal '\(name)'") }
        for word in try r.operands(1...Int.max) {
            try r.going(on: word) { () throws(SysError) in
                for pid in try processes(word, r) { try send(signal.control, to: pid) }
            }
            /// An empty note is none: it only asks whether there is a process that one could be sent to.
            func send(_ control: String, to pid: Int32) throws(SysError) {
                do throws(SysError) {
                    let fd = try r.p.open("/prog/\(pid)/ctl", .write)
                    defer { try? r.p.close(fd) }  // a control file holds nothing back
                    if !control.isEmpty { try r.p.write(fd, control) }
                } catch {
                    guard error.code == .nonexist else { throw error }
                    throw SysError(.noProcess, subject: word)
                }
            }
        }
    }

    /// All signals, or the other name of each operand: a number, also 128 more as in a status, or a name.
    private func list(_ r: Run) throws(SysError) {
        if r.operands.isEmpty {
            for signal in Self.signals { try r.out.line("\(signal.number) \(signal.name)") }
        }
        for word in r.operands {
            try r.going(on: word) { () throws(SysError) in
                let number = Int(word)
                let key = number.map { String($0 > 128 ? $0 - 128 : $0) } ?? word
                guard let signal = Self.find(key[...]), signal.number > 0 else { throw SysError("unknown signal") }
                try r.out.line(number == nil ? String(signal.number) : signal.name.uppercased())
            }
        }
    }

    /// The processes that a word means, and with -g their groups.
    private func processes(_ word: String, _ r: Run) throws(SysError) -> [Int32] {
        let all = try ProcessRow.all(r)
        var found: [ProcessRow]
        if let pid = Int32(word) {
            guard r.has("g") || pid < 0 else { return [pid] }
            found = all.filter { pid < 0 ? $0.group == pid.magnitude : $0.pid == pid }
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
