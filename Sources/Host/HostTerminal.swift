import CShim
import Glibc

/// The terminal that emu was started on: raw or as it was, and its size.
///
/// There is one. Its modes are put back when emu ends, whichever way: at exit, and before a fatal signal's own action.
public final class HostTerminal: Sendable {
    public let descriptor: Int32
    /// The modes as they were found.
    private let found: termios
    private let raw = Lock(false)

    /// nil where `descriptor` is no terminal.
    public init?(_ descriptor: Int32) {
        var modes = termios()
        guard isatty(descriptor) == 1, tcgetattr(descriptor, &modes) == 0 else { return nil }
        self.descriptor = descriptor
        found = modes
    }

    /// Whether characters come as they are typed, without echo. The signal characters keep their meaning.
    public var isRaw: Bool { raw.withLock { $0 } }

    /// The corresponding POSIX call is `tcsetattr(3)`.
    public func setRaw(_ on: Bool) {
        raw.withLock { raw in
            raw = on
            apply(on)
        }
    }

    private func apply(_ raw: Bool) {
        var modes = found
        if raw {
            modes.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHOE | ECHOK | ECHONL)
            // The return key stays a newline: what is typed ahead means the same in both modes.
            modes.c_iflag &= ~tcflag_t(IXON)
            withUnsafeMutableBytes(of: &modes.c_cc) { cc in
                cc[Int(VMIN)] = 1
                cc[Int(VTIME)] = 0
            }
        }
        while tcsetattr(descriptor, TCSANOW, &modes) < 0, errno == EINTR {}
    }

    /// The modes as they were found, for as long as `body` runs; then those that were set, by us or by readline.
    public func restored(_ body: () -> Void) {
        raw.withLock { _ in
            var modes = termios()
            guard tcgetattr(descriptor, &modes) == 0 else { return body() }
            apply(false)
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
