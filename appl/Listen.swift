import Applib
import Kernel
import Library

/// Takes calls to an address, and gives each to a command of its own as its descriptors 0 and 1.
struct Listen: Command {
    static let usage: Usage = """
        listen [-Ast] [-i command] address command [argument ...]
        -A          whoever calls is not asked who they are: of tls, they need not be in /lib/keys/authorized
        -i command  run this once the address is announced; $net is the announcement
        -s          stay in the foreground
        -t          commands share this name space, instead of a copy each
        """
    static let flagsEndEarly = true

    /// What is waited for where a call cannot be taken now, milliseconds.
    private static let pause: Int64 = 100

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(2...Int.max)
        let command = Array(words.dropFirst())
        // What cannot be run is said before anybody calls.
        _ = try r.p.command(command)
        let asks = r.has("A") ? false : try r.p.asksCallers(words[0])
        if r.has("A") { r.p.system.log("listen: \(words[0]): whoever calls is served, and not asked who they are") }
        try r.p.pctl([.forkFD, .forkEnv])
        let announced = try r.p.announce(words[0])
        if let script = r.options.value("i") {
            try r.p.environment.set("net", Array(announced.directory.utf8), r.p.caller.clock.now())
            let pid = try r.p.start([script])
            r.status = try r.p.wait(.pid(pid)).status
            guard r.status.isOK else { return }
        }
        let flags: ProcFlags = r.has("t") ? [.forkFD, .forkEnv] : [.forkFD, .forkEnv, .forkNS]
        if r.has("s") { return try serve(announced, asks, command, flags, r) }
        // Interrupts are for the foreground; it ends with a kill, or a hangup of the announcement.
        let kept = r.p.files.all.map(\.fd)
        let options = r.options
        _ = try r.p.spawn([.forkFD, .newGroup, .noWait], fds: kept, args: r.p.args) { (child) throws(SysError) in
            let own = Run(child, options, Self.usage)
            do throws(SysError) { try serve(announced, asks, command, flags, own) } catch {
                own.tell(error.description)
                throw error
            }
            return .ok
        }
    }

    /// Serves until the announcement is hung up.
    private func serve(
        _ announced: Proc.Call, _ asks: Bool, _ command: [String], _ flags: ProcFlags, _ r: Run
    ) throws(SysError) {
        while true {
            do throws(SysError) {
                let call = try r.p.listen(announced)
                defer { try? r.p.close(call.control) }  // it is the command's
                try answer(call, asks, command, flags, r)
            } catch {
                switch error.code {
                case .hungup, .notAnnounced: return
                case .noFd, .noDevices, .tooManyFiles, .noMemory, .other:
                    // Too much is open, or too many run: that passes.
                    r.tell(error.description)
                    try r.p.sleep(milliseconds: Self.pause)
                default: throw error
                }
            }
        }
    }

    /// Runs the command for a caller, in a process that nobody waits for.
    private func answer(
        _ call: Proc.Call, _ asks: Bool, _ command: [String], _ flags: ProcFlags, _ r: Run
    ) throws(SysError) {
        let kept = [2, call.control].filter { (try? r.p.fildes($0)) != nil }  // 2 may be closed
        _ = try r.p.spawn(flags.union([.newGroup, .noWait]), fds: kept, args: command) { (child) throws(SysError) in
            do throws(SysError) {
                let data = try child.accept(call)
                try child.setPeer(asks ? try child.caller(of: call.directory) : nil)
                try child.become(
                    Proc.Connection(data: data, control: call.control, directory: call.directory), environment: [])
            } catch {
                child.logRefusal("listen", call.directory, error)
                throw error
            }
            return try child.command(command)()
        }
    }
}
