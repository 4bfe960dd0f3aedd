import Host
import Kernel
import Testing

@testable import Vx

/// Signals to programs that wait for another machine: `Tests/Programs/waits.c`.
@Suite(.serialized) struct DeadMountTests {
    /// A 9P server that answers until its tree is attached, and never again.
    private final class Server: Sendable {
        private let kinds = Lock([UInt8]())

        /// How many messages of a kind it has got.
        func count(_ kind: UInt8) -> Int { kinds.withLock { $0.filter { $0 == kind }.count } }

        func run(_ p: Proc, _ fd: Int32) throws(SysError) {
            var input: [UInt8] = []
            while true {
                let more = try p.read(fd)
                guard !more.isEmpty else { return }
                input += more
                while input.count >= 7 {
                    let size = Int(input[0]) | Int(input[1]) << 8
                    guard size >= 7, input.count >= size else { break }
                    let kind = input[4]
                    let tag = Array(input[5..<7])
                    kinds.withLock { $0.append(kind) }
                    // Tversion: the shorter dialect; Tattach: a directory.
                    if kind == 100 {
                        try p.write(fd, [19, 0, 0, 0, 101] + tag + [0, 32, 0, 0, 6, 0] + Array("9P2000".utf8))
                    } else if kind == 104 {
                        try p.write(fd, [20, 0, 0, 0, 105] + tag + [0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
                    }
                    input.removeFirst(size)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func aSignalEndsTheWaitForADeadServer() throws {
        let server = Server()
        let (status, lines) = try inCell(
            "waits.c", [],
            inside: { (p) throws(SysError) in
                try p.mkdir("/dead")
                let (ours, its) = try p.pipe()
                let (input, _) = (its, 0)
                _ = try p.spawn([.forkFD, .noWait], fds: [input]) { (q) throws(SysError) in
                    try server.run(q, input)
                    return .ok
                }
                try p.close(its)
                try p.mount(ours, "/dead")
                try p.close(ours)
            })
        #expect(status == "")
        #expect(
            lines == [
                "s default Interrupt in time", "s handled EINTR in time", "o default Interrupt in time",
                "o handled EINTR in time", "l default Interrupt in time", "l handled EINTR in time",
            ])
        // It was asked to let go each time.
        #expect(server.count(108) >= 30)
    }
}
