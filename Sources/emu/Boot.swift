import Appl
import Builtins
import Devices
import Filters
import Host
import Kernel
import Linux
import Mnt

/// From flags to a running system: joins the tables, makes the first name space, starts the first process and waits.
struct Boot {
    private let flags: Emu
    private let user = HostEnvironment.user
    private let home: String?
    private let start: String?

    init(_ flags: Emu) {
        self.flags = flags
        let data = HostEnvironment.variable("XDG_DATA_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        let own = data ?? HostEnvironment.variable("HOME").map { $0 + "/.local/share" }
        home = flags.noHost || flags.sandbox ? nil : own.map { $0 + "/emu/home" }
        start = flags.noHost || flags.sandbox ? nil : HostEnvironment.directory
    }

    /// Runs the system to its end; the exit status for the host.
    func run() throws(SysError) -> Int32 {
        HostEnvironment.fillStandardDescriptors()
        HostCrash.watch()
        HostEnvironment.raiseDescriptorLimit()
        var shown: [String] = []
        let grants = try grants(&shown)
        // A script that forks without end fills its system, not its host.
        let system = System(account: Account(limits: [.threads: 12_000]), grants: grants)
        for program in Filters.programTable + Appl.programTable { system.add(program) }
        system.modules = ModuleTable(moduleTable)
        for module in moduleTable { module.start(system) }
        for make in Devices.deviceTable + Mnt.deviceTable + Linux.deviceTable { system.add(make()) }
        system.lineEditor = ConsoleEditor()

        let ids = HostEnvironment.ids
        let cred = Cred(user: user, uid: ids.user, gid: ids.group)
        let words = flags.serve ? ["/bin/export", "-l"] + flags.words : flags.words
        let first = try FirstProcess(
            command: flags.command, words, user: user, in: start, grants, shown: shown, nsFile: flags.nsFile,
            verbose: flags.verbose)
        // All that is opened by the host's names for its own sake has been; there is one thread yet.
        if flags.sandbox || flags.noHost {
            let lacks = try HostLockdown.enter(
                grants.places, views: flags.sandbox && system.makesProcesses, abstract: flags.network == "*")
            if flags.verbose { HostEnvironment.complain("emu: locked down" + (lacks.map { ", without \($0)" } ?? "")) }
        }
        HostThread.blockWakeSignal()
        HostConsole.shared.serve(system)
        _ = try system.boot(cred, args: first.args) { (p) throws(SysError) in
            do throws(SysError) { return try first.run(p) } catch {
                HostEnvironment.complain("emu: \(error)")
                return Status(error.description)
            }
        }
        let end = system.waitForEnd()
        system.shutdown(until: HostClock.monotonic() + 2_000_000_000)
        return end?.status.code ?? 1
    }

    /// What of the host the flags open. `shown` gets the paths of `--sandbox`: tree `sandboxN` is its element N.
    private func grants(_ shown: inout [String]) throws(SysError) -> HostGrants {
        var grants = HostGrants()
        grants.commands = flags.hostCommands
        if let network = flags.network { grants.network = try HostGrants.Network(network) }
        if flags.wholeHost { grants.trees["*"] = .init("/", devices: true) }
        if let start { grants.trees["host"] = .init(start) }
        if let root = flags.root {
            guard HostEnvironment.isDirectory(root) else { throw SysError(.notDir, subject: root) }
            grants.trees["root"] = .init(try HostEnvironment.realPath(root))
        }
        if flags.sandbox { shown = try grants.showSystem(and: flags.mount) }
        do throws(SysError) {
            if let home {
                try HostEnvironment.makeDirectory(home, 0o700)
                grants.trees["home"] = .init(home)
            } else if flags.verbose || HostEnvironment.isTerminal(2) || HostEnvironment.variable("HOME") == nil {
                // Who sits there might keep something in it.
                HostEnvironment.complain("emu: home is in memory and ends with this emu")
                if flags.sandbox && flags.mount.isEmpty {
                    HostEnvironment.complain("emu: the current directory is not shown; -m .:rwx shows it")
                }
            }
        } catch { HostEnvironment.complain("emu: home is in memory and ends with this emu: \(error)") }
        return grants
    }
}
