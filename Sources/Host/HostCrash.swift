import CShim
import Glibc

/// What a trap or a fault in emu leaves behind: the terminal as it was, and a line that names the process.
public enum HostCrash {
    /// The handlers' stack. All threads have the same: emu ends with the first that comes to it.
    private nonisolated(unsafe) static var stack: UnsafeMutableRawPointer?
    private static let stackSize = 64 * 1024
    /// What dealt with the signals before. Written once, before the handlers are set.
    private nonisolated(unsafe) static var before: [sigaction] = []
    private static let fatal = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT]

    /// Sets the handlers. Called once, while there is one thread.
    public static func watch() {
        stack = malloc(stackSize)
        prepareThread()
        before = fatal.map { number in
            var action = sigaction()
            var old = sigaction()
            action.__sigaction_handler.sa_sigaction = { number, info, _ in
                HostCrash.tell(number, wasSent: (info?.pointee.si_code ?? 0) <= 0)
            }
            action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO
            sigaction(number, &action, &old)
            return old
        }
    }

    /// Lets the calling thread's faults be told though its own stack is full.
    static func prepareThread() {
        guard let stack else { return }
        var alternative = stack_t(ss_sp: stack, ss_flags: 0, ss_size: stackSize)
        sigaltstack(&alternative, nil)
    }

    /// What the calling host thread runs from now on.
    public static func label(_ process: Int32, _ name: String) { cshim_label(process, name) }

    /// Restores the terminal and the action before ours, and returns: the fault comes again, and that action deals with it.
    /// A signal that somebody sent comes once only.
    private static func tell(_ number: Int32, wasSent: Bool) {
        guard let i = fatal.firstIndex(of: number) else { return }
        var old = before[i]
        sigaction(number, &old, nil)
        cshim_tell(number)
        HostTerminal.putBack()
        if wasSent { raise(number) }
    }
}
