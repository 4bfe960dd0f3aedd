import Host
import Kernel
import Linux

/// Completes fork, vfork and clone of a process: the child has its Proc, with the parent's name space, directory and umask of
/// that moment, before its first instruction.
struct VxFork {
    private let view: VxView
    private let process: VxProcess
    private let trap: HostTrap

    init(_ view: VxView, _ process: VxProcess, _ trap: HostTrap) {
        self.view = view
        self.process = process
        self.trap = trap
    }

    func run() {
        let arguments = trap.arguments
        let flags =
            switch trap.number {
            case VxMachine.fork: VxClone.childEnds
            case VxMachine.vfork: VxClone.childEnds | VxClone.sharesMemory | VxClone.waits
            default: arguments[0]
            }
        guard !view.isFull else { return refuse() }
        let child: Proc
        let tracee: HostTracee
        var together = HostTogether(trap.thread)
        do throws(SysError) {
            // Its descriptors are the host's.
            child = try process.proc.makeChild(.newFD)
        } catch { return refuse() }
        do throws(SysError) { tracee = try HostTracee(trap.thread, of: process.peer.pid) } catch {
            child.finish("killed")
            return refuse()
        }
        // All that it is told is in its registers.
        trap.pass()
        do throws(SysError) {
            switch try tracee.waitForProcess() {
            case .made(let pid):
                let made = HostTracee(made: pid)
                do throws(SysError) {
                    guard try made.wait() != .ended else { throw .killed }
                    let inner = try enter(child, pid, flags)
                    view.trace(process, trap, "= \(inner)")
                } catch {
                    // Nobody that is not entered may run.
                    made.release(9)
                    throw error
                }
                together.free(pid)
                together.part()
                made.release()
                tracee.release()
            case let stop:
                // A signal is dealt with first, and the call made again; or the host has refused it.
                child.finish("not made")
                view.trace(process, trap, "= ?")
                together.part()
                if case .signal(let number) = stop { tracee.release(number) } else { tracee.release() }
            }
        } catch {
            // The parent or the child was killed; the child's end is told where it was entered.
            if child.life != .exiting, view.process(child.pid) == nil { child.finish("killed") }
        }
    }

    /// Too many already: EAGAIN.
    private func refuse() {
        view.trace(process, trap, VxTrace.failure(11, SysError(errno: 11).sentence))
        trap.refuse(11)
    }

    /// The number by which it knows itself.
    private func enter(_ child: Proc, _ pid: Int32, _ flags: UInt64) throws(SysError) -> Int32 {
        let peer = try HostPeer(pid)
        let place = try HostPeer.place(of: pid)
        let shares = flags & VxClone.sharesMemory != 0
        let made = VxProcess(
            view, child, peer, inner: place.inner, scratch: shares ? process.scratch : process.scratch.copy())
        view.add(made)
        child.setRunner(made)
        return place.inner
    }
}
