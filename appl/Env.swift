import Applib
import Kernel

/// Prints the environment, or runs a program in another one.
struct Env: Command {
    static let usage: Usage = """
        env [-0i] [-u name] [-C directory] [name=value ...] [command [argument ...]]
        -0, --null                a zero byte instead of a newline behind each
        -C, --chdir directory     go there before the command
        -i, --ignore-environment  an empty one, but for what is given here; a - alone is the same
        -u, --unset name          without that variable
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
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
