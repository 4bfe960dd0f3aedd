import Host
import Kernel

/// A thread that stands still where it would leave the call that it was trapped in, which has been answered with a failure
/// for it to see if nothing better comes. It makes calls for us there; meanwhile no signal reaches it but SIGKILL.
///
/// Used by one host thread, which lets it go with `leave`.
final class VxTraced {
    private let tracee: HostTracee
    private let registers: [UInt64]
    private let mask: UInt64
    /// One that came nevertheless, for when it goes.
    private var signal: Int32 = 0

    /// Stops the caller of `trap`, a thread of `process`. Throws, with the trap not answered, where it cannot be traced.
    init(_ trap: HostTrap, of process: Int32) throws(SysError) {
        tracee = try HostTracee(trap.thread, of: process)
        try tracee.interrupt()
        // From here on it is answered: a failure below means that it dies, or has died.
        trap.refuse(11)
        guard try tracee.wait() == .interrupted else { throw .killed }
        registers = try tracee.registers(VxMachine.registerCount)
        mask = try tracee.setMask(.max)
    }

    /// How a call ended.
    enum End {
        case result(Int64)
        /// It has made a process or a thread, which stands still.
        case made(Int32)
    }

    /// Has it make a call.
    func call(_ number: UInt64, _ arguments: InlineArray<6, UInt64>) throws(SysError) -> Int64 {
        switch try make(number, arguments) {
        case .result(let result): return result
        case .made(let thread):
            HostTracee(made: thread).release()
            return Int64(thread)
        }
    }

    /// The same, where it may be one that makes a process. A program that takes its place is a result of 0.
    func make(_ number: UInt64, _ arguments: InlineArray<6, UInt64>) throws(SysError) -> End {
        try tracee.setRegisters(VxMachine.call(registers, number, arguments))
        var begun = false
        while true {
            try tracee.step()
            switch try tracee.wait() {
            case .call where begun: return .result(VxMachine.result(try tracee.registers(VxMachine.registerCount)))
            case .call: begun = true
            case .made(let thread): return .made(thread)
            case .program: return .result(0)
            case .signal(let number): signal = number
            case .interrupted: continue
            case .ended: throw .killed
            }
        }
    }

    /// Writes to its memory.
    func poke(_ bytes: [UInt8], _ address: UInt64) throws(SysError) { try tracee.poke(bytes, address) }

    /// The thread that `make` has made goes on as if it had been made by the call that was trapped.
    func release(made thread: Int32) throws(SysError) {
        let made = HostTracee(made: thread)
        guard try made.wait() != .ended else { throw .killed }
        var r = try made.registers(VxMachine.registerCount)
        VxMachine.restoreArguments(&r, from: registers)
        try made.setRegisters(r)
        try made.setMask(mask)
        made.release()
    }

    /// The thread that `make` has made dies.
    func kill(made thread: Int32) {
        let made = HostTracee(made: thread)
        // It stands still, or is dead.
        _ = try? made.wait()
        made.release(9)
    }

    /// Lets it go: its call has given `result`, or it is another program.
    func leave(with result: Int64?) {
        // One that has died in between needs nothing any more.
        if let result {
            var r = registers
            VxMachine.setResult(&r, result)
            try? tracee.setRegisters(r)  // dead
        }
        _ = try? tracee.setMask(mask)  // dead
        tracee.release(signal)
    }

    /// Lets it finish the call in which it has made a process.
    func finish() {
        if var r = try? tracee.registers(VxMachine.registerCount) {  // else dead
            VxMachine.restoreArguments(&r, from: registers)
            try? tracee.setRegisters(r)  // dead
        }
        _ = try? tracee.setMask(mask)  // dead
        tracee.release(signal)
    }
}
