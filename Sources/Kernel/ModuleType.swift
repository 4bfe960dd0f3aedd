/// A type in the interface of a builtin module; its description is Limbo's way to write it.
public indirect enum ModuleType: Sendable, Equatable, CustomStringConvertible {
    case byte, int, big, real, string
    /// `ref FD`.
    case fd
    case list(ModuleType)
    case array(ModuleType)
    case tuple([ModuleType])
    case adt(String, [ModuleField])

    public var description: String {
        switch self {
        case .byte: "byte"
        case .int: "int"
        case .big: "big"
        case .real: "real"
        case .string: "string"
        case .fd: "ref FD"
        case .list(let element): "list of \(element)"
        case .array(let element): "array of \(element)"
        case .tuple(let parts): "(\(parts.map(\.description).joined(separator: ", ")))"
        case .adt(let name, _): name
        }
    }
}

/// An argument of a function, or a field of an adt.
public struct ModuleField: Sendable, Equatable {
    public let name: String
    public let type: ModuleType

    public init(_ name: String, _ type: ModuleType) {
        self.name = name
        self.type = type
    }
}

/// A function of a builtin module: its place in `ModuleEntry.functions` is the number that `BuiltinModule.call` takes.
public struct ModuleFunction: Sendable, CustomStringConvertible {
    public let name: String
    public let parameters: [ModuleField]
    /// Nil where the function has no result.
    public let result: ModuleType?

    public init(_ name: String, _ parameters: [ModuleField], _ result: ModuleType?) {
        self.name = name
        self.parameters = parameters
        self.result = result
    }

    /// The canonical signature: `crc32: fn(data: array of byte): int`.
    public var description: String {
        let list = parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
        return "\(name): fn(\(list))" + (result.map { ": \($0)" } ?? "")
    }
}

/// A constant of a builtin module.
public struct ModuleConstant: Sendable, Equatable {
    public let name: String
    /// An int, a big, a real or a string.
    public let value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}
