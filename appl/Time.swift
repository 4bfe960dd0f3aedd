import Kernel

/// Runs a command and tells what it took: `0.01l 0.2r 0.21t`, seconds to load, to run, and in all.
struct Time: Program {
    private static let usage: Usage = """
        time command [argument ...]
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        let words = Array(args.dropFirst())
        guard let name = words.first, name != "-h", name != "--help" else {
            try p.write(words.isEmpty ? 2 : 1, words.isEmpty ? Self.usage.synopsis + "\n" : Self.usage.help)
            return words.isEmpty ? Run.misused : .ok
        }
        let start = p.caller.clock.monotonic()
        let path = name.utf8.contains(UInt8(ascii: "/")) ? name : "/bin/\(name)"
        // Found and checked here, so that what is missing is told before a process is made.
        _ = try p.prepare(path, words)
        let loaded = p.caller.clock.monotonic()
        let pid = try p.spawn(args: words) { (child) throws(SysError) in
            try child.exec(path, words)
        }
        let record = try p.wait(.pid(pid))
        let end = p.caller.clock.monotonic()
        let load = Self.seconds(loaded - start)
        try p.write(2, "\(load)l \(Self.seconds(end - loaded))r \(Self.seconds(end - start))t\n")
        return record.status
    }

    /// Four significant digits, without zeros at the end.
    static func seconds(_ nanoseconds: UInt64) -> String {
        var scale: UInt64 = 1
        while nanoseconds / scale >= 10000 { scale *= 10 }
        let rounded = (nanoseconds + scale / 2) / scale * scale
        let whole = rounded / 1_000_000_000
        var fraction = String(rounded % 1_000_000_000)
        fraction = String(repeating: "0", count: 9 - fraction.utf8.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }
}
