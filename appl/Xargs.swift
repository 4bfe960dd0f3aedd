import Applib
import Kernel

/// Runs a command with arguments from the input.
struct Xargs: Command {
    static let usage: Usage = """
        xargs [-0iloprtx] [-a file] [-d char] [-E eof] [-I word | -L lines | -n number] [-P n] [-s size] [command ...]
        -0, --null                 arguments end in a zero byte, and nothing is quoted
        -a, --arg-file file        take the arguments from there
        -d, --delimiter char       arguments end in this character, or \\n, \\t, \\0, and nothing is quoted
        -E eof                     an argument that is this word ends the input
        -i[replace]                the same as -I, {} where nothing is said
        -I replace                 one line at a time, in place of this word in the command
        -l[lines]                  the same as -L, 1 where nothing is said
        -L, --max-lines lines      the arguments of so many lines at a time
        -n, --max-args number      so many arguments at a time
        -o, --open-tty             the command reads from /dev/cons
        -P, --max-procs processes  so many commands at once; 0 is 4096
        -p, --interactive          ask on /dev/cons before each command
        -r, --no-run-if-empty      run nothing where there is no argument
        -s, --max-chars size       so many bytes of arguments at a time (131072)
        -t, --verbose              tell each command on standard error
        -x, --exit                 end where arguments are too long for -s, rather than take fewer
        Status: 123 where a command failed, 124 where one ended with 255, 125 where one was killed, 126 where one cannot
        be run, 127 where there is none.
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        var input: Int32 = 0
        if let file = r.options.value("a") { input = try r.open(file) }
        let size = try r.number("s", or: 128 << 10, in: 1...4 << 20)
        var source = try Arguments(r, input, limit: size)
        let command = r.operands.isEmpty ? ["echo"] : r.operands
        let atOnce = try r.number("P", or: 1, in: 0...4096)
        var runner = Runner(r, atOnce: atOnce == 0 ? 4096 : atOnce, keepsInput: input != 0)
        do throws(SysError) {
            try run(command, size, &source, &runner, r)
        } catch {
            guard let end = runner.end else { throw error }
            r.tell(error.description)
            r.status = end
        }
        try runner.finish()
    }

    private func run(
        _ command: [String], _ size: Int, _ source: inout Arguments, _ runner: inout Runner, _ r: Run
    ) throws(SysError) {
        // Of those that exclude each other the last counts.
        let unit = r.options.last(of: "IiLln")
        if let replace = replacement(unit, r) {
            guard !replace.isEmpty else { throw r.misuse("-I takes a word") }
            while let line = try source.line() {
                let words = command.map { $0.replacing(replace, with: line) }
                guard words.reduce(0, { $0 + $1.utf8.count + 1 }) <= size else { throw Self.tooLong }
                try runner.start(words)
            }
            return
        }
        let limit = unit == "n" ? try r.number("n", or: .max, in: 1...Int.max) : .max
        var lines = unit == "L" ? try r.number("L", or: .max, in: 1...Int.max) : .max
        if unit == "l" { lines = r.options.value("l") == "" ? 1 : try r.number("l", or: 1, in: 1...Int.max) }
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
                guard !batch.isEmpty, !r.has("x") else { throw Self.tooLong }
                try send()
            }
            batch.append(word)
            bytes += cost
            if endsLine { taken += 1 }
            if batch.count >= limit || taken >= lines { try send() }
        }
        if !batch.isEmpty || !ran && !r.has("r") { try send() }
    }

    /// The word that a line takes the place of.
    private func replacement(_ unit: Character?, _ r: Run) -> String? {
        switch unit {
        case "I": r.options.value("I")
        case "i": r.options.value("i").map { $0.isEmpty ? "{}" : $0 }
        default: nil
        }
    }

    fileprivate static let tooLong = SysError("argument line too long")
}

/// Words of the input: blanks separate, quotes and backslashes keep; or what stands between two delimiters. The input is
/// taken block by block and no more than a word of it is held: a line may be longer than memory.
private struct Arguments {
    private var reader: Reader
    private let delimiter: UInt8?
    private let end: [UInt8]?
    /// Most bytes of a word: no command takes a longer one.
    private let limit: Int
    private var block: [UInt8] = []
    private var place = 0

    init(_ r: Run, _ fd: Int32, limit: Int) throws(SysError) {
        switch r.options.last(of: "0d") {
        case "0": delimiter = 0
        case "d": delimiter = try Self.delimiter(r.options.value("d") ?? "")
        default: delimiter = nil
        }
        end = delimiter == nil ? r.options.value("E").flatMap { $0.isEmpty ? nil : Array($0.utf8) } : nil
        reader = Reader(r, fd)
        self.limit = limit
    }

    private static func delimiter(_ text: String) throws(SysError) -> UInt8 {
        let bytes = Array(text.utf8)
        if bytes.count == 1 { return bytes[0] }
        let known: [String: UInt8] = [
            "\\n": 10, "\\t": 9, "\\r": 13, "\\0": 0, "\\a": 7, "\\b": 8, "\\f": 12, "\\v": 11, "\\\\": 92,
        ]
        if let byte = known[text] { return byte }
        if text.hasPrefix("\\x"), let byte = UInt8(text.dropFirst(2), radix: 16) { return byte }
        if text.hasPrefix("\\"), let byte = UInt8(text.dropFirst(), radix: 8) { return byte }
        throw SysError("-d: bad delimiter '\(text)'")
    }

    /// The next argument, and whether its line ends with it: a blank before the newline says that the line goes on.
    mutating func next() throws(SysError) -> (String, Bool)? { try word(endsAtBlanks: true) }

    /// A line without the blanks before it, its quotes taken off; empty ones are passed over.
    mutating func line() throws(SysError) -> String? { try word(endsAtBlanks: false)?.0 }

    private mutating func word(endsAtBlanks: Bool) throws(SysError) -> (String, Bool)? {
        var word: [UInt8] = []
        var isBegun = false
        var quote: UInt8?
        var endsLine = true
        while let c = try byte() {
            if let delimiter {
                isBegun = true
                if c == delimiter { break }
            } else if let q = quote {
                guard c != UInt8(ascii: "\n") else { throw Self.unmatched(q) }
                if c == q {
                    quote = nil
                    continue
                }
            } else if c == UInt8(ascii: "\n") {
                if isBegun { break } else { continue }
            } else if Self.isBlank(c), endsAtBlanks || !isBegun {
                guard isBegun else { continue }
                endsLine = false
                break
            } else if c == UInt8(ascii: "'") || c == UInt8(ascii: "\"") {
                (isBegun, quote) = (true, c)
                continue
            }
            isBegun = true
            guard word.count < limit else { throw Xargs.tooLong }
            if delimiter == nil, quote == nil, c == UInt8(ascii: "\\") {
                guard let kept = try byte() else { break }
                word.append(kept)
            } else {
                word.append(c)
            }
        }
        if let quote { throw Self.unmatched(quote) }
        guard isBegun, word != end else { return nil }
        return (String(decoding: word, as: UTF8.self), endsLine)
    }

    private mutating func byte() throws(SysError) -> UInt8? {
        if place == block.count {
            guard let next = try reader.copy(Writer.blockSize) else { return nil }
            (block, place) = (next, 0)
        }
        defer { place += 1 }
        return block[place]
    }

    private static func isBlank(_ c: UInt8) -> Bool { c == UInt8(ascii: " ") || c == UInt8(ascii: "\t") }

    private static func unmatched(_ quote: UInt8) -> SysError {
        SysError("unmatched \(UnicodeScalar(quote)) in the input (-0 takes quotes as they are)")
    }
}

/// Runs commands, several at once, and remembers how they ended.
private struct Runner {
    private let r: Run
    private let atOnce: Int
    private let input: String?
    private var running: Set<Int32> = []
    /// What xargs ends with, at once: a command cannot be run, was killed, or said that it is enough.
    private(set) var end: Status?

    init(_ r: Run, atOnce: Int, keepsInput: Bool) {
        self.r = r
        self.atOnce = atOnce
        // The arguments are not the commands' to read.
        input = r.has("o") ? "/dev/cons" : keepsInput ? nil : "/dev/null"
    }

    mutating func start(_ words: [String]) throws(SysError) {
        while running.count >= atOnce { try reap() }
        try r.out.flush()
        if r.has("t") || r.has("p") {
            try r.p.write(2, words.joined(separator: " ") + (r.has("p") ? " ?..." : "\n"))
            if r.has("p"), try !isAgreed() { return }
        }
        do throws(SysError) { running.insert(try r.p.start(words, input: input)) } catch {
            end = Proc.failure(error)
            throw error
        }
    }

    private func isAgreed() throws(SysError) -> Bool {
        let console = try r.p.open("/dev/cons")
        defer { try? r.p.close(console) }  // it was only read
        return try r.answer(from: console)
    }

    mutating func finish() throws(SysError) {
        while !running.isEmpty {
            do throws(SysError) { try reap() } catch {
                guard let end else { throw error }
                r.tell(error.description)
                r.status = end
            }
        }
    }

    private mutating func reap() throws(SysError) {
        let record = try r.p.wait()
        guard running.remove(record.pid) != nil, !record.status.isOK else { return }
        let code = record.status.code
        if code == 255 {
            end = Status(code: 124)
            throw SysError("a command ended with status 255")
        }
        if code > 128, Int32(record.status.text) == nil {
            end = Status(code: 125)
            throw SysError("a command ended with '\(record.status)'")
        }
        if r.status.isOK { r.status = Status(code: 123) }
    }
}
