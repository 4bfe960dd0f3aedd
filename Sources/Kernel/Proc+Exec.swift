import Host

/// Running a file: a registered program, a script, or what an engine claims.
extension Proc {
    /// A program that is ready to run.
    typealias Image = @Sendable () throws(SysError) -> Status

    /// Most interpreters that call each other.
    private static let scriptDepth = 5

    /// Runs the program `path` in this process to its end, and gives its status: the caller ends with it.
    ///
    /// Throws, with nothing changed, where the file cannot be run. `args[0]` is the name the program sees.
    /// The corresponding Plan 9 call is `exec(2)`.
    public func exec(_ path: String, _ args: [String]) throws(SysError) -> Status {
        try prepare(path, args)()
    }

    /// What `exec` would run, found and checked; calling it runs it. For a shell that must know before it spawns.
    ///
    /// A program that calls it returns at once, whatever it gives: the other then runs in its place, on its stack, so
    /// that a program may become another without end.
    public func prepare(
        _ path: String, _ args: [String]
    ) throws(SysError) -> () throws(SysError) -> Status {
        try enter()
        let image = try load(path, args, 0)
        return { () throws(SysError) in try self.become(image) }
    }

    private func become(_ image: @escaping Image) throws(SysError) -> Status {
        let isFirst = state.withLock { s in
            defer { s.next = s.inProgram ? image : nil }
            return !s.inProgram
        }
        guard isFirst else { return .ok }
        var status = Status.ok
        var next: Image? = image
        while let image = next {
            try enter()
            state.withLock { $0.inProgram = true }
            do throws(SysError) { status = try image() } catch {
                _ = ended()
                throw error
            }
            next = ended()
        }
        return status
    }

    /// A program has returned; what is to run in its place.
    private func ended() -> Image? {
        state.withLock { s in
            s.inProgram = false
            return s.next.take()
        }
    }

    private func load(
        _ path: String, _ args: [String], _ depth: Int
    ) throws(SysError) -> Image {
        let (file, caller) = try find(path)
        do throws(SysError) {
            guard file.mask.isSuperset(of: .execute) else { throw .perm }
            guard !file.isDirectory else { throw .perm }
            let open = try self.open(file, .execute, caller, .wait)
            let header = try Self.header(open, caller)
            if let engine = system.engine(for: header) {
                return { () throws(SysError) in
                    self.begin(args, file.path)
                    return try engine.run(self, open, args)
                }
            }
            guard header.starts(with: "#!".utf8) else {
                guard let words = try execTable().words(for: file.path, header), let interpreter = words.first,
                    depth < Self.scriptDepth
                else { throw .badExec }
                return try load(interpreter, words + [path] + args.dropFirst(), depth + 1)
            }
            let line = header.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
            guard line.count < header.count - 2 || header.count < 512 else { throw .badExec }
            let words = String(decoding: line, as: UTF8.self).split(whereSeparator: {
                $0 == " " || $0 == "\t" || $0 == "\r"
            })
            .map(String.init)
            guard let interpreter = words.first else { throw .badExec }
            if interpreter == "program", words.count == 2 { return try program(words[1], args, file.path) }
            guard depth < Self.scriptDepth else { throw .tooManyLinks }
            return try load(interpreter, words + [path] + args.dropFirst(), depth + 1)
        } catch { throw error.about(path) }
    }

    /// The system's table of interpreters, as this process sees it; empty where it sees none.
    private func execTable() throws(SysError) -> ExecTable {
        do throws(SysError) {
            let (file, caller) = try find(ExecTable.path)
            let table = try open(file, .read, caller, .wait)
            return ExecTable(String(decoding: try Self.header(table, caller, ExecTable.sizeLimit), as: UTF8.self))
        } catch {
            guard error.code == .nonexist || error.code == .notDir || error.code == .perm else { throw error }
            return ExecTable("")
        }
    }

    private func program(_ name: String, _ args: [String], _ path: String) throws(SysError) -> Image {
        guard let entry = system.program(name) else { throw SysError("program \(name): not in this emu") }
        return { () throws(SysError) in
            self.begin(args, path)
            return self.report(args) { () throws(SysError) in try entry.make().main(self, args) }
        }
    }

    /// From here on the process is another program.
    private func begin(_ args: [String], _ path: String) {
        rename(args, program: path)
        HostCrash.label(pid, name)
        files.closeForExec()
        // What is ignored stays so.
        if case .ignore = onNote(.end) { onNote(.ignore) }
    }

    /// Runs `body`; what it throws is told on descriptor 2, after the program's name, and is the status.
    private func report(_ args: [String], _ body: () throws(SysError) -> Status) -> Status {
        do throws(SysError) { return try body() } catch {
            guard error.code != .killed else { return Status("killed") }
            // Nobody may be left to tell it to.
            if error.code != .closedPipe { try? write(2, "\(name): \(error)\n") }
            return Status(error.description)
        }
    }

    /// The first bytes of a program's file. A script is at most a line of 512 bytes before its text.
    private static func header(_ c: Chan, _ caller: Caller, _ size: Int = 512) throws(SysError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var n = 0
        while n < bytes.count {
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            var rest = raw._mutatingExtracting(n..<size)
            let got = try c.dev.read(c, into: &rest, at: UInt64(n), caller, .wait)
            if got == 0 { break }
            n += got
        }
        return Array(bytes[..<n])
    }
}
