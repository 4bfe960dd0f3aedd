import Applib
import Kernel

/// Prints what looks like text in any file.
struct Strings: Command {
    static let usage: Usage = """
        strings [-afo] [-e encoding] [-n length] [-t base] [file ...]
        -a, --all               the whole file; it always is
        -e, --encoding encoding  s one byte each, S the same with all above 127, l and b two bytes, L and B four, the low
                                 or the high one first (s)
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
        let encoding = r.options.value("e") ?? "s"
        guard let unit = ["s": 1, "S": 1, "l": 2, "b": 2, "L": 4, "B": 4][encoding] else {
            throw r.misuse("-e: bad encoding '\(encoding)'")
        }
        let isLowFirst = encoding == "l" || encoding == "L"
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
            // The bytes of a character that is not whole.
            var part: [UInt8] = []
            func take(_ c: UInt8, isShown: Bool, at place: Int) throws(SysError) {
                guard isShown else { return try end() }
                if isOpen { return try r.out.put(c) }
                if held.isEmpty { start = place }
                held.append(c)
                if held.count == shortest { try begin() }
            }
            try reader.eachBlock { (bytes) throws(SysError) in
                for i in bytes.indices {
                    let c = bytes[i]
                    if unit == 1 {
                        try take(c, isShown: Self.isShown(c) || c > 0x7f && encoding == "S", at: offset + i)
                        continue
                    }
                    part.append(c)
                    guard part.count == unit else { continue }
                    let low = isLowFirst ? part[0] : part[unit - 1]
                    let isShown = Self.isShown(low) && part.reduce(0) { $0 + Int($1) } == Int(low)
                    try take(low, isShown: isShown, at: offset + i - unit + 1)
                    // What is no character may begin with one's first byte.
                    if isShown { part.removeAll(keepingCapacity: true) } else { part.removeFirst() }
                }
                offset += bytes.count
            }
            try end()
        }
    }

    private static func isShown(_ c: UInt8) -> Bool { 0x20...0x7e ~= c || c == UInt8(ascii: "\t") }
}
