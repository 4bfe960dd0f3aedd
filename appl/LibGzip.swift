import Codec
import Kernel

/// Streams through zlib, block by block.
enum GzipStream {
    /// Compresses all of `fd` to `out`; how many bytes went in.
    static func deflate(
        _ r: Run, _ fd: Int32, to out: Writer, level: Int, header: GzipHeader, _ progress: (Int) -> Void
    ) throws(SysError) -> Int {
        var stream = try Deflate(.gzip, level: level, header: header)
        var input = [UInt8](repeating: 0, count: Writer.blockSize)
        var output = input
        var total = 0
        while true {
            let n = try r.p.fill(&input, 0..<input.count, from: fd)
            total += n
            progress(total)
            var done = 0
            while true {
                let step: ZStep
                do {
                    var span = output.mutableSpan
                    var room = span.mutableBytes
                    step = try stream.step(
                        input.span.bytes.extracting(done..<n), into: &room, flush: n == 0 ? .finish : .none)
                }
                done += step.consumed
                try out.write(output.span.extracting(0..<step.produced))
                if step.ended { return total }
                if step.consumed == 0, step.produced == 0 { break }
            }
        }
    }

    /// Decompresses all members of `fd` to `out`; how many bytes came out. `start` was read from `fd` already.
    static func inflate(
        _ r: Run, _ fd: Int32, behind start: [UInt8] = [], to out: Writer, _ progress: (Int) -> Void
    ) throws(SysError) -> Int {
        var stream = try Inflate(.gzip)
        var input = [UInt8](repeating: 0, count: max(Writer.blockSize, start.count))
        input.replaceSubrange(0..<start.count, with: start)
        var ready = start.count
        var output = [UInt8](repeating: 0, count: Writer.blockSize)
        var total = 0
        var isInside = false
        var members = 0
        while true {
            let n = ready > 0 ? ready : try r.p.fill(&input, 0..<input.count, from: fd)
            ready = 0
            if n == 0 {
                guard !isInside, members > 0 else { throw SysError("gzip: the file ends too early") }
                return total
            }
            var done = 0
            while done < n {
                // Zeros behind the last member are padding, as tapes have it.
                if !isInside, members > 0, input[done..<n].allSatisfy({ $0 == 0 }) { break }
                let step: ZStep
                do {
                    var span = output.mutableSpan
                    var room = span.mutableBytes
                    step = try stream.step(input.span.bytes.extracting(done..<n), into: &room)
                }
                isInside = true
                done += step.consumed
                total += step.produced
                progress(total)
                try out.write(output.span.extracting(0..<step.produced))
                if step.ended {
                    isInside = false
                    members += 1
                    try stream.reset()
                } else if step.consumed == 0, step.produced == 0 {
                    break
                }
            }
            // Output may wait behind the last input.
            while isInside {
                let step: ZStep
                do {
                    var span = output.mutableSpan
                    var room = span.mutableBytes
                    step = try stream.step(input.span.bytes.extracting(0..<0), into: &room)
                }
                guard step.produced > 0 else { break }
                total += step.produced
                try out.write(output.span.extracting(0..<step.produced))
            }
        }
    }
}

/// What gzip and gunzip share: where a file's other form goes, and what becomes of the file.
struct GzipFiles {
    let r: Run
    let decompresses: Bool

    func run() throws(SysError) {
        if r.operands.isEmpty || r.operands == ["-"] {
            _ = try pass(0, to: r.out, GzipHeader())
            return
        }
        for name in r.operands { try r.going(on: name) { () throws(SysError) in try file(name) } }
    }

    private func pass(_ fd: Int32, to out: Writer, _ header: GzipHeader) throws(SysError) -> Int {
        if decompresses { return try GzipStream.inflate(r, fd, to: out) { _ in } }
        let level = r.options.last(of: "123456789").flatMap { Int(String($0)) } ?? 6
        return try GzipStream.deflate(r, fd, to: out, level: level, header: header) { _ in }
    }

    private func file(_ name: String) throws(SysError) {
        let dir = try r.p.stat(name)
        let fd = try r.open(name)
        defer { try? r.p.close(fd) }  // it was read: nothing is lost
        if r.has("t") {
            _ = try pass(fd, to: Writer(r.p, try r.p.open("/dev/null", .write)), GzipHeader())
            return
        }
        var header = GzipHeader(name: Array(lastName(name).utf8))
        header.mtime = UInt32(clamping: dir.modified / 1_000_000_000)
        if r.has("n") { header = GzipHeader() }
        if r.has("c") {
            _ = try pass(fd, to: r.out, header)
            return
        }
        let target = try target(of: name)
        let mode: OpenMode = r.has("f") ? .write : [.write, .exclusive]
        let to = try r.p.create(target, mode, FileMode(rawValue: dir.mode.permissions))
        let out = Writer(r.p, to)
        do throws(SysError) {
            let size = try pass(fd, to: out, header)
            try out.flush()
            try r.p.close(to)
            try r.p.wstat(target, DirChange(modified: dir.modified))
            if r.has("v") { try told(name, target, decompresses ? size : Int(clamping: dir.length)) }
        } catch {
            try? r.p.close(to)
            try? r.p.remove(target)  // half a file is worse than none; what went wrong first is what is told
            throw error
        }
        if !r.has("k") { try r.p.remove(name) }
    }

    private func target(of name: String) throws(SysError) -> String {
        if !decompresses {
            guard !name.hasSuffix(".gz") || r.has("f") else {
                throw SysError("has the suffix .gz already", subject: name)
            }
            return name + ".gz"
        }
        if name.hasSuffix(".gz"), name.utf8.count > 3 { return String(name.dropLast(3)) }
        if name.hasSuffix(".tgz"), name.utf8.count > 4 { return name.dropLast(4) + ".tar" }
        throw SysError("unknown suffix", subject: name)
    }

    private func told(_ name: String, _ target: String, _ plain: Int) throws(SysError) {
        let packed = Int(clamping: try r.p.stat(decompresses ? name : target).length)
        let saved = plain == 0 ? 0 : (1000 * (plain - packed) / plain)
        r.tell("\(name): \(saved / 10).\(abs(saved % 10))% -- replaced with \(target)")
    }
}
