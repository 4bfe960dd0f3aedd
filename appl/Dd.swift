import Applib
import Kernel

/// Copies with blocks of a given size, from and to given places.
struct Dd: Command {
    static let usage: Usage = """
        dd [-v] [name=value ...]
        -v  on a terminal, how far it is
        if=file of=file      instead of descriptors 0 and 1
        bs=n ibs=n obs=n     bytes of a block (512); a number may end in c (1), w (2), b (512), k, M, G (1024 and its powers), kB,
                             MB, GB (1000 and its), or be a product: 4kx10
        cbs=n                bytes of a record, for block and unblock
        count=n              so many blocks of input
        skip=n seek=n        so many blocks passed over first, of input and of output
        conv=word,...        lcase, ucase, swab; notrunc: do not cut the output file; nocreat, excl: it must, must not be there;
                             noerror: go on after a failed read; sync: fill short blocks with zeros (blanks for block and
                             unblock); block, unblock: lines to records and back; fsync, fdatasync: end when the data is
                             where it is kept
        iflag=word,...       fullblock: read until a block is full; count_bytes, skip_bytes: count and skip are bytes
        oflag=word,...       append: write at the end; seek_bytes: seek is bytes
        status=word          none: do not tell how much was copied; noxfer: nor bytes and rate; progress: and tell on the way
        """

    private struct Plan {
        var input: String?
        var output: String?
        var inputSize = 512
        var outputSize = 512
        var recordSize = 0
        var isOneSize = false
        var count = Int.max
        var skip = 0
        var seek = 0
        var conversions: Set<String> = []
        var inputFlags: Set<String> = []
        var outputFlags: Set<String> = []
        var status = ""

        func converts(_ name: String) -> Bool { conversions.contains(name) }

        /// Bytes to pass over first.
        var skipped: Int { inputFlags.contains("skip_bytes") ? skip : skip * inputSize }
        var sought: Int { outputFlags.contains("seek_bytes") ? seek : seek * outputSize }
    }

    private static let conversions: Set<String> = [
        "lcase", "ucase", "swab", "notrunc", "nocreat", "excl", "noerror", "sync", "block", "unblock", "fsync",
        "fdatasync",
    ]
    private static let inputFlags: Set<String> = ["fullblock", "count_bytes", "skip_bytes"]
    private static let outputFlags: Set<String> = ["append", "seek_bytes"]
    private static let statuses: Set<String> = ["none", "noxfer", "progress"]
    private static let blockLimit = 1 << 30
    private static let recordLimit = 1 << 26

    func run(_ r: Run) throws(SysError) {
        let plan = try Self.plan(r)
        let from = try plan.input.map { (f) throws(SysError) in try r.open(f) } ?? 0
        let to = try plan.output.map { (f) throws(SysError) in try Self.open(f, plan, r) } ?? 1
        let start = r.p.caller.clock.monotonic()
        var copy = Copy(r: r, plan: plan, from: from, to: to)
        do throws(SysError) { try copy.run() } catch {
            copy.report(since: start)
            throw error
        }
        if plan.converts("fsync") || plan.converts("fdatasync") { try r.p.fsync(to) }
        if plan.output != nil { try r.p.close(to) }
        copy.report(since: start)
    }

    private static func open(_ name: String, _ plan: Plan, _ r: Run) throws(SysError) -> Int32 {
        var fd: Int32?
        let cuts = !plan.converts("notrunc")
        if plan.converts("excl") {
            fd = try r.p.create(name, [.write, .exclusive], FileMode(rawValue: 0o666))
        } else if !cuts || plan.sought > 0 || plan.converts("nocreat") || plan.outputFlags.contains("append") {
            do throws(SysError) { fd = try r.p.open(name, .write) } catch {
                guard error.code == .nonexist, !plan.converts("nocreat") else { throw error }
            }
        }
        let to: Int32
        if let fd { to = fd } else { to = try r.p.create(name, .write, FileMode(rawValue: 0o666)) }
        // What is passed over stays, and is there even where nothing is written behind it.
        let dir = try r.p.fstat(to)
        if cuts, dir.isRegular, plan.sought > 0 || fd != nil {
            try r.p.fwstat(to, DirChange(length: UInt64(plan.sought)))
        }
        if plan.outputFlags.contains("append") { try r.p.seek(to, 0, .end) }
        return to
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
            case "cbs": plan.recordSize = try number(value, 1...recordLimit)
            case "status": plan.status = try words(value, statuses, "status").first ?? ""
            case "conv": plan.conversions.formUnion(try words(value, conversions, "conv"))
            case "iflag": plan.inputFlags.formUnion(try words(value, inputFlags, "iflag"))
            case "oflag": plan.outputFlags.formUnion(try words(value, outputFlags, "oflag"))
            default: throw r.misuse("unknown operand '\(word)'")
            }
        }
        for pair in [["lcase", "ucase"], ["block", "unblock"], ["excl", "nocreat"]]
        where plan.conversions.isSuperset(of: pair) {
            throw r.misuse("conv=\(pair[0]) and conv=\(pair[1]) exclude each other")
        }
        if plan.converts("block") || plan.converts("unblock") {
            guard plan.recordSize > 0 else { throw r.misuse("conv=block and conv=unblock need cbs=") }
            plan.isOneSize = false
        }
        guard !plan.seek.multipliedReportingOverflow(by: plan.outputSize).overflow,
            !plan.skip.multipliedReportingOverflow(by: plan.inputSize).overflow
        else { throw .range }
        return plan
    }

    private static func words(_ text: String, _ known: Set<String>, _ operand: String) throws(SysError) -> [String] {
        let words = text.split(separator: ",").map(String.init)
        for word in words where !known.contains(word) { throw SysError("\(operand)=\(word): not in this emu") }
        return words
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) throws(SysError) -> Int {
        let wrong = SysError("bad number '\(text)'")
        var product = 1
        for part in text.split(separator: "x", omittingEmptySubsequences: false) {
            let unit = part.last == "c" ? 1 : part.last == "w" ? 2 : nil
            guard let n = unit == nil ? byteCount(part) : byteCount(part.dropLast()) else { throw wrong }
            for factor in [n, unit ?? 1] {
                let (next, overflow) = product.multipliedReportingOverflow(by: factor)
                guard !overflow else { throw wrong }
                product = next
            }
        }
        guard range.contains(product) else { throw wrong }
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
        private var records: DdRecords?
        /// Bytes that were asked for in each read, at most: a large block grows as there is something for it.
        private static let step = 1 << 20

        init(r: Run, plan: Plan, from: Int32, to: Int32) {
            self.r = r
            self.plan = plan
            self.from = from
            self.to = to
            if plan.converts("block") { records = DdRecords(size: plan.recordSize, packs: true) }
            if plan.converts("unblock") { records = DdRecords(size: plan.recordSize, packs: false) }
        }

        mutating func run() throws(SysError) {
            try skip()
            if plan.sought > 0, !plan.outputFlags.contains("append") { try r.p.seek(to, Int64(plan.sought), .current) }
            var progress = Progress(
                r, plan.output ?? "standard output", total: 0, isAsked: plan.status == "progress")
            var block: [UInt8] = []
            // Input for the next block of output, where the sizes differ.
            var held: [UInt8] = []
            var left = plan.count
            while left > 0 {
                let countsBytes = plan.inputFlags.contains("count_bytes")
                let size = countsBytes ? min(left, plan.inputSize) : plan.inputSize
                guard let n = try fill(&block, size) else { break }
                left -= countsBytes ? n : 1
                progress.add(n)
                if n == plan.inputSize { read.full += 1 } else { read.part += 1 }
                if plan.converts("sync"), n < plan.inputSize {
                    let filler = UInt8(records == nil ? 0 : 0x20)
                    block.append(contentsOf: repeatElement(filler, count: plan.inputSize - n))
                }
                convert(&block)
                if plan.isOneSize {
                    try put(block.span.bytes)
                } else if !block.isEmpty {
                    // A byte can become a record: of large ones little is taken at a time.
                    let part = max(1, (4 << 20) / max(1, plan.recordSize))
                    for start in stride(from: 0, to: block.count, by: records == nil ? block.count : part) {
                        let end = records == nil ? block.count : min(block.count, start + part)
                        if records != nil { records?.take(block[start..<end], into: &held) } else { held += block }
                        try drain(&held, all: false)
                        try Thread.check()
                    }
                }
            }
            records?.end(&held)
            try drain(&held, all: true)
            progress.end()
        }

        /// Writes the whole blocks that are held, and with `all` what is left.
        private mutating func drain(_ held: inout [UInt8], all: Bool) throws(SysError) {
            var done = 0
            while held.count - done >= plan.outputSize || all && done < held.count {
                let end = min(held.count, done + plan.outputSize)
                try put(held.span.extracting(done..<end).bytes)
                done = end
            }
            held.removeFirst(done)
        }

        /// Reads a block of at most `size` bytes: what one read gives, or with fullblock all of it. nil at the end. With
        /// noerror a block that cannot be read is empty, and passed over.
        private mutating func fill(_ block: inout [UInt8], _ size: Int) throws(SysError) -> Int? {
            block.removeAll(keepingCapacity: true)
            do throws(SysError) {
                while block.count < size {
                    let start = block.count
                    let room = min(size - start, Self.step)
                    block.append(contentsOf: repeatElement(0, count: room))
                    let n = try r.p.fill(&block, start..<start + room, from: from)
                    block.removeLast(room - n)
                    if n == 0 || n < room && !plan.inputFlags.contains("fullblock") { break }
                }
                return block.isEmpty ? nil : block.count
            } catch {
                guard plan.converts("noerror"), error.code == .io else { throw error }
                try r.warn(error.about(plan.input ?? "standard input"))
                try r.p.seek(from, Int64(size), .current)
                block.removeAll(keepingCapacity: true)
                return 0
            }
        }

        private func skip() throws(SysError) {
            guard plan.skipped > 0 else { return }
            do throws(SysError) { try r.p.seek(from, Int64(plan.skipped), .current) } catch {
                guard error.code == .stream else { throw error }
                var left = plan.skipped
                while left > 0 {
                    let some = try r.p.read(from, min(left, Writer.blockSize))
                    if some.isEmpty { break }
                    left -= some.count
                }
            }
        }

        private func convert(_ block: inout [UInt8]) {
            if plan.converts("swab") {
                for i in stride(from: 0, to: block.count - 1, by: 2) { block.swapAt(i, i + 1) }
            }
            if plan.converts("lcase") {
                for i in block.indices where 0x41...0x5a ~= block[i] { block[i] |= 0x20 }
            }
            if plan.converts("ucase") {
                for i in block.indices where 0x61...0x7a ~= block[i] { block[i] &= 0xdf }
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
            guard plan.status != "none" else { return }
            let nanoseconds = max(1, r.p.caller.clock.monotonic() - start)
            let rate = UInt64(clamping: Int(min(9e18, Double(bytes) / (Double(nanoseconds) / 1e9))))
            var text = """
                \(read.full)+\(read.part) records in
                \(written.full)+\(written.part) records out

                """
            if let cut = records?.cut, cut > 0 { text += "\(cut) truncated \(cut == 1 ? "record" : "records")\n" }
            if plan.status != "noxfer" { text += "\(bytes) bytes, \(brief(rate))/s\n" }
            try? r.p.write(2, text)  // nobody may be left to tell it to
        }
    }
}

/// Lines to records of one size, filled with blanks, or such records to lines.
private struct DdRecords {
    private let size: Int
    private let packs: Bool
    /// Bytes of the record or line that is not complete.
    private var open: [UInt8] = []
    /// The line that is being read is longer than a record.
    private var isCut = false
    /// Bytes of that line were read.
    private var isInside = false
    private(set) var cut = 0

    init(size: Int, packs: Bool) {
        self.size = size
        self.packs = packs
    }

    mutating func take(_ bytes: ArraySlice<UInt8>, into out: inout [UInt8]) {
        for byte in bytes {
            if packs, byte == UInt8(ascii: "\n") {
                close(&out)
                continue
            }
            isInside = true
            if packs, open.count == size {
                if !isCut { cut += 1 }
                isCut = true
            } else {
                open.append(byte)
                if !packs, open.count == size { close(&out) }
            }
        }
    }

    mutating func end(_ out: inout [UInt8]) {
        if isInside { close(&out) }
    }

    private mutating func close(_ out: inout [UInt8]) {
        if packs {
            out += open
            out.append(contentsOf: repeatElement(0x20, count: size - open.count))
        } else {
            out += open[..<(open.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0)]
            out.append(UInt8(ascii: "\n"))
        }
        open.removeAll(keepingCapacity: true)
        isCut = false
        isInside = false
    }
}
