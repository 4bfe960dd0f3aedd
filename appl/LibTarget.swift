import Kernel

extension Run {
    /// Runs `body` on each operand but the last, and the name it is to get: the last operand, or in the directory
    /// that is. What exists is left alone with -n, and asked about with -i. What fails is told, and the next one comes.
    func eachTarget(_ body: (_ source: String, _ target: String) throws(SysError) -> Void) throws(SysError) {
        let words = try operands(2...Int.max)
        let last = words[words.count - 1]
        let isInto = (try? p.stat(last))?.isDirectory ?? false  // what is not there is no directory
        guard isInto || words.count == 2 else { throw SysError(.notDir, subject: last) }
        for source in words.dropLast() {
            try going(on: source) { () throws(SysError) in
                let target = isInto ? join(last, lastName(source)) : last
                let isThere = (try? p.stat(target, follow: false)) != nil  // absent: there is nothing to ask
                if isThere, options.last(of: "nif") != "f" {
                    if options.last(of: "nif") == "n" { return }
                    guard try confirm("overwrite '\(target)'") else { return }
                }
                try body(source, target)
            }
        }
    }

    /// With -i, asks on descriptor 2 and takes the answer from descriptor 0; `-f` behind it takes the -i back.
    func confirm(_ question: String) throws(SysError) -> Bool {
        guard options.last(of: "if") == "i" else { return true }
        try out.flush()
        try p.write(2, "\(p.name): \(question)? ")
        var answer: [UInt8] = []
        while true {
            let byte = try p.read(0, 1)
            guard let c = byte.first, c != UInt8(ascii: "\n") else { break }
            if answer.count < 256 { answer.append(c) }
        }
        return answer.first == UInt8(ascii: "y") || answer.first == UInt8(ascii: "Y")
    }
}
