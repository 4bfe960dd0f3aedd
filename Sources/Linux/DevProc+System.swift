import Host
import Kernel

/// The files of `/proc` that tell of the system, in one list: a file's number is its place.
struct SystemFile {
    enum Kind {
        case directory
        case text(@Sendable (ProcessView, Caller) -> String)
        /// nil for the link that leads to whoever asks.
        case link(String?)

        var type: QidType {
            switch self {
            case .directory: .directory
            case .text: .file
            case .link: .symlink
            }
        }
    }

    let name: String
    /// The directory that it is in: a place before its own.
    let parent: Int
    let kind: Kind
    var mode: UInt32 = 0o444

    private static let files: [(path: String, kind: Kind)] = [
        ("cmdline", .text { _, _ in "emu\n" }),
        ("cpuinfo", .text { _, _ in SystemText.processors }),
        ("filesystems", .text { _, _ in "nodev\tproc\nnodev\ttmpfs\nnodev\t9p\n" }),
        ("loadavg", .text { view, _ in SystemText.load(view) }),
        ("meminfo", .text { _, _ in SystemText.memory }),
        ("mounts", .link("self/mounts")),
        ("self", .link(nil)),
        ("stat", .text { view, caller in SystemText.counts(view, caller) }),
        ("swaps", .text { _, _ in "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" }),
        ("uptime", .text { view, caller in SystemText.uptime(view, caller) }),
        ("version", .text { _, _ in "Linux version \(Request.release) (emu) #1 emu \(System.version)\n" }),
        ("cgroups", .text { _, _ in "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" }),
        ("diskstats", .text { _, _ in "" }),
        ("partitions", .text { _, _ in "major minor  #blocks  name\n\n" }),
        ("vmstat", .text { _, _ in "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n" }),
        ("net", .directory),
        ("net/dev", .text { _, _ in SystemText.interfaces }),
        ("sys", .directory), ("sys/fs", .directory), ("sys/kernel", .directory), ("sys/vm", .directory),
        ("sys/kernel/random", .directory), ("sys/net", .directory), ("sys/net/core", .directory),
        ("sys/net/core/somaxconn", .text { _, _ in "4096\n" }),
        ("sys/kernel/core_pattern", .text { _, _ in "core\n" }),
        ("sys/kernel/random/boot_id", .text { _, _ in SystemText.boot }),
        ("sys/kernel/random/uuid", .text { _, _ in SystemText.uuid() }),
        ("sys/vm/swappiness", .text { _, _ in "0\n" }),
        ("sys/fs/file-max", .text { _, _ in "1048576\n" }),
        ("sys/fs/nr_open", .text { _, _ in "1048576\n" }),
        ("sys/fs/pipe-max-size", .text { _, _ in "1048576\n" }),
        ("sys/kernel/cap_last_cap", .text { _, _ in "40\n" }),
        ("sys/kernel/hostname", .text { view, caller in view.system.hostName(caller) + "\n" }),
        ("sys/kernel/domainname", .text { _, _ in "(none)\n" }),
        ("sys/kernel/ngroups_max", .text { _, _ in "65536\n" }),
        ("sys/kernel/osrelease", .text { _, _ in Request.release + "\n" }),
        ("sys/kernel/ostype", .text { _, _ in "Linux\n" }),
        ("sys/kernel/pid_max", .text { _, _ in "4194304\n" }),
        ("sys/kernel/threads-max", .text { _, _ in "65536\n" }),
        ("sys/kernel/version", .text { _, _ in "#1 emu \(System.version)\n" }),
        ("sys/kernel/random/entropy_avail", .text { _, _ in "256\n" }),
        ("sys/vm/max_map_count", .text { _, _ in "65530\n" }),
        ("sys/vm/overcommit_memory", .text { _, _ in "0\n" }),
    ]

    /// The root first, each directory before what is in it.
    static let all: [SystemFile] = {
        var all = [SystemFile(name: "", parent: 0, kind: .directory)]
        var places = ["": 0]
        for (path, kind) in files {
            let cut = path.lastIndex(of: "/")
            let above = cut.map { String(path[..<$0]) } ?? ""
            places[path] = all.count
            let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
            all.append(SystemFile(name: name, parent: places[above] ?? 0, kind: kind))
        }
        return all
    }()
}

/// Texts about the system.
enum SystemText {
    /// A processor each, as `lscpu` and `nproc` count them.
    static var processors: String {
        (0..<HostMachine.processors).map { n in
            "processor\t: \(n)\nvendor_id\t: emu\nmodel name\t: emu\ncpu MHz\t\t: 1000.000\n"
                + "physical id\t: 0\nsiblings\t: \(HostMachine.processors)\ncore id\t\t: \(n)\n"
                + "cpu cores\t: \(HostMachine.processors)\n\n"
        }
        .joined()
    }

    static func load(_ view: ProcessView) -> String {
        let all = view.all
        let running = all.filter { $0.proc.life == .running && !$0.proc.isBlocked }.count
        return "0.00 0.00 0.00 \(max(1, running))/\(all.count) \(all.last?.number ?? 0)\n"
    }

    /// The one interface that everybody has; of its traffic nothing is told.
    static let interfaces = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0

        """

    static let boot = uuid()

    /// A random one, of version 4.
    static func uuid() -> String {
        var random = SystemRandomNumberGenerator()
        let (a, b): (UInt64, UInt64) = (random.next(), random.next())
        let text = Array(hex(a & ~0xf000 | 0x4000) + hex(b >> 2 | 1 << 63))
        return [text[..<8], text[8..<12], text[12..<16], text[16..<20], text[20...]].map { String($0) }
            .joined(separator: "-") + "\n"
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static var memory: String {
        let (total, free) = HostMemory.room
        let rows: [(String, UInt64)] = [
            ("MemTotal", total), ("MemFree", free), ("MemAvailable", free), ("Buffers", 0), ("Cached", 0),
            ("SwapCached", 0), ("Active", 0), ("Inactive", 0), ("SwapTotal", 0), ("SwapFree", 0), ("Dirty", 0),
            ("Writeback", 0), ("AnonPages", total - min(free, total)), ("Mapped", 0), ("Shmem", 0), ("Slab", 0),
            ("SReclaimable", 0), ("SUnreclaim", 0), ("CommitLimit", total), ("Committed_AS", 0),
        ]
        return rows.map { name, bytes in
            let (label, kilobytes) = (name + ":", String(bytes / 1024))
            let blanks = max(1, 24 - label.utf8.count - kilobytes.utf8.count)
            return label + String(repeating: " ", count: blanks) + kilobytes + " kB\n"
        }
        .joined()
    }

    /// Ticks since the start: of all processors, and those that the processes have had.
    private static func ticks(_ view: ProcessView, _ caller: Caller) -> (all: UInt64, used: UInt64) {
        let used = view.all.reduce(UInt64(0)) { $0 &+ $1.proc.cpuTime } / ProcessStatus.tick
        let (all, overflow) = (caller.clock.monotonic() / ProcessStatus.tick)
            .multipliedReportingOverflow(by: UInt64(HostMachine.processors))
        return (overflow ? UInt64.max : max(all, used), used)
    }

    static func counts(_ view: ProcessView, _ caller: Caller) -> String {
        let (all, used) = ticks(view, caller)
        let each = UInt64(HostMachine.processors)
        let row = { (name: String, used: UInt64, all: UInt64) in "\(name) \(used) 0 0 \(all - used) 0 0 0 0 0 0\n" }
        let started = caller.clock.now() / 1_000_000_000 - Int64(clamping: caller.clock.monotonic() / 1_000_000_000)
        let blocked = view.all.filter { $0.proc.isBlocked }.count
        return row("cpu ", used, all)
            + (0..<each).map { row("cpu\($0)", used / each, max(all / each, used / each)) }.joined()
            + "intr 0\nctxt 0\nbtime \(started)\nprocesses \(view.all.count)\n"
            + "procs_running \(max(1, view.all.count - blocked))\nprocs_blocked 0\n"
    }

    static func uptime(_ view: ProcessView, _ caller: Caller) -> String {
        let (all, used) = ticks(view, caller)
        let seconds = { (ticks: UInt64) in
            let rest = String(ticks % 100)
            return "\(ticks / 100).\(rest.count < 2 ? "0" : "")\(rest)"
        }
        return "\(seconds(caller.clock.monotonic() / ProcessStatus.tick)) \(seconds(all - used))\n"
    }
}

extension MountTable {
    /// What is mounted, as `/proc/N/mounts` has it. The corresponding Linux page is `fstab(5)`.
    var linuxLines: String {
        "emu / emu rw 0 0\n"
            + shown.map {
                "\(Self.escaped($0.source)) \(Self.escaped($0.target)) \(Self.kind($0)) \(Self.options($0)) 0 0\n"
            }
            .joined()
    }

    /// The same as `/proc/N/mountinfo` has it.
    var linuxInfo: String {
        "1 0 0:1 / / rw - emu emu rw\n"
            + shown.enumerated().map { n, entry in
                let options = Self.options(entry)
                return "\(n + 2) 1 0:\(entry.root?.instance ?? 1) / \(Self.escaped(entry.target)) \(options)"
                    + " - \(Self.kind(entry)) \(Self.escaped(entry.source)) \(options)\n"
            }
            .joined()
    }

    private var shown: [MountEntry] { entries.filter { $0.root != nil } }

    private static func options(_ entry: MountEntry) -> String {
        (entry.mask.contains(.write) ? "rw" : "ro") + (entry.mask.contains(.execute) ? "" : ",noexec")
    }

    private static func kind(_ entry: MountEntry) -> String {
        switch entry.root?.dev.letter {
        case "R": "tmpfs"
        case "M": "9p"
        case "x": "proc"
        default: "emu"
        }
    }

    /// Blanks and backslashes as octal numbers.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for c in text.unicodeScalars {
            switch c {
            case " ": out += "\\040"
            case "\t": out += "\\011"
            case "\n": out += "\\012"
            case "\\": out += "\\134"
            default: out.unicodeScalars.append(c)
            }
        }
        return out
    }
}
