import Glibc

/// The host's clocks, in nanoseconds.
public enum HostClock {
    /// Since an arbitrary start; never steps. The corresponding POSIX clock is `CLOCK_MONOTONIC`.
    public static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// Since 1970. The corresponding POSIX clock is `CLOCK_REALTIME`.
    public static func realtime() -> Int64 { Int64(bitPattern: read(CLOCK_REALTIME)) }

    /// CPU time that the calling host thread has used.
    public static func threadCPU() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    /// The clock of the calling host thread's CPU time, for others to read while it lives.
    public static var threadClock: Int32 {
        var clock = clockid_t()
        return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock : CLOCK_THREAD_CPUTIME_ID
    }

    /// CPU time on another thread's clock; nil once that thread has gone.
    public static func cpu(_ clock: Int32) -> UInt64? {
        var t = timespec()
        guard clock_gettime(clock, &t) == 0 else { return nil }
        return UInt64(bitPattern: Int64(t.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(t.tv_nsec))
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var t = timespec()
        clock_gettime(clock, &t)
        return UInt64(bitPattern: Int64(t.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(t.tv_nsec))
    }
}
