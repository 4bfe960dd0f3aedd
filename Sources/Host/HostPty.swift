import CShim
import Glibc

/// The master of a pseudo-terminal of the host's. It keeps nobody waiting, and reads as ended while no slave is open.
///
/// The corresponding Linux pages are `pty(7)` and `TIOCGPTPEER(2const)`.
final class HostPty: Sendable {
    let master: HostFd

    /// A slave that keeps nobody waiting, open as long as somebody has this.
    final class Slave: Sendable {
        let fd: HostFd
        fileprivate init(_ fd: consuming HostFd) { self.fd = fd }
    }

    /// One with these modes. Throws what the host says.
    init(_ modes: termios) throws(SysError) {
        master = HostFd(owning: try HostIO.check(cshim_pty(), "pty"))
        var modes = modes
        try HostIO.check(tcsetattr(master.number, TCSANOW, &modes), "pty")
    }

    /// A slave for a program: a description of its own, that waits.
    func open(_ access: HostFiles.Access) throws(SysError) -> HostFd {
        let flags = HostFiles.flags(access) & O_ACCMODE | O_NOCTTY | O_CLOEXEC
        return HostFd(owning: try HostIO.check(cshim_slave(master.number, flags), "pty"))
    }

    /// A slave for ourselves.
    func slave() throws(SysError) -> Slave {
        let flags = O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK
        return Slave(HostFd(owning: try HostIO.check(cshim_slave(master.number, flags), "pty")))
    }

    /// Those who are in the foreground are told where it has changed.
    func setSize(_ size: (rows: Int, columns: Int)) {
        var window = winsize(
            ws_row: UInt16(clamping: size.rows), ws_col: UInt16(clamping: size.columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = cshim_ioctl(master.number, UInt(TIOCSWINSZ), &window)  // it stays as it was
    }

    /// The group that reads it, by our number; 0 for none.
    var foreground: Int32 {
        var group: Int32 = 0
        return cshim_ioctl(master.number, UInt(TIOCGPGRP), &group) == 0 ? max(0, group) : 0
    }

    /// What `bytes`, typed, are to the foreground group.
    func signals(in bytes: ArraySlice<UInt8>) -> [HostMirror.News] {
        var modes = termios()
        guard tcgetattr(master.number, &modes) == 0, modes.c_lflag & tcflag_t(ISIG) != 0 else { return [] }
        let (interrupt, quit) = withUnsafeBytes(of: &modes.c_cc) { ($0[Int(VINTR)], $0[Int(VQUIT)]) }
        return bytes.compactMap { $0 == 0 ? nil : $0 == interrupt ? .interrupt : $0 == quit ? .quit : nil }
    }

    /// Takes back what was typed and nobody has read.
    func takeBack(_ slave: Slave) -> [UInt8] {
        var modes = termios()
        guard tcgetattr(master.number, &modes) == 0 else { return [] }
        var all = HostPty.lines(slave.fd.number, modes)
        modes.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL)
        withUnsafeMutableBytes(of: &modes.c_cc) { cc in
            cc[Int(VMIN)] = 1
            cc[Int(VTIME)] = 0
        }
        guard tcsetattr(master.number, TCSANOW, &modes) == 0 else { return [] }
        while let some = HostPty.read(slave.fd.number, 4096), !some.isEmpty, all.count < 1 << 20 { all += some }
        return all
    }

    /// The lines that can be read of a terminal which edits them, an end of file as the character that made it: read otherwise
    /// it would be another one.
    static func lines(_ descriptor: Int32, _ modes: termios) -> [UInt8] {
        guard modes.c_lflag & tcflag_t(ICANON) != 0 else { return [] }
        let end = withUnsafeBytes(of: modes.c_cc) { $0[Int(VEOF)] }
        var all: [UInt8] = []
        while all.count < 1 << 20, HostPoll.now(descriptor, .readable) == .readable {
            guard let some = read(descriptor, 4096) else {
                all.append(end)
                continue
            }
            if some.isEmpty { break }
            all += some
        }
        return all
    }

    /// What is there now; empty where nothing is, nil at the end.
    static func read(_ descriptor: Int32, _ count: Int) -> [UInt8]? {
        var end = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, n in
            let got = HostIO.retry { Glibc.read(descriptor, buffer.baseAddress, count) }
            end = got == 0 || got < 0 && errno != EAGAIN
            n = max(0, got)
        }
        return end ? nil : bytes
    }

    /// Writes what there is room for, and drops that; false where nobody will ever take it.
    static func write(_ descriptor: Int32, _ bytes: inout [UInt8], limit: Int = .max) -> Bool {
        while !bytes.isEmpty {
            let n = bytes.withUnsafeBytes { b in
                HostIO.retry { Glibc.write(descriptor, b.baseAddress, min(b.count, limit)) }
            }
            guard n > 0 else { return n < 0 && errno == EAGAIN }
            bytes.removeFirst(n)
            if limit != .max { break }
        }
        return true
    }
}
