import Kernel

/// What runs in processes of its own.
extension Shell {
    /// How many background processes that nobody has asked for are remembered.
    private static let endedLimit = 256

    /// Most bytes that a backquote takes from its command.
    private static let outputLimit = Limit.string

    // MARK: programs

    /// Runs a program in a process of its own and waits for it; in this one where it is the last thing to run here.
    func external(_ words: [String], _ moves: Moves) throws(Failure) -> String {
        let (p, place, context) = (self.p, self.place, self.context)
        context.exportEnvironment(p)
        if isLast {
            return try system { () throws(SysError) in
                try moves.apply(p)
                return try p.run(words, place, context).text
            }
        }
        let pid = try system { () throws(SysError) in
            try p.spawn([.forkFD], args: words) { (child) throws(SysError) in
                try moves.apply(child)
                // We wait: the context is the child's to read.
                return try child.run(words, place, context)
            }
        }
        return try wait(pid)
    }

    /// The status of a child, once it has ended.
    ///
    /// An interrupt while it runs ends the shell's command too, unless the child is one that deals with notes itself, as
    /// another interactive shell, and does not end by it.
    func wait(_ pid: Int32) throws(Failure) -> String {
        while true {
            let status: String
            do throws(SysError) {
                try Thread.check()
                passInterrupt(to: pid)
                status = try p.wait(.pid(pid)).status.text
            } catch {
                switch error.code {
                case .interrupted: continue
                case .killed: throw .killed
                default: throw raise("bad wait read", "process \(pid): \(error)")
                }
            }
            // Our own note may not have been looked at yet: the child's came with it.
            try check()
            // 130 is what a program of the host has as its status then.
            if interrupt != nil, Status(status).code == 130 { throw .interrupted }
            return status
        }
    }

    /// Tells a child of an interrupt: it may have been made while the note was on its way to the group.
    private func passInterrupt(to pid: Int32) {
        guard let interrupt, interrupt.isSet, let child = p.system.proc(pid) else { return }
        if child.handlesNotes { _ = interrupt.take() } else { child.post(.interrupt) }
    }

    /// Waits for all; the status is that of the last. An interrupt that ends one of them ends all.
    private func wait(all pids: [Int32]) throws(Failure) -> String {
        var status = ""
        var failed: Failure?
        for pid in pids {
            if case .interrupted = failed { p.system.proc(pid)?.post(.interrupt) }
            do throws(Failure) { status = try wait(pid) } catch {
                if case .killed = error { throw error }
                failed = error
            }
        }
        if let failed { throw failed }
        return status
    }

    /// The record of the next child that ends, nil where there is none.
    func nextChild() throws(Failure) -> WaitRecord? {
        while true {
            do throws(SysError) { return try p.wait() } catch {
                switch error.code {
                case .noChild: return nil
                case .interrupted: try check()
                default: throw failure(error)
                }
            }
        }
    }

    // MARK: other shells

    /// Starts a process with a shell that runs `commands`. `beside`: it runs while this shell does, with a copy of all it
    /// knows; else this shell waits, and what the other sets is set here.
    private func fork(
        _ commands: [Command], _ moves: Moves, beside: Bool, _ flags: ProcFlags = []
    ) throws(Failure) -> Int32 {
        // A block that starts itself ends here, before it has filled the system.
        guard context.level < Limit.level else { throw raise("recursion", "recursion too deep") }
        let name = Printer.text(commands)
        return try system { () throws(SysError) in
            try spawn(moves, beside: beside, flags, args: ["sh", "-c", name]) { (shell) throws(SysError) in
                Status(try shell.runToEnd(commands))
            }
        }
    }

    /// Starts a process with a shell for `body`; as `fork`.
    func spawn(
        _ moves: Moves = Moves(), beside: Bool = true, _ flags: ProcFlags = [], args: [String],
        _ body: @escaping @Sendable (Shell) throws(SysError) -> Status
    ) throws(SysError) -> Int32 {
        // Another process's variables must not change under it, nor ours by it.
        if beside { self.context.exportEnvironment(p) }
        let context = beside ? self.context.copy() : self.context
        let place = place
        let others = pipeDescriptors
        let all = beside ? flags.union([.forkFD, .forkEnv]) : flags.union(.forkFD)
        return try p.spawn(all, args: args) { (child) throws(SysError) in
            for fd in others { try child.move(Move(Int(fd), nil)) }
            try moves.apply(child)
            return try body(Shell(child, context, place, interrupt: nil))
        }
    }

    /// Runs the commands that this process was made for.
    private func runToEnd(_ commands: [Command]) throws(SysError) -> String {
        isLast = true
        do throws(Failure) { return try run(commands) } catch {
            if case .raised(let exception) = error, exception.message == nil { return exception.name }
            return try settle(error)
        }
    }

    /// `command &`. In an interactive shell it has a process group of its own, which the keyboard does not interrupt.
    func start(background command: Command) throws(Failure) {
        let pid = try fork([command], Moves(), beside: true, apart)
        context.set("apid", [.text("\(pid)")])
        if context.flags.contains("i") {
            jobs[pid] = Printer.text([command])
            say("[\(pid)]\n")
        } else {
            reap()
        }
    }

    /// What keeps a background process of an interactive shell from the keyboard's interrupts.
    var apart: ProcFlags { interrupt == nil ? [] : .newGroup }

    /// Lets go of background processes that have ended; gives their records, and keeps the latest for `wait`.
    @discardableResult
    func reap() -> [WaitRecord] {
        var records: [WaitRecord] = []
        // An error says that none has ended.
        while let record = try? p.wait(.any, .try) { records.append(record) }
        ended = (ended + records).suffix(Self.endedLimit)
        return records
    }

    /// The status of a background process, waited for if it has not ended.
    func wait(background pid: Int32) throws(Failure) -> String {
        jobs[pid] = nil
        if let i = ended.firstIndex(where: { $0.pid == pid }) { return ended.remove(at: i).status.text }
        return try wait(pid)
    }

    /// `@ command`: in a process of its own, so that what it does to itself ends with it.
    func subshell(_ items: [Item]) throws(Failure) -> String {
        try wait(try fork([command(items)], Moves(), beside: true))
    }

    /// A command of words that are put in already.
    private func command(_ items: [Item]) -> Command {
        let words = items.map { item -> Word in
            switch item {
            case .text(let text): .literal(text, glob: false)
            case .block(let block): .block(block)
            }
        }
        return .simple(Simple(words: words, redirections: [], line: Line(number: place.line)))
    }

    /// A pipeline: each element in a process of its own. The status is that of the last.
    func run(_ pipeline: Pipeline) throws(Failure) -> String {
        try check()
        var pids: [Int32] = []
        var input: Move?
        do throws(Failure) {
            for (i, command) in pipeline.commands.enumerated() {
                var moves: [Move] = []
                if let input { moves.append(input) }
                input = nil
                if i < pipeline.joints.count {
                    let joint = pipeline.joints[i]
                    // Who names other descriptors may use them both ways.
                    let isPlain = joint.left == 1 && joint.right == 0
                    let (right, left) = try pipe(oneWay: isPlain)
                    moves.append(Move(joint.left, left))
                    input = Move(joint.right, right)
                }
                pids.append(try fork([command], Moves(moves), beside: true))
            }
        } catch {
            // Those that run find their pipes closed.
            input = nil
            _ = try wait(all: pids)
            throw error
        }
        context.status = try wait(all: pids)
        return context.status
    }

    // MARK: output as a value

    /// What the block writes to descriptor 1.
    func output(_ block: Block) throws(Failure) -> String {
        let (end, pid) = try start(block)
        return try collect(end, pid)
    }

    private func pipe(oneWay: Bool) throws(Failure) -> (Chan, Chan) {
        try system(as: "no pipe") { () throws(SysError) in try p.pipeChans(oneWay: oneWay) }
    }

    /// Starts the block with descriptor 1 on a pipe, whose other end alone is held here.
    private func start(_ block: Block) throws(Failure) -> (Chan, Int32) {
        let (ours, theirs) = try pipe(oneWay: true)
        return (ours, try fork(block.commands, Moves([Move(1, theirs)]), beside: false))
    }

    private func collect(_ end: Chan, _ pid: Int32) throws(Failure) -> String {
        var bytes: [UInt8] = []
        var failed: SysError?
        do throws(SysError) {
            let fd = try p.install(end)
            // Nothing of a pipe's end is lost by closing it.
            defer { try? p.close(fd) }
            while true {
                let some = try p.read(fd)
                if some.isEmpty { break }
                bytes += some
                guard bytes.count <= Self.outputLimit else { throw SysError("output too long") }
            }
        } catch { failed = error }
        context.status = try wait(pid)
        if let failed { throw failure(failed) }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: pipes with names

    /// Starts the block with one end of a pipe; the name of the other, good until the command is over.
    func named(_ block: Block, _ access: Access) throws(Failure) -> String {
        let (first, second) = try pipe(oneWay: access != .both)
        let ours = access == .read ? first : second
        let theirs = access == .read ? second : first
        let moves: [Move]
        switch access {
        case .read: moves = [Move(1, theirs)]
        case .write, .append: moves = [Move(0, theirs)]
        case .both: moves = [Move(0, theirs), Move(1, theirs)]
        }
        return try named(block.commands, moves, ours, wait: access == .write)
    }

    /// Starts a command with descriptor `fd` on one end of a pipe; the name of the other.
    func pipe(to items: [Item], _ fd: Int) throws(Failure) -> String {
        let (first, second) = try pipe(oneWay: fd <= 1)
        let (ours, theirs) = fd == 0 ? (second, first) : (first, second)
        return try named([command(items)], [Move(fd, theirs)], ours, wait: fd == 0)
    }

    private func named(
        _ commands: [Command], _ moves: [Move], _ ours: Chan, wait: Bool
    ) throws(Failure) -> String {
        let pid = try fork(commands, Moves(moves), beside: true)
        let fd = try system { () throws(SysError) in try p.install(ours) }
        keep(fd, wait ? pid : nil)
        return "/fd/\(fd)"
    }
}

extension Proc {
    /// Runs a program in this process, found as the shell finds it: in /bin, then in the current directory, or as its
    /// path says. What cannot be run is told on descriptor 2; `context` knows names that may have been meant.
    func run(_ words: [String], _ place: Place, _ context: Context) throws(SysError) -> Status {
        guard let name = words.first else { return .ok }
        let isPath = name.hasPrefix("/") || name.hasPrefix("#") || name.hasPrefix("./") || name.hasPrefix("../")
        var failure: SysError?
        for path in isPath ? [name] : ["/bin/\(name)", "./\(name)"] {
            let run: () throws(SysError) -> Status
            do throws(SysError) { run = try prepare(path, words) } catch {
                if error.code == .killed { throw error }
                // The first file that is there but cannot be run says why; else none is there.
                if error.code != .nonexist, failure == nil { failure = error }
                if failure == nil, isPath { failure = error }
                continue
            }
            return try run()
        }
        if let failure {
            try? write(2, place.prefix + "\(failure)\n")
            return Status(failure.description)
        }
        let names = Suggestion.programs(self) + context.allBuiltins.map(\.name)
        let advice = Suggestion.nearest(to: name, among: names).map { " (did you mean \($0)?)" } ?? ""
        try? write(2, place.prefix + "\(name): command not found\(advice)\n")
        return Status("\(name): command not found")
    }
}
