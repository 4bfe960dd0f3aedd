import Kernel
import Linux

/// What must hold for any bytes as the file of a program: it is refused, or what its head says is within bounds; no more is
/// read than Linux reads.
public func checkElf(_ bytes: [UInt8]) {
    let elf: Elf
    do throws(SysError) {
        elf = try Elf(Array(bytes.prefix(256))) { (offset, count) throws(SysError) in
            precondition(count <= 65536, "\(count) bytes at once")
            guard let start = Int(exactly: offset), start < bytes.count else { return [] }
            return Array(bytes[start...].prefix(count))
        }
    } catch {
        precondition(error.code == .badExec, "\(error)")
        return
    }
    if let path = elf.interpreter {
        precondition(!path.isEmpty && path.count < 4096 && !path.contains(0), "a path of \(path.count) bytes")
    }
}
