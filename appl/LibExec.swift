import Kernel

/// Running other programs: found as the shell finds them, in /bin, then in the current directory, or as a path says.
extension Proc {
    /// What runs `words` in this process, to its end: a program and its arguments, or a block `{...}` of the shell and
    /// its. Throws, with nothing done, where nothing of that name can be run.
    func command(_ words: [String]) throws(SysError) -> () throws(SysError) -> Status {
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
        throw failure ?? SysError("\(name): command not found")
    }
}

extension Run {
    /// Becomes another program; its status is ours.
    func become(_ words: [String]) throws(SysError) {
        let run = try p.command(words)
        try out.flush()
        status = try run()
    }
}
