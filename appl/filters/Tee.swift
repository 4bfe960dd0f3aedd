import Applib
import Kernel

/// Copies its input to its output and to files.
struct Tee: Command {
    static let usage: Usage = """
        tee [-aip] [--output-error[=how]] [file ...]
        -a, --append             add to the files
        -i, --ignore-interrupts  go on at an interrupt
        -p                       go on with the files where nobody reads the output any more
        --output-error[=how]     where a write fails: warn, and go on; exit; warn-nopipe, exit-nopipe, the same but for
                                 a pipe that nobody reads, of which nothing is said. Without how it is warn-nopipe
        """

    func run(_ r: Run) throws(SysError) {
        let said = r.options.value("output-error") ?? (r.has("p") ? "" : nil)
        let how = said.map { $0.isEmpty ? "warn-nopipe" : $0 }
        if let how, !["warn", "warn-nopipe", "exit", "exit-nopipe"].contains(how) {
            throw r.misuse("--output-error: bad value '\(how)'")
        }
        let warns = how?.hasPrefix("warn") ?? false
        if r.has("i") { r.p.onNote(.handle { $0.text == Note.interrupt.text }) }
        var files: [(name: String, fd: Int32)] = []
        for name in r.operands {
            try r.going(on: name) { () throws(SysError) in files.append((name, try open(name, r))) }
        }
        var isOutputOpen = true
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while let n = try read(&block, r), n > 0 {
            let bytes = block.span.extracting(0..<n).bytes
            if isOutputOpen {
                do throws(SysError) { try r.out.send(bytes) } catch {
                    if error.code != .closedPipe || !(how?.hasSuffix("nopipe") ?? false) {
                        guard warns else { throw error }
                        r.tell(error.description)
                        r.status = Status(error.description)
                    }
                    isOutputOpen = false
                }
            }
            if !isOutputOpen, files.isEmpty { return }
            let before = files.count
            // A file that cannot be written to is told once, and left out.
            for file in files {
                try r.going(on: file.name) { () throws(SysError) in
                    do throws(SysError) { try r.p.writeAll(file.fd, bytes) } catch {
                        files.removeAll { $0.fd == file.fd }
                        throw error
                    }
                }
            }
            if files.count < before, how != nil, !warns { return }
        }
        for file in files { try r.going(on: file.name) { () throws(SysError) in try r.p.close(file.fd) } }
    }

    /// Reads once; again after an interrupt that is not to end us.
    private func read(_ block: inout [UInt8], _ r: Run) throws(SysError) -> Int? {
        while true {
            do throws(SysError) { return try r.p.fill(&block, 0..<block.count, from: 0) } catch {
                guard error.code == .interrupted else { throw error }
            }
        }
    }

    private func open(_ name: String, _ r: Run) throws(SysError) -> Int32 {
        if r.has("a") {
            do throws(SysError) {
                let fd = try r.p.open(name, .write)
                try r.p.seek(fd, 0, .end)
                return fd
            } catch {
                guard error.code == .nonexist else { throw error }
            }
        }
        return try r.p.create(name, .write, FileMode(rawValue: 0o666))
    }
}
