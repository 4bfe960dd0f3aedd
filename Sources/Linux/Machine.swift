import Host
import Kernel

/// Calls that tell of the system.
extension Request {
    func other(_ call: SystemCall) throws(SysError) -> Answer {
        switch call {
        case .uname: try uname()
        case .sysinfo: try sysinfo()
        case .execve: try execve()
        case .execveat: try execveat()
        case .mount: try mount()
        case .umount2: try unmount()
        case .unshare: try unshare()
        case .prctl: try prctl()
        case .socket, .bind, .connect, .listen, .sendto: try sockets(call)
        default: throw .notHere
        }
    }

    /// The version of Linux whose interface this is.
    static let release = "6.6.0-emu"

    /// The corresponding Linux call is `uname(2)`.
    private func uname() throws(SysError) -> Answer {
        let texts = [
            "Linux", proc.system.hostName(tree.caller), Self.release, "#1 emu \(System.version)",
            guest.machine.rawValue, "(none)",
        ]
        var out = Layout()
        for (i, text) in texts.enumerated() {
            out.put(Array(text.utf8.prefix(64)))
            out.fill(to: 65 * (i + 1))
        }
        try guest.write(out.bytes, word(0))
        return .value(0)
    }

    /// The corresponding Linux call is `sysinfo(2)`.
    private func sysinfo() throws(SysError) -> Answer {
        let (total, free) = HostMemory.room
        var out = Layout()
        out.put(tree.caller.clock.monotonic() / 1_000_000_000)
        out.fill(to: 32)
        out.put(total)
        out.put(free)
        out.fill(to: 80)
        out.put(UInt16(clamping: proc.system.processCount))
        out.fill(to: 104)
        out.put(UInt32(1))
        out.fill(to: 112)
        try guest.write(out.bytes, word(0))
        return .value(0)
    }
}

extension System {
    /// The name that the system has: what the console device says.
    func hostName(_ caller: Caller) -> String {
        // Without that device, or with a file of another kind, it has the usual one.
        guard let dev = device("c"), let root = try? dev.attach("", caller),
            let c = try? dev.step(root, to: "sysname", caller)
        else { return "emu" }
        var bytes = [UInt8](repeating: 0, count: 64)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        guard let open = try? dev.open(c, .read, caller, .try),
            let n = try? dev.read(open, into: &room, at: 0, caller, .try), n > 0
        else { return "emu" }
        return String(decoding: bytes[..<n], as: UTF8.self)
    }
}
