import Applib
import Kernel

/// Runs a command and tells what it took: `0.01l 0.2r 0.21t`, seconds to load, to run, and in all.
struct Time: Command {
    static let usage: Usage = """
        time [-p] command [argument ...]
        -p  in POSIX's form: real, user and sys, a line each; sys is 0, as all is counted as the program's own
        """
    static let flagsEndEarly = true

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...Int.max)
        let start = r.p.caller.clock.monotonic()
        let pid: Int32
        let loaded: UInt64
        do throws(SysError) {
            // Found and checked here, so that what is missing is told before a process is made.
            _ = try r.p.command(words)
            loaded = r.p.caller.clock.monotonic()
            pid = try r.p.start(words)
        } catch {
            r.tell(error.description)
            r.status = Proc.failure(error)
            return
        }
        let record = try r.p.wait(.pid(pid))
        let end = r.p.caller.clock.monotonic()
        r.status = record.status
        if r.has("p") {
            let real = Self.hundredths(end - start)
            return try r.p.write(2, "real \(real)\nuser \(Self.hundredths(record.cpu))\nsys 0.00\n")
        }
        let load = Self.seconds(loaded - start)
        try r.p.write(2, "\(load)l \(Self.seconds(end - loaded))r \(Self.seconds(end - start))t\n")
    }

    private static func hundredths(_ nanoseconds: UInt64) -> String {
        let n = nanoseconds / 10_000_000
        return "\(n / 100).\(String(n % 100).zeros(2))"
    }

    /// Four significant digits, without zeros at the end.
    static func seconds(_ nanoseconds: UInt64) -> String {
        var scale: UInt64 = 1
        while nanoseconds / scale >= 10000 { scale *= 10 }
        let rounded = (nanoseconds + scale / 2) / scale * scale
        let whole = rounded / 1_000_000_000
        var fraction = String(rounded % 1_000_000_000).zeros(9)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }
}
