import Host
import Kernel
import Linux

/// Completes fork, vfork and clone of a process: the child has its Proc, with the parent's name space, directory and umask of
/// that moment, before its first instruction.
struct VxFork {
    fileprivate let view: VxView
    fileprivate let process: VxProcess
    fileprivate let trap: HostTrap

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
        if let keeper = process.keeper, keeper.keeps(trap.thread) {
            together.part()
            return keeper.expect(VxMade(self, child, flags), by: trap)
        }
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
                    view.trace(process, trap, "= \(try enter(child, pid, flags).inner)")
                } catch {
                    // Nobody that is not entered may run.
                    made.kill()
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

    fileprivate func enter(_ child: Proc, _ pid: Int32, _ flags: UInt64) throws(SysError) -> VxProcess {
        let peer = try HostPeer(pid)
        let place = try HostPeer.place(of: pid)
        let shares = flags & VxClone.sharesMemory != 0
        let made = VxProcess(
            view, child, peer, inner: place.inner, scratch: shares ? process.scratch : process.scratch.copy())
        made.keeper = process.keeper
        view.add(made)
        child.setRunner(made)
        return made
    }
}

/// A process that is about to be made by one that is kept, whose call the host carries out.
struct VxMade {
    private let fork: VxFork
    private let child: Proc
    private let flags: UInt64

    init(_ fork: VxFork, _ child: Proc, _ flags: UInt64) {
        (self.fork, self.child, self.flags) = (fork, child, flags)
        fork.view.expectsMore(1)
    }

    /// It is there, and stands still. nil where it must not run.
    func enter(_ pid: Int32) -> VxProcess? {
        fork.view.expectsMore(-1)
        do throws(SysError) {
            let made = try fork.enter(child, pid, flags)
            fork.view.trace(fork.process, fork.trap, "= \(made.inner)")
            return made
        } catch {
            child.finish("killed")
            return nil
        }
    }

    /// It was not made.
    func forget() {
        fork.view.expectsMore(-1)
        child.finish("not made")
    }
}
