import Kernel

extension Run {
    /// Runs `body` on each operand but the last, and the name it is to get: the last operand, or in the directory
    /// that is. With -t all operands go into that directory; with -T the last is a name whatever it is. `follow`: a
    /// symbolic link to a directory is one. What fails is told, and the next one comes.
    public func eachTarget(
        follow: Bool = true, _ body: (_ source: String, _ target: String) throws(SysError) -> Void
    ) throws(SysError) {
        var sources = operands
        let last: String
        if let directory = options.value("t") {
            guard !has("T") else { throw misuse("-t and -T exclude each other") }
            guard !sources.isEmpty else { throw misuse("too few operands") }
            guard try p.stat(directory).isDirectory else { throw SysError(.notDir, subject: directory) }
            last = directory
        } else {
            guard sources.count > 1 else { throw misuse("too few operands") }
            last = sources.removeLast()
        }
        // What is not there is no directory.
        let isInto = has("t") || !has("T") && (try? p.stat(last, follow: follow))?.isDirectory ?? false
        guard isInto || sources.count == 1 else {
            throw has("T") ? misuse("too many operands") : SysError(.notDir, subject: last)
        }
        for source in sources {
            try going(on: source) { () throws(SysError) in
                try body(source, isInto ? join(last, lastName(source)) : last)
            }
        }
    }

    /// Whether `source` may take the place of what `target` is, if there is anything: not with -n, with -u only where it
    /// is newer, and with -i as the answer is. Of `flags`, which are some of `nif`, the last counts.
    public func mayReplace(_ target: String, by source: Dir, _ flags: String) throws(SysError) -> Bool {
        guard let there = try? p.stat(target, follow: false) else { return true }  // absent: nothing is replaced
        if has("u"), source.modified <= there.modified { return false }
        switch options.last(of: flags) {
        case "n": return false
        case "i": return try ask("overwrite '\(target)'")
        default: return true
        }
    }

    /// Whether `directory` is `path`'s own directory, or above that.
    public func isInside(_ path: String, _ directory: Dir) -> Bool {
        var above = parentName(path)
        var below: FileIdentity?
        // What is not there is in nothing.
        while let there = try? p.stat(above).identity, there != below {
            if there == directory.identity { return true }
            below = there
            above = join(above, "..")
        }
        return false
    }

    /// With -i, asks on descriptor 2 and takes the answer from descriptor 0; `-f` behind it takes the -i back.
    public func confirm(_ question: String) throws(SysError) -> Bool {
        try options.last(of: "if") == "i" ? ask(question) : true
    }

    /// Asks on descriptor 2 and takes the answer from descriptor 0.
    public func ask(_ question: String) throws(SysError) -> Bool {
        try out.flush()
        try p.write(2, "\(p.name): \(question)? ")
        return try answer(from: 0)
    }

    /// Whether the next line of `fd` begins with y.
    public func answer(from fd: Int32) throws(SysError) -> Bool {
        var answer: [UInt8] = []
        while true {
            let byte = try p.read(fd, 1)
            guard let c = byte.first, c != UInt8(ascii: "\n") else { break }
            if answer.count < 256 { answer.append(c) }
        }
        return answer.first == UInt8(ascii: "y") || answer.first == UInt8(ascii: "Y")
    }
}
