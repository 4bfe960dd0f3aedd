import Host
import Kernel
import Linux

/// The engine that runs programs of the host's own kind: unmodified, in our name space, with nothing of the host's but what
/// that name space has.
///
/// The host does what needs no name: memory, threads, signals, and reading and writing of descriptors. Whatever names
/// something is trapped and answered here; a program's descriptors are those that it was given, and nothing can be made of
/// them that their Chans do not allow.
public struct Vx: Engine {
    private let personality: any Personality

    public var makesProcesses: Bool { true }

    public init(_ personality: any Personality = LinuxCalls()) { self.personality = personality }

    /// An ELF file of this machine: executable or shared, 64 bits, little-endian.
    public func claims(_ header: [UInt8]) -> Bool {
        guard header.count >= 20, header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return false }
        let kind = UInt16(header[16]) | UInt16(header[17]) << 8
        let machine = UInt16(header[18]) | UInt16(header[19]) << 8
        return machine == VxMachine.elf && (kind == 2 || kind == 3)
    }

    public func run(_ p: Proc, _ file: Chan, _ args: [String]) throws(SysError) -> Status {
        try run(p, file.path, args, VxOptions())
    }

    /// Runs the program at `path` in a view of its own, as the process `p`, to its end.
    public func run(_ p: Proc, _ path: String, _ args: [String], _ options: VxOptions) throws(SysError) -> Status {
        let words = args.map { Array($0.utf8) }
        let execution = try personality.execution(of: path, words, p.linuxEnvironment, in: p)
        guard execution.isOfHost else {
            throw SysError(.badExec, saying: "no program of the host", subject: execution.path)
        }
        let view: VxView
        do throws(SysError) { view = try VxView(.init(proc: p, execution: execution), personality, options) } catch {
            // An interrupt of the keyboard has ended what was not yet a view.
            try Thread.check()
            throw error
        }
        defer { p.setRunner(nil) }
        return try view.run()
    }
}

/// How a view is made.
public struct VxOptions: Sendable {
    public var limits = VxLimits()
    /// Says each call that comes to us, and its answer.
    public var traces = false
    /// Says by what a program reads and writes each file that it opens.
    public var explains = false
    /// Where that is said.
    public var say: @Sendable (String) -> Void = { _ in }

    public init() {}
}

extension Status {
    /// 128 and the signal, where one has ended it.
    init(_ exit: HostExit) { self = Status(code: exit.code ?? 128 + exit.signal) }
}
