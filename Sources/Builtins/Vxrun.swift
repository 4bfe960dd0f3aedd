import Kernel
import Vx

/// The builtin module `$Vxrun`: programs of the host in the caller's name space.
struct Vxrun: VxrunModule {
    private static let engine = Vx()

    /// A path of such a program can be typed like any other.
    static func start(_ system: System) { system.add(engine) }

    func run(_ p: Proc, _ args: [String]) throws(SysError) -> Int32 {
        let call = try Call(args)
        let pid = try p.spawn(.forkFD, args: call.words) { (p) throws(SysError) in try call.run(p) }
        return try p.wait(.pid(pid)).status.code
    }

    func become(_ p: Proc, _ args: [String]) throws(SysError) -> String { try Call(args).run(p).text }

    /// What is to be run, and how.
    private struct Call {
        let words: [String]
        private var options = VxOptions()

        private static let usage = SysError(
            "usage: vxrun [-vx] [-m bytes] [-P processes] [-T seconds] [-t seconds] [-w bytes] program [argument ...]")

        private static let second: UInt64 = 1_000_000_000

        init(_ args: [String]) throws(SysError) {
            var rest = args[...]
            while let flag = rest.first, flag.hasPrefix("-"), flag.utf8.count > 1 {
                rest = rest.dropFirst()
                if flag == "--" { break }
                switch flag {
                case "-v": options.explains = true
                case "-x": options.traces = true
                case "-m": options.limits.memory = try Self.number(&rest)
                case "-P": options.limits.processes = Int(clamping: try Self.number(&rest))
                case "-T": options.limits.wall = try Self.seconds(&rest)
                case "-t": options.limits.cpu = try Self.seconds(&rest)
                case "-w": options.limits.written = try Self.number(&rest)
                default: throw Self.usage
                }
            }
            guard let first = rest.first, !first.isEmpty else { throw Self.usage }
            words = Array(rest)
        }

        private static func number(_ rest: inout ArraySlice<String>) throws(SysError) -> UInt64 {
            guard let word = rest.popFirst(), let n = UInt64(word), n > 0 else { throw usage }
            return n
        }

        private static func seconds(_ rest: inout ArraySlice<String>) throws(SysError) -> UInt64 {
            let (time, overflow) = try number(&rest).multipliedReportingOverflow(by: second)
            return overflow ? .max : time
        }

        func run(_ p: Proc) throws(SysError) -> Status {
            let path = words[0].utf8.contains(0x2F) ? words[0] : "/bin/\(words[0])"
            var options = options
            if options.traces || options.explains { options.say = try p.teller(2) }
            p.rename(words, program: path)
            return try Vxrun.engine.run(p, path, words, options)
        }
    }
}

extension Proc {
    /// Writes lines to what a descriptor is now.
    fileprivate func teller(_ fd: Int32) throws(SysError) -> @Sendable (String) -> Void {
        let c = try fildes(fd)
        let caller = caller
        return { line in
            // Nobody may be left to read it.
            _ = try? c.dev.write(c, Array("\(line)\n".utf8).span.bytes, at: c.offset, caller, .wait)
        }
    }
}
