import Codec
import Kernel

/// What md5sum, sha1sum and sha256sum do: tell digests, or check those that a file lists.
protocol DigestCommand: Command {
    static var algorithm: Digest.Algorithm { get }
}

extension DigestCommand {
    func run(_ r: Run) throws(SysError) {
        if r.has("c") {
            try r.eachFile { (name, fd) throws(SysError) in try check(r, name, fd) }
        } else {
            try r.eachFile { (name, fd) throws(SysError) in
                try r.out.line("\(hex(try digest(r, fd)))  \(name)")
            }
        }
    }

    private func digest(_ r: Run, _ fd: Int32) throws(SysError) -> [UInt8] {
        var digest = try Digest(Self.algorithm)
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while true {
            let n = try r.p.fill(&block, 0..<block.count, from: fd)
            if n == 0 { return try digest.finish() }
            try digest.update(block.span.extracting(0..<n).bytes)
        }
    }

    /// Lines are `DIGEST  NAME`, or `DIGEST *NAME` as some tools write them.
    private func check(_ r: Run, _ list: String, _ fd: Int32) throws(SysError) {
        var reader = Reader(r, fd)
        var checked = 0
        var wrong = 0
        while let line = try reader.text() {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let mark = parts[1].first, mark == " " || mark == "*",
                parts[0].allSatisfy(\.isHexDigit)
            else { continue }
            let name = String(parts[1].dropFirst())
            checked += 1
            try r.going(on: name) { () throws(SysError) in
                let file = try r.open(name)
                defer { try? r.p.close(file) }  // it was read: nothing is lost
                let good = hex(try digest(r, file)) == parts[0].lowercased()
                if !good { wrong += 1 }
                if !good || !r.has("q") { try r.out.line("\(name): \(good ? "OK" : "FAILED")") }
            }
        }
        if checked == 0 { throw SysError("no digests found", subject: list) }
        if wrong > 0 { try r.warn(SysError("\(wrong) of \(checked) do not match", subject: list)) }
    }
}
