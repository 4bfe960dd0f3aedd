import CShim
import Glibc
import Synchronization

/// Where one host thread sleeps, and the way to wake it from any other.
///
/// `unpark` leaves a token; `park` and `poll` consume it, at once when it is already there: no wake-up is lost.
/// The wake-up signal is blocked in every thread and unmasked only inside `ppoll`, so a token that comes between
/// the test and the call ends the call. One thread parks on a Parker; any thread may unpark it.
public final class Parker: @unchecked Sendable {
    /// What `word` says. Only the owner puts something other than a token there, and only where it is empty.
    private enum State {
        static let empty: UInt32 = 0
        static let token: UInt32 = 1
        /// The owner sleeps on the word.
        static let parked: UInt32 = 2
        /// The owner is in ppoll.
        static let polling: UInt32 = 3
    }

    private let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// The owner's thread number, where `word` says that it polls.
    private let poller = Atomic<Int32>(0)
    // The owner's alone. The last wait was a short one: the next may be worth some turns without sleeping, unless these
    // were in vain, so often in a row: then some waits are slept through at once.
    private var wasShort = false
    private var vain = 0
    private var skipped = 0

    /// A wait as long as a sleep and a waking take is short.
    private static let short: UInt64 = 50_000
    /// For how long at most a token is looked for before the owner sleeps; where it is alone, not at all.
    private static let patience: UInt64 = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? 25_000 : 0

    public init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(State.empty))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// Leaves a token, and wakes the thread if it sleeps here.
    public func unpark() {
        // SAFETY: whoever calls holds self, and with it the word, for the call.
        switch word.pointee.exchange(State.token, ordering: .acquiringAndReleasing) {
        case State.parked: cshim_futex_wake(word)
        // The owner may have left ppoll by now: a signal that comes late ends its next one, which looks again.
        case State.polling: cshim_tgkill(poller.load(ordering: .relaxed), cshim_wakesignal())
        default: break
        }
    }

    /// Sleeps until there is a token (true) or the monotonic `deadline` in nanoseconds has passed (false).
    public func park(until deadline: UInt64? = nil) -> Bool {
        if take() { return true }
        let start = HostClock.monotonic()
        if wasShort, spin(until: min(start &+ Self.patience, deadline ?? .max)) { return true }
        defer { wasShort = HostClock.monotonic() &- start < Self.short }
        while change(State.empty, to: State.parked) {
            let isLate = cshim_futex_wait(word, State.parked, Int64(clamping: deadline ?? .max)) == -ETIMEDOUT
            if word.pointee.exchange(State.empty, ordering: .acquiring) == State.token { return true }
            if isLate { return false }
        }
        return take()
    }

    /// Looks for a token without sleeping. Where others have the processors, none comes: each time that this is seen again,
    /// twice as many waits go by before it is tried anew.
    private func spin(until end: UInt64) -> Bool {
        guard skipped >= (1 << vain) - 1 else {
            skipped += 1
            return false
        }
        skipped = 0
        repeat {
            for _ in 0..<32 {
                if word.pointee.load(ordering: .relaxed) == State.token {
                    vain = 0
                    return take()
                }
                cshim_pause()
            }
        } while HostClock.monotonic() < end
        vain = min(vain + 1, 8)
        return false
    }

    /// Consumes the token, where there is one.
    private func take() -> Bool { change(State.token, to: State.empty) }

    private func change(_ old: UInt32, to new: UInt32) -> Bool {
        word.pointee.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
    }

    /// What ended a `poll`.
    public enum Wake: Sendable {
        case ready(HostEvents)
        case token, deadline
    }

    /// Waits for events on a host descriptor, a token, or the deadline. The corresponding Linux call is `ppoll(2)`.
    public func poll(_ descriptor: Int32, _ events: HostEvents, until deadline: UInt64? = nil) -> Wake {
        poller.store(cshim_gettid(), ordering: .relaxed)
        while change(State.empty, to: State.polling) {
            var left: Int64 = -1
            if let deadline {
                let now = HostClock.monotonic()
                left = deadline > now ? Int64(clamping: deadline - now) : 0
            }
            var entry = pollfd(fd: descriptor, events: events.rawValue, revents: 0)
            let n = cshim_ppoll(&entry, 1, left)
            // A token that has come meanwhile stays for the next who asks.
            _ = change(State.polling, to: State.empty)
            if n > 0 { return .ready(HostEvents(rawValue: entry.revents)) }
            if n == 0 { return .deadline }
            precondition(n == -EINTR || n == -EAGAIN || n == -ENOMEM, "ppoll: errno \(-n)")
        }
        _ = take()
        return .token
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
