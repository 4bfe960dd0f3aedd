import CShim
import Glibc

/// Where one host thread sleeps, and the way to wake it from any other.
///
/// `unpark` leaves a token; `park` and `poll` consume it, at once when it is already there: no wake-up is lost.
/// The wake-up signal is blocked in every thread and unmasked only inside `ppoll`, so a token that comes between
/// the test and the call ends the call. One thread parks on a Parker; any thread may unpark it.
public final class Parker: @unchecked Sendable {
    // All mutable state is guarded by mutex.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var token = false
    private var poller: pthread_t?

    public init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Leaves a token, and wakes the thread if it sleeps here.
    public func unpark() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !token else { return }
        token = true
        if let poller {
            pthread_kill(poller, cshim_wakesignal())
        } else {
            pthread_cond_signal(condition)
        }
    }

    /// Sleeps until there is a token (true) or the monotonic `deadline` in nanoseconds has passed (false).
    public func park(until deadline: UInt64? = nil) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !token {
            guard let deadline else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            var limit = timespec(
                tv_sec: Int(clamping: deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            if pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { break }
        }
        defer { token = false }
        return token
    }

    /// What ended a `poll`.
    public enum Wake: Sendable {
        case ready(HostEvents)
        case token, deadline
    }

    /// Waits for events on a host descriptor, a token, or the deadline. The corresponding Linux call is `ppoll(2)`.
    public func poll(_ descriptor: Int32, _ events: HostEvents, until deadline: UInt64? = nil) -> Wake {
        while true {
            pthread_mutex_lock(mutex)
            if token {
                token = false
                pthread_mutex_unlock(mutex)
                return .token
            }
            poller = pthread_self()
            pthread_mutex_unlock(mutex)

            var left: Int64 = -1
            if let deadline {
                let now = HostClock.monotonic()
                left = deadline > now ? Int64(clamping: deadline - now) : 0
            }
            var entry = pollfd(fd: descriptor, events: events.rawValue, revents: 0)
            let n = cshim_ppoll(&entry, 1, left)
            pthread_mutex_lock(mutex)
            poller = nil
            pthread_mutex_unlock(mutex)
            if n > 0 { return .ready(HostEvents(rawValue: entry.revents)) }
            if n == 0 { return .deadline }
            precondition(n == -EINTR || n == -EAGAIN || n == -ENOMEM, "ppoll: errno \(-n)")
        }
    }
}

/// Readiness of a host descriptor. The corresponding POSIX page is `poll(2)`.
public struct HostEvents: OptionSet, Sendable {
    public let rawValue: Int16

    public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let readable = HostEvents(rawValue: Int16(POLLIN))
    public static let writable = HostEvents(rawValue: Int16(POLLOUT))
    public static let error = HostEvents(rawValue: Int16(POLLERR))
    public static let hangup = HostEvents(rawValue: Int16(POLLHUP))
}

/// Waiting outside any Thread.
public enum HostPoll {
    /// Events that are there now. The corresponding POSIX call is `poll(2)`.
    public static func now(_ descriptor: Int32, _ events: HostEvents) -> HostEvents {
        var entry = pollfd(fd: descriptor, events: events.rawValue, revents: 0)
        return Glibc.poll(&entry, 1, 0) > 0 ? HostEvents(rawValue: entry.revents) : []
    }

    /// Events that came before the monotonic deadline, empty if none. The corresponding POSIX call is `poll(2)`.
    public static func wait(_ descriptor: Int32, _ events: HostEvents, _ deadline: UInt64?) -> HostEvents {
        if case .ready(let got) = Parker().poll(descriptor, events, until: deadline) { return got }
        return []
    }
}
