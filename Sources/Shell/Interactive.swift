import Kernel

/// The shell at the keyboard: prompt, history, completion, jobs.
extension Shell {
    /// Reads and runs commands until the end of the input or `exit`. The status is that of the last command.
    func interact() throws(Failure) -> String {
        if context.value("prompt").isEmpty { context.set("prompt", [.text("; "), .text("  ")]) }
        var input = LineInput(p)
        var history = History(p, context)
        while true {
            do throws(Failure) {
                tellJobs()
                let lines = try input.commands(self, "") { (continued, input) throws(Failure) in
                    try prompted(continued, &input, &history)
                }
                guard let lines else { return context.status }
                for commands in lines { _ = try run(commands) }
            } catch {
                switch error {
                case .raised(let exception):
                    report(exception)
                    if context.flags.contains("e") { throw .exit(exception.name) }
                    context.status = exception.name
                case .interrupted:
                    say("\n")
                    context.status = "interrupted"
                case .exit, .killed: throw error
                }
            }
        }
    }

    /// A line from the person: edited where this is the host's console, else as the terminal gives it.
    private func prompted(
        _ continued: Bool, _ input: inout LineInput, _ history: inout History
    ) throws(Failure) -> String? {
        let prompts = context.value("prompt").map(\.text)
        let prompt = continued ? prompts.dropFirst().first ?? "" : prompts.first ?? ""
        guard let editor = p.editor(0) else {
            say(prompt)
            return try input.line(self)
        }
        let completion = Completion(p, context)
        let line = try system { () throws(SysError) in
            try editor.readLine(prompt: prompt, history: history.lines) { line, start, end in
                completion.candidates(line, start, end)
            }
        }
        if let line { history.add(line) }
        return line
    }

    /// Says which background jobs have ended, and how.
    private func tellJobs() {
        for record in reap() {
            guard let job = jobs.removeValue(forKey: record.pid) else { continue }
            say("[\(record.pid)] \(record.status.isOK ? "done" : record.status.text): \(job)\n")
        }
    }
}

/// The lines typed before, kept in `$history`, or in `lib/history` of the home directory.
///
/// Each line is written at the end of the file by itself, so that several shells lose nothing of each other's.
struct History {
    /// Most lines that are remembered.
    private static let limit = 5000

    private let p: Proc
    private let file: String?
    private(set) var lines: [String] = []

    init(_ p: Proc, _ context: Context) {
        self.p = p
        file = context.value("history").first?.text ?? context.value("home").first.map { $0.text + "/lib/history" }
        guard let file, let fd = try? p.open(file) else { return }
        // It was read only.
        defer { try? p.close(fd) }
        var text: [UInt8] = []
        // The end counts: of a long file only that is read, from the first whole line.
        let length = (try? p.fstat(fd).length) ?? 0
        let isLong = length > 1 << 20
        if isLong { _ = try? p.seek(fd, Int64(clamping: length) - 1 << 20) }
        while let some = try? p.read(fd), !some.isEmpty { text += some }
        if isLong { text.removeFirst(text.firstIndex(of: UInt8(ascii: "\n")) ?? 0) }
        lines = text.split(separator: UInt8(ascii: "\n")).suffix(Self.limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Remembers a line, unless it is empty, begins with a blank, or is the same as the one before.
    mutating func add(_ line: String) {
        guard let first = line.utf8.first, first != UInt8(ascii: " "), line != lines.last else { return }
        lines.append(line)
        if lines.count > Self.limit { lines.removeFirst() }
        guard let file else { return }
        // A history that cannot be kept is remembered until the shell ends.
        do throws(SysError) {
            let fd = try open(file)
            defer { try? p.close(fd) }
            try p.write(fd, line + "\n")
        } catch {}
    }

    private func open(_ file: String) throws(SysError) -> Int32 {
        do throws(SysError) { return try p.open(file, [.write, .append]) } catch {
            guard error.code == .nonexist else { throw error }
        }
        let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } ?? "."
        // It is there, or the next call says why not.
        try? p.mkdir(folder, 0o755)
        do throws(SysError) {
            return try p.create(file, [.write, .append, .exclusive], FileMode(rawValue: 0o600))
        } catch {
            // Another shell was faster: its lines stay.
            guard error.code == .exist else { throw error }
            return try p.open(file, [.write, .append])
        }
    }
}
