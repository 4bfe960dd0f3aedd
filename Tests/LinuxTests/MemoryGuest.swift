import Kernel
import Linux

/// A program without a machine: its memory is an array, its descriptors are a table.
final class MemoryGuest: Guest {
    let proc: Proc
    var pid: Int32 { proc.pid }
    var machine = Machine.x86
    private var memory = [UInt8](repeating: 0, count: 1 << 20)
    private var next: UInt64 = 0
    private var files: [Int32: MemoryFile] = [:]
    /// What the last execve came to.
    private(set) var execution: Execution?

    /// Where its memory begins: nothing is below.
    static let base: UInt64 = 0x10000

    init(_ proc: Proc) { self.proc = proc }

    // MARK: the personality's side

    func read(_ address: UInt64, _ count: Int) throws(SysError) -> [UInt8] {
        Array(memory[try range(address, count)])
    }

    func text(_ address: UInt64, limit: Int) throws(SysError) -> [UInt8] {
        let start = try range(address, 1).lowerBound
        let bytes = memory[start...].prefix(limit)
        guard let end = bytes.firstIndex(of: 0) else { throw bytes.count == limit ? .nameTooLong : .fault }
        return Array(bytes[..<end])
    }

    func write(_ bytes: [UInt8], _ address: UInt64) throws(SysError) {
        memory.replaceSubrange(try range(address, bytes.count), with: bytes)
    }

    private func range(_ address: UInt64, _ count: Int) throws(SysError) -> Range<Int> {
        guard address >= Self.base, let start = Int(exactly: address - Self.base), start <= memory.count,
            count <= memory.count - start
        else { throw .fault }
        return start..<start + count
    }

    func file(_ fd: Int32) throws(SysError) -> any GuestFile {
        guard let file = files[fd] else { throw .badFd }
        return file
    }

    /// Directories are known by their paths too, as where something else stands for them.
    func identity(_ c: Chan, _ dir: Dir) throws(SysError) -> FileIdentity {
        let known = FileIdentity(dir)
        guard c.isDirectory else { return known }
        let number = c.path.utf8.reduce(known.inode) { $0 &* 31 &+ UInt64($1) }
        return FileIdentity(device: known.device, inode: number)
    }

    // MARK: the test's side

    /// Where `bytes` stand in its memory, at an address that is a multiple of eight.
    func place(_ bytes: [UInt8]) -> UInt64 {
        if next + UInt64(bytes.count) + 8 > 1 << 20 { next = 0 }
        let address = Self.base + next
        memory.replaceSubrange(Int(next)..<Int(next) + bytes.count, with: bytes)
        next += (UInt64(bytes.count) + 7) & ~7
        return address
    }

    func place(_ text: String) -> UInt64 { place(Array(text.utf8) + [0]) }

    func insert(_ c: Chan?) -> Int32 {
        let fd = (3...).first { files[$0] == nil } ?? -1
        files[fd] = MemoryFile(c)
        return fd
    }

    func close(_ fd: Int32) { files[fd] = nil }

    func closeAll() {
        files = [:]
        execution = nil
    }

    func chan(_ fd: Int32) -> Chan? { files[fd]?.chan }

    /// What a call gives: its value, or its errno with a minus.
    func call(_ number: Int32, _ arguments: [UInt64], _ how: How = .wait) -> Int64 {
        var words = InlineArray<6, UInt64>(repeating: 0)
        for (i, word) in arguments.prefix(6).enumerated() { words[i] = word }
        do throws(SysError) {
            switch try LinuxCalls().answer(Call(number, words), self, how) {
            case .value(let value): return Int64(bitPattern: value)
            case .open(let c, _): return Int64(insert(c))
            case .native, .socket: return MemoryGuest.native
            case .failure(let errno): return -Int64(errno)
            case .exec(let found):
                execution = found
                return 0
            }
        } catch {
            return -Int64(error.errno)
        }
    }

    /// What stands for a call that the engine does itself.
    static let native: Int64 = 1 << 40
}

final class MemoryFile: GuestFile {
    let chan: Chan?
    var isNameOnly: Bool { chan?.mode == nil }
    private var place: UInt64 = 0

    init(_ chan: Chan?) { self.chan = chan }

    var position: UInt64 { get throws(SysError) { place } }

    func setPosition(_ position: UInt64) throws(SysError) { place = position }
}
