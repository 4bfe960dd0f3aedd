import Applib
import Kernel

/// Sorts lines by keys. What does not fit in memory goes to sorted files that are merged at the end.
struct Sort: Command {
    static let usage: Usage = """
        sort [-bCcdfghiMmnRrsuVz] [-k key] [-o file] [-S size] [-T dir] [-t char] [file ...]
        -b, --ignore-leading-blanks    skip blanks before keys
        -C                             say only by the status whether the input is in order
        -c                             the same, and tell the first line that is not
        --check[=how]                  as -c, or with quiet as -C
        -d, --dictionary-order         only blanks, letters and digits count
        -f, --ignore-case              lower case counts as upper case
        -g, --general-numeric-sort     compare as numbers with exponents
        -h, --human-numeric-sort       compare as sizes: 2K, 1G
        -i, --ignore-nonprinting       only printable characters count
        -k, --key key                  sort by a part of the line: F[.C][flags][,F[.C][flags]]
        -M, --month-sort               compare as names of months
        -m, --merge                    merge files that are in order
        -n, --numeric-sort             compare as decimal numbers
        -o, --output file              write there, which may be an input
        --parallel number              accepted, and of no effect: sort uses one processor
        -R, --random-sort              by chance, lines with equal keys together
        -r, --reverse                  the other way round
        -S, --buffer-size size         bytes to hold in memory, with K, M or G (256M)
        --sort how                     as -g, -h, -M, -n, -R or -V: general-numeric, human-numeric, month, numeric, random, version
        -s, --stable                   lines with equal keys keep their order
        -T, --temporary-directory dir  where to keep what does not fit ($TMPDIR, $home/tmp or /tmp)
        -t, --field-separator char     what stands between fields
        -u, --unique                   one of the lines with equal keys
        -V, --version-sort             compare numbers in texts as numbers: a9 before a10
        -z, --zero-terminated          lines end in a zero byte
        """
    static let trouble: Int32 = 2

    func run(_ r: Run) throws(SysError) {
        let order = try Self.order(r)
        let sorter = Sorter(
            r, order, unique: r.has("u"), separator: r.has("z") ? 0 : UInt8(ascii: "\n"), limit: try Self.size(r))
        defer { sorter.removeFiles() }
        let how = r.options.value("check") ?? ""
        guard ["", "diagnose-first", "quiet", "silent"].contains(how) else {
            throw r.misuse("--check: bad value '\(how)'")
        }
        let checks = r.has("c") || r.has("C") || r.has("check")
        guard !checks || !r.has("o") else { throw r.misuse("-o does not go with -c and -C") }
        if checks {
            try sorter.check(quiet: r.has("C") || how == "quiet" || how == "silent")
        } else if r.has("m"), try !writesInput(r) {
            try sorter.mergeOperands()
        } else {
            try r.eachFile { (_, fd) throws(SysError) in try sorter.take(fd) }
        }
        // What lacks a part of the input is no answer.
        guard !checks, r.status.isOK else { return }
        // An output that is an input is written when all has been read.
        guard let path = r.options.value("o") else { return try sorter.give(to: r.out) }
        let fd = try r.p.create(path, .write, FileMode(rawValue: 0o666))
        let out = Writer(r.p, fd)
        try sorter.give(to: out)
        try out.flush()
        try r.p.close(fd)
    }

    /// Whether the output is one of the inputs. A merge reads while it writes, so then all is read first.
    private func writesInput(_ r: Run) throws(SysError) -> Bool {
        // An output that is not there is no input.
        guard let path = r.options.value("o"), let out = try? r.p.stat(path).identity else { return false }
        for name in r.operands.isEmpty ? ["-"] : r.operands {
            if try (name == "-" ? r.p.fstat(0) : r.p.stat(name)).identity == out { return true }
        }
        return false
    }

    private static func order(_ r: Run) throws(SysError) -> SortOrder {
        var general = SortKey()
        for flag in "bdfir" where r.has(flag) { _ = general.set(flag) }
        var orders = "ghMnRV".filter { r.has($0) }
        let names: [String: Character] = [
            "general-numeric": "g", "human-numeric": "h", "month": "M", "numeric": "n", "random": "R", "version": "V",
        ]
        for name in r.options.values("sort") {
            guard let flag = names[name] else { throw r.misuse("--sort: bad value '\(name)'") }
            if !orders.contains(flag) { orders.append(flag) }
        }
        for flag in orders { _ = general.set(flag) }
        guard orders.count < 2 else {
            throw r.misuse("-\(orders.map(String.init).joined(separator: " and -")) exclude each other")
        }
        var keys: [SortKey] = []
        for text in r.options.values("k") {
            var key = try SortKey(text)
            if !key.isOwn {
                let (start, end) = (key.start, key.end)
                key = general
                key.start = start
                key.end = end
                if r.has("b") {
                    key.start.skipsBlanks = true
                    key.end?.skipsBlanks = true
                }
            }
            keys.append(key)
        }
        if keys.isEmpty { keys = [general] }
        var order = SortOrder(keys: keys)
        if let text = r.options.value("t") {
            let bytes = Array((text == "\\0" ? "\0" : text == "\\t" ? "\t" : text).utf8)
            guard bytes.count == 1 else { throw r.misuse("-t: '\(text)' is not one character") }
            order.separator = bytes[0]
        }
        order.stable = r.has("s") || r.has("u")
        order.reverse = r.has("r")
        return order
    }

    private static func size(_ r: Run) throws(SysError) -> Int {
        guard let text = r.options.value("S") else { return 256 << 20 }
        let shifts: [Character: Int] = ["b": 0, "K": 10, "k": 10, "M": 20, "m": 20, "G": 30, "g": 30]
        let shift = text.last.flatMap { shifts[$0] }
        guard let n = Int(shift == nil ? text : String(text.dropLast())), n > 0, n < 1 << 32 else {
            throw SysError("-S: bad size '\(text)'")
        }
        return max(64 << 10, n << (shift ?? 10))
    }
}

/// Lines on their way: in memory, then in sorted files of which it knows the names.
private final class Sorter {
    private let r: Run
    private let order: SortOrder
    private let unique: Bool
    private let separator: UInt8
    private let limit: Int
    private var lines = SortLines()
    /// Sorted files: those that were written here, and those that were given with -m.
    private var runs: [String] = []
    private var written: Set<String> = []
    private var next = 0

    /// Files that are read at once.
    private static let width = 16

    init(_ r: Run, _ order: SortOrder, unique: Bool, separator: UInt8, limit: Int) {
        self.r = r
        self.order = order
        self.unique = unique
        self.separator = separator
        self.limit = limit
    }

    func take(_ fd: Int32) throws(SysError) {
        var reader = Reader(r, fd, separator: separator)
        while true {
            let got: Void? = try reader.line { lines.append($0, order) }
            guard got != nil else { return }
            if lines.size >= limit { try spill() }
            if lines.count & 0xfff == 0 { try Thread.check() }
        }
    }

    func mergeOperands() throws(SysError) {
        for name in r.operands.isEmpty ? ["-"] : r.operands {
            runs.append(name == "-" ? "/fd/0" : name)
        }
    }

    /// Puts what is held in a file, sorted.
    private func spill() throws(SysError) {
        lines.sort(order)
        try write { (out) throws(SysError) in
            let separator = self.separator
            try lines.each { (line) throws(SysError) in
                try out.write(line)
                try out.put(separator)
            }
        }
        lines.removeAll()
    }

    private func write(_ body: (Writer) throws(SysError) -> Void) throws(SysError) {
        next += 1
        let path = try directory() + "/sort.\(r.p.pid).\(next)"
        let fd = try r.p.create(path, [.write, .exclusive], FileMode(rawValue: 0o600))
        written.insert(path)
        runs.append(path)
        let out = Writer(r.p, fd)
        try body(out)
        try out.flush()
        try r.p.close(fd)
    }

    private func directory() throws(SysError) -> String {
        if let dir = r.options.value("T") { return dir }
        func variable(_ name: String) -> String? {
            r.p.environment[name].map { String(decoding: $0.value, as: UTF8.self) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let dir = variable("TMPDIR") { return dir }
        guard let home = variable("home") else { return "/tmp" }
        // A home that cannot have the directory leaves /tmp.
        if (try? r.p.stat(home + "/tmp")) == nil, (try? r.p.mkdir(home + "/tmp", 0o700)) == nil { return "/tmp" }
        return home + "/tmp"
    }

    func removeFiles() {
        for path in written { try? r.p.remove(path) }  // somebody has removed it already
    }

    /// Writes all lines in order.
    func give(to out: Writer) throws(SysError) {
        var last: [UInt8]?
        let separator = self.separator
        func put(_ line: Span<UInt8>) throws(SysError) {
            if unique {
                if let last, order.compareKeys(last.span, line) == 0 { return }
                var copy = [UInt8]()
                copy.append(copying: line.bytes)
                last = copy
            }
            try out.write(line)
            try out.put(separator)
        }
        if runs.isEmpty {
            lines.sort(order)
            return try lines.each { (line) throws(SysError) in try put(line) }
        }
        if !lines.isEmpty { try spill() }
        while runs.count > Self.width {
            let some = Array(runs.prefix(Self.width))
            runs.removeFirst(Self.width)
            try write { (out) throws(SysError) in
                try merge(some) { (line) throws(SysError) in
                    try out.write(line)
                    try out.put(separator)
                }
            }
            // The merged file stands where its parts stood, so that equal lines keep their order.
            runs.insert(runs.removeLast(), at: 0)
        }
        try merge(runs, put)
    }

    private func merge(_ paths: [String], _ body: (Span<UInt8>) throws(SysError) -> Void) throws(SysError) {
        var readers: [Reader] = []
        defer { for reader in readers { try? r.p.close(reader.fd) } }  // they were read: nothing is lost
        for path in paths { readers.append(Reader(r, try r.open(path), separator: separator)) }
        // The next line of each file, and the files in the order of these lines.
        var heads: [[UInt8]] = readers.map { _ in [] }
        var queue: [Int] = []
        func place(_ i: Int) throws(SysError) {
            let got: Void? = try readers[i].line { line in
                heads[i].removeAll(keepingCapacity: true)
                heads[i].append(copying: line.bytes)
            }
            guard got != nil else { return }
            var low = 0
            var high = queue.count
            while low < high {
                let middle = (low + high) / 2
                let (there, new) = (heads[queue[middle]], heads[i])
                let c = order.compare(there.span, new.span)
                if c < 0 || c == 0 && queue[middle] < i { low = middle + 1 } else { high = middle }
            }
            queue.insert(i, at: low)
        }
        for i in readers.indices { try place(i) }
        var n = 0
        while let i = queue.first {
            let line = heads[i]
            try body(line.span)
            queue.removeFirst()
            try place(i)
            n += 1
            if n & 0xfff == 0 { try Thread.check() }
        }
    }

    /// Whether the one input is in order; the status says it.
    func check(quiet: Bool) throws(SysError) {
        let name = r.operands.first ?? "-"
        guard r.operands.count <= 1 else { throw r.misuse("only one file can be checked") }
        let fd = name == "-" ? 0 : try r.open(name)
        var reader = Reader(r, fd, separator: separator)
        var last: [UInt8]?
        var number = 0
        var wrong: String?
        while wrong == nil {
            let got: Void? = try reader.line { line in
                number += 1
                if let last {
                    let c = order.compare(last.span, line)
                    if c > 0 || unique && c == 0 { wrong = String(copying: line) }
                }
                var copy = [UInt8]()
                copy.append(copying: line.bytes)
                last = copy
            }
            guard got != nil else { return }
            if number & 0xfff == 0 { try Thread.check() }
        }
        guard let wrong else { return }
        r.status = "disorder"
        if !quiet { r.tell("\(name):\(number): disorder: \(wrong)") }
    }
}
