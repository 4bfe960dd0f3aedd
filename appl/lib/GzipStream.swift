import Codec
import Kernel

/// Streams through zlib, block by block.
public enum GzipStream {
    /// Compresses all of `fd` to `out`; how many bytes went in.
    public static func deflate(
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

    /// Decompresses all members of `fd` to `out`; how many bytes came out. `start` was read from `fd` already; `watch` sees
    /// what was read.
    public static func inflate(
        _ r: Run, _ fd: Int32, behind start: [UInt8] = [], to out: Writer, watch: (Span<UInt8>) -> Void = { _ in },
        _ progress: (Int) -> Void
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
            watch(input.span.extracting(0..<n))
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
