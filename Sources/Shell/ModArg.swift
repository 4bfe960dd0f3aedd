/// Options of a script. The corresponding Inferno pages are `sh-arg(1)` and `arg(2)`.
enum ArgModule {
    @Sendable static func make() -> ShellModule { ShellModule(name: "arg", builtins: ["arg": arg]) }

    private static let synopsis = "arg [opts command]... - args"

    private static let arg: Builtin = { (shell, items) throws(Failure) in
        guard let dash = items.indices.first(where: { $0 % 2 == 1 && items[$0].text == "-" }) else {
            throw shell.usage(synopsis)
        }
        var specs: [Spec] = []
        for i in stride(from: 1, to: dash, by: 2) { specs.append(Spec(items[i].text, items[i + 1])) }
        var rest = Array(items[(dash + 1)...])[...]
        var status = ""
        while let word = rest.first?.text, word.hasPrefix("-"), word != "-" {
            rest.removeFirst()
            if word == "--" { break }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                let spec = specs.first { $0.letters.contains(letter) } ?? specs.first { $0.letters.contains("*") }
                guard let spec else { throw shell.raise("usage", "\(name(shell)): unknown option -\(letter)") }
                var values: [Item] = []
                if spec.values > 0, !letters.isEmpty {
                    values.append(.text(String(letters)))
                    letters = ""
                }
                while values.count < spec.values {
                    guard let value = rest.popFirst() else {
                        throw shell.raise("usage", "\(name(shell)): option -\(letter) wants \(spec.values) argument(s)")
                    }
                    values.append(value)
                }
                status = try run(shell, spec.command, letter, values)
            }
        }
        shell.context.set("*", Array(rest))
        return status
    }

    /// Letters of options that share a command, and how many arguments each takes.
    private struct Spec {
        let letters: String
        let values: Int
        let command: Item

        init(_ text: String, _ command: Item) {
            letters = String(text.reversed().drop { $0 == "+" })
            values = text.count - letters.count
            self.command = command
        }
    }

    /// The script's name, for messages about its options.
    private static func name(_ shell: Shell) -> String {
        guard case .text(let zero)? = shell.context.value("0").first else { return shell.place.file ?? "arg" }
        return zero
    }

    /// Runs the command of an option. `$opt` and `$arg` are set for as long.
    private static func run(
        _ shell: Shell, _ command: Item, _ letter: Character, _ values: [Item]
    ) throws(Failure) -> String {
        let before = (shell.context.value("opt"), shell.context.value("arg"))
        shell.context.setLocal("opt", [.text(String(letter))])
        shell.context.setLocal("arg", values)
        defer {
            shell.context.setLocal("opt", before.0)
            shell.context.setLocal("arg", before.1)
        }
        return try shell.inner(command)
    }
}
