/// Turns the names in a module's types into types, and refuses what cannot cross between words and Swift.
struct Resolver {
    private let module: ModuleSyntax
    private let file: String
    private let aliases: [String: FieldSyntax]
    private let adtSyntax: [String: ModuleSyntax.Adt]
    /// Adts whose fields are known; an adt is finished before one that has it as a field.
    private var adts: [String: [Interface.Field]] = [:]
    /// Names being resolved: one that comes up again contains itself.
    private var open: Set<String> = []

    init(_ module: ModuleSyntax, _ file: String) {
        self.module = module
        self.file = file
        aliases = Dictionary(module.aliases.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        adtSyntax = Dictionary(module.adts.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    consuming func interface() throws(Diagnostic) -> Interface {
        guard isTypeName(module.name) else {
            throw Diagnostic(file, module.line, "module \(quoted(module.name)) should begin with a capital letter")
        }
        let path = try path()
        for alias in module.aliases { _ = try resolve(.named(alias.name, line: alias.line), alias.line, 0) }
        var result: [Interface.Adt] = []
        for adt in module.adts {
            guard isTypeName(adt.name), !reservedTypes.contains(adt.name) else {
                throw Diagnostic(file, adt.line, "\(quoted(adt.name)) cannot be the name of an adt in Swift")
            }
            _ = try resolve(.named(adt.name, line: adt.line), adt.line, 0)
            result.append(.init(name: adt.name, fields: adts[adt.name] ?? []))
        }
        var functions: [Interface.Function] = []
        for function in module.functions { functions.append(try self.function(function)) }
        guard !functions.isEmpty else {
            throw Diagnostic(file, module.line, "module '\(module.name)' has no functions")
        }
        return Interface(
            name: module.name, path: path, constants: module.constants, adts: result, functions: functions,
            line: module.line)
    }

    private func path() throws(Diagnostic) -> String {
        let line = module.lines["PATH"] ?? module.line
        guard let constant = module.constants.first(where: { $0.name == "PATH" }) else {
            throw Diagnostic(file, line, "module '\(module.name)' has no PATH: con \"$\(module.name)\"")
        }
        guard case .string(let path) = constant.value, path.utf8.first == UInt8(ascii: "$"), path.utf8.count > 1,
            path.utf8.count <= Limit.name, path.utf8.dropFirst().allSatisfy(isIdentifierByte)
        else { throw Diagnostic(file, line, "PATH of module '\(module.name)' is no \"$Name\"") }
        return path
    }

    private mutating func function(_ syntax: ModuleSyntax.Function) throws(Diagnostic) -> Interface.Function {
        var parameters: [Interface.Field] = []
        var width = 0
        for (index, parameter) in syntax.parameters.enumerated() {
            let type = try resolve(parameter.type, parameter.line, 0)
            if index + 1 < syntax.parameters.count, words(type).open {
                let message =
                    "argument \(quoted(parameter.name)) of \(quoted(syntax.name)) is a list, so it must be the last"
                throw Diagnostic(file, parameter.line, message)
            }
            try refuseLooseLists(in: type, parameter.line, "argument \(quoted(parameter.name))")
            width += words(type).count
            parameters.append(.init(name: parameter.name, type: type))
        }
        guard width <= Limit.width else {
            throw Diagnostic(file, syntax.line, "\(quoted(syntax.name)) takes more than \(Limit.width) words")
        }
        let result: InterfaceType?
        if let type = syntax.result { result = try resolve(type, syntax.line, 0) } else { result = nil }
        return .init(name: syntax.name, parameters: parameters, result: result)
    }

    private mutating func resolve(_ syntax: TypeSyntax, _ line: Int, _ depth: Int) throws(Diagnostic) -> InterfaceType {
        guard depth < Limit.depth else { throw Diagnostic(file, line, "a type nests deeper than \(Limit.depth)") }
        let type: InterfaceType
        switch syntax {
        case .plain(let plain): type = plain
        case .list(let element): type = .list(try resolve(element, line, depth + 1))
        case .array(let element): type = .array(try resolve(element, line, depth + 1))
        case .tuple(let parts):
            var resolved: [InterfaceType] = []
            for part in parts { resolved.append(try resolve(part, line, depth + 1)) }
            type = .tuple(resolved)
        case .named(let name, let line): type = try named(name, line, depth)
        }
        guard words(type).count <= Limit.width else {
            throw Diagnostic(file, line, "a value of this type is more than \(Limit.width) words")
        }
        return type
    }

    private mutating func named(_ name: String, _ line: Int, _ depth: Int) throws(Diagnostic) -> InterfaceType {
        if adts[name] != nil { return .adt(name) }
        guard open.insert(name).inserted else {
            throw Diagnostic(file, line, "type \(quoted(name)) contains itself")
        }
        defer { open.remove(name) }
        if let alias = aliases[name] { return try resolve(alias.type, alias.line, depth + 1) }
        guard let adt = adtSyntax[name] else {
            let what = module.lines[name] == nil ? "is not declared" : "is no type"
            throw Diagnostic(file, line, "\(quoted(name)) \(what)")
        }
        var fields: [Interface.Field] = []
        for field in adt.fields {
            fields.append(.init(name: field.name, type: try resolve(field.type, field.line, depth + 1)))
        }
        adts[name] = fields
        return .adt(name)
    }

    /// How many words a value of the type becomes, and whether a list makes it take more. Counts stop growing above
    /// the limit, so no nest of tuples overflows them.
    private func words(_ type: InterfaceType) -> (count: Int, open: Bool) {
        switch type {
        case .byte, .int, .big, .real, .string, .fd, .array(.byte): return (1, false)
        case .list(let element), .array(let element): return (words(element).count, true)
        case .tuple(let parts): return sum(parts)
        case .adt(let name): return sum((adts[name] ?? []).map(\.type))
        }
    }

    private func sum(_ parts: [InterfaceType]) -> (count: Int, open: Bool) {
        var total = (count: 0, open: false)
        for part in parts {
            let (count, open) = words(part)
            total = (min(total.count + count, Limit.width + 1), total.open || open)
        }
        return total
    }

    /// In an argument a list takes all words that are left, so nothing may follow one and none may hold another.
    private func refuseLooseLists(in type: InterfaceType, _ line: Int, _ what: String) throws(Diagnostic) {
        switch type {
        case .byte, .int, .big, .real, .string, .fd, .array(.byte): return
        case .list(let element), .array(let element):
            guard !words(element).open else { throw Diagnostic(file, line, "\(what) is a list of lists") }
        case .tuple(let parts): try refuseLooseLists(in: parts, line, what)
        case .adt(let name): try refuseLooseLists(in: (adts[name] ?? []).map(\.type), line, what)
        }
    }

    private func refuseLooseLists(in parts: [InterfaceType], _ line: Int, _ what: String) throws(Diagnostic) {
        for part in parts.dropLast() where words(part).open {
            throw Diagnostic(file, line, "\(what) has a list that is not its last part")
        }
        if let last = parts.last { try refuseLooseLists(in: last, line, what) }
    }
}

/// Names that Swift or the generated code gives another meaning.
private let reservedTypes: Set<String> = [
    "Any", "AnyObject", "Array", "Bool", "Double", "FD", "Int", "Int32", "Int64", "ModuleEntry", "ModuleFunction",
    "ModuleType", "Never", "Optional", "Proc", "Protocol", "Self", "String", "SysError", "Type", "UInt8", "Value",
    "Void",
]
