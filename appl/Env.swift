import Kernel

/// Prints the environment, or runs a program in another one.
struct Env: Command {
    static let usage: Usage = """
        env [-0i] [-u name] [name=value ...] [command [argument ...]]
        -0       a zero byte instead of a newline behind each
        -i       an empty one, but for what is given here
        -u name  without that variable
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        try r.p.pctl(r.has("i") ? .newEnv : .forkEnv)
        let environment = r.p.environment
        for name in r.options.values("u") { environment.remove(name) }
        var words = r.operands[...]
        while let word = words.first, let equals = word.firstIndex(of: "="), equals != word.startIndex {
            let value = word[word.index(after: equals)...]
            try environment.set(String(word[..<equals]), Array(value.utf8), r.p.caller.clock.now())
            words.removeFirst()
        }
        if !words.isEmpty { return try r.become(Array(words)) }
        for (name, variable) in environment.all {
            try r.out.write(name + "=")
            try r.out.write(variable.value)
            try r.out.put(r.has("0") ? 0 : UInt8(ascii: "\n"))
        }
    }
}
