import Devices
import Host
import Kernel
import Mnt
import Testing

/// Runs `body` as the first process of a system with the devices of `emu.conf`, in which /tmp is a tree in memory of its
/// own, and ends the system. On a Thread of its own, so that it may block.
func inServed<T: Sendable>(_ body: @escaping @Sendable (Proc) throws -> T) throws -> T {
    let system = System()
    for make in Devices.deviceTable { system.add(make()) }
    let result = Lock<Result<T, any Error>?>(nil)
    _ = try system.boot(Cred(user: "glenda", uid: 1000, gid: 1000), args: ["test"]) { p throws(SysError) in
        do {
            try p.bind("#Rserved", "/tmp", [.create])
            let value = try body(p)
            result.withLock { $0 = .success(value) }
        } catch {
            result.withLock { $0 = .failure(error) }
        }
        return .ok
    }
    _ = system.waitForEnd()
    system.shutdown(until: HostClock.monotonic() + 5_000_000_000)
    guard let result = result.withLock({ $0 }) else { throw Wrong("the process ended early") }
    return try result.get()
}

extension Proc {
    /// A connection to a new server of `directory`, over a pipe.
    func serve(_ directory: String = "/tmp", _ options: Export.Options = Export.Options()) throws -> Talk {
        let export = try Export(directory, options, of: self)
        return try connect(export)
    }

    /// A connection to `export`.
    func connect(_ export: Export) throws -> Talk {
        let (ours, its) = try pipe()
        let chan = try fildes(its)
        try close(its)
        _ = try spawn([.forkFD, .noWait], fds: []) { p throws(SysError) in
            try export.serve(chan, chan, peer: "test")
            return .ok
        }
        return Talk(
            send: { try self.write(ours, $0) }, receive: { try self.read(ours, $0) })
    }

    /// The lines that the log has got.
    func logged() throws -> String {
        let fd = try open("#c/kprint")
        defer { _ = try? close(fd) }  // nothing was written
        var bytes = [UInt8](repeating: 0, count: 65536)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        do throws(SysError) {
            let n = try read(fd, into: &raw, .try)
            return String(decoding: bytes[..<n], as: UTF8.self)
        } catch {
            return ""
        }
    }
}
