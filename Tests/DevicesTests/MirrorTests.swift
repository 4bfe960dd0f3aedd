import CShim
import Glibc
import KernelTestSupport
import Testing

@testable import Host

/// A terminal with nobody at it, its mirror, and what would read and write it for us.
private final class Desk {
    let master: Int32
    let slave: Int32
    let terminal: HostTerminal
    let mirror: HostMirror
    let stream: HostMirrored

    init() throws {
        master = try HostIO.check(cshim_pty())
        slave = try HostIO.check(cshim_slave(master, O_RDWR | O_NOCTTY | O_CLOEXEC))
        terminal = try #require(HostTerminal(slave))
        mirror = try #require(HostMirror(terminal))
        stream = HostMirrored(HostStream(inherited: slave), mirror)
    }

    deinit { for fd in [master, slave] { close(fd) } }

    func type(_ text: String) throws { try HostIO.check(Glibc.write(master, text, text.utf8.count)) }

    var modes: termios {
        var modes = termios()
        tcgetattr(slave, &modes)
        return modes
    }
    var isRaw: Bool { modes.c_lflag & tcflag_t(ICANON | ISIG | ECHO) == 0 }

    /// What the terminal shows up to `end`, without carriage returns.
    func shown(_ end: String) -> String {
        var bytes: [UInt8] = []
        while true {
            let text = String(decoding: bytes.filter { $0 != 13 }, as: UTF8.self)
            if text.hasSuffix(end) { return text }
            let deadline = HostClock.monotonic() + 10_000_000_000
            if HostPoll.wait(master, .readable, deadline).isEmpty { return text }
            bytes += HostPty.read(master, 4096) ?? []
        }
    }

    /// What one of our own programs reads; nil where it would wait.
    func read() throws -> String? {
        var bytes = [UInt8](repeating: 0, count: 100)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let deadline = HostClock.monotonic() + 10_000_000_000
        let n = try stream.read(into: &room) { (fd, events) throws(SysError) in
            if HostPoll.wait(fd, events, deadline).isEmpty { throw .wouldBlock }
        }
        return String(decoding: bytes[..<n], as: UTF8.self)
    }
}

/// Reads a descriptor of a program's, which waits.
private func read(_ fd: borrowing HostFd) -> String {
    guard !HostPoll.wait(fd.number, .readable, HostClock.monotonic() + 10_000_000_000).isEmpty else { return "" }
    return String(decoding: HostPty.read(fd.number, 4096) ?? [], as: UTF8.self)
}

@Suite(.timeLimit(.minutes(1))) struct MirrorTests {
    @Test func aProgramHasTheTerminalWhileItHoldsIt() throws {
        let desk = try Desk()
        let before = desk.modes
        let hold = try desk.mirror.hold(1) { _ in }
        #expect(desk.isRaw)
        let program = try hold.open(.readWrite)
        #expect(isatty(program.number) == 1)
        #expect(hold.mirrors(desk.slave))
        try desk.type("abx\u{7F}c\r")
        #expect(read(program) == "abc\n")
        #expect(desk.shown("\n") == "abx\u{8} \u{8}c\n")
        try HostIO.check(Glibc.write(program.number, "so\n", 3))
        #expect(desk.shown("so\n") == "so\n")
        hold.end()
        #expect(desk.modes.c_lflag == before.c_lflag && desk.modes.c_oflag == before.c_oflag)
    }

    @Test func whatWasTypedAndNotReadGoesToWhoReadsNext() throws {
        let desk = try Desk()
        try desk.type("early\n\u{4}")
        let hold = try desk.mirror.hold(1) { _ in }
        try desk.type("line\rpart")
        #expect(desk.shown("part").hasSuffix("line\npart"))
        hold.end()
        #expect(try desk.read() == "early\n")
        #expect(try desk.read() == "")
        #expect(try desk.read() == "line\npart")
        // A second program gets what is left of it.
        let second = try desk.mirror.hold(1) { _ in }
        try desk.type("more\r")
        second.end()
        let third = try desk.mirror.hold(1) { _ in }
        let program = try third.open(.read)
        #expect(read(program) == "more\n")
        third.end()
    }

    @Test func ourOwnProgramsReadAndWriteWithIt() throws {
        let desk = try Desk()
        let hold = try desk.mirror.hold(1) { _ in }
        try desk.type("one\r\u{4}")
        #expect(try desk.read() == "one\n")
        #expect(try desk.read() == "")
        let out = Array("two\n".utf8)
        #expect(try desk.stream.write(out.span.bytes) { (_, _) throws(SysError) in throw .wouldBlock } == 4)
        // Once: in order with what the program writes.
        #expect(desk.shown("two\n") == "one\ntwo\n")
        hold.end()
    }

    @Test func whoIsNotInTheForegroundGetsNothingThatIsTyped() throws {
        let desk = try Desk()
        let hold = try desk.mirror.hold(7) { _ in }
        #expect(!desk.isRaw)
        try desk.type("ours\n")
        #expect(try desk.read() == "ours\n")
        let program = try hold.open(.readWrite)
        try HostIO.check(Glibc.write(program.number, "behind\n", 7))
        #expect(desk.shown("behind\n").hasSuffix("behind\n"))
        #expect(HostPoll.now(program.number, .readable).isEmpty)
        desk.mirror.foreground = 7
        #expect(desk.isRaw)
        try desk.type("theirs\r")
        #expect(read(program) == "theirs\n")
        desk.mirror.foreground = 1
        #expect(!desk.isRaw)
        hold.end()
    }

    @Test func anInterruptIsToldWhereNoShellHasAJob() throws {
        let desk = try Desk()
        let told = Told()
        let hold = try desk.mirror.hold(1) { told.add($0) }
        try desk.type("x\u{3}y\u{1C}")
        told.wait(2)
        #expect(told.all == [.interrupt, .quit])
        // A program that takes the keys as they are is not interrupted by them.
        let program = try hold.open(.readWrite)
        var modes = termios()
        tcgetattr(program.number, &modes)
        cfmakeraw(&modes)
        tcsetattr(program.number, TCSANOW, &modes)
        try desk.type("\u{3}")
        var got = read(program)
        if !got.hasSuffix("\u{3}") { got = read(program) }
        #expect(got.hasSuffix("\u{3}"))
        #expect(told.all.count == 2)
        hold.end()
    }

    @Test func aNewSizeReachesTheProgram() throws {
        let desk = try Desk()
        let hold = try desk.mirror.hold(1) { _ in }
        let program = try hold.open(.readWrite)
        var size = winsize(ws_row: 30, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0)
        _ = cshim_ioctl(desk.master, UInt(TIOCSWINSZ), &size)
        desk.mirror.resized()
        let seen = HostTerminal(program.number)?.size
        #expect(seen?.rows == 30 && seen?.columns == 90)
        hold.end()
    }

    @Test func whatIsLeftInTheBackgroundStillShowsWhatItWrites() throws {
        let desk = try Desk()
        let first = try desk.mirror.hold(1) { _ in }
        let left = try first.open(.readWrite)
        first.end()
        let second = try desk.mirror.hold(1) { _ in }
        try HostIO.check(Glibc.write(left.number, "late\n", 5))
        #expect(desk.shown("late\n") == "late\n")
        try desk.type("x\r")
        let program = try second.open(.read)
        #expect(read(program) == "x\n")
        #expect(HostPoll.now(left.number, .readable).isEmpty)
        second.end()
    }
}

/// News in the order in which they came.
private final class Told: Sendable {
    private let news = Lock([HostMirror.News]())
    private let parker = Parker()

    var all: [HostMirror.News] { news.withLock { $0 } }

    func add(_ one: HostMirror.News) {
        news.withLock { $0.append(one) }
        parker.unpark()
    }

    func wait(_ count: Int) {
        let deadline = HostClock.monotonic() + 10_000_000_000
        while all.count < count, parker.park(until: deadline) {}
    }
}
