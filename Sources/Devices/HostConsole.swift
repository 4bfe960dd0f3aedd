import Host
import Kernel
import Synchronization

/// The host's side of the console: the three descriptors that emu was started with, the terminal where they are one,
/// and the signals that a person sends.
///
/// One per host process: `shared`; tests make others over pipes. What is mutable is atomic or locks itself.
public final class HostConsole: Sendable {
    /// The console of this host process.
    public static let shared = HostConsole(input: 0, output: 1, error: 2)

    let input: PolledStream
    let output: PolledStream
    let error: PolledStream
    /// The terminal, where input is one.
    let terminal: HostTerminal?
    /// The same, as programs of the host are given it.
    private let mirror: HostMirror?

    private let front = Atomic<Int32>(1)

    init(input: Int32, output: Int32, error: Int32) {
        terminal = HostTerminal(input)
        let mirror = terminal.flatMap { HostMirror($0) }
        self.mirror = mirror
        func stream(_ number: Int32) -> PolledStream {
            let stream = HostStream(inherited: number)
            guard let mirror, HostMirror.of(number) === mirror else { return PolledStream(stream) }
            return PolledStream(HostMirrored(stream, mirror))
        }
        (self.input, self.output, self.error) = (stream(input), stream(output), stream(error))
    }

    /// The process group that a person's interrupt goes to.
    var foreground: Int32 {
        get { front.load(ordering: .relaxed) }
        set {
            front.store(newValue, ordering: .relaxed)
            mirror?.foreground = newValue
        }
    }

    /// Gives the host's signals to `system`, and the terminal back at the end. Called once, before the first process.
    ///
    /// Interrupt, quit and a new window size are notes to the foreground group; hangup and terminate end the system.
    public func serve(_ system: System) {
        terminal?.restoreAtEnd()
        HostSignals.take { [self] signal in
            switch signal {
            case .interrupt: tell(system, .interrupt)
            case .quit: tell(system, .quit)
            case .window:
                if terminal != nil { LineEdit.shared.redraw() }
                mirror?.resized()
                tell(system, .window)
            case .hangup: system.end(.hangup)
            case .terminate: system.end(Note("term"))
            case .stop:
                guard let terminal else { return HostSignals.stopHere() }
                terminal.restored(HostSignals.stopHere)
                LineEdit.shared.redraw()
                mirror?.resumed()
            }
        }
    }

    /// A group that has ended is nobody's foreground: then the first process's group is told.
    private func tell(_ system: System, _ note: Note) {
        let group = foreground
        let isThere = system.processes.contains { $0.group == group }
        system.post(note, toGroup: isThere ? group : 1)
    }
}
