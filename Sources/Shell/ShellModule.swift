import Kernel

/// Commands and substitutions that `load` puts into a shell, written in Swift: a file `Mod*.swift` each.
struct ShellModule: Sendable {
    let name: String
    var builtins: [String: Builtin] = [:]
    var substitutions: [String: Substitution] = [:]
    /// Called after the definitions have been put in.
    var onLoad: (@Sendable (Shell) throws(Failure) -> Void)?

    /// Modules by name. Each load makes one: what a module keeps, it keeps for one shell and its copies.
    static let all: [String: @Sendable () -> ShellModule] = [
        "arg": ArgModule.make, "csv": CsvModule.make, "expr": ExprModule.make, "file2chan": File2chanModule.make,
        "regex": RegexModule.make, "std": StdModule.make, "string": StringModule.make, "test": TestModule.make,
    ]

    /// A builtin module of the kernel as commands and substitutions, its words converted and checked. Function `f` of `$M`
    /// is `M.f`, and `f` too; but no command hides one of `programs`.
    static func typed(_ entry: ModuleEntry, besides programs: Set<String>) -> ShellModule {
        let module = entry.load()
        var made = ShellModule(name: entry.path, builtins: [:])
        for (i, function) in entry.functions.enumerated() {
            let command: Builtin = { (shell, items) throws(Failure) in try shell.call(module, i, items) }
            let value: Substitution = { (shell, items) throws(Failure) in try shell.substitute(module, i, items) }
            let whole = qualified(function.name, in: entry)
            (made.builtins[whole], made.substitutions[whole]) = (command, value)
            if !programs.contains(function.name) { made.builtins[function.name] = command }
            made.substitutions[function.name] = value
        }
        return made
    }

    /// A function's name that nothing else has.
    static func qualified(_ function: String, in entry: ModuleEntry) -> String {
        "\(entry.path.drop { $0 == "$" }).\(function)"
    }

    init(
        name: String, builtins: [String: Builtin], substitutions: [String: Substitution] = [:],
        onLoad: (@Sendable (Shell) throws(Failure) -> Void)? = nil
    ) {
        self.name = name
        self.builtins = builtins
        self.substitutions = substitutions
        self.onLoad = onLoad
    }
}

extension Shell {
    /// Puts a module in; nothing where it is in already.
    func load(_ path: String) throws(Failure) {
        guard !context.modules.contains(where: { $0.name == path }) else { return }
        let module: ShellModule
        if path.hasPrefix("$") {
            do throws(SysError) { module = typed(try p.system.modules.find(path)) } catch {
                throw raise("bad module", "load: \(error)")
            }
        } else if let make = ShellModule.all[path] {
            module = make()
        } else {
            let known = ShellModule.all.keys.sorted().joined(separator: " ")
            throw raise("bad module", "load: \(path): no such module (there are \(known), and those of /dev/modules)")
        }
        install(module)
        try module.onLoad?(self)
    }

    /// A builtin module's commands. Who types is told of those that have another name than one might expect.
    private func typed(_ entry: ModuleEntry) -> ShellModule {
        let programs = Set(Suggestion.programs(p))
        let names = entry.functions.map(\.name).filter { programs.contains($0) }
        if !names.isEmpty, context.flags.contains("i") {
            let example = ShellModule.qualified(names[0], in: entry)
            tell("load: \(entry.path): these are programs still: \(names.joined(separator: " ")) (say \(example))")
        }
        return .typed(entry, besides: programs)
    }

    func install(_ module: ShellModule) {
        if module.name != InternalModule.name { context.modules.append(module) }
        for (name, body) in module.builtins { context.define(name, in: module.name, body) }
        for (name, body) in module.substitutions { context.define(name, in: module.name, substitution: body) }
    }

    func unload(_ path: String) throws(Failure) {
        guard let i = context.modules.firstIndex(where: { $0.name == path }) else {
            throw raise("bad module", "unload: \(path): not loaded")
        }
        context.modules.remove(at: i)
        context.undefineAll(in: path)
    }

    /// Most bytes that a module's function takes from descriptor 0.
    private static let inputLimit = 64 << 20

    /// Calls a module's function as a command: what it gives is written to descriptor 1. Bytes that no word is left for are
    /// read from descriptor 0.
    func call(_ module: Module, _ function: Int, _ items: [Item]) throws(Failure) -> String {
        do throws(SysError) {
            let words = items.dropFirst().map(\.text)
            let output = try module.call(function, p, words: words) { [p] () throws(SysError) in
                let bytes = try p.readn(0, Self.inputLimit + 1)
                guard bytes.count <= Self.inputLimit else { throw .tooBig }
                return bytes
            }
            .output()
            if !output.isEmpty { try p.write(1, output) }
            return ""
        } catch { return try status(error, module, function) }
    }

    /// Calls a module's function as a substitution. What fails raises an exception, named by the error.
    func substitute(_ module: Module, _ function: Int, _ items: [Item]) throws(Failure) -> [Item] {
        do throws(SysError) {
            return try module.call(function, p, words: items.dropFirst().map(\.text)).words().map { .text($0) }
        } catch {
            if isUsage(error, module, function) { throw raise("usage", error.sentence) }
            throw failure(error)
        }
    }

    private func status(_ error: SysError, _ module: Module, _ function: Int) throws(Failure) -> String {
        if isUsage(error, module, function) { throw raise("usage", error.sentence) }
        return try status(error, module.entry.functions[function].name)
    }

    /// The words do not fit the signature.
    private func isUsage(_ error: SysError, _ module: Module, _ function: Int) -> Bool {
        error.sentence.hasPrefix("\(module.entry.functions[function].name): usage: ")
    }
}
