import CShim
import Glibc

/// Memory that this host process uses, in bytes.
public enum HostMemory {
    /// What stands in memory now, the most that ever stood there, and what the host's limit allows (0: no limit).
    public static func resident() -> (now: Int, peak: Int, limit: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        let peak = Int(usage.ru_maxrss) * 1024
        let pages = (try? HostEnvironment.readFile("/proc/self/statm", limit: 4096)).map {  // a host without /proc
            String(decoding: $0, as: UTF8.self).split(separator: " ")
        }
        let now = pages.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * Int(getpagesize()) }
        return (now ?? peak, peak, Int(exactly: limit.rlim_cur) ?? 0)
    }

    /// What the allocator has handed out and what it holds. The corresponding Linux call is `mallinfo(3)`.
    public static func heap() -> (used: Int, held: Int) {
        let info = mallinfo2()
        return (Int(info.uordblks + info.hblkhd), Int(info.arena + info.hblkhd))
    }
}
