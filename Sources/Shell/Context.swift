import Kernel

/// A command of a loaded module: gets the words (its own name first), gives the status.
typealias Builtin = @Sendable (Shell, [Item]) throws(Failure) -> String

/// A substitution of a loaded module: gets the words (its own name first), gives the list that stands for it.
typealias Substitution = @Sendable (Shell, [Item]) throws(Failure) -> [Item]

/// What a shell remembers: variables, flags, loaded modules.
///
/// It belongs to one Thread at a time. A process that runs beside the shell gets a copy; one that the shell waits for
/// (a backquote) works on the shell's own, as in Inferno, where no process of a shell is a fork.
final class Context: @unchecked Sendable {
    /// Variables of one block, and the arguments it was called with.
    struct Scope {
        var arguments: [Item]
        var zero: Item?
        var names: [String] = []
        var values: [[Item]] = []
    }

    struct Definition<Body: Sendable>: Sendable {
        let module: String
        let body: Body
    }

    /// How many shells stand above this one that have made it by themselves.
    private(set) var level = 0
    /// One-letter flags that are set: e, i, l, n, v, x.
    var flags: Set<Character> = []
    /// How many conditions are being tried, one in the other: what fails in one does not end a shell with flag e.
    var conditions = 0
    /// Status of the last command, `$status`.
    var status = ""
    /// Loaded modules, in order.
    var modules: [ShellModule] = []
    /// Definitions by name; the last counts, those before it come back when it goes.
    private var builtins: [String: [Definition<Builtin>]] = [:]
    private var substitutions: [String: [Definition<Substitution>]] = [:]
    /// The innermost scope last; the first holds the arguments of the shell itself.
    private var scopes: [Scope]
    private var globals: [String: [Item]] = [:]
    /// Variables that /env does not have as they are.
    private var changed: Set<String> = []

    init(arguments: [String], zero: String) {
        scopes = [Scope(arguments: arguments.map { .text($0) }, zero: .text(zero))]
    }

    private init(copy c: Context) {
        level = c.level + 1
        flags = c.flags
        conditions = c.conditions
        status = c.status
        modules = c.modules
        builtins = c.builtins
        substitutions = c.substitutions
        scopes = c.scopes
        globals = c.globals
        changed = c.changed
    }

    /// An independent copy, for a process that runs at the same time.
    func copy() -> Context { Context(copy: self) }

    // MARK: variables

    /// Runs `body` in a new innermost scope.
    func scoped<T>(
        _ arguments: [Item], zero: Item?, _ body: () throws(Failure) -> T
    ) throws(Failure) -> T {
        scopes.append(Scope(arguments: arguments, zero: zero))
        defer {
            let gone = scopes.removeLast()
            changed.formUnion(gone.names)
        }
        return try body()
    }

    /// The value of variable `name`; empty where it has none.
    func value(_ name: String) -> [Item] {
        if let special = special(name) { return special }
        for scope in scopes.reversed() {
            if let i = scope.names.firstIndex(of: name) { return scope.values[i] }
        }
        return globals[name] ?? []
    }

    private func special(_ name: String) -> [Item]? {
        guard let first = name.utf8.first, let scope = scopes.last else { return nil }
        if name == "*" { return scope.arguments }
        if name == "status" { return [.text(status)] }
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), let n = Int(name) else { return nil }
        if n == 0 { return scope.zero.map { [$0] } ?? [] }
        return n <= scope.arguments.count ? [scope.arguments[n - 1]] : []
    }

    /// Assigns to the innermost variable of this name, or to a new global one.
    func set(_ name: String, _ value: [Item]) {
        if setSpecial(name, value) { return }
        changed.insert(name)
        for s in scopes.indices.reversed() {
            if let i = scopes[s].names.firstIndex(of: name) {
                scopes[s].values[i] = value
                return
            }
        }
        globals[name] = value.isEmpty ? nil : value
    }

    /// Assigns to the variable of this name in the innermost scope.
    func setLocal(_ name: String, _ value: [Item]) {
        if setSpecial(name, value) { return }
        guard scopes.count > 1 else { return set(name, value) }
        changed.insert(name)
        let last = scopes.count - 1
        if let i = scopes[last].names.firstIndex(of: name) {
            scopes[last].values[i] = value
        } else {
            scopes[last].names.append(name)
            scopes[last].values.append(value)
        }
    }

    private func setSpecial(_ name: String, _ value: [Item]) -> Bool {
        switch name {
        case "*": scopes[scopes.count - 1].arguments = value
        case "status": status = value.first?.text ?? ""
        default: return false
        }
        return true
    }

    /// Names of all variables that have a value, in order.
    var names: [String] {
        var all = Set(globals.keys)
        for scope in scopes { all.formUnion(scope.names) }
        return all.filter { !value($0).isEmpty }.sorted()
    }

    // MARK: the environment

    /// Reads every variable of /env that the shell has not changed since.
    func importEnvironment(_ p: Proc) {
        for (name, variable) in p.environment.all where !changed.contains(name) && !Self.isPrivate(name) {
            globals[name] = unquoted(String(decoding: variable.value, as: UTF8.self)).map { .text($0) }
        }
    }

    /// Writes to /env what has changed since the last time. A value that /env does not take is not exported.
    func exportEnvironment(_ p: Proc) {
        guard !changed.isEmpty else { return }
        let now = p.caller.clock.now()
        for name in changed where !Self.isPrivate(name) {
            let value = value(name)
            if value.isEmpty {
                p.environment.remove(name)
            } else {
                // As in Inferno: what is too large, or has a name that is no file name, stays inside.
                try? p.environment.set(name, Array(quoted(value.map(\.text)).utf8), now)
            }
        }
        changed = []
    }

    /// What stays inside the shell: it has no meaning in another process.
    private static func isPrivate(_ name: String) -> Bool {
        name == "*" || name == "0" || name == "status" || name == "apid"
    }

    // MARK: modules

    func builtin(_ name: String) -> Definition<Builtin>? { builtins[name]?.last }
    func substitution(_ name: String) -> Definition<Substitution>? { substitutions[name]?.last }

    /// The first definition: the shell's own, whatever has covered it.
    func internalBuiltin(_ name: String) -> Definition<Builtin>? {
        builtins[name]?.first.flatMap { $0.module == InternalModule.name ? $0 : nil }
    }

    func internalSubstitution(_ name: String) -> Definition<Substitution>? {
        substitutions[name]?.first.flatMap { $0.module == InternalModule.name ? $0 : nil }
    }

    /// Puts a command in. A module's second definition of a name replaces its first.
    func define(_ name: String, in module: String, _ body: @escaping Builtin) {
        builtins[name, default: []].removeAll { $0.module == module }
        builtins[name, default: []].append(Definition(module: module, body: body))
    }

    func define(_ name: String, in module: String, substitution body: @escaping Substitution) {
        substitutions[name, default: []].removeAll { $0.module == module }
        substitutions[name, default: []].append(Definition(module: module, body: body))
    }

    func undefine(_ name: String, in module: String) {
        builtins[name]?.removeAll { $0.module == module }
        if builtins[name]?.isEmpty == true { builtins[name] = nil }
    }

    func undefine(substitution name: String, in module: String) {
        substitutions[name]?.removeAll { $0.module == module }
        if substitutions[name]?.isEmpty == true { substitutions[name] = nil }
    }

    /// Takes out all that `module` has defined.
    func undefineAll(in module: String) {
        for name in builtins.keys { undefine(name, in: module) }
        for name in substitutions.keys { undefine(substitution: name, in: module) }
    }

    /// Each command and the module that it comes from, by name.
    var allBuiltins: [(name: String, module: String)] {
        builtins.compactMap { name, list in list.last.map { (name, $0.module) } }.sorted { $0.0 < $1.0 }
    }

    var allSubstitutions: [(name: String, module: String)] {
        substitutions.compactMap { name, list in list.last.map { (name, $0.module) } }.sorted { $0.0 < $1.0 }
    }
}
