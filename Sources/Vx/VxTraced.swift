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
    init(_ trap: HostTrap, of process: VxProcess) throws(SysError) {
        let pid = process.peer.pid
        let masked = process.keeper?.unmask(trap.thread)
        if let others = process.keeper?.others(than: trap.thread, of: pid) {
            tracee = HostTracee(kept: trap.thread, of: pid, others)
        } else {
            tracee = try HostTracee(trap.thread, of: pid)
        }
        try tracee.interrupt()
        // From here on it is answered: a failure below means that it dies, or has died.
        trap.refuse(11)
        switch try tracee.wait() {
        // At the end of the call, where this is made for the second time.
        case .interrupted, .stopped, .call: break
        default: throw .killed
        }
        registers = try tracee.registers(VxMachine.registerCount)
        let before = try tracee.setMask(.max)
        mask = masked ?? before
    }

    /// Has it make a call. A program that takes its place is a result of 0.
    func call(_ number: UInt64, _ arguments: InlineArray<6, UInt64>) throws(SysError) -> Int64 {
        try tracee.setRegisters(VxMachine.call(registers, number, arguments))
        var begun = false
        while true {
            try tracee.step()
            switch try tracee.wait() {
            case .call where begun: return VxMachine.result(try tracee.registers(VxMachine.registerCount))
            case .call: begun = true
            case .program: return 0
            case .signal(let number): signal = number
            case .interrupted, .stopped, .made: continue
            case .ended: throw .killed
            }
        }
    }

    /// Writes to its memory.
    func poke(_ bytes: [UInt8], _ address: UInt64) throws(SysError) { try tracee.poke(bytes, address) }

    /// Lets it go: its call has given `result`, or it is another program.
    func leave(with result: Int64?) {
        // One that has died in between needs nothing any more.
        if let result {
            var r = registers
            VxMachine.setResult(&r, result)
            try? tracee.setRegisters(r)  // dead
        }
        _ = try? tracee.setMask(mask)  // dead
        tracee.release(signal, isOther: result == nil)
    }
}
