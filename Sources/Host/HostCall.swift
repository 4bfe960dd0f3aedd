import CShim
import Glibc

/// A host call that waits for as long as the world likes, made on a helper thread that can be told to give up.
///
/// The call is ended with the wake-up signal, which is unmasked on the helper for its length. The signal may come just before
/// the call begins to wait; so it is sent again, ever more seldom, until the helper says that it is done.
public final class HostCall: Sendable {
    private struct State {
        var helper: pthread_t?
        var cancelled = false
        /// Where whoever cancels waits for the helper.
        var canceller: Parker?
    }

    private let state = Lock(State())

    public init() {}

    /// On the helper: makes the call, again when a signal that is none of ours ends it. Negative with errno set on failure.
    public func run(_ call: () -> Int) -> Int {
        state.withLock { $0.helper = pthread_self() }
        var wake = sigset_t()
        sigemptyset(&wake)
        sigaddset(&wake, cshim_wakesignal())
        pthread_sigmask(SIG_UNBLOCK, &wake, nil)
        var result = -1
        errno = EINTR
        while !state.withLock({ $0.cancelled }) {
            result = call()
            if result >= 0 || errno != EINTR { break }
        }
        let failure = errno
        pthread_sigmask(SIG_BLOCK, &wake, nil)
        let canceller = state.withLock { s in
            s.helper = nil
            return s.canceller
        }
        canceller?.unpark()
        errno = failure
        return result
    }

    /// From another thread: the call is made anew, if it waits.
    public func again() {
        state.withLock { s in
            // The helper lives while it stands here.
            if let helper = s.helper { pthread_kill(helper, cshim_wakesignal()) }
        }
    }

    /// From another thread: ends the call if it waits, and keeps it from beginning. The helper goes on by itself.
    public func cancel() {
        let done = Parker()
        state.withLock { s in
            s.cancelled = true
            s.canceller = done
        }
        var pause: UInt64 = 1_000_000
        while true {
            let waiting = state.withLock { s -> Bool in
                // The helper lives while it stands here.
                if let helper = s.helper { pthread_kill(helper, cshim_wakesignal()) }
                return s.helper != nil
            }
            if !waiting { return }
            _ = done.park(until: HostClock.monotonic() + pause)
            pause = min(pause * 2, 64_000_000)
        }
    }
}
