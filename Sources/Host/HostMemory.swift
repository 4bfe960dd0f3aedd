import CShim
import Glibc

/// Memory of the host, and what this host process uses of it, in bytes.
public enum HostMemory {
    /// What the host has. The corresponding POSIX call is `sysconf(3)`.
    public static var physical: Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES))
            .multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        return overflow || bytes <= 0 ? 1 << 30 : bytes
    }

    /// What the host has, and what of it is free now. The corresponding POSIX call is `sysconf(3)`.
    public static var room: (total: UInt64, free: UInt64) {
        let free = max(0, sysconf(Int32(_SC_AVPHYS_PAGES))).multipliedReportingOverflow(by: Int(getpagesize()))
        return (UInt64(physical), free.overflow ? 0 : UInt64(free.partialValue))
    }

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

    /// Bytes of a thread's stack that are in memory: its pages from `top` down to the first that was never touched. 0 where
    /// no stack is there any more. The corresponding Linux call is `mincore(2)`.
    public static func resident(stackFrom top: UInt) -> Int {
        let page = UInt(getpagesize())
        var bytes = 0
        var next = top & ~(page - 1)
        var flags: UInt8 = 0
        // SAFETY: mincore looks at no memory; it only says of an address whether there is any.
        while bytes < HostThread.stackSize, let address = UnsafeMutableRawPointer(bitPattern: next),
            mincore(address, Int(page), &flags) == 0, flags & 1 == 1
        {
            bytes += Int(page)
            next -= page
        }
        return bytes
    }

    /// How many threads this process has, and how many descriptors are open; 0 on a host without /proc.
    public static func counts() -> (threads: Int, descriptors: Int) {
        // The directory that is read is itself a descriptor.
        (entries("/proc/self/task"), max(0, entries("/proc/self/fd") - 1))
    }

    private static func entries(_ path: String) -> Int {
        guard let directory = opendir(path) else { return 0 }
        defer { closedir(directory) }
        var count = -2
        while readdir(directory) != nil { count += 1 }
        return max(0, count)
    }

    /// What the allocator has handed out and what it holds. The corresponding Linux call is `mallinfo(3)`.
    public static func heap() -> (used: Int, held: Int) {
        let info = mallinfo2()
        return (Int(info.uordblks + info.hblkhd), Int(info.arena + info.hblkhd))
    }
}
