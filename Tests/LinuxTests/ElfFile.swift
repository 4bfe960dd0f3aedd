import Kernel
import Linux

/// ELF files as linkers write their heads, with what a test wants to be wrong.
enum ElfFile {
    static func bytes(
        kind: UInt16 = 2, machine: UInt16 = 62, segment: UInt16 = 56, interpreter: [UInt8]? = nil,
        claimed: UInt64? = nil
    ) -> [UInt8] {
        var out: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        put(&out, UInt64(kind), 2)
        put(&out, UInt64(machine), 2)
        put(&out, 1, 4)
        put(&out, 0x401000, 8)
        put(&out, 64, 8)
        put(&out, 0, 8)
        put(&out, 0, 4)
        put(&out, 64, 2)
        put(&out, UInt64(segment), 2)
        put(&out, interpreter == nil ? 1 : 2, 2)
        put(&out, 0, 6)
        // PT_LOAD, and PT_INTERP behind it.
        put(&out, 1, 4)
        put(&out, 0, 52)
        guard let interpreter else { return out }
        put(&out, 3, 4)
        put(&out, 0, 4)
        put(&out, 64 + 112, 8)
        put(&out, 0, 16)
        put(&out, claimed ?? UInt64(interpreter.count), 8)
        put(&out, 0, 16)
        return out + interpreter
    }

    private static func put(_ out: inout [UInt8], _ value: UInt64, _ count: Int) {
        for i in 0..<count { out.append(i < 8 ? UInt8(truncatingIfNeeded: value >> (8 * UInt64(i))) : 0) }
    }
}
