import Applib
import Kernel
import Library

/// Calls an address, and gives the connection to a command as its descriptors 0 and 1; or to whoever runs it, as it would
/// come out of a command that copies.
struct Dial: Command {
    static let usage: Usage = """
        dial [-A] address [command [argument ...]]
        -A  of tls: whoever answers may be anybody
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...Int.max)
        let command = Array(words.dropFirst())
        // What cannot be run is said before anybody is called.
        if !command.isEmpty { _ = try r.p.command(command) }
        let connection = try r.p.dial(words[0], anybody: r.has("A"))
        guard !command.isEmpty else { return try talk(over: connection, r) }
        try r.p.become(connection, environment: [.forkFD, .forkEnv])
        try r.become(command)
    }

    /// Copies both ways, until the peer has no more to say. The end of our input is told.
    private func talk(over connection: Proc.Connection, _ r: Run) throws(SysError) {
        let p = r.p
        var answers = Flow(from: connection.data, to: 1)
        var words = Flow(from: 0, to: try p.dup(connection.data), isInput: true)
        while !answers.isDone {
            var list = [answers.wish] + (words.isDone ? [] : [words.wish])
            _ = try p.poll(&list)
            if !list[0].got.isEmpty { try answers.move(p) }
            guard list.count > 1, !list[1].got.isEmpty else { continue }
            try words.move(p)
            if words.isDone { try? p.write(connection.control, "hangup write") }  // datagrams have no end
        }
    }
}

extension Proc {
    /// Makes a connection descriptors 0 and 1 of this process, and its directory `$net`.
    func become(_ connection: Connection, environment flags: ProcFlags) throws(SysError) {
        try pctl(flags)
        try environment.set("net", Array(connection.directory.utf8), caller.clock.now())
        try dup(connection.data, 0)
        try dup(connection.data, 1)
        // It may be one of them already.
        for fd in [connection.data, connection.control] where fd > 1 { try close(fd) }
    }
}
