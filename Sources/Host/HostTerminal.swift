import CShim
import Glibc

/// The terminal that emu was started on: raw or as it was, and its size.
///
/// There is one. Its modes are put back when emu ends, whichever way: at exit, and before a fatal signal's own action.
public final class HostTerminal: Sendable {
    public let descriptor: Int32
    /// The modes as they were found.
    let found: termios
    private struct Modes {
        var raw = false
        /// Whether it only hands on what is typed and shown.
        var isTaken = false
    }

    private let modes = Lock(Modes())

    /// nil where `descriptor` is no terminal.
    public init?(_ descriptor: Int32) {
        var modes = termios()
        guard isatty(descriptor) == 1, tcgetattr(descriptor, &modes) == 0 else { return nil }
        self.descriptor = descriptor
        found = modes
    }

    /// Whether characters come as they are typed, without echo. The signal characters keep their meaning.
    public var isRaw: Bool { modes.withLock { $0.raw } }

    /// The corresponding POSIX call is `tcsetattr(3)`.
    public func setRaw(_ on: Bool) {
        modes.withLock { m in
            m.raw = on
            apply(m)
        }
    }

    /// From now on bytes go through it as they are, both ways, until it is given back; `setRaw` holds from then on. Gives what
    /// was typed before.
    func take() -> [UInt8] {
        modes.withLock { m in
            m.isTaken = true
            var modes = termios()
            let typed = tcgetattr(descriptor, &modes) == 0 ? HostPty.lines(descriptor, modes) : []
            apply(m)
            return typed
        }
    }

    func giveBack() {
        modes.withLock { m in
            m.isTaken = false
            apply(m)
        }
    }

    /// The character that ends a file.
    var endOfFile: UInt8 { withUnsafeBytes(of: found.c_cc) { $0[Int(VEOF)] } }

    private func apply(_ wanted: Modes) {
        var modes = found
        if wanted.raw {
            modes.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHOE | ECHOK | ECHONL)
            // The return key stays a newline: what is typed ahead means the same in both modes.
            modes.c_iflag &= ~tcflag_t(IXON)
        }
        if wanted.isTaken { cfmakeraw(&modes) }
        if wanted.raw || wanted.isTaken {
            withUnsafeMutableBytes(of: &modes.c_cc) { cc in
                cc[Int(VMIN)] = 1
                cc[Int(VTIME)] = 0
            }
        }
        while tcsetattr(descriptor, TCSANOW, &modes) < 0, errno == EINTR {}
    }

    /// The modes as they were found, for as long as `body` runs; then those that were set, by us or by readline.
    public func restored(_ body: () -> Void) {
        modes.withLock { _ in
            var modes = termios()
            guard tcgetattr(descriptor, &modes) == 0 else { return body() }
            apply(Modes())
            body()
            while tcsetattr(descriptor, TCSANOW, &modes) < 0, errno == EINTR {}
        }
    }

    /// Rows and columns; nil where the terminal does not know. The corresponding Linux page is `TIOCGWINSZ(2const)`.
    public var size: (rows: Int, columns: Int)? {
        var size = winsize()
        guard cshim_ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
            return nil
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    // MARK: the end of emu

    /// What a handler may read: written once, before the handlers are set.
    private nonisolated(unsafe) static var last: (descriptor: Int32, modes: termios)?

    /// Puts the modes back when emu ends. Called once, for the one terminal, while there is one thread.
    public func restoreAtEnd() {
        Self.last = (descriptor, found)
        atexit { HostTerminal.putBack() }
    }

    static func putBack() {
        // In the background it is somebody else's, and the attempt would stop emu.
        guard var last, tcgetpgrp(last.descriptor) == getpgrp() else { return }
        tcsetattr(last.descriptor, TCSANOW, &last.modes)
    }
}
