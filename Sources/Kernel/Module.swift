/// The implementation of a builtin module. mkconf writes the protocol of each module from its interface; that protocol
/// refines this one and has `call`, so an implementation is a type with the functions of its interface and `init`.
///
/// Each load makes one instance. Processes call it at the same time; what it keeps stands behind a lock of its own.
public protocol BuiltinModule: Sendable {
    init()

    /// Called once for each module that is in the system, before the first process: for what it brings beside its functions.
    static func start(_ system: System)

    /// Calls function number `function` of the interface for the process `p`. As many arguments are given as it has
    /// parameters.
    func call(_ function: Int, _ p: Proc, _ arguments: [Value]) throws(SysError) -> Value
}

extension BuiltinModule {
    public static func start(_ system: System) {}
}

/// A builtin module that is in this emu: one entry of the table that mkconf writes.
public struct ModuleEntry: Sendable {
    /// What `load` is given: `$Zip`.
    public let path: String
    /// The functions in the order of the interface.
    public let functions: [ModuleFunction]
    public let constants: [ModuleConstant]
    let make: @Sendable () -> any BuiltinModule

    /// Called once, before the first process.
    public func start(_ system: System) { type(of: make()).start(system) }

    public init(
        path: String, functions: [ModuleFunction], constants: [ModuleConstant],
        make: @escaping @Sendable () -> any BuiltinModule
    ) {
        self.path = path
        self.functions = functions
        self.constants = constants
        self.make = make
    }

    /// A new instance. The corresponding Limbo expression is `load`.
    public func load() -> Module { Module(self, make()) }

    /// What `/dev/modules` says of the module: its path, then a line with the signature of each function.
    public var text: String { functions.reduce("\(path)\n") { $0 + "\t\($1)\n" } }
}

/// A loaded builtin module.
public struct Module: Sendable {
    public let entry: ModuleEntry
    private let instance: any BuiltinModule

    init(_ entry: ModuleEntry, _ instance: any BuiltinModule) {
        self.entry = entry
        self.instance = instance
    }

    /// The place of the function of this name, or nil.
    public func index(of function: String) -> Int? { entry.functions.firstIndex { $0.name == function } }

    /// Calls a function with typed arguments. Throws what the function throws, and a type check where the arguments
    /// are not those of the signature.
    public func call(_ function: Int, _ p: Proc, _ arguments: [Value]) throws(SysError) -> Value {
        guard entry.functions.indices.contains(function),
            entry.functions[function].parameters.count == arguments.count
        else { throw Value.noFunction }
        return try instance.call(function, p, arguments)
    }

    /// Calls a function with the words of a command, its own name not among them. Throws a usage or conversion error
    /// before the function is entered. An array of byte that is the last argument, and for which no word is left, is what
    /// `input` gives.
    public func call(
        _ function: Int, _ p: Proc, words: [String], input: (() throws(SysError) -> [UInt8])? = nil
    ) throws(SysError) -> Value {
        guard entry.functions.indices.contains(function) else { throw Value.noFunction }
        return try call(function, p, try arguments(entry.functions[function], words, input))
    }
}

/// The builtin modules of this emu.
public struct ModuleTable: Sendable {
    public let entries: [ModuleEntry]
    private let byPath: [String: Int]

    /// The first of two modules with one path counts; mkconf refuses such a pair.
    public init(_ entries: [ModuleEntry]) {
        self.entries = entries
        byPath = Dictionary(entries.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The module of this path. Throws a sentence that says where to look when it is not in.
    public func find(_ path: String) throws(SysError) -> ModuleEntry {
        guard let index = byPath[path] else { throw SysError("\(path): module not in this emu (see /dev/modules)") }
        return entries[index]
    }

    /// The contents of `/dev/modules`.
    public var text: String { entries.map(\.text).joined() }
}
