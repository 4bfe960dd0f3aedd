import Kernel

/// The commands and substitutions that every shell has. The corresponding Inferno page is `sh(1)`.
///
/// `cd` and `wait` are not of Inferno's: there a directory belongs to a group of processes, and nothing waits.
enum InternalModule {
    static let name = "builtin"

    static let module = ShellModule(
        name: name,
        builtins: [
            "@": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("@ command ...") }
                return try shell.subshell(Array(items.dropFirst()))
            },
            "builtin": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("builtin command ...") }
                let items = Array(items.dropFirst())
                if let definition = shell.context.internalBuiltin(items[0].text) {
                    return try definition.body(shell, items)
                }
                return try shell.external(items.map(\.text), Moves())
            },
            "cd": cd,
            "exit": { (shell, items) throws(Failure) in
                guard items.count <= 2 else { throw shell.usage("exit [status]") }
                throw .exit(items.count > 1 ? items[1].text : shell.context.status)
            },
            "load": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("load path ...") }
                for item in items.dropFirst() { try shell.load(item.text) }
                return ""
            },
            "unload": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("unload path ...") }
                for item in items.dropFirst() { try shell.unload(item.text) }
                return ""
            },
            "loaded": { (shell, items) throws(Failure) in
                var text = ""
                for (name, module) in shell.context.allBuiltins { text += "\(quoted(name))\t\(module)\n" }
                for (name, module) in shell.context.allSubstitutions { text += "${\(quoted(name))}\t\(module)\n" }
                try shell.print(text)
                return ""
            },
            "run": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("run file [arg ...]") }
                return try shell.run(file: items[1].text, Array(items.dropFirst(2)))
            },
            "syncenv": { (shell, items) throws(Failure) in
                shell.context.exportEnvironment(shell.p)
                shell.context.importEnvironment(shell.p)
                return ""
            },
            "wait": wait,
            "whatis": whatis,
        ],
        substitutions: [
            "builtin": { (shell, items) throws(Failure) in
                guard items.count > 1 else { throw shell.usage("${builtin command ...}") }
                let items = Array(items.dropFirst())
                guard let definition = shell.context.internalSubstitution(items[0].text) else {
                    throw shell.raise("builtin not found", "${\(items[0].text)}: builtin not found")
                }
                return try definition.body(shell, items)
            },
            "loaded": { (shell, items) throws(Failure) in shell.context.modules.map { .text($0.name) } },
            "quote": { (shell, items) throws(Failure) in [.text(quoted(items.dropFirst().map(\.text)))] },
            "bquote": { (shell, items) throws(Failure) in
                let words = items.dropFirst().map { item -> String in
                    guard case .text(let text) = item else { return item.text }
                    // Known to be a block: it parses as one.
                    if text.hasPrefix("{"), (try? Parser.block(text, file: "", line: 1)) != nil { return text }
                    return quoted(text)
                }
                return [.text(words.joined(separator: " "))]
            },
            "unquote": { (shell, items) throws(Failure) in
                guard items.count == 2 else { throw shell.usage("${unquote arg}") }
                return unquoted(items[1].text).map { .text($0) }
            },
        ])

    private static let cd: Builtin = { (shell, items) throws(Failure) in
        guard items.count <= 2 else { throw shell.usage("cd [directory]") }
        let target = items.count > 1 ? items[1].text : shell.context.value("home").first?.text ?? "/"
        do throws(SysError) { try shell.p.chdir(target) } catch { return try shell.status(error, "cd") }
        return ""
    }

    /// Waits for background processes: all, or those that are named. The status is that of the last.
    private static let wait: Builtin = { (shell, items) throws(Failure) in
        var status = ""
        if items.count == 1 {
            if let last = shell.ended.popLast() { status = last.status.text }
            shell.ended = []
            while let record = try shell.nextChild() {
                status = record.status.text
                shell.jobs[record.pid] = nil
            }
            return status
        }
        for item in items.dropFirst() {
            guard let pid = Int32(item.text) else { throw shell.usage("wait [pid ...]") }
            status = try shell.wait(background: pid)
        }
        return status
    }

    /// Each name in a form that the shell can read.
    private static let whatis: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 1 else { throw shell.usage("whatis name ...") }
        var status = ""
        for item in items.dropFirst() {
            let forms = Self.forms(item.text, shell)
            if forms.isEmpty {
                shell.tell("whatis: \(item.text): not found")
                status = "not found"
            }
            try shell.print(forms.map { $0 + "\n" }.joined())
        }
        return status
    }

    private static func forms(_ name: String, _ shell: Shell) -> [String] {
        let context = shell.context
        var forms: [String] = []
        let value = context.value(name)
        if !value.isEmpty { forms.append("\(quoted(name))=\(quoted(value.map(\.text)))") }
        if let definition = context.builtin(name) {
            if definition.module == Self.name {
                forms.append("builtin \(quoted(name))")
            } else if definition.module == StdModule.name, let block = context.value("fn-\(name)").first {
                forms.append("fn \(quoted(name)) \(block.text)")
            } else {
                forms.append(
                    "load \(quoted(definition.module)); \(quoted(name))\(signature(definition.module, name, shell))")
            }
        } else if let path = path(of: name, shell.p) {
            forms.append(path)
        }
        if let definition = context.substitution(name) {
            if definition.module == Self.name {
                forms.append("${\(quoted(name))}")
            } else if definition.module == StdModule.name, let block = context.value("sfn-\(name)").first {
                forms.append("subfn \(quoted(name)) \(block.text)")
            } else {
                forms.append("load \(quoted(definition.module)); ${\(quoted(name))}")
            }
        }
        return forms
    }

    /// A comment with the signature of a typed function.
    private static func signature(_ module: String, _ name: String, _ shell: Shell) -> String {
        let entry = shell.p.system.modules.entries.first { $0.path == module }
        return entry?.functions.first { name == $0.name || name.hasSuffix(".\($0.name)") }.map { " # \($0)" } ?? ""
    }

    private static func path(of name: String, _ p: Proc) -> String? {
        let isPath = name.hasPrefix("/") || name.hasPrefix("./") || name.hasPrefix("../") || name.hasPrefix("#")
        return (isPath ? [name] : ["/bin/\(name)", "./\(name)"]).first { path in
            // What cannot be looked at is not there for us.
            guard let dir = try? p.stat(path) else { return false }
            return !dir.mode.contains(.directory) && dir.mode.permissions & 0o111 != 0
        }
    }
}
