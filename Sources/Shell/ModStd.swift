import Kernel

/// Control flow and lists. The corresponding Inferno page is `sh-std(1)`.
///
/// A status that is empty is true. Loops catch the exceptions `break` and `continue`.
enum StdModule {
    static let name = "std"

    @Sendable static func make() -> ShellModule {
        ShellModule(
            name: name,
            builtins: [
                "!": { (shell, items) throws(Failure) in
                    guard items.count > 1 else { throw shell.usage("! command ...") }
                    let status = try shell.condition { () throws(Failure) in
                        try shell.call(items[1], Array(items.dropFirst(2)))
                    }
                    shell.isExcused = true
                    return status.isEmpty ? "1" : ""
                },
                "~": match,
                "and": { (shell, items) throws(Failure) in
                    try link(shell, items) { $0.isEmpty }
                },
                "apply": apply,
                "flag": flag,
                "fn": { (shell, items) throws(Failure) in
                    try define(shell, items, "fn-") { define($0, function: $1, $2) }
                },
                "for": `for`,
                "getlines": getlines,
                "if": `if`,
                "no": { (shell, items) throws(Failure) in items.count == 1 ? "" : "1" },
                "or": { (shell, items) throws(Failure) in try link(shell, items) { !$0.isEmpty } },
                "pctl": pctl,
                "raise": raise,
                "rescue": rescue,
                "status": { (shell, items) throws(Failure) in items.count > 1 ? items[1].text : "" },
                "subfn": { (shell, items) throws(Failure) in
                    try define(shell, items, "sfn-") { define($0, substitution: $1, $2) }
                },
                "while": `while`,
            ],
            substitutions: [
                "env": { (shell, items) throws(Failure) in shell.context.names.map { .text($0) } },
                "hd": { (shell, items) throws(Failure) in items.count > 1 ? [items[1]] : [] },
                "index": { (shell, items) throws(Failure) in
                    guard items.count > 1, let n = Int(items[1].text) else { throw shell.usage("${index number list}") }
                    return n > 0 && n < items.count - 1 ? [items[n + 1]] : []
                },
                "join": { (shell, items) throws(Failure) in
                    guard items.count > 1 else { throw shell.usage("${join separator list}") }
                    return [.text(items.dropFirst(2).map(\.text).joined(separator: items[1].text))]
                },
                "parse": { (shell, items) throws(Failure) in
                    guard items.count == 2 else { throw shell.usage("${parse arg}") }
                    if case .block = items[1] { return [items[1]] }
                    return [.block(try shell.parse(items[1].text))]
                },
                "pid": { (shell, items) throws(Failure) in [.text("\(shell.p.pid)")] },
                "pipe": pipe,
                "split": { (shell, items) throws(Failure) in
                    guard items.count == 2 || items.count == 3 else { throw shell.usage("${split [separators] arg}") }
                    let separators = items.count == 3 ? items[1].text : shell.separators
                    return shell.split(items[items.count - 1].text, at: separators).map { .text($0) }
                },
                "tl": { (shell, items) throws(Failure) in Array(items.dropFirst(2)) },
            ],
            onLoad: { (shell) throws(Failure) in
                for name in shell.context.names {
                    guard let body = shell.context.value(name).first else { continue }
                    if name.hasPrefix("fn-") { define(shell, function: String(name.dropFirst(3)), body) }
                    if name.hasPrefix("sfn-") { define(shell, substitution: String(name.dropFirst(4)), body) }
                }
            })
    }

    // MARK: tests

    private static let match: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 1 else { throw shell.usage("~ value [pattern ...]") }
        let value = items[1].text
        for item in items.dropFirst(2) {
            let pattern = item.text
            if pattern == value { return "" }
            let matches = try shell.system { () throws(SysError) in try Pattern(pattern).matches(value) }
            if matches { return "" }
        }
        return "no match"
    }

    /// Whether a condition holds.
    private static func holds(_ shell: Shell, _ item: Item) throws(Failure) -> Bool {
        try shell.condition { () throws(Failure) in try shell.inner(item).isEmpty }
    }

    /// Runs the commands, of which all but the last are conditions, until one has a status that ends it.
    private static func link(
        _ shell: Shell, _ items: [Item], goesOn: (String) -> Bool
    ) throws(Failure) -> String {
        var status = ""
        for (i, item) in items.enumerated().dropFirst() {
            if i == items.count - 1 { return try shell.inner(item) }
            status = try shell.condition { () throws(Failure) in try shell.inner(item) }
            if !goesOn(status) { break }
        }
        shell.isExcused = true
        return status
    }

    private static let `if`: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 2 else { throw shell.usage("if condition action [condition action] ... [else]") }
        var i = 1
        while i + 1 < items.count {
            if try holds(shell, items[i]) { return try shell.inner(items[i + 1]) }
            i += 2
        }
        return i < items.count ? try shell.inner(items[i]) : ""
    }

    // MARK: loops

    /// Runs one turn of a loop, which gives its status. False when it is the last: also where nobody reads any more what
    /// its command writes.
    static func turn(_ status: inout String, _ body: () throws(Failure) -> String) throws(Failure) -> Bool {
        do throws(Failure) { status = try body() } catch {
            guard case .raised(let exception) = error, exception.message == nil else { throw error }
            switch exception.name {
            case "break":
                status = ""
                return false
            case "continue": return true
            default: throw error
            }
        }
        return status != SysError.closedPipe.sentence
    }

    private static let `for`: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 3, items[2].text == "in" else { throw shell.usage("for var in [arg ...] command") }
        let name = items[1].text
        let body = items[items.count - 1]
        var status = ""
        for item in items[3..<(items.count - 1)] {
            let goOn = try turn(&status) { () throws(Failure) in
                shell.context.setLocal(name, [item])
                return try shell.inner(body)
            }
            if !goOn { break }
        }
        return status
    }

    private static let apply: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 1 else { throw shell.usage("apply command [arg ...]") }
        var status = ""
        for item in items.dropFirst(2) {
            if try !turn(&status, { () throws(Failure) in try shell.call(items[1], [item]) }) { break }
        }
        return status
    }

    private static let `while`: Builtin = { (shell, items) throws(Failure) in
        guard items.count == 3 else { throw shell.usage("while condition command") }
        var status = ""
        var holds = true
        while holds {
            try shell.check()
            let before = status
            let goOn = try turn(&status) { () throws(Failure) in
                holds = try Self.holds(shell, items[1])
                return holds ? try shell.inner(items[2]) : before
            }
            if !goOn { break }
        }
        return status
    }

    private static let getlines: Builtin = { (shell, items) throws(Failure) in
        guard items.count == 2 || items.count == 3 else { throw shell.usage("getlines [separators] command") }
        let separators = items.count == 3 ? items[1].text : "\n"
        let body = items[items.count - 1]
        var reader = LineReader(shell, separators)
        defer { reader.giveBack() }
        var status = ""
        while let line = try reader.next() {
            let goOn = try turn(&status) { () throws(Failure) in
                shell.context.setLocal("line", [.text(line)])
                return try shell.inner(body)
            }
            if !goOn { break }
        }
        return status
    }

    // MARK: functions

    /// Each name is defined as the block that comes last; without one it is forgotten.
    private static func define(
        _ shell: Shell, _ items: [Item], _ prefix: String, _ body: (Shell, String, Item) -> Void
    ) throws(Failure) -> String {
        var names = items.dropFirst()
        var block: Item?
        if let last = names.last, isBlock(last) { block = names.removeLast() }
        guard !names.isEmpty, !names.contains(where: isBlock) else {
            throw shell.usage("\(items[0].text) name ... [{command}]")
        }
        for name in names.map(\.text) {
            shell.context.set(prefix + name, block.map { [$0] } ?? [])
            if let block {
                body(shell, name, block)
            } else if prefix == "fn-" {
                shell.context.undefine(name, in: self.name)
            } else {
                shell.context.undefine(substitution: name, in: self.name)
            }
        }
        return ""
    }

    private static func isBlock(_ item: Item) -> Bool {
        switch item {
        case .block: true
        case .text(let text): text.hasPrefix("{")
        }
    }

    private static func define(_ shell: Shell, function name: String, _ body: Item) {
        let body = parsed(shell, body)
        shell.context.define(name, in: self.name) { (shell, items) throws(Failure) in
            try shell.call(body, Array(items.dropFirst()))
        }
    }

    private static func define(_ shell: Shell, substitution name: String, _ body: Item) {
        let body = parsed(shell, body)
        shell.context.define(
            name, in: self.name,
            substitution: { (shell, items) throws(Failure) in
                try shell.context.scoped([], zero: nil) { () throws(Failure) in
                    shell.context.setLocal("result", [])
                    _ = try shell.call(body, Array(items.dropFirst()))
                    return shell.context.value("result")
                }
            })
    }

    /// The body as a tree where it is one, so that it is parsed once; what is none fails when it is run.
    private static func parsed(_ shell: Shell, _ body: Item) -> Item {
        guard case .text(let text) = body, text.hasPrefix("{"), let block = try? shell.parse(text) else { return body }
        return .block(block)
    }

    // MARK: exceptions

    private static let raise: Builtin = { (shell, items) throws(Failure) in
        guard items.count <= 2 else { throw shell.usage("raise [name]") }
        guard items.count == 2 else {
            guard let name = shell.context.value("exception").first?.text, !name.isEmpty else {
                throw shell.raise("bad raise context", "raise: no exception to raise again")
            }
            throw .raised(Exception(name: name, message: nil, place: shell.place))
        }
        throw .raised(Exception(name: items[1].text, message: nil, place: shell.place))
    }

    private static let rescue: Builtin = { (shell, items) throws(Failure) in
        guard items.count == 4 else { throw shell.usage("rescue pattern rescueblock command") }
        let pattern = items[1].text
        do throws(Failure) { return try shell.inner(items[3]) } catch {
            guard case .raised(let exception) = error else { throw error }
            let matches =
                pattern.hasSuffix("*")
                ? exception.name.hasPrefix(pattern.dropLast()) : exception.name == pattern
            guard matches else { throw error }
            if shell.context.flags.contains("v") { shell.report(exception) }
            return try shell.context.scoped(shell.context.value("*"), zero: nil) { () throws(Failure) in
                shell.context.setLocal("exception", [.text(exception.name)])
                return try shell.inner(items[2])
            }
        }
    }

    // MARK: the process

    private static let flag: Builtin = { (shell, items) throws(Failure) in
        guard items.count == 2 || items.count == 3, items[1].text.count == 1, let flag = items[1].text.first,
            "eilnvx".contains(flag)
        else { throw shell.usage("flag (e|i|l|n|v|x) [+-]") }
        guard items.count == 3 else { return shell.context.flags.contains(flag) ? "" : "not set" }
        switch items[2].text {
        case "+": shell.context.flags.insert(flag)
        case "-": shell.context.flags.remove(flag)
        default: throw shell.usage("flag (e|i|l|n|v|x) [+-]")
        }
        return ""
    }

    private static let pctlFlags: [String: ProcFlags] = [
        "newfd": .newFD, "forkfd": .forkFD, "newns": .newNS, "forkns": .forkNS, "newpgrp": .newGroup,
        "nodevs": .noDevices, "newenv": .newEnv, "forkenv": .forkEnv,
    ]

    private static let pctl: Builtin = { (shell, items) throws(Failure) in
        var flags: ProcFlags = []
        var fds: [Int32] = []
        for item in items.dropFirst() {
            if let flag = pctlFlags[item.text] {
                flags.insert(flag)
            } else if let fd = Int32(item.text), fd >= 0 {
                fds.append(fd)
            } else {
                throw shell.usage("pctl (\(pctlFlags.keys.sorted().joined(separator: "|"))) ... [fd ...]")
            }
        }
        guard fds.isEmpty || flags.contains(.newFD) || flags.contains(.forkFD) else {
            throw shell.raise("usage", "pctl: descriptors are for newfd and forkfd")
        }
        // Without the standard descriptors nothing could be said any more.
        if fds.isEmpty, flags.contains(.newFD) { fds = [0, 1, 2] }
        do throws(SysError) { try shell.p.pctl(flags, fds: fds.isEmpty ? nil : fds) } catch {
            return try shell.status(error, "pctl")
        }
        return ""
    }

    private static let pipe: Substitution = { (shell, items) throws(Failure) in
        let usage = "${pipe (from|to|fdnum) command}"
        guard items.count > 2 else { throw shell.usage(usage) }
        let fd: Int
        switch items[1].text {
        case "from": fd = 1
        case "to": fd = 0
        case let text:
            guard let n = Int(text), (0...99_999).contains(n) else { throw shell.usage(usage) }
            fd = n
        }
        return [.text(try shell.pipe(to: Array(items.dropFirst(2)), fd))]
    }
}
