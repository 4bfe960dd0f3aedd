import CShim
import Glibc

/// What a process of the host has used, with what the children that it has waited for had.
public struct HostUse: Sendable {
    /// When it began, in the host's ticks: tells it from others that have its number later.
    public let start: UInt64
    public let parent: Int32
    /// Nanoseconds of its own, and of its children, in hundredths of a second.
    public let own: UInt64
    public let children: UInt64
    /// Bytes that its calls have written, to whatever it was.
    public let written: UInt64
    /// Bytes of memory that it does not share with a file.
    public let memory: UInt64

    public init(start: UInt64, parent: Int32, own: UInt64, children: UInt64, written: UInt64, memory: UInt64) {
        (self.start, self.parent, self.own, self.children) = (start, parent, own, children)
        (self.written, self.memory) = (written, memory)
    }

    /// nil once it has ended and somebody has waited for it.
    public init?(_ pid: Int32) {
        guard let line = Self.text(pid, "stat"), let end = line.lastIndex(of: ")") else { return nil }
        // The fields behind the name, which may have blanks: the first of them is the third.
        let fields = line[line.index(after: end)...].split(separator: " ").map { UInt64($0) ?? 0 }
        guard fields.count > 19 else { return nil }
        parent = Int32(truncatingIfNeeded: fields[1])
        children = (fields[13] &+ fields[14]) &* 10_000_000
        start = fields[19]
        var time = timespec()
        // CPUCLOCK_SCHED of that process, all its threads.
        let clock = clockid_t(truncatingIfNeeded: (~pid &<< 3) | 2)
        let known = clock_gettime(clock, &time) == 0
        own =
            known
            ? UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec) : (fields[11] &+ fields[12]) &* 10_000_000
        let pages = (Self.text(pid, "statm") ?? "").split(separator: " ").map { UInt64($0) ?? 0 }
        memory = pages.count > 2 && pages[1] > pages[2] ? (pages[1] - pages[2]) * 4096 : 0
        var written: UInt64 = 0
        for row in (Self.text(pid, "io") ?? "").split(separator: "\n") where row.hasPrefix("wchar: ") {
            written = UInt64(row.dropFirst(7)) ?? 0
        }
        self.written = written
    }

    private static func text(_ pid: Int32, _ name: String) -> String? {
        // It may have gone.
        guard let bytes = try? HostEnvironment.readFile("/proc/\(pid)/\(name)", limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
