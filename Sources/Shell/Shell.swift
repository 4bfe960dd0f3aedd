import Kernel
import Synchronization

/// The command interpreter of `sh(1)`: runs trees in a process.
///
/// It belongs to the Thread that runs it. What runs beside it (a background command, an element of a pipeline) is another
/// Shell, in another process, with a copy of the context.
public final class Shell: @unchecked Sendable {
    let p: Proc
    let context: Context
    /// The command being run, for diagnostics.
    var place: Place
    /// The process ends with the command that is being run: a program may take its place instead of a new process.
    var isLast = false
    /// The status of the command that ran last is no failure for flag e: it came from a condition.
    var isExcused = false
    /// Descriptors that name a pipe to a block, and the process of that block where it is to be waited for.
    private var pipes: [(fd: Int32, pid: Int32?)] = []
    /// Set by the interrupt note of an interactive shell; nil in others, which end by it.
    let interrupt: InterruptFlag?
    /// Background processes that have ended and that `wait` may still be asked for.
    var ended: [WaitRecord] = []
    /// Background jobs of an interactive shell that were not reported yet.
    var jobs: [Int32: String] = [:]

    /// A shell for `arguments`, in process `p`, which it may change: descriptors, directory, environment.
    public convenience init(_ p: Proc, name: String = "sh", arguments: [String] = []) {
        let context = Context(arguments: arguments, zero: name)
        self.init(p, context, Place(file: nil, line: 0), interrupt: nil)
        start()
    }

    init(_ p: Proc, _ context: Context, _ place: Place, interrupt: InterruptFlag?) {
        self.p = p
        self.context = context
        self.place = place
        self.interrupt = interrupt
    }

    /// Runs a command given as its words, the first a program, a builtin or the text of a block, and waits for it.
    /// An exception is reported on descriptor 2 and is the status.
    public func run(_ words: [String]) throws(SysError) -> Status {
        do throws(Failure) {
            return Status(try execute(words.map { .text($0) }, Moves()))
        } catch { return Status(try settle(error)) }
    }

    /// What is left of a failure where it goes no further: it is reported, and this is the status.
    /// Throws `.killed` where the process is to end.
    func settle(_ failure: Failure) throws(SysError) -> String {
        switch failure {
        case .raised(let exception):
            report(exception)
            return exception.name
        case .exit(let status): return status
        case .interrupted: return "interrupted"
        case .killed: throw .killed
        }
    }

    // MARK: commands

    func run(_ commands: [Command]) throws(Failure) -> String {
        var status = ""
        let last = isLast
        isLast = false
        for (i, command) in commands.enumerated() {
            if last, i == commands.count - 1 { isLast = true }
            isExcused = false
            status = try run(command)
            if !status.isEmpty, !isExcused, context.conditions == 0, context.flags.contains("e") {
                throw .raised(Exception(name: status, message: "", place: place))
            }
        }
        return status
    }

    func run(_ command: Command) throws(Failure) -> String {
        switch command {
        case .simple(let simple): return try run(simple)
        case .assign(let assignment):
            place.line = assignment.line.number
            isLast = false
            try check()
            _ = try assign(assignment)
            return ""
        case .pipeline(let pipeline):
            isLast = false
            return try run(pipeline)
        case .chain(let first, let links):
            isLast = false
            // All but the last are conditions.
            var status = links.isEmpty ? try run(first) : try condition { () throws(Failure) in try run(first) }
            var isFromLast = false
            for (i, link) in links.enumerated() where link.and == status.isEmpty {
                isFromLast = i == links.count - 1
                if isFromLast {
                    status = try run(link.command)
                } else {
                    status = try condition { () throws(Failure) in try run(link.command) }
                }
            }
            if !isFromLast { isExcused = true }
            return status
        case .background(let command):
            isLast = false
            try start(background: command)
            return ""
        }
    }

    private func run(_ simple: Simple) throws(Failure) -> String {
        place.line = simple.line.number
        let last = isLast
        isLast = false
        try check()
        let mark = pipes.count
        defer { closePipes(from: mark) }
        let items = try arguments(simple.words)
        let moves = simple.redirections.isEmpty ? Moves() : try open(simple.redirections)
        if context.flags.contains("x") { trace(items) }
        isLast = last && mark == pipes.count
        let status = try execute(items, moves)
        context.status = status
        return status
    }

    /// Runs the command `items` with its descriptors moved.
    ///
    /// A program runs in a process of its own. A builtin and a block run here, also where something is redirected:
    /// their descriptors are put back afterwards. (Inferno makes a process for each redirected command; as there, an
    /// exception or `exit` ends what is redirected, not the shell.)
    func execute(_ items: [Item], _ moves: Moves) throws(Failure) -> String {
        guard let command = items.first else { return "" }
        let body: Builtin
        switch command {
        case .block(let block): body = { (shell, items) throws(Failure) in try shell.call(block, items) }
        case .text(let name):
            if name.utf8.first == UInt8(ascii: "{") {
                let block = try parse(name)
                body = { (shell, items) throws(Failure) in try shell.call(block, items) }
            } else if let definition = context.builtin(name) {
                isLast = false
                body = definition.body
            } else {
                return try external(items.map(\.text), moves)
            }
        }
        guard !moves.isEmpty else { return try body(self, items) }
        isLast = false
        return try moved(moves) { () throws(Failure) in
            do throws(Failure) { return try body(self, items) } catch {
                switch error {
                case .raised(let exception):
                    if exception.message != nil { report(exception) }
                    return exception.name
                case .exit(let status): return status
                case .interrupted, .killed: throw error
                }
            }
        }
    }

    /// Runs a block: a scope of its own, `$*` the arguments, `$0` the block.
    func call(_ block: Block, _ items: [Item]) throws(Failure) -> String {
        guard Thread.hasRoom else { throw raise("recursion", "recursion too deep") }
        let outer = place
        defer { place = outer }
        place.file = block.file.isEmpty ? nil : block.file
        return try context.scoped(Array(items.dropFirst()), zero: items.first) { () throws(Failure) in
            try run(block.commands)
        }
    }

    /// Runs an item as a command with arguments: what a builtin does with the blocks it is given.
    /// `$status` is set as after any command.
    func call(_ item: Item, _ arguments: [Item] = []) throws(Failure) -> String {
        let status = try execute([item] + arguments, Moves())
        context.status = status
        return status
    }

    /// The same for a block that is a part of the one around it, as the branches of an `if`: it has that one's `$*`.
    func inner(_ item: Item) throws(Failure) -> String {
        switch item {
        case .text(let text) where !text.hasPrefix("{"): try call(item)
        default: try call(item, context.value("*"))
        }
    }

    /// Runs what decides what comes next: that it fails is no failure for flag e.
    func condition<T>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
        context.conditions += 1
        defer { context.conditions -= 1 }
        return try body()
    }

    func parse(_ text: String) throws(Failure) -> Block {
        do throws(SyntaxError) {
            return try Parser.block(text, file: place.file ?? "", line: place.line)
        } catch { throw .raised(Exception(name: "parse error", message: error.reason, place: error.place)) }
    }

    private func assign(_ a: Assignment) throws(Failure) -> [Item] {
        let names = try expand(a.names).map(\.text)
        guard !names.isEmpty, !names.contains("") else { throw raise("bad assignment", "no name to assign to") }
        let value: [Item]
        switch a.value {
        case .words(let words): value = try arguments(words)
        case .assignment(let inner): value = try assign(inner)
        }
        if context.flags.contains("x") { trace([.text("\(quoted(names))\(a.local ? ":=" : "=")")] + value) }
        for (i, name) in names.enumerated() {
            let isLast = i == names.count - 1
            let share = isLast ? Array(value.dropFirst(i)) : i < value.count ? [value[i]] : []
            if a.local { context.setLocal(name, share) } else { context.set(name, share) }
        }
        return value
    }

    // MARK: errors

    /// Throws where the process has been told to end, or the person at the keyboard interrupts.
    func check() throws(Failure) {
        do throws(SysError) { try Thread.check() } catch { throw failure(error) }
        if let interrupt, interrupt.take() { throw .interrupted }
    }

    /// What a failed system call is to the evaluator: an exception with the error's sentence, unless it says that the
    /// process is to end or was interrupted.
    func failure(_ error: SysError, as name: String? = nil) -> Failure {
        switch error.code {
        case .killed: .killed
        case .interrupted where interrupt?.take() == true: .interrupted
        default: raise(name ?? error.description, error.description)
        }
    }

    /// An exception of the shell's own, told with a message.
    func raise(_ name: String, _ message: String) -> Failure {
        .raised(Exception(name: name, message: message, place: place))
    }

    /// The exception for words that a builtin does not take.
    func usage(_ synopsis: String) -> Failure { raise("usage", "usage: \(synopsis)") }

    /// What a builtin's failed system call is: a message, and a status that is not empty.
    func status(_ error: SysError, _ command: String) throws(Failure) -> String {
        let failure = failure(error)
        guard case .raised(let exception) = failure else { throw failure }
        tell("\(command): \(exception.name)")
        return exception.name
    }

    func report(_ exception: Exception) {
        if exception.message?.isEmpty != true { say(exception.diagnostic + "\n") }
    }

    /// A diagnostic about the command being run.
    func tell(_ message: String) { say(place.prefix + message + "\n") }

    /// Writes to descriptor 2. Where that fails there is nobody to be told.
    func say(_ text: String) { try? p.write(2, text) }

    /// Writes a builtin's output to descriptor 1. Throws what a failed write is to a builtin.
    func print(_ text: String) throws(Failure) {
        try system { () throws(SysError) in try p.write(1, text) }
    }

    /// Makes a system call for the evaluator; its error is an exception, named by its sentence or `name`.
    func system<T>(as name: String? = nil, _ call: () throws(SysError) -> T) throws(Failure) -> T {
        do throws(SysError) { return try call() } catch { throw failure(error, as: name) }
    }

    private func trace(_ items: [Item]) { say(quoted(items.map(\.text)) + "\n") }

    // MARK: pipes with names

    /// Keeps `fd` until the command that named it is over.
    func keep(_ fd: Int32, _ pid: Int32?) { pipes.append((fd, pid)) }

    /// Descriptors that the processes of blocks must not hold open.
    var pipeDescriptors: [Int32] { pipes.map(\.fd) }

    private func closePipes(from mark: Int) {
        guard pipes.count > mark else { return }
        let over = pipes[mark...]
        pipes.removeSubrange(mark...)
        // Both ends of a pipe are ours: there is nothing that a flush could lose.
        for pipe in over { try? p.close(pipe.fd) }
        // What reads from a pipe has its say before the next command.
        for case let pid? in over.map(\.pid) { _ = try? wait(pid) }
    }
}

extension SyntaxError {
    var place: Place { Place(file: file.isEmpty ? nil : file, line: line) }
}

/// Tells an interactive shell that its keyboard interrupts.
final class InterruptFlag: Sendable {
    private let isSetNow = Atomic<Bool>(false)

    func set() { isSetNow.store(true, ordering: .releasing) }

    var isSet: Bool { isSetNow.load(ordering: .acquiring) }

    /// True when it was set; it is not any more.
    func take() -> Bool { isSetNow.exchange(false, ordering: .acquiringAndReleasing) }
}
