import Applib
import Kernel

/// Runs a program with less: in a name space of its own, whose masks take rights away for good.
struct Sandbox: Command {
    static let usage: Usage = """
        sandbox [-aF] [-m path:perms] ... [command [argument ...]]
        -a             other processes are not to be seen in /prog; else they can only be looked at
        -F             no descriptors but 0, 1 and 2
        -m path:perms  what is at path and below has these of the rights r, w and x at most, - for none
        A path that is named wins over those above it. Without a command, a shell.
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        var rules: [Proc.Narrowing] = []
        for given in r.options.values("m") {
            guard let colon = given.lastIndex(of: ":"), colon != given.startIndex else {
                throw r.misuse("-m \(given): not path:perms")
            }
            rules.append(.init(String(given[..<colon]), try Mask(String(given[given.index(after: colon)...]))))
        }
        let p = r.p
        try p.pctl(
            r.has("F") ? [.forkNS, .newFD, .noDevices] : [.forkNS, .noDevices], fds: r.has("F") ? [0, 1, 2] : nil)
        try narrow(p, rules, hidesOthers: r.has("a"))
        let words = r.operands.isEmpty ? ["/bin/sh", "-i"] : r.operands
        // What cannot be run is said before there is a process for it.
        _ = try p.command(words)
        let pid = try p.spawn(args: words) { (child) throws(SysError) in try child.command(words)() }
        r.status = try wait(for: pid, p)
    }

    /// Lays the masks. In /prog this process, and those that it will make, keep all rights: they stand before the others, or
    /// in their place.
    private func narrow(_ p: Proc, _ rules: [Proc.Narrowing], hidesOthers: Bool) throws(SysError) {
        let ours = "/prog/\(p.pid)/below"
        // A name space without /prog shows no process at all.
        guard let route = try? p.whence(ours) else { return try p.narrow(rules) }
        var all = rules + [.init(ours, route.mask)]
        var isNamed = false
        for rule in rules where try p.whence(rule.path).path == "/prog" { isNamed = true }
        if hidesOthers {
            all.append(.init("/prog", .execute))
        } else if !isNamed {
            all.append(.init("/prog", [.read, .execute]))
        }
        try p.narrow(all)
        try p.bind(ours, "/prog", hidesOthers ? .replace : .before)
    }

    /// The command's status, once it has ended. A note that is sent to us is meant for it.
    private func wait(for pid: Int32, _ p: Proc) throws(SysError) -> Status {
        let system = p.system
        p.onNote(
            .handle { note in
                // An interrupt goes to the whole group, and has reached it already.
                if note.text != Note.interrupt.text { _ = system.proc(pid)?.post(note) }
                return true
            })
        while true {
            do throws(SysError) { return try p.wait(.pid(pid)).status } catch {
                guard error.code == .interrupted else { throw error }
            }
        }
    }
}
