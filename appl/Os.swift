import Applib
import Kernel

/// Runs a program of the host: its standard files are ours, and so is its status.
///
/// One loop serves all three files and waits for the program's end. What holds the program is its ctl file: however we end,
/// it is closed, and the program is killed.
struct Os: Command {
    static let usage: Usage = """
        os [-n] [-N level] [-d dir] [-m mountpoint] command [argument ...]
        -d dir         run it in this directory of the host; else in the current one
        -m mountpoint  where cmd(3) is (/cmd, else #C/cmd)
        -n             run it with less than normal priority
        -N level       with still less: 1, 2 or 3
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        guard !r.operands.isEmpty else { throw r.misuse("no command") }
        let p = r.p
        let place = r.options.value("m") ?? ((try? p.stat("/cmd/clone")) == nil ? "#C/cmd" : "/cmd")
        let control = try p.open("\(place)/clone", .readWrite)
        let folder = "\(place)/\(String(decoding: try p.read(control, 32), as: UTF8.self))"
        try p.write(control, "killonclose")
        let directory = try directory(r)
        try p.write(control, "dir \(shellQuoted(directory))")
        if r.has("n") || r.has("N") { try p.write(control, "nice \(try r.number("N", or: 1, in: 1...3))") }
        let wait = try p.open("\(folder)/wait")
        // What it says of trouble is kept from its start, since somebody listens.
        let errors = try p.open("\(folder)/stderr")
        let signals = Signals()
        p.onNote(.handle { signals.take($0) })
        try p.write(control, "exec " + r.operands.map(shellQuoted).joined(separator: " "))

        var flows = [Flow(from: try p.open("\(folder)/data", .read), to: 1), Flow(from: errors, to: 2)]
        let data = try p.open("\(folder)/data", .write)
        if (try? p.fildes(0)) == nil {
            try p.close(data)
        } else {
            flows.append(Flow(from: 0, to: data, isInput: true))
        }
        var record: [UInt8] = []
        while true {
            // A note may come in any call, and interrupts the next poll at the latest.
            for name in signals.new { _ = try? p.write(control, "kill \(name)") }  // it may have ended meanwhile
            do throws(SysError) {
                if record.isEmpty {
                    record = try Self.serve(&flows, wait, p)
                    continue
                }
                // What it wrote before its end is still in the pipes.
                for i in flows.indices where !flows[i].isInput { while try flows[i].move(p) {} }
                break
            } catch {
                guard error.code == .interrupted else { throw error }
            }
        }
        // PID USER SYSTEM REAL STATUS
        let status = String(decoding: record, as: UTF8.self).split(separator: " ").last ?? ""
        r.status = Status(status == "''" ? "" : String(status))
    }

    /// What `-d` says, or where the current directory is on the host.
    private func directory(_ r: Run) throws(SysError) -> String {
        let given = r.options.value("d")
        if let given, given.utf8.first == UInt8(ascii: "/") { return given }
        guard let path = try r.p.hostPath(".") else {
            throw SysError("not a directory of the host (-d names one)", subject: r.p.directory)
        }
        return given.map { "\(path)/\($0)" } ?? path
    }

    /// Waits until something can go on, and moves what it can. Gives the wait record, once the program has ended.
    private static func serve(_ flows: inout [Flow], _ wait: Int32, _ p: Proc) throws(SysError) -> [UInt8] {
        let live = flows.indices.filter { !flows[$0].isDone }
        var list = [Proc.Poll(wait, .read)] + live.map { flows[$0].wish }
        _ = try p.poll(&list)
        for (i, wish) in zip(live, list.dropFirst()) where !wish.got.isEmpty { _ = try flows[i].move(p) }
        return list[0].got.isEmpty ? [] : try p.read(wait, 256)
    }
}

/// The keyboard's notes: the first of each is passed on as a signal, the next ends us.
private final class Signals: Sendable {
    private let heard = Lock((all: Set<String>(), new: [String]()))

    func take(_ note: Note) -> Bool {
        guard let name = [Note.interrupt.text: "int", "quit": "quit"][note.text] else { return false }
        return heard.withLock { h in
            guard h.all.insert(name).inserted else { return false }
            h.new.append(name)
            return true
        }
    }

    /// Those that have not been passed on yet.
    var new: [String] {
        heard.withLock { h in
            defer { h.new = [] }
            return h.new
        }
    }
}
