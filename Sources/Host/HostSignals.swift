import Glibc

/// Host signals as events. Nothing is done in a handler: the signals are blocked everywhere, and one thread waits for them.
public enum HostSignals {
    /// The signals that a person or the host sends to the whole of emu.
    public enum Signal: Sendable, CaseIterable {
        case hangup, interrupt, quit, terminate, stop, window

        public var number: Int32 {
            switch self {
            case .hangup: SIGHUP
            case .interrupt: SIGINT
            case .quit: SIGQUIT
            case .terminate: SIGTERM
            case .stop: SIGTSTP
            case .window: SIGWINCH
            }
        }
    }

    /// From now on `act` is called with each signal that comes, one after the other, on a thread of its own.
    ///
    /// Called once, before any other thread is made: they inherit the mask. A signal that whoever started emu had ignored
    /// (`nohup`, a shell's `&`) stays ignored. SIGPIPE is ignored: writes report it. SIGCHLD is not, whoever
    /// started us: ended children wait to be asked.
    /// The corresponding POSIX call is `sigwait(3)`.
    public static func take(_ act: @escaping @Sendable (Signal) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGCHLD, SIG_DFL)
        let taken = Signal.allCases.filter { !isIgnored($0.number) }
        var mask = sigset_t()
        sigemptyset(&mask)
        for s in taken { sigaddset(&mask, s.number) }
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        let set = mask
        let started = HostThread.start {
            var set = set
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                if let s = taken.first(where: { $0.number == number }) { act(s) }
            }
        }
        // Without the thread the signals do what they do by default.
        if !started { pthread_sigmask(SIG_UNBLOCK, &mask, nil) }
    }

    /// Stops the whole of emu as SIGTSTP does by default, and returns when it goes on. For the thread that `act` runs on.
    public static func stopHere() {
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGTSTP)
        kill(getpid(), SIGTSTP)
        // Every other thread blocks it: it comes here, or is dropped where no shell could let us go on.
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        pthread_sigmask(SIG_BLOCK, &mask, nil)
    }

    static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }
}
