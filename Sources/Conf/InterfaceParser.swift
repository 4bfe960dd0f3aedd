/// A type as written: names are looked up when the whole module is read.
indirect enum TypeSyntax {
    case plain(InterfaceType)
    case named(String, line: Int)
    case list(TypeSyntax)
    case array(TypeSyntax)
    case tuple([TypeSyntax])
}

struct FieldSyntax {
    let name: String
    let type: TypeSyntax
    let line: Int
}

/// The declarations of a module, in their order.
struct ModuleSyntax {
    struct Adt {
        let name: String
        let fields: [FieldSyntax]
        let line: Int
    }

    struct Function {
        let name: String
        let parameters: [FieldSyntax]
        let result: TypeSyntax?
        let line: Int
    }

    let name: String
    let line: Int
    var constants: [Interface.Constant] = []
    var aliases: [FieldSyntax] = []
    var adts: [Adt] = []
    var functions: [Function] = []
    /// The line of each declared name.
    var lines: [String: Int] = [:]
}

/// Words that Limbo keeps for itself.
private let keywords: Set<String> = [
    "adt", "alt", "array", "big", "break", "byte", "case", "chan", "con", "continue", "cyclic", "do", "dynamic",
    "else", "exception", "exit", "fixed", "fn", "for", "hd", "if", "implement", "import", "include", "int", "len",
    "list", "load", "module", "nil", "of", "or", "pick", "raise", "raises", "real", "ref", "return", "self", "spawn",
    "string", "tagof", "tl", "to", "type", "while",
]

/// A recursive-descent parser of one module declaration.
struct InterfaceParser {
    private let tokens: [Placed]
    private let file: String
    private var at = 0
    /// The constants declared so far, and `iota`.
    private var known: [String: ConstantValue] = [:]

    /// The last of the tokens is `.end`.
    init(_ tokens: [Placed], _ file: String) {
        self.tokens = tokens
        self.file = file
    }

    private var token: Token { tokens[at].token }
    private var line: Int { tokens[at].line }

    private func fault(_ message: String, _ line: Int? = nil) -> Diagnostic {
        Diagnostic(file, line ?? self.line, message)
    }

    /// Passes over the current token; at the end it stays.
    private mutating func advance() {
        if at + 1 < tokens.count { at += 1 }
    }

    private mutating func take(_ mark: String) -> Bool {
        guard token == .mark(mark) || token == .name(mark) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ mark: String, _ place: String) throws(Diagnostic) {
        guard take(mark) else { throw fault("expected '\(mark)' \(place), found \(token.text)") }
    }

    private mutating func name(_ what: String) throws(Diagnostic) -> String {
        guard case .name(let name) = token else { throw fault("expected \(what), found \(token.text)") }
        guard !keywords.contains(name) else { throw fault("\(quoted(name)) is a word of Limbo and no \(what)") }
        advance()
        return name
    }

    private mutating func names(_ what: String) throws(Diagnostic) -> [(name: String, line: Int)] {
        var names: [(name: String, line: Int)] = []
        repeat {
            let line = line
            names.append((try name(what), line))
            guard names.count <= Limit.parts else { throw fault("more than \(Limit.parts) names in one declaration") }
        } while take(",")
        return names
    }

    /// `Name: module { ... };`, and nothing else in the file.
    mutating func module() throws(Diagnostic) -> ModuleSyntax {
        if case .name("include") = token { throw fault("an interface stands alone: include is not used here") }
        if case .name("implement") = token { throw fault("this is an implementation: an interface was expected") }
        let line = line
        var module = ModuleSyntax(name: try name("the module's name"), line: line)
        try expect(":", "after the module's name")
        guard take("module") else { throw fault("expected 'module', found \(token.text)") }
        try expect("{", "after 'module'")
        while !take("}") {
            if token == .end { throw fault("module '\(module.name)' is not closed (it begins on line \(line))") }
            try member(&module)
        }
        try expect(";", "after the module")
        guard token == .end else { throw fault("\(token.text) follows the module: a file declares one module") }
        return module
    }

    private mutating func member(_ module: inout ModuleSyntax) throws(Diagnostic) {
        let names = try names("name of a declaration")
        try expect(":", "after \(quoted(names[names.count - 1].name))")
        for (name, line) in names {
            if let before = module.lines.updateValue(line, forKey: name) {
                throw fault("\(quoted(name)) is declared on line \(before) already", line)
            }
            if name == module.name { throw fault("\(quoted(name)) is the name of the module", line) }
        }
        guard module.lines.count <= Limit.declarations else {
            throw fault("more than \(Limit.declarations) declarations")
        }
        guard case .name(let kind) = token else { throw fault("expected con, type, adt or fn, found \(token.text)") }
        let line = line
        switch kind {
        case "con":
            advance()
            try constants(names.map(\.name), &module)
        case "type":
            advance()
            let type = try type(0)
            module.aliases += names.map { FieldSyntax(name: $0.name, type: type, line: $0.line) }
        case "adt":
            advance()
            guard names.count == 1 else { throw fault("an adt has one name") }
            module.adts.append(.init(name: names[0].name, fields: try fields(of: names[0].name), line: line))
        case "fn":
            advance()
            let (parameters, result) = try signature(of: names[0].name)
            module.functions += names.map {
                .init(name: $0.name, parameters: parameters, result: result, line: $0.line)
            }
        case "import": throw fault("import is not used in an interface")
        case "exception": throw fault("a builtin module has no exceptions: its functions end with an error")
        default: throw fault("\(quoted(names[0].name)) is a variable: a builtin module has con, type, adt and fn")
        }
        try expect(";", "after the declaration of \(quoted(names[names.count - 1].name))")
    }

    /// The expression is worked out once for each name, with its own `iota`.
    private mutating func constants(_ names: [String], _ module: inout ModuleSyntax) throws(Diagnostic) {
        let start = at
        for (iota, name) in names.enumerated() {
            at = start
            let line = line
            do throws(Fault) {
                known["iota"] = .int(Int32(iota))
                var expression = ConstantExpression(tokens, at: at, known: known)
                let value = try expression.value()
                at = expression.at
                known[name] = value
                module.constants.append(.init(name: name, value: value))
            } catch {
                throw fault("constant \(quoted(name)): \(error.message)", line)
            }
        }
    }

    private mutating func fields(of adt: String) throws(Diagnostic) -> [FieldSyntax] {
        var fields: [FieldSyntax] = []
        try expect("{", "after 'adt'")
        while !take("}") {
            if case .name("pick") = token { throw fault("a pick adt cannot cross to Swift") }
            let names = try names("name of a field")
            try expect(":", "after \(quoted(names[names.count - 1].name))")
            switch token {
            case .name("fn"): throw fault("adt \(quoted(adt)) has a function: only plain fields cross to Swift")
            case .name("con"): throw fault("adt \(quoted(adt)) has a constant: declare it in the module")
            case .name("cyclic"): throw fault("adt \(quoted(adt)) is cyclic: only plain fields cross to Swift")
            default: break
            }
            let type = try type(0)
            try expect(";", "after the field \(quoted(names[names.count - 1].name))")
            fields += names.map { FieldSyntax(name: $0.name, type: type, line: $0.line) }
            guard fields.count <= Limit.parts else { throw fault("an adt has more than \(Limit.parts) fields") }
        }
        guard !fields.isEmpty else { throw fault("adt \(quoted(adt)) has no fields") }
        try refuseDoubles(fields, "field")
        return fields
    }

    private mutating func signature(of function: String) throws(Diagnostic) -> ([FieldSyntax], TypeSyntax?) {
        var parameters: [FieldSyntax] = []
        try expect("(", "after 'fn'")
        if !take(")") {
            repeat {
                if token == .mark("*") {
                    throw fault("\(quoted(function)) takes any arguments: a last list does that here")
                }
                if case .name("self") = token { throw fault("self stands only in an adt's function") }
                let names = try names("name of an argument")
                try expect(":", "after the argument \(quoted(names[names.count - 1].name))")
                let type = try type(0)
                parameters += names.map { FieldSyntax(name: $0.name, type: type, line: $0.line) }
                guard parameters.count <= Limit.parts else {
                    throw fault("\(quoted(function)) takes more than \(Limit.parts) arguments")
                }
            } while take(",")
            try expect(")", "after the arguments of \(quoted(function))")
        }
        try refuseDoubles(parameters, "argument")
        let result = take(":") ? try type(0) : nil
        if case .name("raises") = token { throw fault("raises is not declared: every function may end with an error") }
        return (parameters, result)
    }

    private func refuseDoubles(_ fields: [FieldSyntax], _ what: String) throws(Diagnostic) {
        var seen: Set<String> = []
        for field in fields where !seen.insert(field.name).inserted {
            throw fault("\(what) \(quoted(field.name)) is there twice", field.line)
        }
    }

    private mutating func type(_ depth: Int) throws(Diagnostic) -> TypeSyntax {
        guard depth < Limit.depth else { throw fault("a type nests deeper than \(Limit.depth)") }
        let line = line
        if take("(") {
            var parts: [TypeSyntax] = []
            repeat {
                parts.append(try type(depth + 1))
                guard parts.count <= Limit.parts else { throw fault("a tuple has more than \(Limit.parts) parts") }
            } while take(",")
            try expect(")", "after the tuple")
            return parts.count == 1 ? parts[0] : .tuple(parts)
        }
        guard case .name(let word) = token else { throw fault("expected a type, found \(token.text)") }
        advance()
        switch word {
        case "byte": return .plain(.byte)
        case "int": return .plain(.int)
        case "big": return .plain(.big)
        case "real": return .plain(.real)
        case "string": return .plain(.string)
        case "list", "array":
            try expect("of", "after '\(word)'")
            let element = try type(depth + 1)
            return word == "list" ? .list(element) : .array(element)
        case "ref":
            var name = try name("type after 'ref'")
            if name == "Sys", take("->") { name = try self.name("type after '->'") }
            guard name == "FD" else {
                throw fault("ref \(name) cannot cross to Swift: 'ref FD' is the only reference", line)
            }
            return .plain(.fd)
        case "FD": throw fault("FD is used by reference: 'ref FD'", line)
        case "chan", "fn", "fixed", "module": throw fault("a \(word) cannot cross to Swift", line)
        default:
            guard !keywords.contains(word) else { throw fault("expected a type, found \(quoted(word))", line) }
            return .named(word, line: line)
        }
    }
}
