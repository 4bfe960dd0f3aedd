import Host
import Kernel
import Linux

/// The terminal of a view, where its first program is given one: what its programs get in its place, and the news that come
/// from the keyboard.
///
/// The session in the view has it as its own, so that the host does job control there; others of our process group hear of
/// an interrupt from us.
final class VxTerminal: Sendable {
    private let hold: HostMirror.Hold
    private let listener: Listener
    /// What the programs know it by.
    let identity: FileIdentity
    /// What they are told it is called.
    static let path = "/dev/cons"

    /// Who hears the news: the view, once there is one.
    private final class Listener: Sendable {
        private struct State {
            weak var view: VxView?
        }

        private let proc: Proc
        private let state = Lock(State())

        init(_ proc: Proc) { self.proc = proc }

        var view: VxView? {
            get { state.withLock { $0.view } }
            set { state.withLock { $0.view = newValue } }
        }

        /// What the keyboard has sent to the group of the first program: those whose session has the terminal know already.
        func hear(_ news: HostMirror.News) {
            switch news {
            case .interrupt: tell(.interrupt)
            case .quit: tell(.quit)
            case .resumed: view?.resume()
            }
        }

        private func tell(_ note: Note) {
            let view = view
            let group = proc.group
            for other in proc.system.processes where other.group == group {
                if let process = other.runner as? VxProcess, process.view?.host.hasTerminal == true { continue }
                // A stand-in hands it on.
                if let view, view.host.hasTerminal, view.process(other.pid) != nil { continue }
                other.post(note)
            }
        }
    }

    /// nil where no descriptor of `proc` is a terminal of the host's that can be held.
    init?(of proc: Proc) {
        let caller = proc.caller
        let mirrors = proc.files.all.lazy.compactMap { (_, c) -> HostMirror? in
            guard c.dev.window(c) != nil, let number = try? c.dev.lend(c, caller) else { return nil }
            return HostMirror.of(number)
        }
        let listener = Listener(proc)
        // Without it the programs run as on a terminal that is not theirs.
        guard let mirror = mirrors.first, let hold = try? mirror.hold(proc.group, { listener.hear($0) }),
            let slave = try? hold.open(.readWrite), let stat = try? HostStat(slave.number)
        else { return nil }
        self.hold = hold
        self.listener = listener
        identity = FileIdentity(HostIdentity(stat))
    }

    deinit { hold.end() }

    /// A view that has it.
    func start(_ filter: [UInt64], _ limits: HostView.Limits) throws(SysError) -> HostView {
        let slave = try hold.open(.readWrite)
        return try HostView.start(filter: filter, limits, terminal: slave.number)
    }

    /// From now on the view of that process hears the news.
    func begin(_ view: VxView, _ process: VxProcess) {
        listener.view = view
        hold.leader = process.peer.pid
    }

    /// The slave, where `c`, which was lent as `number`, is the terminal: with the rights that its mount entry leaves, since
    /// programs write to what they read from.
    func slave(for c: Chan, lent number: Int32) throws(SysError) -> HostFd? {
        guard c.dev.window(c) != nil, hold.mirrors(number) else { return nil }
        if c.mask.isSuperset(of: [.read, .write]) { return try hold.open(.readWrite) }
        return try hold.open(c.mode?.canWrite == true ? .write : .read)
    }

    /// Whether that is how others know it.
    func mirrors(_ c: Chan, _ caller: Caller) -> Bool {
        guard c.dev.window(c) != nil, let number = try? c.dev.lend(c, caller) else { return false }  // then it is not
        return hold.mirrors(number)
    }

    /// The first program was stopped.
    func stopped(by signal: Int32) { if signal == Note.suspend.signal { hold.stopped() } }

    /// Its first program has ended.
    func end() { hold.end() }
}
