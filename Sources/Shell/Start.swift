import Kernel

/// The program: flags, what it reads commands from, and how it ends. The corresponding Inferno page is `sh(1)`.
extension Shell {
    static let synopsis = "usage: sh [-eilnvx] [-c command] [file [arg ...]]\n"

    /// Most bytes of a script.
    private static let scriptLimit = 16 << 20

    /// Runs `sh` in `p` to its end.
    ///
    /// The name space is a copy, so that `sh -c 'mount ...'` leaves no trace, unless there is `-n`. (Unlike Inferno's, the
    /// environment is one too.)
    public static func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        if let first = args.dropFirst().first, first == "-h" || first == "--help" {
            try p.write(1, synopsis)
            return .ok
        }
        guard let options = Options(args) else {
            try p.write(2, synopsis)
            return Status("usage")
        }
        try p.pctl(options.flags.contains("n") ? [.forkFD, .forkEnv] : [.forkFD, .forkEnv, .forkNS])
        let isInteractive =
            options.flags.contains("i")
            || options.command == nil && options.file == nil && p.isTerminal(0)
        let interrupt = isInteractive ? InterruptFlag() : nil
        if let interrupt {
            p.onNote(
                .handle { note in
                    guard note.text == "interrupt" || note.text == "quit" else { return false }
                    interrupt.set()
                    return true
                })
        }
        let context = Context(arguments: options.arguments, zero: options.zero)
        context.flags = options.flags
        if isInteractive { context.flags.insert("i") }
        let shell = Shell(p, context, Place(file: nil, line: 0), interrupt: interrupt)
        do throws(Failure) {
            shell.start()
            if options.flags.contains("l") { try shell.runProfiles() }
            if let command = options.command {
                let lines = command.utf8.contains(UInt8(ascii: "\n"))
                return Status(try shell.run(Array(command.utf8), lines ? "-c" : "", isLast: true))
            }
            if let file = options.file {
                return Status(try shell.run(try shell.contents(of: file), file, isLast: true))
            }
            return Status(try isInteractive ? shell.interact() : shell.runInput())
        } catch { return Status(try shell.settle(error)) }
    }

    /// What every shell has before its first command.
    func start() {
        install(InternalModule.module)
        context.importEnvironment(p)
        if context.value("ifs").isEmpty { context.set("ifs", [.text(" \t\n")]) }
        // Inferno leaves it to the profile to load std, and its scripts do so themselves: it does no harm.
        if context.value("autoload").isEmpty { context.set("autoload", [.text(StdModule.name)]) }
        for item in context.value("autoload") {
            do throws(Failure) { try load(item.text) } catch {
                if case .raised(let exception) = error { report(exception) }
            }
        }
    }

    private func runProfiles() throws(Failure) {
        let home = context.value("home").first.map { $0.text + "/lib/profile" }
        for file in ["/lib/sh/profile", home].compactMap(\.self) {
            // A profile that is not there is none.
            guard (try? p.stat(file)) != nil else { continue }
            do throws(Failure) { _ = try run(file: file, []) } catch {
                guard case .raised(let exception) = error else { throw error }
                report(exception)
            }
        }
    }

    // MARK: scripts

    /// Runs the commands of a file here, `$*` the arguments.
    func run(file: String, _ arguments: [Item]) throws(Failure) -> String {
        guard Thread.hasRoom else { throw raise("recursion", "recursion too deep") }
        let text = try contents(of: file)
        return try context.scoped(arguments, zero: .text(file)) { () throws(Failure) in try run(text, file) }
    }

    private func contents(of file: String) throws(Failure) -> [UInt8] {
        try system { () throws(SysError) in
            let fd = try p.open(file)
            // It was read only.
            defer { try? p.close(fd) }
            var text: [UInt8] = []
            while true {
                let more = try p.read(fd)
                if more.isEmpty { return text }
                text += more
                guard text.count <= Self.scriptLimit else { throw SysError(.tooBig, subject: file) }
            }
        }
    }

    /// Runs a program line by line: what stands before an error of syntax is run. `isLast`: the process ends with it.
    func run(_ text: [UInt8], _ file: String, isLast: Bool = false) throws(Failure) -> String {
        let outer = place
        defer { place = outer }
        place.file = file.isEmpty ? nil : file
        var parser = Parser(text, file: file)
        var status = ""
        var commands = Self.parsed(&parser)
        while true {
            guard let now = try commands.get() else { return status }
            commands = Self.parsed(&parser)
            if case .success(nil) = commands { self.isLast = isLast }
            status = try run(now)
        }
    }

    private static func parsed(_ parser: inout Parser) -> Result<[Command]?, Failure> {
        do throws(SyntaxError) { return .success(try parser.next()) } catch {
            return .failure(.raised(Exception(name: "parse error", message: error.reason, place: error.place)))
        }
    }

    /// Runs the commands on descriptor 0. No byte after the line that runs has been taken, so it can read what follows.
    private func runInput() throws(Failure) -> String {
        place.file = "stdin"
        var input = LineInput(p)
        while let lines = try input.commands(self, "stdin", { (_, input) throws(Failure) in try input.line(self) }) {
            for commands in lines { context.status = try run(commands) }
        }
        return context.status
    }
}
