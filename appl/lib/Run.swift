import Kernel

/// A program that takes flags and operands in the usual way: it says what it takes, and is run when that was given.
public protocol Command: Program {
    static var usage: Usage { get }
    /// The arguments as `usage` understands them, for programs whose old forms it has no words for.
    static func arrange(_ arguments: [String]) -> [String]
    /// The first operand ends the flags: what follows is another program's, or may look like flags.
    static var flagsEndEarly: Bool { get }
    /// What a failure is for a host: more than 1 where POSIX gives 1 another meaning.
    static var trouble: Int32 { get }
    /// Writes to `r.out`, which is flushed afterwards; tells of what goes wrong on the way by `r.warn`.
    func run(_ r: Run) throws(SysError)
}

extension Command {
    /// As they are.
    public static func arrange(_ arguments: [String]) -> [String] { arguments }
    /// They may stand behind operands.
    public static var flagsEndEarly: Bool { false }
    /// What any failure is.
    public static var trouble: Int32 { 1 }

    /// Reads the arguments, runs the program, flushes its output; the status is that of the first failure.
    public func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        switch Self.usage.parse(Self.arrange(Array(args.dropFirst()))[...], early: Self.flagsEndEarly) {
        case .help:
            try p.write(1, Self.usage.help)
            return .ok
        case .wrong(let why):
            try p.write(2, "\(p.name): \(why)\n\(Self.usage.synopsis)\n")
            return Run.misused
        case .options(let options):
            let r = Run(p, options, Self.usage, trouble: Self.trouble)
            do throws(SysError) {
                try run(r)
                try r.out.flush()
            } catch {
                if Status(error.sentence) == Run.misused { return Run.misused }
                // What was found before the failure is still worth having, unless that is what failed.
                if !r.out.hasFailed, error.code != .killed { try r.out.flush() }
                if Self.trouble == 1 || error.code == .killed || error.code == .closedPipe { throw error }
                r.tell(error.description)
                return Status(code: Self.trouble, error.description)
            }
            return r.status
        }
    }
}

/// One run of a program: what was asked for, its output, and what has gone wrong so far. It stays on one Thread.
public final class Run {
    /// The process that runs it.
    public let p: Proc
    /// What was asked for.
    public let options: Options
    /// Descriptor 1.
    public let out: Writer
    /// What the program will end with; the first failure sets it.
    public var status = Status.ok
    private let usage: Usage
    private let trouble: Int32

    /// Most bytes of input that a program holds because it needs them again.
    public var heldLimit = 1 << 30
    /// What it says beyond that.
    public static let tooMuch = SysError("too much input to hold")

    /// How a program ends that was called wrongly.
    public static let misused: Status = "usage"

    /// `trouble` is what a failure is for a host.
    public init(_ p: Proc, _ options: Options, _ usage: Usage, trouble: Int32 = 1) {
        self.p = p
        self.trouble = trouble
        self.options = options
        self.usage = usage
        out = Writer(p, 1)
    }

    /// The words that are no flags.
    public var operands: [String] { options.operands }

    /// Whether `flag` was given.
    public func has(_ flag: String) -> Bool { options.has(flag) }

    /// Whether `flag` was given.
    public func has(_ flag: Character) -> Bool { options.has(flag) }

    /// The value of `flag` as a number in `range`, `standard` where it was not given.
    public func number(_ flag: String, or standard: Int, in range: ClosedRange<Int> = 0...Int.max) throws(SysError)
        -> Int
    {
        guard let text = options.value(flag) else { return standard }
        guard let n = Int(text), range.contains(n) else {
            throw SysError("\(flag.count > 1 ? "--" : "-")\(flag): bad number '\(text)'")
        }
        return n
    }

    /// Tells of a wrong call, with the usage; throw what it gives.
    public func misuse(_ why: String) -> SysError {
        tell("\(why)\n\(usage.synopsis)")
        return SysError(Self.misused.text)
    }

    /// The operands, where there are so many; throws as `misuse` does.
    public func operands(_ count: ClosedRange<Int>) throws(SysError) -> [String] {
        guard operands.count >= count.lowerBound else { throw misuse("too few operands") }
        guard operands.count <= count.upperBound else { throw misuse("too many operands") }
        return operands
    }

    /// Tells of a failure and lets the program go on to the next thing. Throws it where there is no going on: the
    /// output is gone, or the program is to end.
    public func warn(_ error: SysError, quietly: Bool = false) throws(SysError) {
        if out.hasFailed || error.code == .killed || error.code == .interrupted { throw error }
        try out.flush()
        if !quietly { tell(error.description) }
        if trouble > 1 {
            status = Status(code: trouble, error.description)
        } else if status.isOK {
            status = Status(error.description)
        }
    }

    /// Runs `body`; what it throws is told, about `subject`, and the program goes on.
    public func going(
        on subject: String, quietly: Bool = false, _ body: () throws(SysError) -> Void
    ) throws(SysError) {
        do throws(SysError) { try body() } catch { try warn(error.about(subject), quietly: quietly) }
    }

    /// A line on descriptor 2, after the program's name.
    public func tell(_ text: String) {
        // Nobody may be left to tell it to.
        try? p.write(2, "\(p.name): \(text)\n")
    }

    /// Opens a file to read its bytes: a directory has none.
    public func open(_ path: String) throws(SysError) -> Int32 {
        let fd = try p.open(path)
        if try p.fildes(fd).isDirectory {
            try p.close(fd)
            throw SysError(.isDir, subject: path)
        }
        return fd
    }

    /// Runs `body` on each operand's open file, or on descriptor 0 where there is no operand or it is `-`.
    /// What fails is told, and the next one comes.
    public func eachFile(_ body: (_ name: String, _ fd: Int32) throws(SysError) -> Void) throws(SysError) {
        for name in operands.isEmpty ? ["-"] : operands {
            try going(on: name) { () throws(SysError) in
                if name == "-" { return try body(name, 0) }
                let fd = try open(name)
                do throws(SysError) { try body(name, fd) } catch {
                    try? p.close(fd)  // what went wrong first is what is told
                    throw error
                }
                try p.close(fd)
            }
        }
    }

    /// Copies what is left of `fd` to the output, block by block.
    public func copy(_ fd: Int32) throws(SysError) {
        try out.flush()
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while true {
            let n = try p.fill(&block, 0..<block.count, from: fd)
            if n == 0 { return }
            try out.send(block.span.extracting(0..<n).bytes)
        }
    }
}

extension Proc {
    /// Writes all of `bytes`, in as many calls as it takes.
    public func writeAll(_ fd: Int32, _ bytes: RawSpan) throws(SysError) {
        var done = 0
        while done < bytes.byteCount {
            let n = try write(fd, bytes.extracting(done..<bytes.byteCount))
            guard n > 0 else { throw .io }
            done += n
        }
    }

    /// Reads into a part of `block`; how many bytes came, 0 at the end.
    public func fill(_ block: inout [UInt8], _ part: Range<Int>, from fd: Int32, _ how: How = .wait) throws(SysError)
        -> Int
    {
        var span = block.mutableSpan
        var bytes = span.mutableBytes
        var place = bytes._mutatingExtracting(part)
        return try read(fd, into: &place, how)
    }
}
