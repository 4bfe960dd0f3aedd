import Devices
import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Shell

/// What a script has said, and how it ended.
struct Outcome: Equatable, Sendable {
    var out = ""
    var err = ""
    var status = ""
}

/// Runs `sh` with `arguments` in a system of its own, which has the devices of `emu.conf` and the programs below.
/// `prepare` is the first process's work before that.
func sh(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    prepare: @escaping @Sendable (Proc) throws(SysError) -> Void = { (_) throws(SysError) in }
) throws -> Outcome {
    let outcome = try inSystem { (p) throws(SysError) -> Outcome in
        try prepare(p)
        for (name, value) in environment { try p.environment.set(name, Array(value.utf8), 0) }
        let (stdin, ourIn) = try p.pipe()
        let (stdout, ourOut) = try p.pipe()
        let (stderr, ourErr) = try p.pipe()
        let said = Lock(Outcome())
        let pid = try p.spawn([.forkFD, .newGroup], args: ["sh"]) { (child) throws(SysError) in
            for (fd, number) in [(stdin, Int32(0)), (stdout, 1), (stderr, 2)] {
                try child.install(try child.fildes(fd), at: number + 100)
            }
            try child.dup(100, 0)
            try child.dup(101, 1)
            try child.dup(102, 2)
            try child.pctl(.forkFD, fds: [0, 1, 2])
            return try Shell.main(child, ["sh"] + arguments)
        }
        for fd in [stdin, stdout, stderr] { try p.close(fd) }
        for (fd, isError) in [(ourOut, false), (ourErr, true)] {
            _ = try p.spawn([.forkFD], fds: [fd]) { (reader) throws(SysError) in
                var text: [UInt8] = []
                while true {
                    let some = try reader.read(fd)
                    if some.isEmpty { break }
                    text += some
                }
                let all = String(decoding: text, as: UTF8.self)
                said.withLock { if isError { $0.err = all } else { $0.out = all } }
                return .ok
            }
            try p.close(fd)
        }
        // The script need not read it.
        if !input.isEmpty { try? p.write(ourIn, input) }
        try p.close(ourIn)
        let status = try p.wait(.pid(pid)).status
        // What it has left behind would keep its output open.
        for proc in p.system.processes where proc.group == pid { proc.kill() }
        while (try? p.wait()) != nil {}
        return said.withLock { o in
            o.status = status.text
            return o
        }
    }
    return outcome
}

/// Runs `script` with `-c`; its outcome.
func sh(_ script: String) throws -> Outcome { try sh(["-c", script]) }

/// Runs `body` as the first process of a system that has the devices of `emu.conf` and the programs below.
func inSystem<T: Sendable>(_ body: @escaping @Sendable (Proc) throws(SysError) -> T) throws -> T {
    try inSystem(deviceTable.map { $0() }, programs: TestPrograms.all, modules: [Twice.entry], body)
}

/// Small programs for scripts to run.
enum TestPrograms {
    static let all = [
        ProgramEntry(name: "Echo", path: "/bin/echo") { Echo() },
        ProgramEntry(name: "Cat", path: "/bin/cat") { Cat() },
        ProgramEntry(name: "Status", path: "/bin/end") { End() },
        ProgramEntry(name: "Sleep", path: "/bin/sleep") { Sleep() },
        ProgramEntry(name: "Printenv", path: "/bin/printenv") { Printenv() },
        ProgramEntry(name: "Args", path: "/bin/args") { Args() },
        ProgramEntry(name: "Sh", path: "/bin/sh") { Sh() },
    ]

    struct Echo: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            try p.write(1, args.dropFirst().joined(separator: " ") + "\n")
            return .ok
        }
    }

    /// Copies its input, or files.
    struct Cat: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            for fd in args.count > 1 ? try open(p, args) : [0] {
                while true {
                    let some = try p.read(fd)
                    if some.isEmpty { break }
                    try p.write(1, some)
                }
            }
            return .ok
        }

        private func open(_ p: Proc, _ args: [String]) throws(SysError) -> [Int32] {
            var fds: [Int32] = []
            for name in args.dropFirst() { fds.append(try p.open(name)) }
            return fds
        }
    }

    /// Ends with a status.
    struct End: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status { Status(args.dropFirst().first ?? "") }
    }

    struct Sleep: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            try p.sleep(milliseconds: Int64(args.dropFirst().first ?? "") ?? 0)
            return .ok
        }
    }

    /// The environment as it is.
    struct Printenv: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            for name in args.dropFirst() {
                let value = p.environment[name].map { String(decoding: $0.value, as: UTF8.self) } ?? "unset"
                try p.write(1, "\(name)=\(value)\n")
            }
            return .ok
        }
    }

    /// Its arguments, each in brackets.
    struct Args: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
            try p.write(1, args.dropFirst().map { "[\($0)]" }.joined() + "\n")
            return .ok
        }
    }

    struct Sh: Program {
        func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status { try Shell.main(p, args) }
    }
}
