import Host
import Kernel

/// The files of a process's directory. The corresponding Linux pages are `proc_pid(5)` and those beside it.
enum ProcessFile: String, CaseIterable {
    case directory = "", cmdline, comm, cwd, environ, exe, fd, limits, loginuid, maps, mountinfo, mounts, root, stat
    case statm, status
    case oomScoreAdjust = "oom_score_adj"
    case auxv, cgroup, io, wchan
    case oomScore = "oom_score"
    case users = "uid_map"
    case groups = "gid_map"

    private static let all = Array(allCases)

    init?(number: Int) {
        guard Self.all.indices.contains(number) else { return nil }
        self = Self.all[number]
    }

    var number: Int { Self.all.firstIndex(of: self) ?? 0 }

    var type: QidType {
        switch self {
        case .directory, .fd: .directory
        case .cwd, .exe, .root: .symlink
        default: .file
        }
    }

    var permissions: UInt32 {
        switch self {
        case .directory: 0o555
        case .fd: 0o500
        case .cwd, .exe, .root: 0o777
        case .environ, .auxv, .io: 0o400
        default: 0o444
        }
    }

    /// What the file holds now.
    func bytes(_ proc: Proc, _ view: ProcessView, _ caller: Caller) throws(SysError) -> [UInt8] {
        switch self {
        case .cmdline: proc.life == .exiting ? [] : proc.args.flatMap { HostName.bytes($0) + [0] }
        case .environ: proc.linuxEnvironment.flatMap { $0 + [0] }
        case .maps: (proc.runner as? any Numbered)?.maps ?? []
        case .auxv: (proc.runner as? any Numbered)?.text(.auxv) ?? []
        case .io: Self.transfers(proc)
        default: Array(try text(proc, view).utf8)
        }
    }

    private func text(_ proc: Proc, _ view: ProcessView) throws(SysError) -> String {
        switch self {
        case .comm: Self.name(proc) + "\n"
        case .limits: Self.limitTable
        case .loginuid: "4294967295"
        case .mountinfo: proc.nameSpace.table.linuxInfo
        case .mounts: proc.nameSpace.table.linuxLines
        case .oomScoreAdjust, .oomScore: "0\n"
        case .cgroup: "0::/\n"
        case .wchan: "0"
        // As numbers are here, so they are everywhere.
        case .users, .groups: "         0          0 4294967295\n"
        case .stat: ProcessStatus(proc, view).line
        case .statm: ProcessStatus(proc, view).memory
        case .status: ProcessStatus(proc, view).table
        case .directory, .cwd, .environ, .exe, .fd, .maps, .root, .cmdline, .auxv, .io: throw .isDir
        }
    }

    /// What calls have read and written, where the host counts that.
    private static func transfers(_ proc: Proc) -> [UInt8] {
        let known = (proc.runner as? any Numbered)?.text(.io) ?? []
        guard known.isEmpty else { return known }
        let names = ["rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"]
        return Array(names.map { "\($0): 0\n" }.joined().utf8)
    }

    /// The first 15 bytes of the program's name.
    static func name(_ proc: Proc) -> String { String(decoding: proc.name.utf8.prefix(15), as: UTF8.self) }

    private static let limitTable: String = {
        let rows = [
            ("cpu time", "seconds"), ("file size", "bytes"), ("data size", "bytes"), ("stack size", "bytes"),
            ("core file size", "bytes"), ("resident set", "bytes"), ("processes", "processes"),
            ("open files", "files"), ("locked memory", "bytes"), ("address space", "bytes"), ("file locks", "locks"),
            ("pending signals", "signals"), ("msgqueue size", "bytes"), ("nice priority", ""),
            ("realtime priority", ""), ("realtime timeout", "us"),
        ]
        let head = Self.row("Limit", "Soft Limit", "Hard Limit", "Units")
        return rows.reduce(head) { $0 + Self.row("Max " + $1.0, "unlimited", "unlimited", $1.1) }
    }()

    private static func row(_ name: String, _ soft: String, _ hard: String, _ unit: String) -> String {
        func cell(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.utf8.count))
        }
        return cell(name, 26) + cell(soft, 21) + cell(hard, 21) + cell(unit, 10) + "\n"
    }
}

/// What the status files say of a process, each in its own form.
struct ProcessStatus {
    private let proc: Proc
    private let view: ProcessView
    private let size: (size: UInt64, resident: UInt64)
    private let usage: (state: Character, ticks: UInt64, threads: Int)?

    private static let page: UInt64 = 4096
    /// Nanoseconds of a clock tick: USER_HZ is 100.
    static let tick: UInt64 = 10_000_000

    init(_ proc: Proc, _ view: ProcessView) {
        (self.proc, self.view) = (proc, view)
        let stacks = UInt64(clamping: proc.stackSize)
        let known = proc.runner as? any Numbered
        size = known?.memory ?? (stacks, stacks)
        usage = known?.usage
    }

    private var number: Int32 { view.number(proc) ?? proc.pid }

    private static let words: [Character: String] = [
        "R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "Z": "zombie", "t": "tracing stop",
        "X": "dead", "I": "idle",
    ]

    private var state: (letter: Character, word: String) {
        let letter: Character =
            switch proc.life {
            case .stopped: "T"
            case .exiting: "Z"
            case .running: usage?.state ?? (proc.isBlocked ? "S" : "R")
            }
        return (letter, Self.words[letter] ?? "running")
    }

    /// `stat`: 52 fields.
    var line: String {
        let ticks = usage?.ticks ?? proc.cpuTime / Self.tick
        let nice = Int(proc.nice)
        var fields = [String](repeating: "0", count: 52)
        fields[0] = String(number)
        fields[1] = "(\(ProcessFile.name(proc)))"
        fields[2] = String(state.letter)
        fields[3] = String(view.number(of: proc.parentPid))
        fields[4] = String(view.number(of: proc.group))
        fields[5] = String(view.number(of: proc.session))
        fields[7] = "-1"
        fields[13] = String(ticks)
        fields[17] = String(20 + nice)
        fields[18] = String(nice)
        fields[19] = String(usage?.threads ?? 1)
        fields[21] = String(proc.started / Self.tick)
        fields[22] = String(size.size)
        fields[23] = String(size.resident / Self.page)
        fields[24] = String(UInt64.max)
        fields[37] = "17"
        return fields.joined(separator: " ") + "\n"
    }

    /// `statm`: pages.
    var memory: String {
        "\(size.size / Self.page) \(size.resident / Self.page) 0 0 0 \(size.resident / Self.page) 0\n"
    }

    /// `status`: a line for each field.
    var table: String {
        let (cred, now) = (proc.cred, state)
        let ids = { (n: (real: UInt32, effective: UInt32, saved: UInt32)) in
            "\(n.real)\t\(n.effective)\t\(n.saved)\t\(n.effective)"
        }
        let kilobytes = { (n: UInt64) in "\(n / 1024) kB" }
        let none = "0000000000000000"
        let rows: [(String, String)] = [
            ("Name", ProcessFile.name(proc)), ("Umask", "0" + String(proc.umask, radix: 8)),
            ("State", "\(now.letter) (\(now.word))"), ("Tgid", String(number)), ("Ngid", "0"), ("Pid", String(number)),
            ("PPid", String(view.number(of: proc.parentPid))), ("TracerPid", "0"), ("Uid", ids(cred.uid)),
            ("Gid", ids(cred.gid)), ("FDSize", "256"), ("Groups", "\(cred.gid.effective)"),
            ("NSpid", String(number)), ("VmPeak", kilobytes(size.size)), ("VmSize", kilobytes(size.size)),
            ("VmHWM", kilobytes(size.resident)), ("VmRSS", kilobytes(size.resident)), ("VmSwap", "0 kB"),
            ("Threads", String(usage?.threads ?? 1)), ("SigQ", "0/1024"), ("SigPnd", none), ("ShdPnd", none),
            ("SigBlk", none),
            ("SigIgn", none), ("SigCgt", none), ("CapInh", none), ("CapPrm", none), ("CapEff", none),
            ("CapBnd", none), ("CapAmb", none), ("NoNewPrivs", "1"), ("Seccomp", "2"),
            ("voluntary_ctxt_switches", "0"), ("nonvoluntary_ctxt_switches", "0"),
        ]
        let told = hosts
        let known = Set(rows.map(\.0))
        let more = told.keys.filter { !known.contains($0) }.sorted()
        return rows.map { "\($0.0):\t\(told[$0.0] ?? $0.1)\n" }.joined()
            + more.map { "\($0):\t\(told[$0] ?? "")\n" }.joined()
    }

    /// Rows that the host knows better: memory, threads, signals, processors and how often it had to wait.
    private var hosts: [String: String] {
        guard let text = (proc.runner as? any Numbered)?.text(.status) else { return [:] }
        var rows: [String: String] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            guard Self.hostRows.contains(where: { name.hasPrefix($0) }) || name == "Threads" else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == 0x09 || $0 == 0x20 }
            rows[name] = String(decoding: value, as: UTF8.self)
        }
        return rows
    }

    private static let hostRows = ["Vm", "Rss", "Sig", "ShdPnd", "Cpus_allowed", "voluntary_ctxt", "nonvoluntary_ctxt"]
}
