import CBench
import Host
import Kernel

/// Nanoseconds that `body` takes.
func timed(_ body: () throws(SysError) -> Void) throws(SysError) -> Int64 {
    let start = HostClock.monotonic()
    try body()
    return Int64(clamping: HostClock.monotonic() - start)
}

/// System calls: the loops run as a Swift program of the system does, against the same calls of the host.
let callRows: [Row] = [
    Row("write 1 byte, /dev/null", .init(most: 100, ratio: 1), 1_000_000) { (p, n) throws(SysError) in
        let fd = try p.open("/dev/null", .write)
        defer { close(p, fd) }
        let byte: [UInt8] = [120]
        return try timed { () throws(SysError) in for _ in 0..<n { try p.write(fd, byte.span.bytes) } }
    } native: {
        cbench_write_null($0)
    },
    Row("read 1 byte, /dev/zero", .init(most: 100, ratio: 1), 1_000_000) { (p, n) throws(SysError) in
        let fd = try p.open("/dev/zero")
        defer { close(p, fd) }
        var byte: [UInt8] = [0]
        return try timed { () throws(SysError) in
            for _ in 0..<n {
                var span = byte.mutableSpan
                var raw = span.mutableBytes
                _ = try p.read(fd, into: &raw)
            }
        }
    } native: {
        cbench_read_zero($0)
    },
    Row("open and close /dev/null", .init(most: 2_000), 100_000) { (p, n) throws(SysError) in
        try timed { () throws(SysError) in for _ in 0..<n { try p.close(p.open("/dev/null")) } }
    } native: {
        cbench_open_close("/dev/null", $0)
    },
    Row("open, read, close: depth 8", .init(ratio: 2), 20_000) { (p, n) throws(SysError) in
        var page = [UInt8](repeating: 0, count: 4096)
        return try timed { () throws(SysError) in
            for _ in 0..<n {
                let fd = try p.open("/n/host/" + CBENCH_DEEP)
                var span = page.mutableSpan
                var raw = span.mutableBytes
                _ = try p.read(fd, into: &raw)
                try p.close(fd)
            }
        }
    } native: {
        cbench_open_read_close(CBENCH_DEEP, $0)
    },
    Row("stat: depth 8", .init(ratio: 2), 20_000) { (p, n) throws(SysError) in
        try timed { () throws(SysError) in for _ in 0..<n { _ = try p.stat("/n/host/" + CBENCH_DEEP) } }
    } native: {
        cbench_stat(CBENCH_DEEP, $0)
    },
    Row("bind and unmount", .init(most: 3_000), 10_000) { (p, n) throws(SysError) in
        try timed { () throws(SysError) in
            for _ in 0..<n {
                try p.bind("/tmp", "/mnt")
                try p.unmount(nil, "/mnt")
            }
        }
    } native: {
        cbench_bind_unmount($0 / 10) * 10
    },
    Row("fork of a name space, 50 mounts", .init(most: 5_000), 2_000) { (p, n) throws(SysError) in
        try p.pctl(.forkNS)
        for i in 0..<50 {
            try p.mkdir("/tmp/\(i)")
            try p.bind("/dev", "/tmp/\(i)")
        }
        defer { for i in 0..<50 { tidy(p, "/tmp/\(i)") } }
        return try timed { () throws(SysError) in for _ in 0..<n { try p.pctl(.forkNS) } }
    } native: {
        cbench_fork_mounts($0)
    },
]

/// Processes and pipes.
let processRows: [Row] = [
    Row("pipe, a block of 4 K", .init(ratio: 1), 100_000) { (p, n) throws(SysError) in
        try pour(p, block: 4096, n)
    } native: {
        cbench_pipe(4096, $0)
    },
    Row("pipe, a block of 64 K", .init(ratio: 1), 20_000) { (p, n) throws(SysError) in
        try pour(p, block: 65536, n)
    } native: {
        cbench_pipe(65536, $0)
    },
    Row("pipe, there and back", .init(ratio: 1), 10_000) { (p, n) throws(SysError) in
        try ping(p, n)
    } native: {
        cbench_ping($0)
    },
    Row("spawn and wait (C: fork, wait)", .init(most: 60_000), 2_000) { (p, n) throws(SysError) in
        try timed { () throws(SysError) in
            for _ in 0..<n { _ = try p.wait(.pid(p.spawn { (_) throws(SysError) in .ok })) }
        }
    } native: {
        cbench_fork_wait($0)
    },
    Row("command from sh", .init(most: 300_000), 500) { (p, n) throws(SysError) in
        let loop = "load std; for i in `{seq \(n)} {cat /dev/null}"
        return try timed { () throws(SysError) in
            let sh = try p.spawn { (child) throws(SysError) in try child.exec("/bin/sh", ["sh", "-c", loop]) }
            let status = try p.wait(.pid(sh)).status
            if !status.isOK { throw SysError(status.text) }
        }
    } native: {
        cbench_command("/bin/sh\n-c\ni=0; while [ $i -lt \($0) ]; do cat /dev/null; i=$((i+1)); done", 1)
    },
]

/// A descriptor that a row is through with; an error of the close changes no figure.
func close(_ p: Proc, _ fd: Int32) { try? p.close(fd) }

/// Takes off what a row mounted at `path` and removes the directory; what stays behind changes no figure.
func tidy(_ p: Proc, _ path: String) {
    try? p.unmount(nil, path)
    try? p.remove(path)
}

/// `n` blocks from one process to another.
func pour(_ p: Proc, block: Int, _ n: Int) throws(SysError) -> Int64 {
    let (near, far) = try p.pipe()
    defer { close(p, near) }
    var bytes = [UInt8](repeating: 0, count: block)
    let start = HostClock.monotonic()
    let writer = try p.spawn(.forkFD, fds: [far]) { (child) throws(SysError) in
        let bytes = [UInt8](repeating: 0, count: block)
        for _ in 0..<n { try child.write(far, bytes) }
        return .ok
    }
    try p.close(far)
    while true {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        if try p.read(near, into: &raw) == 0 { break }
    }
    _ = try p.wait(.pid(writer))
    return Int64(clamping: HostClock.monotonic() - start)
}

/// A byte to another process and back, `n` times.
func ping(_ p: Proc, _ n: Int) throws(SysError) -> Int64 {
    let (near, far) = try p.pipe()
    let peer = try p.spawn(.forkFD, fds: [far]) { (child) throws(SysError) in
        while true {
            let byte = try child.read(far, 1)
            if byte.isEmpty { return .ok }
            try child.write(far, byte)
        }
    }
    try p.close(far)
    var byte: [UInt8] = [120]
    let took = try timed { () throws(SysError) in
        for _ in 0..<n {
            try p.write(near, byte.span.bytes)
            var span = byte.mutableSpan
            var raw = span.mutableBytes
            _ = try p.read(near, into: &raw)
        }
    }
    try p.close(near)
    _ = try p.wait(.pid(peer))
    return took
}
