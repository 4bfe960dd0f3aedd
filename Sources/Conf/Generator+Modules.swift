extension Generator {
    /// The table of the listed modules, and for each the protocol that its implementation conforms to.
    mutating func modules() -> String {
        var out = ""
        var entries = ""
        var paths: [String: Int] = [:]
        for entry in conf.modules {
            let file = "Modules/\(entry.name).m"
            let implementation = "Sources/Builtins/\(entry.capitalized).swift"
            guard tree.paths.contains(file) else {
                fail(entry.line, "module '\(entry.name)' has no interface: \(file) is missing")
                continue
            }
            guard tree.find("\(entry.capitalized).swift", in: ["Sources/Builtins"]) != nil else {
                fail(entry.line, "module '\(entry.name)' has no implementation: \(implementation) is missing")
                continue
            }
            guard let interface = interface(file, entry) else { continue }
            if let before = paths.updateValue(entry.line, forKey: interface.path) {
                let message =
                    "module '\(entry.name)' has the PATH \"\(interface.path)\" of the module on line \(before)"
                fail(entry.line, message)
            }
            out += ModuleText(interface, file).text
            entries += "    \(entry.name)Module,\n"
        }
        return """

            /// The builtin modules that emu.conf lists, in its order.
            public let moduleTable: [ModuleEntry] = [
            \(entries)]

            """ + out
    }

    private mutating func interface(_ file: String, _ entry: EmuConf.Entry) -> Interface? {
        do throws(SourceTree.Unreadable) {
            let bytes = try tree.read(file, Limit.file).bytes
            do throws(Diagnostic) {
                let interface = try Interface.parse(bytes, file: file)
                guard interface.name == entry.capitalized else {
                    let message = "module '\(interface.name)' should be named '\(entry.capitalized)', as its file"
                    throw Diagnostic(file, interface.line, message)
                }
                return interface
            } catch {
                faults.append(error)
            }
        } catch {
            faults.append(Diagnostic(file, 0, "cannot be read: \(error.reason)"))
        }
        return nil
    }
}

/// The Swift text of one module.
///
/// An interface `Zip` becomes the protocol `ZipModule` with a method for each function; its extension has `call`,
/// the one way in for the shell and for Dis, which turns Values into arguments and the result into a Value. Adts and
/// constants become members of the implementation: `Zip.Dir`, `Zip.ORDWR`.
private struct ModuleText {
    private let interface: Interface
    private let file: String

    init(_ interface: Interface, _ file: String) {
        self.interface = interface
        self.file = file
    }

    var text: String { declarations + tables }

    private var declarations: String {
        var methods = ""
        for function in interface.functions {
            let parameters = function.parameters.map { ", _ \(SwiftText.identifier($0.name)): \(swift($0.type))" }
            let result = function.result.map { " -> \(swift($0))" } ?? ""
            methods += """
                    /// `\(function)`
                    func \(SwiftText.identifier(function.name))(_: Proc\(parameters.joined())) throws(SysError)\(result)

                """
        }
        var cases = ""
        for (index, function) in interface.functions.enumerated() {
            let arguments = function.parameters.indices.map { ", " + read(function.parameters[$0].type, "a[\($0)]") }
            let call = "try self.\(SwiftText.identifier(function.name))(p\(arguments.joined()))"
            cases += "        case \(index):\n"
            if let result = function.result {
                cases += "            let r = \(call)\n            return \(write(result, "r"))\n"
            } else {
                cases += "            \(call)\n            return .void\n"
            }
        }
        return """

            // \(file)

            /// The interface of the builtin module `\(interface.path)`.
            protocol \(interface.name)Module: BuiltinModule {
            \(methods)}

            extension \(interface.name)Module {
                func call(_ function: Int, _ p: Proc, _ a: [Value]) throws(SysError) -> Value {
                    switch function {
            \(cases)        default: throw Value.noFunction
                    }
                }
            }

            extension \(interface.name) {
            \(interface.constants.map(constant).joined())}

            """ + interface.adts.map(adt).joined()
    }

    /// The module's entry.
    private var tables: String {
        let types = interface.adts.map {
            "private let \(typeName($0.name)) = ModuleType.adt(\"\($0.name)\", \(fields($0.fields)))\n"
        }
        let functions = interface.functions.map { function in
            let result = function.result.map { type($0) } ?? "nil"
            return "        ModuleFunction(\"\(function.name)\", \(fields(function.parameters)), \(result)),\n"
        }
        let constants = interface.constants.map { "        ModuleConstant(\"\($0.name)\", \(value($0.value))),\n" }
        return """

            \(types.joined())private let \(entryName) = ModuleEntry(
                path: \(SwiftText.literal(interface.path)),
                functions: [
            \(functions.joined())    ],
                constants: [
            \(constants.joined())    ],
                make: { \(interface.name)() })

            """
    }

    /// The entry's name begins as the file does.
    private var entryName: String { interface.name.prefix(1).lowercased() + interface.name.dropFirst() + "Module" }

    private func typeName(_ adt: String) -> String { "type\(interface.name)\(adt)" }

    private func constant(_ constant: Interface.Constant) -> String {
        let (type, text) =
            switch constant.value {
            case .int(let value): ("Int32", "\(value)")
            case .big(let value): ("Int64", "\(value)")
            case .real(let value): ("Double", "\(value)")
            case .string(let value): ("String", SwiftText.literal(value))
            }
        return "    static let \(SwiftText.identifier(constant.name)): \(type) = \(text)\n"
    }

    private func value(_ value: ConstantValue) -> String {
        switch value {
        case .int(let value): ".int(\(value))"
        case .big(let value): ".big(\(value))"
        case .real(let value): ".real(\(value))"
        case .string(let value): ".string(\(SwiftText.literal(value)))"
        }
    }

    private func adt(_ adt: Interface.Adt) -> String {
        let names = adt.fields.map { SwiftText.identifier($0.name) }
        let stored = zip(names, adt.fields).map { "        var \($0): \(swift($1.type))\n" }
        let set = zip(names, adt.fields.indices).map { name, index in
            "            self.\(name) = \(read(adt.fields[index].type, "a[\(index)]"))\n"
        }
        let parameters = zip(names, adt.fields).map { "\($0): \(swift($1.type))" }
        let copy = names.map { "            self.\($0) = \($0)\n" }
        let out = zip(names, adt.fields).map { write($1.type, "adt.\($0)") }
        return """

            extension \(interface.name) {
                /// `\(adt.name): adt`
                struct \(adt.name): Sendable {
            \(stored.joined())
                    init(\(parameters.joined(separator: ", "))) {
            \(copy.joined())        }

                    init(_ value: Value) throws(SysError) {
                        let a = try value.tuple(\(adt.fields.count))
            \(set.joined())        }
                }
            }

            extension Value {
                fileprivate init(_ adt: \(interface.name).\(adt.name)) {
                    self = .tuple([\(out.joined(separator: ", "))])
                }
            }

            """
    }

    /// The Swift type that carries a value.
    private func swift(_ type: InterfaceType) -> String {
        switch type {
        case .byte: "UInt8"
        case .int: "Int32"
        case .big: "Int64"
        case .real: "Double"
        case .string: "String"
        case .fd: "FD"
        case .list(let element), .array(let element): "[\(swift(element))]"
        case .tuple(let parts): "(\(parts.map(swift).joined(separator: ", ")))"
        case .adt(let name): "\(interface.name).\(name)"
        }
    }

    /// The Swift expression of the ModuleType.
    private func type(_ type: InterfaceType) -> String {
        switch type {
        case .byte: ".byte"
        case .int: ".int"
        case .big: ".big"
        case .real: ".real"
        case .string: ".string"
        case .fd: ".fd"
        case .list(let element): ".list(\(self.type(element)))"
        case .array(let element): ".array(\(self.type(element)))"
        case .tuple(let parts): ".tuple([\(parts.map { self.type($0) }.joined(separator: ", "))])"
        case .adt(let name): typeName(name)
        }
    }

    private func fields(_ fields: [Interface.Field]) -> String {
        "[\(fields.map { "ModuleField(\"\($0.name)\", \(type($0.type)))" }.joined(separator: ", "))]"
    }

    /// The expression that takes a Swift value out of the Value `source`.
    private func read(_ type: InterfaceType, _ source: String) -> String {
        switch type {
        case .byte: "try \(source).byte()"
        case .int: "try \(source).int()"
        case .big: "try \(source).big()"
        case .real: "try \(source).real()"
        case .string: "try \(source).string()"
        case .fd: "try \(source).fd()"
        case .array(.byte): "try \(source).bytes()"
        case .list(let element), .array(let element):
            "try \(source).list { (v) throws(SysError) -> \(swift(element)) in \(read(element, "v")) }"
        case .tuple(let parts):
            "try \(source).tuple(\(parts.count)) { (t) throws(SysError) -> \(swift(type)) in ("
                + parts.indices.map { read(parts[$0], "t[\($0)]") }.joined(separator: ", ") + ") }"
        case .adt(let name): "try \(interface.name).\(name)(\(source))"
        }
    }

    /// The expression that makes a Value of the Swift value `source`.
    private func write(_ type: InterfaceType, _ source: String) -> String {
        switch type {
        case .byte: ".byte(\(source))"
        case .int: ".int(\(source))"
        case .big: ".big(\(source))"
        case .real: ".real(\(source))"
        case .string: ".string(\(source))"
        case .fd: ".fd(\(source))"
        case .array(.byte): ".bytes(\(source))"
        case .list(let element), .array(let element):
            ".list(\(source).map { (v) -> Value in \(write(element, "v")) })"
        case .tuple(let parts):
            ".tuple([" + parts.indices.map { write(parts[$0], "\(source).\($0)") }.joined(separator: ", ") + "])"
        case .adt: "Value(\(source))"
        }
    }
}
