import Host
import Kernel
import Linux

/// Replaces the program of a process: its call of execve waits for an answer, and becomes an execveat of a descriptor that
/// we give it, since the host finds nothing by name there.
///
/// The thread is traced for the length of this. A program that has an interpreter is run by it as a person would call it,
/// for the host would look for that, too, in the process's own empty root.
struct VxExec {
    private let view: VxView
    private let process: VxProcess
    private let trap: HostTrap

    /// Bytes of arguments and environment together.
    private static let limit = 2 << 20

    init(_ view: VxView, _ process: VxProcess, _ trap: HostTrap) {
        self.view = view
        self.process = process
        self.trap = trap
    }

    /// Throws, with the program as it was and the trap not answered, where it cannot be replaced. Gives why the host did not
    /// replace it, which the program has been told.
    ///
    /// What is no program of the host's runs here, and a stand-in in its place there.
    func run(_ execution: Execution) throws(SysError) -> SysError? {
        guard !execution.isOfHost else { return try runNative(execution) }
        let standIn = try HostStandIn.file()
        let program = try standIn.open(.read)
        process.crossing = VxCrossing(view, process, execution)
        do throws(SysError) {
            guard let told = try replace(by: program.number, execution.arguments, execution) else { return nil }
            process.crossing = nil
            return told
        } catch {
            process.crossing = nil
            throw error
        }
    }

    private func runNative(_ execution: Execution) throws(SysError) -> SysError? {
        let caller = process.proc.caller
        let image = execution.interpreter ?? execution.file
        guard let fd = try image.dev.lend(image, caller) else {
            throw SysError(.badExec, saying: "no program of the host", subject: image.path)
        }
        var arguments = execution.arguments
        if let interpreter = execution.interpreter {
            let name = arguments.first ?? Array(execution.path.utf8)
            let words: [[UInt8]] = [
                Array(interpreter.path.utf8), Array("--argv0".utf8), name, Array(execution.path.utf8),
            ]
            arguments = words + arguments.dropFirst()
        }
        return try replace(by: fd, arguments, execution)
    }

    private func replace(
        by fd: Int32, _ arguments: [[UInt8]], _ execution: Execution
    ) throws(SysError) -> SysError? {
        let size = try Self.size(arguments, execution.environment)
        var together = HostTogether(trap.thread)
        let number = try trap.give(fd, closeOnExec: true, answers: false)
        let traced = try VxTraced(trap, of: process)
        do throws(SysError) {
            let scratch = try scratch(size, traced)
            let block = Self.block(arguments, execution.environment, at: scratch)
            try traced.poke(block.bytes, scratch)
            let result = try traced.call(
                UInt64(VxMachine.execveat),
                [
                    UInt64(UInt32(bitPattern: number)), scratch, block.arguments, block.environment, 0x1000,
                    view.secret,
                ])
            guard result >= 0 else { throw SysError(errno: Int32(truncatingIfNeeded: -result)) }
        } catch {
            // Where it cannot be closed the program is dead.
            _ = try? traced.call(VxMachine.close, [UInt64(UInt32(bitPattern: number)), 0, 0, 0, 0, 0])
            together.part()
            traced.leave(with: -Int64(error.errno))
            return error
        }
        process.scratch = VxScratch()
        view.keepOnly(process)
        process.proc.becomes(execution.arguments.map { String(decoding: $0, as: UTF8.self) }, execution.path)
        together.part()
        traced.leave(with: nil)
        process.keeper = nil
        return nil
    }

    /// Memory of the program for the arguments.
    private func scratch(_ size: Int, _ traced: VxTraced) throws(SysError) -> UInt64 {
        let known = process.scratch.place
        if known.size >= UInt64(size) { return known.address }
        let pages = (UInt64(size) + 4095) & ~4095
        // PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS.
        let address = try traced.call(VxMachine.mmap, [0, pages, 3, 0x22, .max, 0])
        guard address < -4095 || address >= 0 else { throw SysError(errno: Int32(truncatingIfNeeded: -address)) }
        process.scratch.place = (UInt64(bitPattern: address), pages)
        return UInt64(bitPattern: address)
    }

    private static func size(_ arguments: [[UInt8]], _ environment: [[UInt8]]) throws(SysError) -> Int {
        var size = 8 + 8 * (arguments.count + environment.count + 2)
        for text in arguments { size += text.count + 1 }
        for text in environment { size += text.count + 1 }
        guard size <= limit else { throw .argsTooLong }
        return size
    }

    /// The empty path, the two lists of pointers and what they point to, as they stand at `base`.
    private static func block(
        _ arguments: [[UInt8]], _ environment: [[UInt8]], at base: UInt64
    ) -> (bytes: [UInt8], arguments: UInt64, environment: UInt64) {
        let first = base &+ 8
        let second = first &+ UInt64(8 * (arguments.count + 1))
        var text = second &+ UInt64(8 * (environment.count + 1))
        var pointers = [UInt8](repeating: 0, count: 8)
        var texts: [UInt8] = []
        for list in [arguments, environment] {
            for item in list {
                append(text, &pointers)
                texts += item
                texts.append(0)
                text &+= UInt64(item.count + 1)
            }
            append(0, &pointers)
        }
        return (pointers + texts, first, second)
    }

    private static func append(_ word: UInt64, _ bytes: inout [UInt8]) {
        for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(i)))) }
    }
}

extension Execution {
    /// Whether the host can run it: an ELF file of its own kind, as one is of which nothing is told.
    var isOfHost: Bool { program == nil && (elf == nil || elf?.machine == .x86) }
}
