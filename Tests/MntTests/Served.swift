import Kernel
import Mnt
import Testing

/// Runs `body` in a system in which /tmp is a tree in memory of its own.
func serving<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
    try await inEmu { p in
        try p.bind("#Rserved", "/tmp", [.create])
        return try body(p)
    }
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
        return try connect(export, ours, its)
    }

    /// The same over a pipe whose ends these are.
    func connect(_ export: Export, _ ours: Int32, _ its: Int32) throws -> Talk {
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
