import Kernel
import Library

/// The builtin module `$Net`: network connections for scripts. The corresponding Inferno page is `dial(2)`.
struct Net: NetModule {
    func dial(_ p: Proc, _ addr: String, _ local: String) throws(SysError) -> Connection {
        let made = try p.dial(addr, local: local.isEmpty ? nil : local)
        return Connection(dfd: FD(made.data), cfd: FD(made.control), dir: made.directory)
    }

    func announce(_ p: Proc, _ addr: String) throws(SysError) -> Call { Call(try p.announce(addr)) }

    func listen(_ p: Proc, _ dir: String) throws(SysError) -> Call { Call(try p.listen(dir)) }

    func accept(_ p: Proc, _ dir: String) throws(SysError) -> FD { FD(try p.open("\(dir)/data", .readWrite)) }

    func hangup(_ p: Proc, _ cfd: FD, _ how: String) throws(SysError) {
        guard how == "" || how == "write" else { throw .badArg }
        try p.write(cfd.number, how.isEmpty ? "hangup" : "hangup write")
    }

    func netinfo(_ p: Proc, _ dir: String) throws(SysError) -> Info {
        let info = try p.netinfo(dir)
        return Info(local: info.local, remote: info.remote, status: info.status)
    }

    func netmkaddr(_: Proc, _ addr: String, _ net: String, _ service: String) throws(SysError) -> String {
        Proc.netmkaddr(addr, net.isEmpty ? "net" : net, service)
    }

    func cs(_ p: Proc, _ addr: String) throws(SysError) -> [String] {
        try p.ways(to: addr).map { "\($0.clone) \($0.address)" }
    }
}

extension Net.Call {
    init(_ call: Proc.Call) { self.init(cfd: FD(call.control), dir: call.directory) }
}
