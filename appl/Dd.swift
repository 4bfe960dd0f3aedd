import Kernel

/// Copies with blocks of a given size, from and to given places.
struct Dd: Command {
    static let usage: Usage = """
        dd [-v] [name=value ...]
        -v  on a terminal, how far it is
        if=file of=file      instead of descriptors 0 and 1
        bs=n ibs=n obs=n     bytes of a block (512); a number may end in b, k, M or G, or be a product: 4kx10
        count=n              so many blocks of input
        skip=n seek=n        so many blocks passed over first, of input and of output
        conv=word,...        lcase, ucase, swab; notrunc: do not cut the output file; noerror: go on after a failed read;
                             sync: fill short blocks with zeros; fsync: end when the data is where it is kept
        status=none          do not tell how much was copied
        """

    private struct Plan {
        var input: String?
        var output: String?
        var inputSize = 512
        var outputSize = 512
        var isOneSize = false
        var count = Int.max
        var skip = 0
        var seek = 0
        var conversions: Set<String> = []
        var isQuiet = false
    }

    private static let conversions: Set<String> = ["lcase", "ucase", "swab", "notrunc", "noerror", "sync", "fsync"]
    private static let blockLimit = 1 << 26

    func run(_ r: Run) throws(SysError) {
        let plan = try Self.plan(r)
        let from = try plan.input.map { (f) throws(SysError) in try r.open(f) } ?? 0
        let to = try plan.output.map { (f) throws(SysError) in try Self.open(f, plan, r) } ?? 1
        let start = r.p.caller.clock.monotonic()
        var copy = Copy(r: r, plan: plan, from: from, to: to)
        do throws(SysError) { try copy.run() } catch {
            if !plan.isQuiet { copy.report(since: start) }
            throw error
        }
        if plan.conversions.contains("fsync") { try r.p.fsync(to) }
        if plan.output != nil { try r.p.close(to) }
        if !plan.isQuiet { copy.report(since: start) }
    }

    private static func open(_ name: String, _ plan: Plan, _ r: Run) throws(SysError) -> Int32 {
        guard plan.conversions.contains("notrunc") || plan.seek > 0 else {
            return try r.p.create(name, .write, FileMode(rawValue: 0o666))
        }
        do throws(SysError) {
            let fd = try r.p.open(name, .write)
            if !plan.conversions.contains("notrunc") {
                try r.p.fwstat(fd, DirChange(length: UInt64(plan.seek * plan.outputSize)))
            }
            return fd
        } catch {
            guard error.code == .nonexist else { throw error }
            return try r.p.create(name, .write, FileMode(rawValue: 0o666))
        }
    }

    // MARK: what was asked for

    private static func plan(_ r: Run) throws(SysError) -> Plan {
        var plan = Plan()
        for word in r.operands {
            guard let equals = word.firstIndex(of: "=") else { throw r.misuse("'\(word)': not name=value") }
            let value = String(word[word.index(after: equals)...])
            switch word[..<equals] {
            case "if": plan.input = value
            case "of": plan.output = value
            case "bs":
                plan.inputSize = try number(value, 1...blockLimit)
                plan.outputSize = plan.inputSize
                plan.isOneSize = true
            case "ibs": plan.inputSize = try number(value, 1...blockLimit)
            case "obs": plan.outputSize = try number(value, 1...blockLimit)
            case "count": plan.count = try number(value, 0...Int.max)
            case "skip", "iseek": plan.skip = try number(value, 0...Int.max)
            case "seek", "oseek": plan.seek = try number(value, 0...Int.max)
            case "status":
                guard value == "none" else { throw SysError("status=\(value): not in this emu") }
                plan.isQuiet = true
            case "conv":
                for name in value.split(separator: ",") {
                    guard conversions.contains(String(name)) else { throw SysError("conv=\(name): not in this emu") }
                    plan.conversions.insert(String(name))
                }
            default: throw r.misuse("unknown operand '\(word)'")
            }
        }
        guard !plan.seek.multipliedReportingOverflow(by: plan.outputSize).overflow,
            !plan.skip.multipliedReportingOverflow(by: plan.inputSize).overflow
        else { throw .range }
        return plan
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) throws(SysError) -> Int {
        var product = 1
        for part in text.split(separator: "x", omittingEmptySubsequences: false) {
            let units: [Character: Int] = ["b": 512, "c": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
            let unit = part.last.flatMap { units[$0] }
            guard let n = Int(unit == nil ? part : part.dropLast()), n >= 0 else {
                throw SysError("bad number '\(text)'")
            }
            for factor in [n, unit ?? 1] {
                let (next, overflow) = product.multipliedReportingOverflow(by: factor)
                guard !overflow else { throw SysError("bad number '\(text)'") }
                product = next
            }
        }
        guard range.contains(product) else { throw SysError("bad number '\(text)'") }
        return product
    }

    // MARK: the copy

    private struct Copy {
        let r: Run
        let plan: Plan
        let from: Int32
        let to: Int32
        private var read = (full: 0, part: 0)
        private var written = (full: 0, part: 0)
        private var bytes = 0

        init(r: Run, plan: Plan, from: Int32, to: Int32) {
            self.r = r
            self.plan = plan
            self.from = from
            self.to = to
        }

        mutating func run() throws(SysError) {
            try skip()
            if plan.seek > 0 { try r.p.seek(to, Int64(plan.seek * plan.outputSize), .current) }
            var progress = Progress(r, plan.output ?? "standard output", total: 0)
            var block = [UInt8](repeating: 0, count: plan.inputSize)
            // Input for the next block of output, where the sizes differ.
            var held: [UInt8] = []
            while read.full + read.part < plan.count {
                guard var n = try fill(&block) else { break }
                progress.add(n)
                if n == plan.inputSize { read.full += 1 } else { read.part += 1 }
                if plan.conversions.contains("sync"), n < plan.inputSize {
                    for i in n..<plan.inputSize { block[i] = 0 }
                    n = plan.inputSize
                }
                convert(&block, n)
                if plan.isOneSize {
                    try put(block.span.extracting(0..<n).bytes)
                } else {
                    held += block[..<n]
                    var done = 0
                    while held.count - done >= plan.outputSize {
                        try put(held.span.extracting(done..<done + plan.outputSize).bytes)
                        done += plan.outputSize
                    }
                    held.removeFirst(done)
                }
            }
            if !held.isEmpty { try put(held.span.bytes) }
            progress.end()
        }

        /// Reads once; nil at the end. With noerror a block that cannot be read is empty, and passed over.
        private mutating func fill(_ block: inout [UInt8]) throws(SysError) -> Int? {
            do throws(SysError) {
                let n = try r.p.fill(&block, 0..<block.count, from: from)
                return n > 0 ? n : nil
            } catch {
                guard plan.conversions.contains("noerror"), error.code == .io else { throw error }
                try r.warn(error.about(plan.input ?? "standard input"))
                try r.p.seek(from, Int64(block.count), .current)
                return 0
            }
        }

        private func skip() throws(SysError) {
            guard plan.skip > 0 else { return }
            do throws(SysError) { try r.p.seek(from, Int64(plan.skip * plan.inputSize), .current) } catch {
                guard error.code == .stream else { throw error }
                var left = plan.skip * plan.inputSize
                while left > 0 {
                    let some = try r.p.read(from, min(left, Writer.blockSize))
                    if some.isEmpty { break }
                    left -= some.count
                }
            }
        }

        private func convert(_ block: inout [UInt8], _ n: Int) {
            if plan.conversions.contains("swab") {
                for i in stride(from: 0, to: n - 1, by: 2) { block.swapAt(i, i + 1) }
            }
            if plan.conversions.contains("lcase") {
                for i in 0..<n where 0x41...0x5a ~= block[i] { block[i] |= 0x20 }
            }
            if plan.conversions.contains("ucase") {
                for i in 0..<n where 0x61...0x7a ~= block[i] { block[i] &= 0xdf }
            }
        }

        private mutating func put(_ span: RawSpan) throws(SysError) {
            do throws(SysError) { try r.p.writeAll(to, span) } catch {
                throw error.about(plan.output ?? "standard output")
            }
            bytes += span.byteCount
            if span.byteCount == plan.outputSize { written.full += 1 } else { written.part += 1 }
        }

        /// How much was copied, on descriptor 2.
        func report(since start: UInt64) {
            let nanoseconds = max(1, r.p.caller.clock.monotonic() - start)
            let rate = UInt64(clamping: Int(min(9e18, Double(bytes) / (Double(nanoseconds) / 1e9))))
            let text = """
                \(read.full)+\(read.part) records in
                \(written.full)+\(written.part) records out
                \(bytes) bytes, \(brief(rate))/s

                """
            try? r.p.write(2, text)  // nobody may be left to tell it to
        }
    }
}
