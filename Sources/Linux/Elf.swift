import Kernel

/// What the head of a program's file tells: for which machine it is, and which program interpreter it asks for.
///
/// The file is its maker's to lie in: whatever is not as Linux takes it throws `.badExec`, and no more is read than Linux
/// reads. The corresponding Linux page is `elf(5)`.
public struct Elf: Hashable, Sendable {
    /// nil for a machine that we have no engine for.
    public let machine: Machine?
    /// Whether it may stand anywhere in memory (ET_DYN).
    public let isRelocatable: Bool
    public let entry: UInt64
    /// Path of the program interpreter, `ld.so`; nil for a static program.
    public let interpreter: [UInt8]?

    /// Bytes of the header, of one program header, and the most of all of these.
    private static let size = 64
    private static let segmentSize = 56
    private static let segmentsLimit = 65536
    private static let pathLimit = 4096

    /// Whether a file that begins so says that it is one.
    public static func claims(_ head: [UInt8]) -> Bool { head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) }

    /// `head` is how the file begins, 64 bytes or more where it has them; `read` gives what stands elsewhere, less at the
    /// file's end.
    public init(
        _ head: [UInt8], _ read: (_ offset: UInt64, _ count: Int) throws(SysError) -> [UInt8]
    ) throws(SysError) {
        guard Self.claims(head), head.count >= Self.size else { throw .badExec }
        // 64 bits, the least significant byte first, version 1.
        guard head[4] == 2, head[5] == 1, head[6] == 1 else { throw .badExec }
        switch Self.number(head, 16, 2) {
        case 2: isRelocatable = false
        case 3: isRelocatable = true
        default: throw .badExec
        }
        switch Self.number(head, 18, 2) {
        case 62: machine = .x86
        case 243: machine = .riscv
        default: machine = nil
        }
        entry = Self.number(head, 24, 8)
        let count = Int(Self.number(head, 56, 2))
        guard Self.number(head, 54, 2) == Self.segmentSize, count > 0,
            count * Self.segmentSize <= Self.segmentsLimit
        else { throw .badExec }
        let bytes = try read(Self.number(head, 32, 8), count * Self.segmentSize)
        guard bytes.count == count * Self.segmentSize else { throw .badExec }
        var path: [UInt8]?
        for at in stride(from: 0, to: bytes.count, by: Self.segmentSize) where Self.number(bytes, at, 4) == 3 {
            // PT_INTERP: the first one counts.
            path = try Self.path(at: Self.number(bytes, at + 8, 8), Self.number(bytes, at + 32, 8), read)
            break
        }
        interpreter = path
    }

    private static func path(
        at offset: UInt64, _ size: UInt64, _ read: (UInt64, Int) throws(SysError) -> [UInt8]
    ) throws(SysError) -> [UInt8] {
        guard size >= 2, size <= UInt64(pathLimit) else { throw .badExec }
        let bytes = try read(offset, Int(size))
        guard bytes.count == Int(size), bytes.last == 0 else { throw .badExec }
        let path = Array(bytes.prefix { $0 != 0 })
        guard !path.isEmpty else { throw .badExec }
        return path
    }

    /// `size` bytes at `at` as a number. All calls are within what was checked to be there.
    private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
}
