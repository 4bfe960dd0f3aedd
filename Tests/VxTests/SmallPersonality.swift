import Host
import Kernel
import Linux

/// As much of Linux as a program needs to load its libraries and to open files: what the engine is tested with.
struct SmallPersonality: Personality {
    func answer(_ call: Call, _ guest: any Guest, _ how: How) throws(SysError) -> Answer {
        let a = call.arguments
        switch call.number {
        case 2: return try open(guest, a[0], a[1])
        case 257: return try open(guest, a[1], a[2])
        case 21: return try stat(guest, a[0], nil)
        case 4, 6: return try stat(guest, a[0], a[1])
        case 262: return try stat(guest, a[1], a[2])
        case 269, 439: return try stat(guest, a[1], nil)
        case 59: return .exec(try execution(guest, a[0], a[1], a[2]))
        case 79:
            let text = Array(guest.proc.directory.utf8) + [0]
            try guest.write(text, a[0])
            return .value(UInt64(text.count))
        case 80:
            try guest.proc.chdir(path(guest, a[0]))
            return .value(0)
        case 89, 267: throw .badArg
        case 95:
            let before = guest.proc.umask
            guest.proc.umask = UInt32(truncatingIfNeeded: a[0])
            return .value(UInt64(before))
        default: throw .notHere
        }
    }

    private func path(_ guest: any Guest, _ address: UInt64) throws(SysError) -> String {
        let text = String(decoding: try guest.text(address, limit: 4096), as: UTF8.self)
        guard !text.isEmpty else { throw .nonexist }
        return text
    }

    private func open(_ guest: any Guest, _ name: UInt64, _ flags: UInt64) throws(SysError) -> Answer {
        let mode: OpenMode = flags & 3 == 0 ? .read : flags & 3 == 1 ? .write : .readWrite
        return .open(try guest.proc.openChan(path(guest, name), mode), closeOnExec: flags & 0o2000000 != 0)
    }

    /// struct stat, but for what nobody here looks at.
    private func stat(_ guest: any Guest, _ name: UInt64, _ address: UInt64?) throws(SysError) -> Answer {
        let dir = try guest.proc.stat(path(guest, name))
        guard let address else { return .value(0) }
        var bytes = [UInt8](repeating: 0, count: 144)
        let mode = dir.mode.permissions | (dir.qid.isDirectory ? 0o040000 : 0o100000)
        for i in 0..<4 { bytes[24 + i] = UInt8(truncatingIfNeeded: mode >> (8 * UInt32(i))) }
        for i in 0..<8 { bytes[48 + i] = UInt8(truncatingIfNeeded: dir.length >> (8 * UInt64(i))) }
        try guest.write(bytes, address)
        return .value(0)
    }

    private func execution(
        _ guest: any Guest, _ name: UInt64, _ arguments: UInt64, _ environment: UInt64
    ) throws(SysError) -> Execution {
        try execution(
            of: path(guest, name), list(guest, arguments), list(guest, environment), in: guest.proc)
    }

    private func list(_ guest: any Guest, _ address: UInt64) throws(SysError) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        var at = address
        while at != 0, texts.count < 1000 {
            let pointer = try guest.read(at, 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
            if pointer == 0 { break }
            texts.append(try guest.text(pointer, limit: 131_072))
            at += 8
        }
        return texts
    }

    func execution(
        of path: String, _ arguments: [[UInt8]], _ environment: [[UInt8]], in proc: Proc
    ) throws(SysError) -> Execution {
        let file = try proc.openChan(path, .execute)
        var header = [UInt8](repeating: 0, count: 4096)
        var span = header.mutableSpan
        var raw = span.mutableBytes
        _ = try file.dev.read(file, into: &raw, at: 0, proc.caller, .wait)
        // A dynamic program names its interpreter near its begin.
        let name = Array("/lib64/ld-linux-x86-64.so.2".utf8)
        let isDynamic = header.indices.contains { header[$0...].starts(with: name) }
        let interpreter = isDynamic ? try proc.openChan("/lib64/ld-linux-x86-64.so.2", .execute) : nil
        return Execution(
            file: file, path: path, interpreter: interpreter, arguments: arguments, environment: environment)
    }
}
