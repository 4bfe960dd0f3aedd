import Kernel

/// What `ls` and `lc` share: which files, in which order, each as a line.
public struct Listing {
    private struct Entry {
        let name: String
        let path: String
        let dir: Dir
    }

    private let r: Run
    private let isLong: Bool
    private let zone: Zone
    private let now: Int64
    private let order: Order
    private let paints: Bool
    private let ignores: (String) throws(SysError) -> Bool

    private enum Order { case name, none, size, time, suffix, version }

    /// `isLong`: with kind, rights, owner, size and time. Names of a directory that `ignores` says are left out.
    public init(
        _ r: Run, isLong: Bool = false, ignores: @escaping (String) throws(SysError) -> Bool = { _ in false }
    ) throws(SysError) {
        self.r = r
        self.isLong = isLong
        self.ignores = ignores
        zone = Zone(of: r.p)
        now = r.p.caller.clock.now() / 1_000_000_000
        order = try Self.order(r)
        switch r.options.value("color") {
        case nil, "never": paints = false
        case "", "always": paints = true
        case "auto": paints = r.p.isTerminal(1)
        case let how?: throw r.misuse("--color: bad value '\(how)'")
        }
    }

    private static func order(_ r: Run) throws(SysError) -> Order {
        let given = r.options.given.last { ["t", "S", "X", "v", "sort"].contains($0.name) }
        if r.has("n") || r.has("f") { return .none }
        switch given.map({ $0.name == "sort" ? $0.value : $0.name }) {
        case nil, "name": return .name
        case "t", "time": return .time
        case "S", "size": return .size
        case "X", "extension": return .suffix
        case "none": return .none
        case "v", "version": return .version
        case "width": throw r.misuse("--sort=\(given?.value ?? ""): not in this emu")
        case let how?: throw r.misuse("--sort: bad value '\(how)'")
        }
    }

    private var showsHidden: Bool { r.has("a") || r.has("f") }

    /// Gives each group of lines to `print`: the files that were named, then each directory.
    public func list(_ print: ([String]) throws(SysError) -> Void) throws(SysError) {
        var files: [Entry] = []
        var directories: [Entry] = []
        let names = r.operands.isEmpty ? ["."] : r.operands
        for name in names {
            try r.going(on: name) { () throws(SysError) in
                let dir = try stat(name)
                let isListed = dir.isDirectory && !r.has("d")
                let shown = r.has("p") ? lastName(name) : name
                let entry = Entry(name: shown, path: name, dir: dir)
                if isListed { directories.append(entry) } else { files.append(entry) }
            }
        }
        try print(try rows(sorted(files)))
        let withTitles = names.count > 1 || r.has("R")
        var isFirst = files.isEmpty
        for directory in sorted(directories) {
            try list(directory, withTitles, &isFirst, print)
        }
    }

    /// Lists one directory, and those below it with -R.
    private func list(
        _ top: Entry, _ withTitles: Bool, _ isFirst: inout Bool, _ print: ([String]) throws(SysError) -> Void
    ) throws(SysError) {
        // Directories on the way down, by identity: a name space may hold loops.
        var todo = [(entry: top, above: Set<FileIdentity>())]
        while let (entry, above) = todo.popLast() {
            try r.going(on: entry.path) { () throws(SysError) in
                let dir = try r.p.stat(entry.path)
                guard !above.contains(dir.identity) else { throw SysError("directory loop") }
                let entries = try sorted(read(entry.path))
                if withTitles {
                    try r.out.write((isFirst ? "" : "\n") + entry.path + ":\n")
                }
                isFirst = false
                try print(try rows(entries))
                guard r.has("R") else { return }
                let below = above.union([dir.identity])
                for e in entries.reversed() where e.dir.isDirectory && e.name != "." && e.name != ".." {
                    todo.append((e, below))
                }
            }
        }
    }

    private func read(_ path: String) throws(SysError) -> [Entry] {
        var entries: [Entry] = []
        if showsHidden {
            for name in [".", ".."] {
                let path = join(path, name)
                entries.append(Entry(name: name, path: path, dir: try r.p.stat(path)))
            }
        }
        for dir in try r.p.entries(of: path) where !dir.isHidden || showsHidden || r.has("A") {
            if try ignores(dir.name) { continue }
            let path = join(path, dir.name)
            var shown = dir
            if dir.qid.isSymlink, r.has("L") {
                // A link that leads nowhere is itself.
                do throws(SysError) { shown = try r.p.stat(path) } catch { shown = dir }
            }
            entries.append(Entry(name: dir.name, path: path, dir: shown))
        }
        return entries
    }

    private func stat(_ path: String) throws(SysError) -> Dir {
        if isLong || r.has("d") || r.has("F"), !r.has("L"), !r.has("H") { return try r.p.stat(path, follow: false) }
        do throws(SysError) { return try r.p.stat(path) } catch {
            guard error.code == .nonexist else { throw error }
            return try r.p.stat(path, follow: false)
        }
    }

    private func time(_ dir: Dir) -> Int64 { r.has("u") ? dir.accessed : r.has("c") ? dir.changed : dir.modified }

    private func sorted(_ entries: [Entry]) -> [Entry] {
        if order == .none { return entries }
        var sorted = entries.sorted { a, b in
            switch order {
            case .time where time(a.dir) != time(b.dir): time(a.dir) > time(b.dir)
            case .size where a.dir.length != b.dir.length: a.dir.length > b.dir.length
            case .suffix where suffix(a.name) != suffix(b.name):
                suffix(a.name).utf8.lexicographicallyPrecedes(suffix(b.name).utf8)
            case .version where version(a.name, b.name) != 0: version(a.name, b.name) < 0
            default: a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
            }
        }
        if r.has("r") { sorted.reverse() }
        guard r.has("group-directories-first") else { return sorted }
        return sorted.filter(\.dir.isDirectory) + sorted.filter { !$0.dir.isDirectory }
    }

    private func version(_ a: String, _ b: String) -> Int {
        VersionOrder.compare(Array(a.utf8).span, Array(b.utf8).span)
    }

    /// What is behind the last dot, with the dot.
    private func suffix(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[$0...]) } ?? "" }

    /// A line for each entry, its columns as wide as the widest.
    private func rows(_ entries: [Entry]) throws(SysError) -> [String] {
        var columns: [[String]] = []
        func column(_ isRight: Bool, _ cell: (Entry) -> String) {
            let cells = entries.map(cell)
            let width = cells.reduce(0) { max($0, $1.count) }
            columns.append(cells.map { isRight ? $0.right(width) : $0.left(width) })
        }
        if r.has("i") { column(true) { String($0.dir.qid.path) } }
        if r.has("s") {
            column(true) {
                let bytes = $0.dir.space ?? $0.dir.length
                return r.has("h") ? brief(bytes) : String(bytes.blocks(of: 1024))
            }
        }
        if r.has("q") {
            column(false) {
                let qid = $0.dir.qid
                let path = String(qid.path, radix: 16).zeros(16)
                return "(\(path) \(qid.version) \(String(qid.type.rawValue, radix: 16).zeros(2)))"
            }
        }
        if r.has("m") { column(false) { "[\($0.dir.modifier)]" } }
        if isLong {
            column(false) { $0.dir.modeText }
            column(false) { String($0.dir.type) }
            column(true) { String($0.dir.instance) }
            if !r.has("g") { column(false) { $0.dir.owner } }
            if !r.has("o") { column(false) { $0.dir.group } }
            column(true) { r.has("h") ? brief($0.dir.length) : String($0.dir.length) }
            column(true) { date(time($0.dir)) }
        }
        var rows: [String] = []
        for (i, entry) in entries.enumerated() {
            let cells = columns.map { $0[i] } + [painted(entry) + mark(entry.dir) + (try target(entry))]
            rows.append(cells.joined(separator: " "))
        }
        return rows
    }

    /// `Nov 21 13:58`, or the year where it is more than half a year away.
    private func date(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds.dividedDown(by: 1_000_000_000)
        if r.has("e") { return String(seconds) }
        let isRecent = abs(now - seconds) < 182 * 86400
        return Moment(seconds, in: zone).text(isRecent ? "%b %e %H:%M" : "%b %e  %Y")
    }

    /// The name, in the colour of its kind.
    private func painted(_ entry: Entry) -> String {
        guard paints else { return entry.name }
        let colors: [Character: String] = [
            "d": "01;34", "l": "01;36", "p": "33", "s": "01;35", "b": "01;33", "c": "01;33",
        ]
        let isProgram = entry.dir.mode.permissions & 0o111 != 0
        guard let color = colors[entry.dir.kindLetter] ?? (isProgram ? "01;32" : nil) else { return entry.name }
        return "\u{1b}[\(color)m\(entry.name)\u{1b}[0m"
    }

    private func mark(_ dir: Dir) -> String {
        guard r.has("F") else { return "" }
        if dir.isDirectory { return "/" }
        if dir.qid.isSymlink { return "@" }
        if dir.mode.contains(.namedPipe) { return "|" }
        if dir.mode.contains(.socket) { return "=" }
        return dir.mode.permissions & 0o111 != 0 ? "*" : ""
    }

    private func target(_ entry: Entry) throws(SysError) -> String {
        guard isLong, entry.dir.qid.isSymlink else { return "" }
        return " -> " + (try r.p.readlink(entry.path))
    }
}
