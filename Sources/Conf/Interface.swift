/// A type of an interface, aliases resolved.
public indirect enum InterfaceType: Equatable, Sendable, CustomStringConvertible {
    case byte, int, big, real, string
    /// `ref FD`: an open file of the caller.
    case fd
    case list(InterfaceType)
    case array(InterfaceType)
    case tuple([InterfaceType])
    /// An adt of the same interface, by name.
    case adt(String)

    /// Limbo's words for the type.
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
        case .adt(let name): name
        }
    }
}

/// The value of a `con`.
public enum ConstantValue: Equatable, Sendable {
    case int(Int32)
    case big(Int64)
    case real(Double)
    case string(String)
}

/// What `Modules/x.m` declares: the interface of one builtin module. The corresponding Inferno page is the Limbo
/// language definition, section "Declarations"; of it this is the part that can cross from a shell to Swift.
public struct Interface: Equatable, Sendable {
    public struct Field: Equatable, Sendable {
        public let name: String
        public let type: InterfaceType
    }

    public struct Adt: Equatable, Sendable {
        public let name: String
        public let fields: [Field]
    }

    public struct Constant: Equatable, Sendable {
        public let name: String
        public let value: ConstantValue
    }

    public struct Function: Equatable, Sendable, CustomStringConvertible {
        public let name: String
        public let parameters: [Field]
        public let result: InterfaceType?

        /// The canonical signature: `crc32: fn(data: array of byte): int`.
        public var description: String {
            let list = parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
            return "\(name): fn(\(list))" + (result.map { ": \($0)" } ?? "")
        }
    }

    /// The module's name, `Zip`; its implementation is the Swift type of that name.
    public let name: String
    /// The value of its constant `PATH`, `$Zip`: what `load` is given.
    public let path: String
    public let constants: [Constant]
    public let adts: [Adt]
    public let functions: [Function]
    /// The line of the `module` declaration.
    public let line: Int

    /// Reads an interface. Throws the first mistake.
    public static func parse(_ bytes: [UInt8], file: String) throws(Diagnostic) -> Interface {
        var parser = InterfaceParser(try Lexer.tokens(bytes, file: file), file)
        let declared = try parser.module()
        return try Resolver(declared, file).interface()
    }
}
