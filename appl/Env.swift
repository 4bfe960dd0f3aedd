import Applib
import Kernel

/// Prints the environment, or runs a program in another one.
struct Env: Command {
    static let usage: Usage = """
        env [-0i] [-u name] [-C directory] [-S text] [name=value ...] [command [argument ...]]
        -0, --null                a zero byte instead of a newline behind each
        -C, --chdir directory     go there before the command
        -i, --ignore-environment  an empty one, but for what is given here; a - alone is the same
        -S, --split-string text   the words of text stand before the operands: for a first line #!/bin/env -S sh -x
        -u, --unset name          without that variable
        """
    static let flagsEndEarly = true

    /// The words of -S: blanks part them; '...' and "..." keep blanks, and a \ what is behind it.
    static func arrange(_ arguments: [String]) -> [String] {
        var words = arguments
        guard let first = words.first else { return words }
        var text: String?
        var taken = 1
        for name in ["-S", "--split-string"] where first == name && words.count > 1 { (text, taken) = (words[1], 2) }
        if first.hasPrefix("--split-string=") { text = String(first.dropFirst(15)) }
        if first.hasPrefix("-S"), first.count > 2 { text = String(first.dropFirst(2)) }
        guard let text, let split = split(text) else { return words }
        words.replaceSubrange(0..<taken, with: split)
        return words
    }

    /// Nil where a quote is not closed.
    private static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let c = rest.popFirst() {
            if c == "\\", quote != "'" {
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + String(next)
            } else if c == quote {
                quote = nil
            } else if quote == nil, c == "'" || c == "\"" {
                quote = c
                word = word ?? ""
            } else if quote == nil, c == " " || c == "\t" {
                if let done = word.take() { words.append(done) }
            } else {
                word = (word ?? "") + String(c)
            }
        }
        guard quote == nil else { return nil }
        return words + (word.map { [$0] } ?? [])
    }

    func run(_ r: Run) throws(SysError) {
        if let text = r.options.value("S") { throw r.misuse("-S comes first, and closes its quotes: '\(text)'") }
        var words = r.operands[...]
        let isEmpty = r.has("i") || words.first == "-"
        if words.first == "-" { words.removeFirst() }
        try r.p.pctl(isEmpty ? .newEnv : .forkEnv)
        let environment = r.p.environment
        for name in r.options.values("u") {
            guard !name.isEmpty, !name.contains("=") else { throw SysError("-u: bad name '\(name)'") }
            environment.remove(name)
        }
        while let word = words.first, let equals = word.firstIndex(of: "=") {
            guard equals != word.startIndex else { throw SysError("bad name '\(word)'") }
            let value = word[word.index(after: equals)...]
            try environment.set(String(word[..<equals]), Array(value.utf8), r.p.caller.clock.now())
            words.removeFirst()
        }
        if let directory = r.options.value("C") {
            guard !words.isEmpty else { throw r.misuse("-C goes with a command") }
            try r.p.chdir(directory)
        }
        if !words.isEmpty {
            guard !r.has("0") else { throw r.misuse("-0 goes without a command") }
            return try r.become(Array(words))
        }
        for (name, variable) in environment.all {
            try r.out.write(name + "=")
            try r.out.write(variable.value)
            try r.out.put(r.has("0") ? 0 : UInt8(ascii: "\n"))
        }
    }
}
