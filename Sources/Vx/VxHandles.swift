import Fuse
import Host
import Kernel

/// Descriptors of a view for files of which every read and write must come to us: those of other machines and of other
/// programs, and control files. Made at the first use; served by Threads of the first program's Proc, and so no longer than
/// that runs.
final class VxHandles: Sendable {
    /// The root below which the handles are opened.
    private final class Service: Sendable {
        let handles: FuseHandles
        let root: HostMount

        init(_ handles: FuseHandles, _ root: HostMount) {
            self.handles = handles
            self.root = root
        }
    }

    private enum State {
        case unused
        case serving(Service)
        /// The host has no FUSE for us, or the Proc has ended.
        case refused(SysError)
    }

    private let host: HostView
    private let proc: Proc
    private let state = Lock(State.unused)

    init(_ host: HostView, _ proc: Proc) {
        self.host = host
        self.proc = proc
    }

    /// A descriptor for the open file `c`. Throws where the host has no FUSE for us.
    func open(_ c: Chan, for user: Proc) throws(SysError) -> HostFd {
        let service = try service()
        let name = try service.handles.open(c, for: user)
        do throws(SysError) { return try HostFuse.open(name.name, in: service.root.number, name.access) } catch {
            service.handles.forget(name)
            throw error
        }
    }

    private func service() throws(SysError) -> Service {
        try state.withLock { (s) throws(SysError) in
            switch s {
            case .serving(let service): return service
            case .refused(let error): throw error
            case .unused:
                do throws(SysError) {
                    // The launcher answers at once, or has ended.
                    let (device, root) = try host.fuse()
                    let handles = try FuseHandles(device: HostFd(owning: device), of: proc)
                    let service = Service(handles, root)
                    s = .serving(service)
                    return service
                } catch {
                    s = .refused(error)
                    throw error
                }
            }
        }
    }

    /// Ends the service, before the Proc ends.
    func close() {
        let before = state.withLock { s in
            defer { s = .refused(.shutdown) }
            return s
        }
        // Where this is interrupted they end by themselves.
        if case .serving(let service) = before { try? service.handles.close() }
    }
}
