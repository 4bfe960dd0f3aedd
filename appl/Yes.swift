import Applib
import Kernel

/// Says the same until nobody listens.
struct Yes: Command {
    static let usage: Usage = """
        yes [word ...]
        It says y where there is no word.
        """

    func run(_ r: Run) throws(SysError) {
        let line = Array((r.operands.isEmpty ? "y" : r.operands.joined(separator: " ")).utf8) + [UInt8(ascii: "\n")]
        var block: [UInt8] = []
        repeat { block += line } while block.count + line.count <= 16 * 1024
        while true { try r.out.send(block.span.bytes) }
    }
}
