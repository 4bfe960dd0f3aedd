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
        let traced: VxTraced
        do throws(SysError) {
            // Its descriptors are the host's.
            child = try process.proc.makeChild(.newFD)
        } catch { return refuse() }
        do throws(SysError) { traced = try VxTraced(trap, of: process.peer.pid) } catch {
            child.finish("killed")
            return refuse()
        }
        let isClone = trap.number == VxMachine.clone
        do throws(SysError) {
            let end = try traced.make(
                UInt64(VxMachine.clone),
                [
                    flags, isClone ? arguments[1] : 0, isClone ? arguments[2] : 0, isClone ? arguments[3] : 0,
                    isClone ? arguments[4] : 0, view.secret,
                ])
            switch end {
            case .result(let failure):
                child.finish("not made")
                let errno = Int32(truncatingIfNeeded: -failure)
                view.trace(process, trap, VxTrace.failure(errno, SysError(errno: errno).sentence))
                traced.leave(with: failure)
            case .made(let pid):
                do throws(SysError) {
                    let inner = try enter(child, pid, flags)
                    view.trace(process, trap, "= \(inner)")
                    try traced.release(made: pid)
                } catch {
                    // Nobody that is not entered may run.
                    traced.kill(made: pid)
                    throw error
                }
                traced.finish()
            }
        } catch {
            // The parent or the child was killed; the child's end is told where it was entered.
            if child.life != .exiting, view.process(child.pid) == nil { child.finish("killed") }
            traced.finish()
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
