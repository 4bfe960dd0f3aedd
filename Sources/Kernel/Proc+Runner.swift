import Host

/// The host process that runs a program of ours, as an engine shows it to the kernel: what is sent to the Proc goes there.
///
/// Called with no lock held, and by anybody; it must not wait.
public protocol Runner: AnyObject, Sendable {
    /// False where no signal stands for the note, or nobody is there to get it.
    func post(_ note: Note) -> Bool
    func kill()
    func stop()
    func resume()
    /// What `/prog/N/trace` tells, in lines: what the program was refused, and its limits.
    var trace: String { get }
    /// A copy of a descriptor of the program's, where the host keeps them. Throws `.badFd`.
    func take(_ fd: Int32) throws(SysError) -> HostFd
}

extension Runner {
    public var trace: String { "" }
    public func take(_ fd: Int32) throws(SysError) -> HostFd { throw .badFd }
}

/// Processes whose program the host runs. Such a process has no Thread of its own, or one that waits for the program.
extension Proc {
    /// From now on `runner` gets the notes, and is stopped, continued and killed with the process; nil for nobody.
    /// One that was killed before is killed now.
    public func setRunner(_ runner: (any Runner)?) {
        state.withLock { $0.runner = runner }
        if isKilled { runner?.kill() }
    }

    /// Who runs its program, where the kernel does not.
    public var runner: (any Runner)? { state.withLock { $0.runner } }

    /// The program of a child that has no Thread has ended: so does the process. Nobody is to take its record but `parent`,
    /// where that is a program of ours; a host's program has been told by the host.
    public func finish(_ status: Status) {
        let up = system.proc(parentPid)
        exit(status)
        guard let up, up.state.withLock({ $0.runner != nil }) else { return }
        up.forget(pid)
    }

    /// Another program runs in it: its name, its arguments and the path of its file.
    public func becomes(_ args: [String], _ path: String) {
        rename(args, program: path)
        files.closeForExec()
    }
}
