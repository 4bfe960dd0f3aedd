import Kernel

/// Runs a command with arguments from the input.
struct Xargs: Command {
    static let usage: Usage = """
        xargs [-0rtx] [-a file] [-I replace] [-L lines] [-n number] [-P processes] [-s size] [command [argument ...]]
        -0            arguments end in a zero byte, and nothing is quoted
        -a file       take the arguments from there
        -I replace    one line at a time, in place of this word in the command
        -L lines      the arguments of so many lines at a time
        -n number     so many arguments at a time
        -P processes  so many commands at once
        -r            run nothing where there is no argument
        -s size       so many bytes of arguments at a time (131072)
        -t            tell each command on standard error
        -x            end where a line is too long for -s
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        var input: Int32 = 0
        if let file = r.options.value("a") { input = try r.open(file) }
        var source = Arguments(r, input)
        let command = r.operands.isEmpty ? ["echo"] : r.operands
        var runner = Runner(r, atOnce: max(1, try r.number("P", or: 1, in: 0...4096)))
        let size = try r.number("s", or: 128 << 10, in: 1...4 << 20)
        if let replace = r.options.value("I") {
            guard !replace.isEmpty else { throw r.misuse("-I takes a word") }
            while let line = try source.wholeLine() {
                try runner.start(command.map { Self.replace($0, replace, line) })
            }
            return try runner.finish()
        }
        let limit = try r.number("n", or: .max, in: 1...Int.max)
        let lines = try r.number("L", or: .max, in: 1...Int.max)
        let base = command.reduce(0) { $0 + $1.utf8.count + 1 }
        var batch: [String] = []
        var bytes = base
        var taken = 0
        var ran = false
        func send() throws(SysError) {
            try runner.start(command + batch)
            ran = true
            batch = []
            bytes = base
            taken = 0
        }
        while let (word, endsLine) = try source.next() {
            let cost = word.utf8.count + 1
            if bytes + cost > size {
                guard !batch.isEmpty, !r.has("x") else { throw SysError("argument line too long") }
                try send()
            }
            batch.append(word)
            bytes += cost
            if endsLine { taken += 1 }
            if batch.count >= limit || taken >= lines { try send() }
        }
        if !batch.isEmpty || !ran && !r.has("r") { try send() }
        try runner.finish()
    }

    private static func replace(_ text: String, _ what: String, _ with: String) -> String {
        var out = ""
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix(what) {
                out += with
                rest = rest.dropFirst(what.count)
            } else {
                out.append(first)
                rest = rest.dropFirst()
            }
        }
        return out
    }
}

/// Words of the input: blanks separate, quotes and backslashes keep; or what stands between zero bytes.
private struct Arguments {
    private var reader: Reader
    private let zero: Bool
    private var words: [String] = []

    init(_ r: Run, _ fd: Int32) {
        zero = r.has("0")
        reader = Reader(r, fd, separator: zero ? 0 : UInt8(ascii: "\n"))
    }

    /// The next argument, and whether its line ends with it.
    mutating func next() throws(SysError) -> (String, Bool)? {
        while words.isEmpty {
            guard let line = try reader.text() else { return nil }
            words = zero ? [line] : try split(line).reversed()
        }
        let word = words.removeLast()
        return (word, words.isEmpty)
    }

    /// A line without the blanks before it; empty ones are passed over.
    mutating func wholeLine() throws(SysError) -> String? {
        while let line = try reader.text() {
            if zero { return line }
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if !trimmed.isEmpty { return String(trimmed) }
        }
        return nil
    }

    private func split(_ line: String) throws(SysError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var i = line.startIndex
        while i < line.endIndex {
            let c = line[i]
            i = line.index(after: i)
            if let q = quote {
                if c == q { quote = nil } else { word = (word ?? "") + String(c) }
            } else if c == "'" || c == "\"" {
                quote = c
                word = word ?? ""
            } else if c == "\\", i < line.endIndex {
                word = (word ?? "") + String(line[i])
                i = line.index(after: i)
            } else if c == " " || c == "\t" {
                if let w = word { words.append(w) }
                word = nil
            } else {
                word = (word ?? "") + String(c)
            }
        }
        if let quote { throw SysError("unmatched \(quote) in the input (-0 takes quotes as they are)") }
        if let word { words.append(word) }
        return words
    }
}

/// Runs commands, several at once, and remembers how they ended.
private struct Runner {
    private let r: Run
    private let atOnce: Int
    private var running: Set<Int32> = []

    init(_ r: Run, atOnce: Int) {
        self.r = r
        self.atOnce = atOnce
    }

    mutating func start(_ words: [String]) throws(SysError) {
        if r.has("t") { r.tell(words.joined(separator: " ")) }
        while running.count >= atOnce { try reap() }
        try r.out.flush()
        let path = words[0].utf8.contains(UInt8(ascii: "/")) ? words[0] : "/bin/\(words[0])"
        // Found and checked here, so that what is missing is told before a process is made.
        _ = try r.p.prepare(path, words)
        let pid = try r.p.spawn(.forkFD, fds: r.p.files.all.map(\.fd), args: words) { (child) throws(SysError) in
            try child.exec(path, words)
        }
        running.insert(pid)
    }

    mutating func finish() throws(SysError) {
        while !running.isEmpty { try reap() }
    }

    private mutating func reap() throws(SysError) {
        let record = try r.p.wait()
        running.remove(record.pid)
        if !record.status.isOK, r.status.isOK { r.status = record.status }
    }
}
