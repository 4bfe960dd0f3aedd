import Kernel

/// Running other programs: found as the shell finds them, in /bin, then in the current directory, or as a path says.
extension Proc {
    /// What runs `words` in this process, to its end: a program and its arguments, or a block `{...}` of the shell and
    /// its. Throws, with nothing done, where nothing of that name can be run.
    public func command(_ words: [String]) throws(SysError) -> () throws(SysError) -> Status {
        guard let name = words.first else { throw SysError("no command") }
        if name.hasPrefix("{") {
            let shell = ["/bin/sh", "-c", name + " $*"] + words.dropFirst()
            return try prepare(shell[0], shell)
        }
        let isPath = name.hasPrefix("/") || name.hasPrefix("#") || name.hasPrefix("./") || name.hasPrefix("../")
        var failure: SysError?
        for path in isPath ? [name] : ["/bin/\(name)", "./\(name)"] {
            do throws(SysError) { return try prepare(path, words) } catch {
                // The first that is there but cannot be run says why.
                if failure == nil, isPath || error.code != .nonexist { failure = error }
            }
        }
        throw failure ?? SysError("\(name): \(Self.commandNotFound)")
    }

    private static let commandNotFound = "command not found"

    /// How a program ends that was to run another, which could not be run for this reason: 127 where there is none of
    /// that name, else 126. The corresponding POSIX page is `env(1)`.
    public static func failure(_ error: SysError) -> Status {
        Status(code: error.code == .nonexist || error.sentence.hasSuffix(commandNotFound) ? 127 : 126)
    }

    /// Runs `words` in a process of their own. Throws, with none made, where they cannot be run. The child's descriptor 0
    /// is `input`, and its directory `directory`, where these are given.
    public func start(_ words: [String], input: String? = nil, directory: String? = nil) throws(SysError) -> Int32 {
        _ = try command(words)
        return try spawn(.forkFD, fds: files.all.map(\.fd), args: words) { (child) throws(SysError) in
            if let input {
                let fd = try child.open(input)
                try child.dup(fd, 0)
                try child.close(fd)
            }
            if let directory { try child.chdir(directory) }
            return try child.command(words)()
        }
    }
}

extension Run {
    /// Becomes another program; its status is ours.
    public func become(_ words: [String]) throws(SysError) {
        let run: () throws(SysError) -> Status
        do throws(SysError) { run = try p.command(words) } catch {
            tell(error.description)
            status = Proc.failure(error)
            return
        }
        try out.flush()
        status = try run()
    }
}
