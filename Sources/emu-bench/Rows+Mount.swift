import CBench
import Kernel
import Library

/// The mount device against a server whose answers are ready beforehand, over the host's loopback. Beside it a client in C
/// asks the same of the same server, so that what is compared is what the client adds: one request at a time, or four
/// under way for what goes in order.
func mountRows(_ port: Int32) -> [Row] {
    let canned = "tcp!127.0.0.1!\(port)"
    return [
        Row("9P client: fstat", .init(ratio: 1.5), 20_000) { (p, n) throws(SysError) in
            try mounted(p, canned) { (fd) throws(SysError) in for _ in 0..<n { _ = try p.fstat(fd) } }
        } native: {
            cbench_ask(port, 124, 0, 1, $0)
        },
        Row("9P client: stat of a name", .init(ratio: 1.5), 20_000) { (p, n) throws(SysError) in
            try mounted(p, canned) { (_) throws(SysError) in for _ in 0..<n { _ = try p.stat("/mnt/a/b/x") } }
        } native: {
            cbench_ask(port, 124, 0, 1, $0)
        },
        Row("9P client: read 64K in order", .init(ratio: 1.67), 5_000) { (p, n) throws(SysError) in
            var block = [UInt8](repeating: 0, count: 65536)
            return try mounted(p, canned) { (fd) throws(SysError) in
                for _ in 0..<n {
                    var span = block.mutableSpan
                    var raw = span.mutableBytes
                    _ = try p.read(fd, into: &raw)
                }
            }
        } native: {
            cbench_ask(port, 116, 65536, 4, $0)
        },
        Row("9P client: write 64K in order", .init(ratio: 1.67), 5_000) { (p, n) throws(SysError) in
            let block = [UInt8](repeating: 0, count: 65536)
            return try mounted(p, canned) { (fd) throws(SysError) in
                for _ in 0..<n { try p.write(fd, block) }
                try p.fsync(fd)
            }
        } native: {
            cbench_ask(port, 118, 65536, 4, $0)
        },
    ]
}

/// What `body` takes with the server at `address` mounted, and a file of it open.
func mounted(
    _ p: Proc, _ address: String, _ file: String = "x", _ body: (Int32) throws(SysError) -> Void
) throws(SysError) -> Int64 {
    try ServerMount(address, on: "/mnt").apply(to: p)
    defer { try? p.unmount(nil, "/mnt") }  // a row that has failed says why
    let fd = try p.open("/mnt/" + file, .readWrite)
    defer { close(p, fd) }
    return try timed { () throws(SysError) in try body(fd) }
}
