import Applib
import Kernel

/// Prints what looks like text in any file.
struct Strings: Command {
    static let usage: Usage = """
        strings [-afo] [-n length] [-t base] [file ...]
        -a, --all               the whole file; it always is
        -f, --print-file-name   the file's name before each
        -n, --bytes length      the shortest that is printed (4)
        -o                      as -t o
        -t, --radix base        where each stands before it: in d, o or x
        -length                 the same as -n length
        """

    func run(_ r: Run) throws(SysError) {
        let shortest = try r.number("n", or: 4, in: 1...1 << 20)
        let base = r.options.last(of: "ot") == "o" ? "o" : r.options.value("t")
        let radix = try base.map { (t) throws(SysError) -> Int in
            guard let radix = ["d": 10, "o": 8, "x": 16][t] else { throw SysError("-t: bad base '\(t)'") }
            return radix
        }
        try r.eachFile { (name, fd) throws(SysError) in
            var reader = Reader(r, fd)
            var held: [UInt8] = []
            var isOpen = false
            var start = 0
            var offset = 0
            func begin() throws(SysError) {
                if r.has("f") { try r.out.write("\(name): ") }
                if let radix { try r.out.write(String(start, radix: radix).right(7) + " ") }
                try r.out.write(held)
                held.removeAll(keepingCapacity: true)
                isOpen = true
            }
            func end() throws(SysError) {
                if isOpen { try r.out.put(UInt8(ascii: "\n")) }
                isOpen = false
                held.removeAll(keepingCapacity: true)
            }
            try reader.eachBlock { (bytes) throws(SysError) in
                for i in bytes.indices {
                    let c = bytes[i]
                    if 0x20...0x7e ~= c || c == UInt8(ascii: "\t") {
                        if isOpen {
                            try r.out.put(c)
                        } else {
                            if held.isEmpty { start = offset + i }
                            held.append(c)
                            if held.count == shortest { try begin() }
                        }
                    } else {
                        try end()
                    }
                }
                offset += bytes.count
            }
            try end()
        }
    }
}
