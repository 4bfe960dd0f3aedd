import Applib
import Kernel

/// Prints a check sum of 16 bits and the number of blocks of each file.
struct Sum: Command {
    static let usage: Usage = """
        sum [-rs] [file ...]
        -r          BSD's sum, and blocks of 1024 bytes; that is the standard
        -s, --sysv  System V's sum, and blocks of 512 bytes
        """

    func run(_ r: Run) throws(SysError) {
        let isPlain = r.options.last(of: "rs") == "s"
        try r.eachFile { (name, fd) throws(SysError) in
            var sum: UInt32 = 0
            var length: UInt64 = 0
            var reader = Reader(r, fd)
            try reader.eachBlock { bytes in
                length += UInt64(bytes.count)
                for i in bytes.indices {
                    let byte = UInt32(bytes[i])
                    // BSD turns the sum by a bit before each byte.
                    sum = isPlain ? sum &+ byte : ((sum >> 1 | (sum & 1) << 15) + byte) & 0xffff
                }
            }
            let title = r.operands.isEmpty ? "" : " \(name)"
            if isPlain {
                for _ in 0..<2 { sum = (sum & 0xffff) + (sum >> 16) }
                return try r.out.line("\(sum) \((length + 511) / 512)\(title)")
            }
            try r.out.line("\(String(sum).zeros(5)) \(String((length + 1023) / 1024).right(5))\(title)")
        }
    }
}
