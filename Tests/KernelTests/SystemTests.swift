import Host
import Kernel
import KernelTestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct SystemTests {
    @Test func nothingIsLeftOfASystemThatHasEnded() async throws {
        let device = MemDev()
        try await withSystem([device]) { p in
            let fd = try p.create("/f", .write, FileMode(rawValue: 0o644))
            for _ in 0..<20 {
                _ = try p.spawn { (p) throws(SysError) in
                    try p.write(fd, "x")
                    try p.sleep(milliseconds: 100_000)
                    return .ok
                }
            }
        }
        #expect(device.openCount == 0)
    }

    /// Notes that come while a process is busy, and whether it stops then.
    @Test(arguments: [
        (["suspend"], true), (["suspend", "continue"], false), (["continue", "suspend"], true),
        (["ttyin", "ttyout", "continue", "window"], false),
    ])
    func aNoteToGoOnAndOneToStopUndoEachOther(notes: [String], stops: Bool) async throws {
        try await withSystem([MemDev()]) { p in
            let parker = Parker()
            let child = try p.spawn { (c) throws(SysError) in
                _ = parker.park()
                try c.sleep(milliseconds: 1)
                return .ok
            }
            guard let proc = p.system.proc(child) else { throw SysError("no child") }
            for note in notes { proc.post(Note(note)) }
            parker.unpark()
            if stops {
                while proc.life != .stopped { try p.sleep(milliseconds: 1) }
                proc.post(Note("continue"))
            }
            #expect(try p.wait(.pid(child)).status.text == "")
        }
    }
}
