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
}
